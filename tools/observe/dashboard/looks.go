// SPDX-License-Identifier: Apache-2.0

package dashboard

// defaults returns unit, thresholds and line style.
func (p Panel) defaults(kind Kind) object {
	unit := p.Unit
	if unit == "" {
		unit = "none"
	}
	defaults := object{"unit": unit, "thresholds": object{"mode": "absolute", "steps": p.steps()}, "min": 0}
	if p.belowZero() {
		delete(defaults, "min")
	}
	switch kind {
	case Lines:
		stacking := object{"mode": "none", "group": "A"}
		custom := object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "stacking": stacking}
		if p.Stacked {
			stacking["mode"], custom["fillOpacity"] = "normal", 40
		}
		if p.Warn != 0 || p.Bad != 0 {
			custom["thresholdsStyle"] = object{"mode": "dashed"}
		}
		defaults["custom"], defaults["color"] = custom, object{"mode": "palette-classic"}
	case Number:
		defaults["color"] = object{"mode": "thresholds"}
	case Heatmap, Table:
	}
	return defaults
}

// belowZero reports whether values can be negative.
func (p Panel) belowZero() bool { return p.Unit == "percentunit" && p.Falling }

// steps returns the colours in ascending order of their thresholds. Without thresholds the panel is
// green. With Falling the first colour is red.
func (p Panel) steps() []object {
	colours := []string{"green", "yellow", "red"}
	from := []float64{p.Warn, p.Bad}
	if p.Falling {
		colours = []string{"red", "yellow", "green"}
		from = []float64{p.Bad, p.Warn}
	}
	steps := []object{{"color": colours[0], "value": nil}}
	for n, value := range from {
		if value == 0 {
			continue
		}
		colour := colours[n+1]
		if p.Falling && p.Warn == 0 {
			colour = "green" // without yellow in between
		}
		steps = append(steps, object{"color": colour, "value": value})
	}
	return steps
}

func options(kind Kind) object {
	tooltip := object{"mode": "multi", "sort": "desc"}
	switch kind {
	case Number:
		return object{
			"colorMode": "value", "graphMode": "area", "justifyMode": "auto", "textMode": "value",
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		}
	case Heatmap:
		return object{
			"calculate": false, "cellGap": 1, "legend": object{"show": true}, "tooltip": object{"show": true},
			"color": object{"mode": "scheme", "scheme": "Oranges", "steps": 64}, "yAxis": object{"unit": "s"},
		}
	case Table:
		return object{"showHeader": true, "cellHeight": "sm"}
	case Lines:
	}
	return object{"legend": object{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": tooltip}
}
