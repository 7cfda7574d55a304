// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// aptSettings keep the state of apt-get in a private folder, so that it works without root. They
// also turn its hooks off, which would clean the system's cache.
const aptSettings = `Dir::State::lists "%[1]s/lists";
Dir::Cache "%[1]s/cache";
Dir::Cache::archives "%[1]s/cache/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Debug::NoLocking "1";
Acquire::Languages "none";
APT::Keep-Downloaded-Packages "1";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
`

// fetchApt downloads the PostgreSQL of the distribution and unpacks it without installing. Every
// release has the metapackage postgresql. Dependencies that the machine has are left out.
func (m machine) fetchApt(ctx context.Context, dir string) error {
	work := filepath.Join(dir, "apt")
	for _, sub := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(work, sub), 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	conf := filepath.Join(work, "apt.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, aptSettings, work), 0o644); err != nil {
		return fmt.Errorf("write apt settings: %w", err)
	}
	// One broken third-party source fails the whole update, although the lists of the
	// distribution are fine.
	update := m.run(ctx, work, "apt-get", "-c", conf, "-q", "update")
	err := m.run(ctx, work, "apt-get", "-c", conf, "-q", "-y", "--no-install-recommends", "--download-only", "install", "postgresql")
	if err != nil {
		return errors.Join(update, err)
	}
	packages, _ := filepath.Glob(filepath.Join(work, "cache/archives/*.deb")) // only a bad pattern is an error
	if len(packages) == 0 {
		return errors.New("nothing was downloaded: the package postgresql is installed, but its programs were not found")
	}
	for _, pkg := range packages {
		// A private C library under the system's loader crashes every program.
		if strings.HasPrefix(filepath.Base(pkg), "libc6_") {
			continue
		}
		if err := m.run(ctx, work, "dpkg-deb", "-x", pkg, dir); err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(pkg), err)
		}
	}
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("remove downloads: %w", err)
	}
	return nil
}
