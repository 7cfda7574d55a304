// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"
)

func message(header string, body []byte) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", header, len(body), body)
}

// An answer is right if it holds so many jobs of that user and none of anybody else.
func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	inJSON := func(users ...string) []byte {
		var entries []string
		for _, user := range users {
			entries = append(entries, `{"fullUrl":"1","resource":{"parameter":[{"name":"reportJob","part":[{"name":"reportClass","valueString":"x"},{"name":"userId","valueString":"`+user+`"}]}]}}`)
		}
		return []byte(`{"resourceType":"Bundle","entry":[` + strings.Join(entries, ",") + `]}`)
	}
	inXML := func(users ...string) []byte {
		var entries []string
		for _, user := range users {
			entries = append(entries, `<entry><resource><Parameters><parameter><name value="reportJob"/><part><name value="reportClass"/><valueString value="x"/></part>`+
				`<part><name value="userId"/><valueString value="`+user+`"/></part></parameter></Parameters></resource></entry>`)
		}
		return []byte(`<Bundle xmlns="http://hl7.org/fhir">` + strings.Join(entries, "") + `</Bundle>`)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(inJSON("7", "7")); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		answer []byte
		right  bool
	}{
		"JSON":              {message("", inJSON("7", "7")), true},
		"XML":               {message("", inXML("7", "7")), true},
		"gzip":              {message("Content-Encoding: gzip\r\n", zipped.Bytes()), true},
		"too few":           {message("", inJSON("7")), false},
		"too many":          {message("", inXML("7", "7", "7")), false},
		"none":              {message("", inJSON()), false},
		"somebody else's":   {message("", inJSON("7", "8")), false},
		"theirs in XML":     {message("", inXML("8", "7")), false},
		"nobody's":          {message("", inJSON("7", "")), false},
		"cut":               {message("", inJSON("7", "7")[:100]), false},
		"cut in XML":        {message("", inXML("7", "7")[:100]), false},
		"no gzip":           {message("Content-Encoding: gzip\r\n", inJSON("7", "7")), false},
		"another namespace": {message("", bytes.Replace(inXML("7", "7"), []byte("hl7.org"), []byte("example.org"), 1)), false},
	} {
		if err := checkAnswer(tt.answer, "7", 2); (err == nil) != tt.right {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecoveredAt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		well string
		want time.Duration
		ok   bool
	}{
		{"++++", sliceTime, true},
		{"--+++", 3 * sliceTime, true},
		{"+-+++-", 3 * sliceTime, true},
		{"++-++", 0, false},
		{"++", 0, false},
		{"----", 0, false},
	} {
		var well []bool
		for _, mark := range tt.well {
			well = append(well, mark == '+')
		}
		if got, ok := recoveredAt(well); ok != tt.ok || got != tt.want {
			t.Errorf("%s: %v, %v, want %v, %v", tt.well, got, ok, tt.want, tt.ok)
		}
	}
}

// pgbench asks for users that have jobs, and for the last of them too.
func TestScripts(t *testing.T) {
	t.Parallel()
	if got := yardstick(10, 50).Text; !strings.HasPrefix(got, "\\set user 1000001 + 50 * random(0, 9)\n\\set newest 100\n\nselect ") || strings.Contains(got, "$") {
		t.Errorf("the yardstick is %q", got)
	}
	wall := walled(10, 1)
	lines := strings.Split(strings.TrimSpace(wall.Text), "\n")
	if wall.Role != "reporting_reader" || lines[2] != "\\startpipeline" || lines[len(lines)-1] != "\\endpipeline" || strings.Contains(wall.Text, "$") {
		t.Errorf("with the wall it is %q as %q", wall.Text, wall.Role)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, problem string }{
		{"-program x", ""},
		{"-program x -only idle,start -rounds 1 -time 1s", ""},
		{"", "-program is needed"},
		{"-program x -time 1500ms", "whole seconds"},
		{"-program x -only compare,idling", `no part "idling"`},
		{"-program x -users 1000 -grow 1000", "-grow more than that"},
		{"-program x -crowd 0", "-crowd has to be"},
		{"-program x y", "flags only"},
	} {
		_, err := readOptions(strings.Fields(tt.args))
		if (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%q: %v, want %q", tt.args, err, tt.problem)
		}
	}
}

// The report tells nothing about folders.
func TestShown(t *testing.T) {
	t.Parallel()
	o := options{args: []string{"-program", "/home/somebody/reporting", "-plot=/tmp/x/o.svg", "-rounds", "3"}}
	if got, want := o.shown(), "bench -program reporting -plot=o.svg -rounds 3"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
