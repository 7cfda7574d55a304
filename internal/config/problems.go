// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// problems collects the problems of all settings. Its methods always return a value,
// so that validation continues.
type problems struct {
	found []string
}

// add records a problem. The text never repeats the value, which may be a secret in
// the wrong variable.
func (p *problems) add(setting, text string) {
	p.found = append(p.found, setting+" "+text)
}

func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	return InvalidError{found: p.found}
}

// InvalidError lists the problems of a configuration, one on each line.
type InvalidError struct{ found []string }

// Error returns the problems, sorted by setting.
func (e InvalidError) Error() string {
	return "the configuration is not valid:\n  - " + strings.Join(e.Problems(), "\n  - ")
}

// Problems returns the problems, sorted by setting.
func (e InvalidError) Problems() []string { return slices.Sorted(slices.Values(e.found)) }

// Join merges the problems of several errors; an error of another type becomes one problem.
func Join(errs ...error) error {
	var p problems
	for _, err := range errs {
		if invalid, ok := errors.AsType[InvalidError](err); ok {
			p.found = append(p.found, invalid.found...)
		} else if err != nil {
			p.found = append(p.found, err.Error())
		}
	}
	return p.err()
}

func (p *problems) oneOf(setting, value string, allowed ...string) string {
	if !slices.Contains(allowed, value) {
		p.add(setting, "must be "+strings.Join(allowed, " or "))
	}
	return value
}

func (p *problems) listen(setting, value string) string {
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		p.add(setting, "must be an address as in :8080 or 127.0.0.1:8080")
	}
	return value
}

func (p *problems) duration(setting, value string) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		p.add(setting, "must be a duration above zero, as in 500ms or 5s")
	}
	return d
}

func (p *problems) durationOrZero(setting, value string) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		p.add(setting, "must be a duration, as in 0s or 5s")
	}
	return d
}

// auditLog requires a slash in the path of a file: a misspelled word would create a
// file with the names of users otherwise.
func (p *problems) auditLog(setting, value string) string {
	if !slices.Contains([]string{AuditStdout, AuditStderr, AuditOff}, value) && !strings.Contains(value, "/") {
		p.add(setting, "must be stdout, stderr, off, or a path with a slash, as in /var/log/reporting/audit.jsonl")
	}
	return value
}

func (p *problems) number(setting, value string, least, most int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		p.add(setting, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return n
}

// size parses a number of bytes: 1048576, 512KiB or 1MiB.
func (p *problems) size(setting, value string) int64 {
	digits, unit := value, int64(1)
	for suffix, factor := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20} {
		if number, ok := strings.CutSuffix(value, suffix); ok {
			digits, unit = number, factor
		}
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n <= 0 {
		p.add(setting, "must be a number of bytes above zero, as in 512KiB or 1MiB")
		return 0
	}
	return n * unit
}

func (p *problems) base(setting, value string) *url.URL {
	u := p.url(setting, orDefault(value, defaultBaseURL))
	if u == nil {
		return nil
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		p.add(setting, "must not have a query, a fragment or a user")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if u.Path != "" && path.Clean(u.Path) != u.Path || strings.ContainsAny(u.Path, "{}*$") || u.RawPath != "" {
		p.add(setting, "must have a plain path, as in /fhir")
	}
	return u
}

func (p *problems) url(setting, value string) *url.URL {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		p.add(setting, "must be an absolute http or https URL")
		return nil
	}
	return u
}

// origins parses a list of origins: scheme, host and port only (RFC 6454). An origin
// with a path would never match.
func (p *problems) origins(setting, value string) []string {
	list := split(value)
	for _, item := range list {
		u := p.url(setting, item)
		if u != nil && (u.Scheme+"://"+u.Host != item || strings.Contains(item, "*")) {
			p.add(setting, "must list origins without a path, as in https://portal.example")
		}
	}
	return list
}

func (p *problems) prefixes(setting, value string) []netip.Prefix {
	var list []netip.Prefix
	items := split(value)
	for _, item := range items {
		if addr, err := netip.ParseAddr(item); err == nil {
			addr = addr.Unmap()
			list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			p.add(setting, "must list address ranges, as in 10.1.0.0/16 or ::1/128")
			continue
		}
		if prefix.Addr().Is4In6() {
			p.add(setting, "must list IPv4 ranges as such, as in 10.1.0.0/16, not mapped to IPv6")
		}
		if wide(prefix) {
			p.add(setting, "must not list a range wider than /8 (IPv6: /7): it contains addresses of strangers")
		}
		list = append(list, prefix.Masked())
	}
	if len(items) == 0 {
		p.add(setting, "must list at least one address range, as in 10.1.0.0/16")
	}
	return list
}

// wide reports whether a range is wider than the widest private ranges, 10.0.0.0/8
// and fc00::/7 (RFC 1918, RFC 4193).
func wide(prefix netip.Prefix) bool {
	if prefix.Addr().Is4() {
		return prefix.Bits() < 8
	}
	return prefix.Bits() < 7
}

func split(value string) []string {
	var list []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// ephemeral reports whether the system chooses the port.
func ephemeral(listen string) bool {
	_, port, _ := net.SplitHostPort(listen)
	return port == "0"
}

// Reachable returns the host and port with which a program on this machine reaches a
// listener on the given address.
func Reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); host == "" || (ip != nil && (ip.IsUnspecified() || ip.Equal(net.IPv4(127, 0, 0, 1)))) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
