// SPDX-License-Identifier: Apache-2.0

package dashboard

func overview() []Panel {
	return []Panel{
		{
			Title: "Instances ready", Kind: Number, Unit: "none", Width: 4, Warn: 2, Bad: 1, Falling: true,
			Description: "Instances that answer calls and say they are ready; processes that only make reports do not count. None: nobody is answered. One: the next restart is an outage.",
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
			Description: "Requests of a second, of all kinds. A sudden nothing is as telling as a flood: portals poll all day.",
			Queries:     []Query{q("requests", `sum(rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Failed", Kind: Number, Unit: "percentunit", Width: 5, Warn: 0.001, Bad: 0.01,
			Description: "The share of requests that ended with 5xx. Above 0.001 the error budget shrinks faster than it may.",
			Queries: []Query{q("5xx", `(sum(rate(reporting_http_requests_total{@,status="5xx"}[$__rate_interval])) or vector(0))`+
				` / sum(rate(reporting_http_requests_total{@,status!="499"}[$__rate_interval]))`)},
		},
		{
			Title: "99 % are answered within", Kind: Number, Unit: "s", Width: 5, Warn: 0.25, Bad: 0.5,
			Description: "The time in which 99 of 100 status calls have ended, the transfer to the client included. Above half a second portals feel it.",
			Queries:     quantiles("reporting_http_request_duration_seconds", statusCall)[2:],
		},
		{
			Title: "Requests by status", Unit: "reqps", Stacked: true,
			Description: "5xx is ours: the log lines of those requests have an error. Much 4xx is a client that asks wrongly, has no token, or too often. 499: the client went away.",
			Queries:     []Query{q("{{status}}", `sum by (status) (rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Requests by operation", Unit: "reqps", Stacked: true,
			Description: "What is asked for. Much of \"none\" are requests that lead nowhere: scanners, or a client with a wrong base URL.",
			Queries:     []Query{q("{{operation}} {{method}}", `sum by (operation, method) (rate(reporting_http_requests_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Error budget burn", Unit: "none", Warn: 1, Bad: 14.4,
			Description: "How many times too fast the error budget is being used, over several windows: 1 uses it up in exactly 30 days, 14.4 takes a fiftieth of it in an hour.",
			Queries: []Query{
				q("5 minutes", `job:reporting_http_errors:ratio_rate5m{#} / 0.001`),
				q("1 hour", `job:reporting_http_errors:ratio_rate1h{#} / 0.001`),
				q("6 hours", `job:reporting_http_errors:ratio_rate6h{#} / 0.001`),
				q("3 days", `job:reporting_http_errors:ratio_rate3d{#} / 0.001`),
			},
		},
		{
			Title: "Readiness by check", Unit: "bool", Bad: 1, Falling: true,
			Description: "0: the check fails, and the instance gets no requests. /readyz and the log (not ready) say why. An instance that stops is not ready either.",
			Queries: []Query{
				q("{{instance}} ready", `reporting_ready{@}`),
				q("{{instance}} {{check}}", `reporting_ready_check{@}`),
			},
		},
		{
			Title: "At work", Unit: "none",
			Description: "Calls whose answers are being made, large bodies in memory and long answers being sent, each at this moment. At its limit (512, 8 and 128 by default) more are refused with 503.",
			Queries: []Query{
				q("calls {{instance}}", `reporting_http_calls_in_flight{@}`),
				q("large bodies {{instance}}", `reporting_http_large_bodies_in_flight{@}`),
				q("long answers {{instance}}", `reporting_http_streams_in_flight{@}`),
			},
		},
		{
			Title: "Connections", Unit: "none",
			Description: "Connections to the API listener, idle ones included, and how many there may be. At the limit new clients wait to be accepted, without a word in the log.",
			Queries: []Query{
				q("{{instance}}", `reporting_http_connections{@}`),
				q("limit {{instance}}", `reporting_http_max_connections{@}`),
			},
		},
		{
			Title: "Memory", Unit: "bytes",
			Description: "Resident memory, and the limit that Go keeps to (GOMEMLIMIT) where one is set. Near it the process spends its time on collecting garbage; beyond the container's it is killed.",
			Queries: []Query{
				q("{{instance}}", `process_resident_memory_bytes{@} and on (job, instance) reporting_build_info`),
				q("limit {{instance}}", `go_gc_gomemlimit_bytes{@} < 1e15 and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Processor", Unit: "none",
			Description: "Processors in use, of those that Go may use. Near that number everything gets slow at once: add instances.",
			Queries: []Query{
				q("{{instance}}", `rate(process_cpu_seconds_total{@}[$__rate_interval]) and on (job, instance) reporting_build_info`),
				q("of {{instance}}", `go_sched_gomaxprocs_threads{@} and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Goroutines and files", Unit: "none",
			Description: "Both follow the number of connections. What grows for days while they do not is a leak.",
			Queries: []Query{
				q("goroutines {{instance}}", `go_goroutines{@} and on (job, instance) reporting_build_info`),
				q("files {{instance}}", `process_open_fds{@} and on (job, instance) reporting_build_info`),
			},
		},
		{
			Title: "Alerts", Unit: "none", Width: 12,
			Description: "Alerts that are pending or firing. Empty is good. docs/runbook.md has an entry for each.",
			Queries:     []Query{q("{{alertname}} {{alertstate}}", `count by (alertname, alertstate) (ALERTS{alertname=~"Reporting.+"})`)},
		},
		{
			Title: "What runs", Kind: Table, Width: 12,
			Description: "Versions, and who checks the signatures of tokens. Two versions for long are a rollout that got stuck. Mode gateway has to be meant: see the runbook.",
			Queries: []Query{
				now("", `count by (version, commit) (reporting_build_info{#})`),
				now("", `count by (mode) (reporting_auth_mode{#})`),
			},
		},
	}
}
