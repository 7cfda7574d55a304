// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// answer is the relevant part of a response.
type answer struct {
	status     int
	length     int  // of the body, or of the chunks with their frames
	end        int  // end of the response in the buffer
	last       bool // the service closes the connection after it
	retryAfter bool
}

var (
	endOfHeader = []byte("\r\n\r\n")
	endOfChunks = []byte("\r\n0\r\n\r\n")
)

// answer reads one response. It expects header names as Go's server writes them.
func (c *client) answer() (answer, error) {
	have, header := 0, -1
	for header < 0 {
		n, err := c.read(have)
		if err != nil {
			return answer{}, err
		}
		have += n
		header = bytes.Index(c.buffer[:have], endOfHeader)
	}
	a, framed, err := readHead(c.buffer[:header])
	if err != nil {
		return answer{}, err
	}
	begin := header + len(endOfHeader)
	for framed && have < begin+a.length || !framed && !bytes.HasSuffix(c.buffer[:have], endOfChunks) {
		n, err := c.read(have)
		if err != nil {
			return answer{}, err
		}
		have += n
	}
	if framed && have > begin+a.length {
		return answer{}, fmt.Errorf("%d bytes follow the answer", have-begin-a.length)
	}
	a.length, a.end = have-begin, have
	return a, nil
}

// readHead parses the status line and the relevant headers. framed reports a known length of the
// body; otherwise the body comes in chunks.
func readHead(head []byte) (a answer, framed bool, err error) {
	const version, example = "HTTP/1.1 ", "HTTP/1.1 200 "
	// The reason phrase may be missing, but not the space before it.
	if len(head) < len(example) || !bytes.HasPrefix(head, []byte(version)) || head[len(example)-1] != ' ' {
		return answer{}, false, fmt.Errorf("the answer begins with %.20q", head)
	}
	if a.status, err = strconv.Atoi(string(head[len(version) : len(example)-1])); err != nil {
		return answer{}, false, fmt.Errorf("the answer begins with %.20q", head)
	}
	a.last = bytes.Contains(head, []byte("\r\nConnection: close"))
	a.retryAfter = bytes.Contains(head, []byte("\r\nRetry-After: "))
	value, framed := field(head, "\r\nContent-Length: ")
	if framed {
		if a.length, err = strconv.Atoi(value); err != nil || a.length < 0 {
			return answer{}, false, fmt.Errorf("Content-Length is %.20q", value)
		}
		return a, true, nil
	}
	if !bytes.Contains(head, []byte("\r\nTransfer-Encoding: chunked")) {
		return answer{}, false, errors.New("the response has neither a length nor chunks")
	}
	return a, false, nil
}

func field(head []byte, name string) (string, bool) {
	_, rest, found := bytes.Cut(head, []byte(name))
	value, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(value), found
}

// read reads more of the response after the first have bytes.
func (c *client) read(have int) (int, error) {
	if have == len(c.buffer) {
		c.buffer = append(c.buffer, make([]byte, len(c.buffer))...)
	}
	n, err := c.conn.Read(c.buffer[have:])
	if err != nil && n == 0 {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return n, nil
}
