// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
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
		if field.Anonymous {
			collect(field.Type, names)
		} else if name := field.Tag.Get("env"); name != "" {
			*names = append(*names, name)
		}
	}
}

// CheckEnvironment reports variables that look like settings but are none: a
// misspelled one would otherwise be ignored in silence. environ is as of
// os.Environ.
func CheckEnvironment(environ []string) error {
	var p problems
	known := Names()
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		// The suite's own variables name a server, they do not set one up.
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, prefix+"CONFORMANCE_") || slices.Contains(known, name) {
			continue
		}
		p.add(name, "is not a setting; \"reporting serve --help\" lists them")
	}
	return p.err()
}
