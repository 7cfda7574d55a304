// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"errors"
	"net"
	"testing"
)

// wire notes each write.
type wire struct {
	net.Conn

	writes []int
	sent   bytes.Buffer
	err    error
}

func (w *wire) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.writes = append(w.writes, len(b))
	return w.sent.Write(b)
}

// Nothing is lost, doubled or turned around, and small pieces leave together.
func TestCork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pieces []int
		writes int
	}{
		"nothing":                       {nil, 0},
		"headers alone":                 {[]int{600}, 1},
		"as net/http does":              {[]int{4096, 9000}, 1},
		"just as much as fits":          {[]int{4096, mostCorked - 4096}, 1},
		"a byte more":                   {[]int{4096, mostCorked - 4095}, 2},
		"large":                         {[]int{100_000}, 1},
		"small ones behind a large one": {[]int{4096, 100_000, 10, 20}, 3},
	} {
		w := &wire{}
		conn := &corkConn{Conn: w}
		var want bytes.Buffer
		for range 2 { // it can be corked again
			conn.Cork()
			for n, size := range c.pieces {
				piece := bytes.Repeat([]byte{byte('a' + n)}, size)
				if written, err := conn.Write(piece); written != size || err != nil {
					t.Fatalf("%s: %d, %v", name, written, err)
				}
				want.Write(piece)
				clear(piece) // its owner uses it again
			}
			if err := conn.Uncork(); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = conn.Write([]byte("not corked"))
		want.WriteString("not corked")
		if !bytes.Equal(w.sent.Bytes(), want.Bytes()) || len(w.writes) != 2*c.writes+1 {
			t.Errorf("%s: %d bytes of %d in writes of %v", name, w.sent.Len(), want.Len(), w.writes)
		}
	}
}

func TestCorkTellsOfFailure(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	conn := &corkConn{Conn: &wire{err: broken}}
	conn.Cork()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Errorf("corked write: got %v, want no error yet", err)
	}
	if err := conn.Uncork(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
