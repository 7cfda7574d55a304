// SPDX-License-Identifier: Apache-2.0

package dashboard

// statusCall narrows requests down to the operation that people wait for.
const statusCall = `,operation="get-report-job-status"`

func latency() []Panel {
	return []Panel{
		{
			Title: "Time of a status call", Unit: "s", Warn: 0.25, Bad: 0.5,
			Description: "From the headers to the end of the answer. When it grows, look at the database row: if its times grow as well the cause is there, else at processor and memory.",
			Queries:     quantiles("reporting_http_request_duration_seconds", statusCall),
		},
		{
			Title: "Status calls by time", Kind: Heatmap, Unit: "s",
			Description: "How many calls took how long. Two bands are two kinds of callers, such as long lists and short ones. A band that moves up is everybody.",
			Queries: []Query{
				q("{{le}}", `sum by (le) (rate(reporting_http_request_duration_seconds_bucket{@`+statusCall+`}[$__rate_interval]))`),
			},
		},
		{
			Title: "Slower than half a second", Unit: "percentunit", Warn: 0.01, Bad: 0.06,
			Description: "The share of status calls that took longer than half a second. The objective is at most 0.01 over 30 days.",
			Queries: []Query{
				q("5 minutes", `job:reporting_http_slow:ratio_rate5m{#}`),
				q("1 hour", `job:reporting_http_slow:ratio_rate1h{#}`),
				q("6 hours", `job:reporting_http_slow:ratio_rate6h{#}`),
			},
		},
		{
			Title: "Mean time by operation", Unit: "s", Width: 12,
			Description: "Metadata takes next to nothing, so that when it is slow too, the process is: processor, memory, or a neighbour on the machine.",
			Queries: []Query{q("{{operation}} {{method}}", `sum by (operation, method) (rate(reporting_http_request_duration_seconds_sum{@}[$__rate_interval]))`+
				` / (sum by (operation, method) (rate(reporting_http_request_duration_seconds_count{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "99 % by instance", Unit: "s", Width: 12,
			Description: "One that is slower than the others has a bad neighbour, or a bad way to the database.",
			Queries: []Query{q("{{instance}}", `histogram_quantile(0.99, sum by (instance, le) (rate(reporting_http_request_duration_seconds_bucket{@`+
				statusCall+`}[$__rate_interval])))`)},
		},
	}
}
