// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

const prefix = "REPORTING_"

// Names returns the environment variables that are settings, sorted.
func Names() []string {
	var names []string
	collect(reflect.TypeFor[Flags](), &names)
	slices.Sort(names)
	return names
}

func collect(t reflect.Type, names *[]string) {
	for field := range t.Fields() {
		if field.Type.Kind() == reflect.Struct {
			collect(field.Type, names)
		} else if name := field.Tag.Get("env"); name != "" {
			*names = append(*names, name)
		}
	}
}

// serviceLink matches variables that Kubernetes sets for a Service whose name begins
// with reporting: REPORTING_SERVICE_HOST, REPORTING_PORT_8080_TCP_ADDR.
var serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)

// CheckEnvironment reports variables that begin with REPORTING_ and are no setting:
// a misspelled setting would have no effect otherwise. It accepts the variables of
// the conformance suite and of Kubernetes. environ has the form of os.Environ.
func CheckEnvironment(environ []string) error {
	var p problems
	known := Names()
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) ||
			strings.HasPrefix(name, prefix+"CONFORMANCE_") || serviceLink.MatchString(name) {
			continue
		}
		p.add(name, "is not a setting: remove it, or correct its name (\"reporting serve --help\" lists all settings)")
	}
	return p.err()
}
