// SPDX-License-Identifier: Apache-2.0

package dashboard

// Each process exports what it does itself, so the panels take the sum.
func reports() []Panel {
	return []Panel{
		{
			Title: "Orders", Unit: "reqps", Stacked: true,
			Description: "Ordered reports by operation. $fetch generates a report while its client waits; the others queue jobs. Empty without reports (REPORTING_SOURCE).",
			Queries:     []Query{q("{{operation}}", `sum by (operation) (rate(reporting_http_requests_total{@,operation=~"(execute|schedule|fetch)-.+"}[$__rate_interval]))`)},
		},
		{
			Title: "Attempts by outcome", Unit: "ops", Stacked: true,
			Description: "retried and failed: the log of the worker has the cause (attempt ended). released: a worker stopped gracefully. cancelled: the user deleted the result.",
			Queries:     []Query{q("{{outcome}}", `sum by (outcome) (rate(reporting_report_attempts_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Duration of attempts", Unit: "s", Warn: 600, Bad: 1500,
			Description: "Duration whatever the outcome. At REPORTING_ATTEMPT_TIMEOUT (30 minutes by default) an attempt ends, and its retry takes as long: raise the limit, or find what became slow.",
			Queries:     quantiles("reporting_report_attempt_duration_seconds", ""),
		},
		{
			Title: "Worker slots", Unit: "none",
			Description: "Slots, and how many of them run an attempt. All busy for long while jobs wait: add workers. None busy while jobs wait: no worker takes jobs.",
			Queries: []Query{
				q("busy {{instance}}", `reporting_worker_slots_busy{@}`),
				q("slots {{instance}}", `reporting_worker_slots{@}`),
			},
		},
		{
			Title: "Processes with started workers", Unit: "none", Warn: 2, Bad: 1, Falling: true,
			Description: "Processes whose workers take jobs. None: reports are ordered and not generated. A process that is up without started workers logs the cause (start workers failed).",
			Queries:     []Query{q("processes", `sum(reporting_workers_started{@})`)},
		},
		{
			Title: "Jobs changed by the sweep", Unit: "ops", Bad: 0.01,
			Description: "promoted: scheduled jobs that are due, which is normal. requeued: their worker died, and another one takes them. failed: the same, without an attempt left.",
			Queries:     []Query{q("{{action}}", `sum by (action) (rate(reporting_sweep_jobs_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Results", Unit: "reqps", Stacked: true,
			Description: "Results that are read or deleted, and polls of report-job. Many polls per order mean that a client polls more often than Retry-After allows.",
			Queries:     []Query{q("{{operation}}", `sum by (operation) (rate(reporting_http_requests_total{@,operation=~"Binary-.+|report-job"}[$__rate_interval]))`)},
		},
		{
			Title: "Deleted because of age", Unit: "ops",
			Description: "Jobs and results older than REPORTING_RETENTION_DAYS. Nothing for days although that is set: no worker runs, or the log has the cause (purge jobs failed).",
			Queries:     []Query{q("{{what}}", `sum by (what) (rate(reporting_purged_total{@}[$__rate_interval]))`)},
		},
	}
}
