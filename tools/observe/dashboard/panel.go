// SPDX-License-Identifier: Apache-2.0

package dashboard

import "strings"

// Kind is the type of a panel in Grafana.
type Kind string

// The kinds in use.
const (
	Lines   Kind = "timeseries"
	Number  Kind = "stat"
	Heatmap Kind = "heatmap"
	Table   Kind = "table"
)

// Panel is a panel of the dashboard.
type Panel struct {
	Title string
	// Description says what the panel shows and what a bad value means.
	Description string
	Kind        Kind   // empty: Lines
	Unit        string // of Grafana
	Width       int    // in columns of 24; 0: 8
	Stacked     bool
	// Warn and Bad are the values from which the panel is yellow and red; 0: never. With Falling it
	// is yellow and red below them.
	Warn, Bad float64
	Falling   bool
	Queries   []Query
}

// Query is a query of a panel.
type Query struct {
	Legend string // of a series, a template of Grafana
	// Expr is PromQL with variables of Grafana.
	Expr string
	// Now makes it an instant query, for tables.
	Now bool
}

// Row is a row of panels under a title.
type Row struct {
	Title  string
	Panels []Panel
}

// Rows returns all rows in their order.
func Rows() []Row {
	return []Row{
		{Title: "Overview", Panels: overview()},
		{Title: "Latency", Panels: latency()},
		{Title: "Database", Panels: database()},
		{Title: "Jobs", Panels: jobs()},
		{Title: "Reports", Panels: reports()},
		{Title: "Security", Panels: security()},
	}
}

// chosen selects the job and the instances that the user chose at the top of the dashboard. ofJob
// selects the job alone, for metrics that are the same for each instance.
const (
	chosen = `job=~"$job",instance=~"$instance"`
	ofJob  = `job=~"$job"`
)

// q returns a query. In expr, @ stands for chosen and # for ofJob.
func q(legend, expr string) Query {
	expr = strings.NewReplacer("@", chosen, "#", ofJob).Replace(expr)
	return Query{Legend: legend, Expr: expr}
}

// now returns an instant query.
func now(legend, expr string) Query {
	query := q(legend, expr)
	query.Now = true
	return query
}

// quantiles returns queries for the quantiles of a histogram. more selects further labels.
func quantiles(histogram, more string) []Query {
	var list []Query
	for _, p := range []struct{ name, value string }{{"50 %", "0.5"}, {"95 %", "0.95"}, {"99 %", "0.99"}} {
		list = append(list, q(p.name, "histogram_quantile("+p.value+", sum by (le) (rate("+histogram+"_bucket{@"+more+"}[$__rate_interval])))"))
	}
	return list
}

// Substitute replaces the variables of Grafana: all instances of job, and rates over a window such
// as "1m".
func Substitute(expr, job, window string) string {
	return strings.NewReplacer("$job", job, "$instance", ".*", "$__rate_interval", window).Replace(expr)
}
