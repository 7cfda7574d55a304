// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"

	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

// check sends one request for each user, reads the responses completely, and returns their
// lengths. A response that is not a list of the expected number of jobs of that user is an
// error, so that a fast but wrong service is not measured.
func (b *bench) check(ctx context.Context, s *stage.Service, calls [][]byte, users []int, jobs int) (lengths []int, err error) {
	result, err := load.Run(ctx, load.Plan{
		Addr: s.Addr, Requests: calls, Connections: b.connections, Once: true,
		Look: func(n int, raw []byte) error { return checkAnswer(raw, stage.UserID(users[n]), jobs) },
	})
	if err == nil {
		err = flawless(result)
	}
	if err != nil {
		return nil, fmt.Errorf("check answers: %w", err)
	}
	return result.Lengths, nil
}

// checkAnswer parses a response with other code than the load client.
func checkAnswer(raw []byte, user string, jobs int) error {
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body io.Reader = answer.Body
	if answer.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	owners, err := ownersIn(text)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if len(owners) != jobs || slices.ContainsFunc(owners, func(owner string) bool { return owner != user }) {
		return fmt.Errorf("the answer to user %s holds jobs of %q, not %d of theirs", user, owners, jobs)
	}
	return nil
}

// bundle is the part of a response with the owners of jobs.
type bundle struct {
	Entry []struct {
		Resource struct {
			Parameter []struct {
				Part []struct{ Name, ValueString string }
			}
		}
	}
}

// xmlBundle is the same in XML.
type xmlBundle struct {
	XMLName xml.Name `xml:"http://hl7.org/fhir Bundle"`
	Entry   []struct {
		Part []struct {
			Name        xmlValue `xml:"name"`
			ValueString xmlValue `xml:"valueString"`
		} `xml:"resource>Parameters>parameter>part"`
	} `xml:"entry"`
}

type xmlValue struct {
	Value string `xml:"value,attr"`
}

// ownersIn returns the owner of each job.
func ownersIn(text []byte) (owners []string, err error) {
	if !bytes.HasPrefix(text, []byte("{")) {
		var b xmlBundle
		err = xml.Unmarshal(text, &b)
		for _, entry := range b.Entry {
			owner := ""
			for _, part := range entry.Part {
				if part.Name.Value == "userId" {
					owner = part.ValueString.Value
				}
			}
			owners = append(owners, owner)
		}
		return owners, err
	}
	var b bundle
	err = json.Unmarshal(text, &b)
	for _, entry := range b.Entry {
		owner := ""
		for _, parameter := range entry.Resource.Parameter {
			for _, part := range parameter.Part {
				if part.Name == "userId" {
					owner = part.ValueString
				}
			}
		}
		owners = append(owners, owner)
	}
	return owners, err
}
