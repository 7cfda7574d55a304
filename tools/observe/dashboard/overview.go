// SPDX-License-Identifier: Apache-2.0

package dashboard

func overview() []Panel {
	return []Panel{
		{
			Title: "Instances ready", Kind: Number, Unit: "none", Width: 4, Warn: 2, Bad: 1, Falling: true,
			Description: "Instances that serve requests and are ready; processes with workers only do not count. 0: no request is served. 1: the next restart is an outage.",
			Queries:     []Query{q("ready", `sum(reporting_ready{@} and on (job, instance) reporting_ready_check{check="database"})`)},
		},
		{
			Title: "Error budget left, 30 days", Kind: Number, Unit: "percentunit", Width: 5, Warn: 0.5, Bad: 0.1, Falling: true,
			Description: "1 is the whole budget: of a thousand requests one may fail with 5xx within 30 days. Clients that went away (499) do not count, nor who waits for one report (report-job, fetch): a report that fails is told there. " +
				"Below 0 the objective is missed. Where Prometheus keeps fewer days, it is about those.",
			Queries: []Query{q("left", `1 - (sum(increase(reporting_http_requests_total{#,status="5xx",operation!~"report-job|fetch-.+"}[30d])) or vector(0))`+
				` / sum(increase(reporting_http_requests_total{#,status!="499",operation!~"report-job|fetch-.+"}[30d])) / 0.001`)},
		},
		{
			Title: "Requests", Kind: Number, Unit: "reqps", Width: 5,
			Description: "Requests per second, of all kinds. A sudden drop to nothing matters as much as a flood, because portals poll all day.",
			Queries:     []Query{q("requests", `sum(rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Failed", Kind: Number, Unit: "percentunit", Width: 5, Warn: 0.001, Bad: 0.01,
			Description: "Share of requests that end with 5xx. Above 0.001 the error budget shrinks too fast.",
			Queries: []Query{q("5xx", `(sum(rate(reporting_http_requests_total{@,status="5xx"}[$__rate_interval])) or vector(0))`+
				` / sum(rate(reporting_http_requests_total{@,status!="499"}[$__rate_interval]))`)},
		},
		{
			Title: "99th percentile of status requests", Kind: Number, Unit: "s", Width: 5, Warn: 0.25, Bad: 0.5,
			Description: "Duration that 99 of 100 status requests do not exceed, including the transfer to the client. Users of portals notice more than half a second.",
			Queries:     quantiles("reporting_http_request_duration_seconds", statusCall)[2:],
		},
		{
			Title: "Requests by status", Unit: "reqps", Stacked: true,
			Description: "5xx is a fault of the service: the log lines of these requests have an error. Many 4xx come from a client with invalid requests, without a token, or with too many requests. 499: the client disconnected.",
			Queries:     []Query{q("{{status}}", `sum by (status) (rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Requests by operation", Unit: "reqps", Stacked: true,
			Description: "Requests by operation. Many requests with \"none\" match no route: scanners, or a client with a wrong base URL.",
			Queries:     []Query{q("{{operation}} {{method}}", `sum by (operation, method) (rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Error budget burn", Unit: "none", Warn: 1, Bad: 14.4,
			Description: "How many times faster than allowed the error budget is used, over several windows: 1 uses it up in exactly 30 days, 14.4 uses a fiftieth of it in an hour.",
			Queries: []Query{
				q("5 minutes", `job:reporting_http_errors:ratio_rate5m{#} / 0.001`),
				q("1 hour", `job:reporting_http_errors:ratio_rate1h{#} / 0.001`),
				q("6 hours", `job:reporting_http_errors:ratio_rate6h{#} / 0.001`),
				q("3 days", `job:reporting_http_errors:ratio_rate3d{#} / 0.001`),
			},
		},
		{
			Title: "Readiness by check", Unit: "bool", Bad: 1, Falling: true,
			Description: "0: the check fails, and the instance gets no requests. /readyz and the log (not ready) have the reason. An instance that stops is not ready either.",
			Queries: []Query{
				q("{{instance}} ready", `reporting_ready{@}`),
				q("{{instance}} {{check}}", `reporting_ready_check{@}`),
			},
		},
		{
			Title: "In progress", Unit: "none",
			Description: "Requests whose responses are being encoded, large bodies in memory, and responses that are being streamed. At the limit (512, 8 and 128 by default) further ones are rejected with 503.",
			Queries: []Query{
				q("calls {{instance}}", `reporting_http_calls_in_flight{@}`),
				q("large bodies {{instance}}", `reporting_http_large_bodies_in_flight{@}`),
				q("long answers {{instance}}", `reporting_http_streams_in_flight{@}`),
			},
		},
		{
			Title: "Connections", Unit: "none",
			Description: "Open connections of the API listener, idle ones included, and the limit. At the limit new clients wait, without a log line.",
			Queries: []Query{
				q("{{instance}}", `reporting_http_connections{@}`),
				q("limit {{instance}}", `reporting_http_max_connections{@}`),
			},
		},
		{
			Title: "Memory", Unit: "bytes",
			Description: "Resident memory, and the limit of Go (GOMEMLIMIT) if it is set. Near this limit the process is busy with garbage collection; above the limit of its container it is killed.",
			Queries: []Query{
				q("{{instance}}", `process_resident_memory_bytes{@} and on (job, instance) reporting_build_info`),
				q("limit {{instance}}", `go_gc_gomemlimit_bytes{@} < 1e15 and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Processor", Unit: "none",
			Description: "Processors in use, of those that Go may use. Near that number all requests get slow at once: add instances.",
			Queries: []Query{
				q("{{instance}}", `rate(process_cpu_seconds_total{@}[$__rate_interval]) and on (job, instance) reporting_build_info`),
				q("of {{instance}}", `go_sched_gomaxprocs_threads{@} and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Goroutines and files", Unit: "none",
			Description: "Both follow the number of connections. If they grow for days and the connections do not, there is a leak.",
			Queries: []Query{
				q("goroutines {{instance}}", `go_goroutines{@} and on (job, instance) reporting_build_info`),
				q("files {{instance}}", `process_open_fds{@} and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Alerts", Unit: "none", Width: 12,
			Description: "Alerts that are pending or firing. Empty is good. docs/runbook.md has an entry for each alert.",
			Queries:     []Query{q("{{alertname}} {{alertstate}}", `count by (alertname, alertstate) (ALERTS{alertname=~"Reporting.+"})`)},
		},
		{
			Title: "Versions", Kind: Table, Width: 12,
			Description: "Running versions, and the mode of authentication. Two versions for long mean that a rollout is stuck. Mode gateway must be intended: see the runbook.",
			Queries: []Query{
				now("", `count by (version, commit) (reporting_build_info{#})`),
				now("", `count by (mode) (reporting_auth_mode{#})`),
			},
		},
	}
}
