// SPDX-License-Identifier: Apache-2.0

package dashboard

func overview() []Panel {
	return []Panel{
		{
			Title: "Instances ready", Kind: Number, Unit: "none", Width: 4, Warn: 2, Bad: 1, Falling: true,
			Description: "Ready instances that serve requests; processes that only run workers do not count. None: all requests fail. One: the next restart is an outage.",
			Queries:     []Query{q("ready", `sum(reporting_ready{@} and on (job, instance) reporting_ready_check{check="database"})`)},
		},
		{
			Title: "Error budget left, 30 days", Kind: Number, Unit: "percentunit", Width: 5, Warn: 0.5, Bad: 0.1, Falling: true,
			Description: "1 is the whole budget: one in a thousand requests may fail with 5xx within 30 days. Disconnected clients (499) do not count, nor report-job and fetch, which report a failed report with 5xx. " +
				"Below 0 the objective is missed. If Prometheus keeps fewer days, the budget covers those.",
			Queries: []Query{q("left", `1 - (sum(increase(reporting_http_requests_total{#,status="5xx",operation!~"report-job|fetch-.+"}[30d])) or vector(0))`+
				` / sum(increase(reporting_http_requests_total{#,status!="499",operation!~"report-job|fetch-.+"}[30d])) / 0.001`)},
		},
		{
			Title: "Requests", Kind: Number, Unit: "reqps", Width: 5,
			Description: "All requests per second. A sudden drop to zero matters as much as a surge, because portals poll all day.",
			Queries:     []Query{q("requests", `sum(rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Failed", Kind: Number, Unit: "percentunit", Width: 5, Warn: 0.001, Bad: 0.01,
			Description: "Share of requests that end with 5xx. Above 0.001 the error budget burns too fast.",
			Queries: []Query{q("5xx", `(sum(rate(reporting_http_requests_total{@,status="5xx"}[$__rate_interval])) or vector(0))`+
				` / sum(rate(reporting_http_requests_total{@,status!="499"}[$__rate_interval]))`)},
		},
		{
			Title: "99 % of responses end within", Kind: Number, Unit: "s", Width: 5, Warn: 0.25, Bad: 0.5,
			Description: "99th percentile of the duration of status requests, including the transfer to the client. Above half a second users notice.",
			Queries:     quantiles("reporting_http_request_duration_seconds", statusCall)[2:],
		},
		{
			Title: "Requests by status", Unit: "reqps", Stacked: true,
			Description: "5xx: a failure of the service; the log lines of these requests have an error. Much 4xx: a client sends wrong requests, no token, or too many requests. 499: the client disconnected.",
			Queries:     []Query{q("{{status}}", `sum by (status) (rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Requests by operation", Unit: "reqps", Stacked: true,
			Description: "Requests by operation. Many of \"none\", which matches no operation: scanners, or a client with a wrong base URL.",
			Queries:     []Query{q("{{operation}} {{method}}", `sum by (operation, method) (rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Error budget burn", Unit: "none", Warn: 1, Bad: 14.4,
			Description: "Burn rate of the error budget over several windows: 1 uses it up in exactly 30 days, 14.4 uses a fiftieth of it in an hour.",
			Queries: []Query{
				q("5 minutes", `job:reporting_http_errors:ratio_rate5m{#} / 0.001`),
				q("1 hour", `job:reporting_http_errors:ratio_rate1h{#} / 0.001`),
				q("6 hours", `job:reporting_http_errors:ratio_rate6h{#} / 0.001`),
				q("3 days", `job:reporting_http_errors:ratio_rate3d{#} / 0.001`),
			},
		},
		{
			Title: "Readiness by check", Unit: "bool", Bad: 1, Falling: true,
			Description: "0: the check fails, and the instance gets no requests. /readyz and the log (not ready) have the cause. A stopping instance is not ready either.",
			Queries: []Query{
				q("{{instance}} ready", `reporting_ready{@}`),
				q("{{instance}} {{check}}", `reporting_ready_check{@}`),
			},
		},
		{
			Title: "In flight", Unit: "none",
			Description: "Requests whose responses are being prepared, large bodies in memory, and long responses being sent. At the limits (512, 8 and 128 by default) further requests are rejected with 503.",
			Queries: []Query{
				q("calls {{instance}}", `reporting_http_calls_in_flight{@}`),
				q("large bodies {{instance}}", `reporting_http_large_bodies_in_flight{@}`),
				q("streams {{instance}}", `reporting_http_streams_in_flight{@}`),
			},
		},
		{
			Title: "Connections", Unit: "none",
			Description: "Connections to the API listener, idle ones included, and their limit. At the limit new clients wait to be accepted, and the log has no message about it.",
			Queries: []Query{
				q("{{instance}}", `reporting_http_connections{@}`),
				q("limit {{instance}}", `reporting_http_max_connections{@}`),
			},
		},
		{
			Title: "Memory", Unit: "bytes",
			Description: "Resident memory and GOMEMLIMIT, if it is set. Near it Go collects garbage constantly. Above the limit of the container the process is killed.",
			Queries: []Query{
				q("{{instance}}", `process_resident_memory_bytes{@} and on (job, instance) reporting_build_info`),
				q("limit {{instance}}", `go_gc_gomemlimit_bytes{@} < 1e15 and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Processor", Unit: "none",
			Description: "Processors in use, and how many Go may use. Near that number all requests become slow: add instances.",
			Queries: []Query{
				q("{{instance}}", `rate(process_cpu_seconds_total{@}[$__rate_interval]) and on (job, instance) reporting_build_info`),
				q("available {{instance}}", `go_sched_gomaxprocs_threads{@} and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Goroutines and files", Unit: "none",
			Description: "Both follow the number of connections. If one grows for days and the connections do not, it is a leak.",
			Queries: []Query{
				q("goroutines {{instance}}", `go_goroutines{@} and on (job, instance) reporting_build_info`),
				q("files {{instance}}", `process_open_fds{@} and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Alerts", Unit: "none", Width: 12,
			Description: "Alerts that are pending or firing. No data is good. docs/runbook.md has an entry for each.",
			Queries:     []Query{q("{{alertname}} {{alertstate}}", `count by (alertname, alertstate) (ALERTS{alertname=~"Reporting.+"})`)},
		},
		{
			Title: "Versions and modes", Kind: Table, Width: 12,
			Description: "Versions of the program, and whether it verifies tokens. Two versions for long mean a stuck rollout. Mode gateway must be intended: see the runbook.",
			Queries: []Query{
				now("", `count by (version, commit) (reporting_build_info{#})`),
				now("", `count by (mode) (reporting_auth_mode{#})`),
			},
		},
	}
}
