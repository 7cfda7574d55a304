// SPDX-License-Identifier: Apache-2.0

package dashboard

// statusCall selects the requests of the status operation.
const statusCall = `,operation="get-report-job-status"`

func latency() []Panel {
	return []Panel{
		{
			Title: "Duration of a status request", Unit: "s", Warn: 0.25, Bad: 0.5,
			Description: "From the headers to the end of the response. When it grows, look at the row Database: if its durations grow too, the cause is there. Otherwise look at processor and memory.",
			Queries:     quantiles("reporting_http_request_duration_seconds", statusCall),
		},
		{
			Title: "Status requests by duration", Kind: Heatmap, Unit: "s",
			Description: "Number of requests by duration. Two bands are two kinds of requests, such as long lists and short ones. A band that moves up affects all clients.",
			Queries: []Query{
				q("{{le}}", `sum by (le) (rate(reporting_http_request_duration_seconds_bucket{@`+statusCall+`}[$__rate_interval]))`),
			},
		},
		{
			Title: "Slower than half a second", Unit: "percentunit", Warn: 0.01, Bad: 0.06,
			Description: "Share of status requests that take longer than half a second. The objective is at most 0.01 over 30 days.",
			Queries: []Query{
				q("5 minutes", `job:reporting_http_slow:ratio_rate5m{#}`),
				q("1 hour", `job:reporting_http_slow:ratio_rate1h{#}`),
				q("6 hours", `job:reporting_http_slow:ratio_rate6h{#}`),
			},
		},
		{
			Title: "Mean duration by operation", Unit: "s", Width: 12,
			Description: "Metadata takes almost no time. When it is slow too, the cause is the process: processor, memory, or other load on the machine.",
			Queries: []Query{q("{{operation}} {{method}}", `sum by (operation, method) (rate(reporting_http_request_duration_seconds_sum{@}[$__rate_interval]))`+
				` / (sum by (operation, method) (rate(reporting_http_request_duration_seconds_count{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "99 % by instance", Unit: "s", Width: 12,
			Description: "An instance that is slower than the others shares its machine with other load, or has a slow network to the database.",
			Queries: []Query{q("{{instance}}", `histogram_quantile(0.99, sum by (instance, le) (rate(reporting_http_request_duration_seconds_bucket{@`+
				statusCall+`}[$__rate_interval])))`)},
		},
	}
}
