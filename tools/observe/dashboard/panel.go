// SPDX-License-Identifier: Apache-2.0

package dashboard

import "strings"

// Kind is how a panel draws, in Grafana's words.
type Kind string

// The kinds in use.
const (
	Lines   Kind = "timeseries"
	Number  Kind = "stat"
	Heatmap Kind = "heatmap"
	Table   Kind = "table"
)

// Panel is one picture.
type Panel struct {
	Title string
	// Description says what is drawn, and what a bad value means.
	Description string
	Kind        Kind   // empty: Lines
	Unit        string // in Grafana's words
	Width       int    // of 24; 0: 8
	Stacked     bool
	// Warn and Bad are where yellow and red begin; zero: they do not. With Falling they
	// are where they end.
	Warn, Bad float64
	Falling   bool
	Queries   []Query
}

// Query is what a panel asks Prometheus.
type Query struct {
	Legend string // of a series, in Grafana's words
	// Expr is PromQL with Grafana's variables.
	Expr string
	// Now asks for the present only: for tables.
	Now bool
}

// Row is a row of panels under a title.
type Row struct {
	Title  string
	Panels []Panel
}

// Rows are all there are, in their order.
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

// chosen selects the targets and instances that the variables at the top name. Where
// figures are about all instances, or the same from each, it is the job alone.
const (
	chosen = `job=~"$job",instance=~"$instance"`
	ofJob  = `job=~"$job"`
)

// q makes a query in which @ stands for the chosen instances, and # for the job.
func q(legend, expr string) Query {
	expr = strings.NewReplacer("@", chosen, "#", ofJob).Replace(expr)
	return Query{Legend: legend, Expr: expr}
}

// now makes a query about the present.
func now(legend, expr string) Query {
	query := q(legend, expr)
	query.Now = true
	return query
}

// quantiles are those of a histogram.
func quantiles(histogram, more string) []Query {
	var list []Query
	for _, p := range []struct{ name, value string }{{"half", "0.5"}, {"95 %", "0.95"}, {"99 %", "0.99"}} {
		list = append(list, q(p.name, "histogram_quantile("+p.value+", sum by (le) (rate("+histogram+"_bucket{@"+more+"}[$__rate_interval])))"))
	}
	return list
}

// Substitute puts values in the place of Grafana's variables, as Grafana does: all
// instances of a job, and rates over a window such as "1m".
func Substitute(expr, job, window string) string {
	return strings.NewReplacer("$job", job, "$instance", ".*", "$__rate_interval", window).Replace(expr)
}
