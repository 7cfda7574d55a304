// SPDX-License-Identifier: Apache-2.0

// Package deploy checks what is in deploy/: that it is what Kubernetes, Compose, systemd
// and Prometheus take, that the program takes what they give it, and that it runs as the
// image has it. It is all tests, in a module of its own because of what those need, and
// nobody imports it.
package deploy
