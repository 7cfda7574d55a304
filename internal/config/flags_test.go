// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"reporting/internal/config"
)

// settings maps names of environment variables to their values.
type settings map[string]string

// with returns a copy with one more setting.
func (s settings) with(name, value string) settings {
	merged := settings{name: value}
	for n, v := range s {
		if n != name {
			merged[n] = v
		}
	}
	return merged
}

// flags fills Flags as the command line does: settings first, then the defaults of
// the tags. A name that is not a setting fails the test.
func (s settings) flags(t *testing.T) config.Flags {
	t.Helper()
	var f config.Flags
	unused := map[string]bool{}
	for name := range s {
		unused[name] = true
	}
	var fill func(reflect.Value)
	fill = func(v reflect.Value) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Type.Kind() == reflect.Struct {
				fill(v.Field(i))
				continue
			}
			name := field.Tag.Get("env")
			value, set := s[name]
			if !set {
				value = field.Tag.Get("default")
			}
			v.Field(i).SetString(value)
			delete(unused, name)
		}
	}
	fill(reflect.ValueOf(&f).Elem())
	if len(unused) > 0 {
		t.Fatalf("not settings: %v", unused)
	}
	return f
}

// checks accept Postgres URLs and https issuers, and never connect.
var checks = config.Checks{
	DatabaseURL: func(url string) error {
		if !strings.HasPrefix(url, "postgres://") {
			return errors.New("not a Postgres connection string")
		}
		return nil
	},
	Verifier: func(issuers []string, _, _ string) error {
		for _, issuer := range issuers {
			if !strings.HasPrefix(issuer, "https://") {
				return errors.New("an issuer is not an https URL")
			}
		}
		return nil
	},
}

// verify are the settings that "reporting serve" requires.
func verify() settings {
	return settings{"REPORTING_DATABASE_URL": "postgres://h/d", "REPORTING_AUTH_ISSUERS": "https://idp.example"}
}

// gateway are the settings that "reporting serve" requires in gateway mode.
func gateway() settings {
	return settings{"REPORTING_DATABASE_URL": "postgres://h/d", "REPORTING_AUTH": "gateway"}
}

// problemsOf returns the list in an error of this package.
func problemsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[config.InvalidError](err)
	if !ok {
		t.Fatalf("got %T, want InvalidError", err)
	}
	return invalid.Problems()
}

// wantProblem checks that an error has exactly one problem, and that its text begins
// with want. An empty want means no error.
func wantProblem(t *testing.T, err error, want string) {
	t.Helper()
	got := problemsOf(t, err)
	switch {
	case want == "" && err != nil:
		t.Errorf("got problems %q, want none", got)
	case want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], want)):
		t.Errorf("got problems %q, want one that begins with %q", got, want)
	}
}
