// SPDX-License-Identifier: Apache-2.0

// Package api holds the documents that other programs are written against. Tests
// import it to hold the service to them.
package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
)

// Wire is the contract of what a client sees, line by line.
//
//go:embed wire.md
var Wire string

// OpenAPI describes the HTTP side for tools (OpenAPI 3.0, YAML).
//
//go:embed openapi.yaml
var OpenAPI []byte

// WritersGuide tells programs how to write the table of report jobs.
//
//go:embed writing-jobs.md
var WritersGuide string

//go:embed examples
var examples embed.FS

// The published answers of the status operation.
const (
	StatusEmpty  = "status-empty.json"  // a user without jobs
	StatusFailed = "status-failed.json" // the answer to the published request
	StatusDone   = "status-done.json"   // the example of the published definition
)

// SeedToken is the unsigned bearer token of the published request.
const SeedToken = "eyJhbGciOiJub25lIn0." +
	"eyJ1c2VyX2lkIjoiMGFhY2E3Y2QtNjdjMy00OGRkLWE4YzQtMGNjZWVjYjVkMjc2IiwicmVhbG1fYWNjZXNzIjp7InJvbGVzIjpb" +
	"InJlcG9ydC1ub24tYW5vbnltaXplZCIsIiRmZXRjaC1wYXRpZW50LXVzYWdlLXN0YXRzIiwiQmluYXJ5LnJlYWQiXX0sInVzZXJf" +
	"dHlwZSI6IlBSQUNUSVRJT05FUiJ9."

// Example returns a published answer as the service writes it: without white
// space, keys in their order.
func Example(name string) (string, error) {
	text, err := examples.ReadFile("examples/" + name)
	if err != nil {
		return "", fmt.Errorf("read example: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return "", fmt.Errorf("read example %s: %w", name, err)
	}
	return compact.String(), nil
}
