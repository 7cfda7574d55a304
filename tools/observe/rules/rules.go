// SPDX-License-Identifier: Apache-2.0

// Package rules reads the alerts, their tests and the headings of the runbook, to check without
// Prometheus that they match. The tests of tools/observe import it.
package rules

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Rule is an alert or a recording rule.
type Rule struct {
	Record, Alert, Expr string
	For                 string
	Labels, Annotations map[string]string
}

// Read returns all rules of a file in their order.
func Read(path string) ([]Rule, error) {
	var file struct {
		Groups []struct {
			Name  string
			Rules []Rule
		}
	}
	if err := decode(path, &file); err != nil {
		return nil, err
	}
	var list []Rule
	for _, group := range file.Groups {
		list = append(list, group.Rules...)
	}
	return list, nil
}

// Check is the expectation of a test whether an alert fires at a time.
type Check struct {
	File, Alert, At string
	Fires           bool
	Test            int // index in its file; checks of one test use the same series
}

// Checks returns the checks of all test files in dir.
func Checks(dir string) ([]Check, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("find tests: %w", err)
	}
	var list []Check
	for _, name := range names {
		var file struct {
			RuleFiles  []string `yaml:"rule_files"`
			Evaluation string   `yaml:"evaluation_interval"`
			Order      []string `yaml:"group_eval_order"`
			Tests      []struct {
				Interval string
				Series   []struct{ Series, Values string } `yaml:"input_series"`
				Checks   []struct {
					At     string `yaml:"eval_time"`
					Alert  string `yaml:"alertname"`
					Alerts []struct {
						Labels      map[string]string `yaml:"exp_labels"`
						Annotations map[string]string `yaml:"exp_annotations"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		if err := decode(name, &file); err != nil {
			return nil, err
		}
		for n, test := range file.Tests {
			for _, check := range test.Checks {
				list = append(list, Check{File: filepath.Base(name), Alert: check.Alert, At: check.At, Fires: len(check.Alerts) > 0, Test: n})
			}
		}
	}
	return list, nil
}

// decode reads YAML and refuses unknown fields.
func decode(path string, into any) error {
	text, err := os.ReadFile(path) //nolint:gosec // named by the caller
	if err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
