// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

const prefix = "REPORTING_"

// Names lists the environment variables that are settings.
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

// serviceLink matches what Kubernetes sets for a Service that is called
// reporting, or begins so: REPORTING_SERVICE_HOST, REPORTING_PORT_8080_TCP_ADDR.
var serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)

// CheckEnvironment reports variables that look like settings but are none: a
// misspelled one would otherwise be ignored in silence. The conformance suite's
// own variables name a server, they do not set one up. environ is as of
// os.Environ.
func CheckEnvironment(environ []string) error {
	var p problems
	known := Names()
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) ||
			strings.HasPrefix(name, prefix+"CONFORMANCE_") || serviceLink.MatchString(name) {
			continue
		}
		p.add(name, "is not a setting; \"reporting serve --help\" lists them")
	}
	return p.err()
}
