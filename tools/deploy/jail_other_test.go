// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package deploy

import (
	"os"
	"os/exec"
	"testing"
)

const jailArgument = "jail"

func jailed([]string) { os.Exit(1) }

func inJail(t *testing.T, _ string, _ int, _ []string, _ ...string) *exec.Cmd {
	t.Helper()
	t.Fatal("the image is for Linux: run this there")
	return nil
}
