// SPDX-License-Identifier: Apache-2.0

package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// object is a JSON object. Its members are written in the order of their names.
type object = map[string]any

// width is the number of columns of Grafana's grid.
const width = 24

// JSON returns the dashboard for Grafana 10 and later (schema version 38), with one line per panel,
// so that a diff shows which panels changed.
func JSON() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, panel := range panels() {
		if out.Len() > 0 {
			out.WriteString(",")
		}
		if err := encoder.Encode(panel); err != nil {
			return nil, fmt.Errorf("write a panel: %w", err)
		}
	}
	lines := bytes.Clone(out.Bytes())
	out.Reset()
	encoder.SetIndent("", " ")
	if err := encoder.Encode(document()); err != nil {
		return nil, fmt.Errorf("write the dashboard: %w", err)
	}
	return slices.Concat([]byte("{\n \"panels\": [\n"), lines, []byte("],"), out.Bytes()[1:]), nil
}

func document() object {
	return object{
		"uid": "reporting", "title": "Reporting", "tags": []string{"reporting"}, "schemaVersion": 38, "version": 1,
		"description": "The reporting service. Its runbook (docs/runbook.md in the repository) says what to do when a panel is red.",
		"editable":    true, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
		"time":       object{"from": "now-3h", "to": "now"},
		"templating": object{"list": variables()},
		"annotations": object{"list": []object{{
			"name": "Starts", "enable": true, "hide": false, "iconColor": "blue", "datasource": source(),
			"expr":        `changes(process_start_time_seconds{job=~"$job",instance=~"$instance"}[1m]) > 0`,
			"titleFormat": "{{instance}} started",
		}}},
	}
}

func source() object { return object{"type": "prometheus", "uid": "$datasource"} }

func variables() []object {
	values := func(name, label, query string, multi bool) object {
		return object{
			"type": "query", "name": name, "label": label, "datasource": source(), "definition": query,
			"query": object{"query": query, "refId": name}, "refresh": 2, "sort": 1,
			"multi": multi, "includeAll": multi, "allValue": ".*", "current": object{},
		}
	}
	return []object{
		{"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "current": object{}},
		values("job", "Job", "label_values(reporting_build_info, job)", false),
		values("instance", "Instance", `label_values(reporting_build_info{job=~"$job"}, instance)`, true),
	}
}

// panels returns the panels of all rows with their positions.
func panels() []object {
	var list []object
	y := 0
	add := func(panel object, x, w, h int) {
		panel["id"] = len(list) + 1
		panel["gridPos"] = object{"x": x, "y": y, "w": w, "h": h}
		list = append(list, panel)
	}
	for _, row := range Rows() {
		add(object{"type": "row", "title": row.Title, "collapsed": false, "panels": []object{}}, 0, width, 1)
		y++
		x, tallest := 0, 0
		for _, p := range row.Panels {
			w, h := p.size()
			if x+w > width {
				x, y, tallest = 0, y+tallest, 0
			}
			add(p.json(), x, w, h)
			x, tallest = x+w, max(tallest, h)
		}
		y += tallest
	}
	return list
}

func (p Panel) size() (w, h int) {
	w, h = p.Width, 8
	if w == 0 {
		w = width / 3
	}
	if p.Kind == Number {
		h = 5
	}
	return w, h
}

func (p Panel) json() object {
	kind := p.Kind
	if kind == "" {
		kind = Lines
	}
	var targets []object
	for n, query := range p.Queries {
		target := object{
			"refId": string(rune('A' + n)), "datasource": source(), "expr": query.Expr,
			"legendFormat": query.Legend, "editorMode": "code", "range": !query.Now, "instant": query.Now,
		}
		switch {
		case kind == Heatmap:
			target["format"] = "heatmap"
		case query.Now:
			target["format"] = "table"
		}
		targets = append(targets, target)
	}
	return object{
		"type": string(kind), "title": p.Title, "description": p.Description, "datasource": source(), "targets": targets,
		"fieldConfig": object{"defaults": p.defaults(kind), "overrides": []object{}},
		"options":     options(kind),
	}
}
