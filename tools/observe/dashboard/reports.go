// SPDX-License-Identifier: Apache-2.0

package dashboard

// Each process tells of what it does itself, so these are added up.
func reports() []Panel {
	return []Panel{
		{
			Title: "Orders", Unit: "reqps", Stacked: true,
			Description: "Orders by operation. $fetch makes a report while the client waits; the other operations queue jobs. Empty without reports (REPORTING_SOURCE).",
			Queries:     []Query{q("{{operation}}", `sum by (operation) (rate(reporting_http_requests_total{@,operation=~"(execute|schedule|fetch)-.+"}[$__rate_interval]))`)},
		},
		{
			Title: "Attempts by outcome", Unit: "ops", Stacked: true,
			Description: "Attempts at reports by outcome. retried and failed: the log of the worker has the reason (attempt ended). released: the worker stopped. cancelled: the user deleted the result.",
			Queries:     []Query{q("{{outcome}}", `sum by (outcome) (rate(reporting_report_attempts_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Duration of an attempt", Unit: "s", Warn: 600, Bad: 1500,
			Description: "Duration of attempts, whatever their outcome. Attempts near REPORTING_ATTEMPT_TIMEOUT (30 minutes by default) time out and are retried in vain: raise it, or find the slow part.",
			Queries:     quantiles("reporting_report_attempt_duration_seconds", ""),
		},
		{
			Title: "Worker slots", Unit: "none",
			Description: "Attempts that can run at a time, and attempts that run. All slots busy for long while jobs wait: add workers. None busy while jobs wait: no worker takes them.",
			Queries: []Query{
				q("busy {{instance}}", `reporting_worker_slots_busy{@}`),
				q("of {{instance}}", `reporting_worker_slots{@}`),
			},
		},
		{
			Title: "Processes with started workers", Unit: "none", Warn: 2, Bad: 1, Falling: true,
			Description: "Processes whose workers take jobs. None: orders wait. A process whose workers do not start logs the reason (start workers failed; trying again).",
			Queries:     []Query{q("processes", `sum(reporting_workers_started{@})`)},
		},
		{
			Title: "Jobs changed by the sweep", Unit: "ops", Bad: 0.01,
			Description: "promoted: scheduled jobs that are due, which is normal. requeued: jobs whose worker died; another worker takes them. failed: the same, without an attempt left.",
			Queries:     []Query{q("{{action}}", `sum by (action) (rate(reporting_sweep_jobs_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Results", Unit: "reqps", Stacked: true,
			Description: "Reads, deletions and polls of results. Many polls for each order come from a client that ignores Retry-After.",
			Queries:     []Query{q("{{operation}}", `sum by (operation) (rate(reporting_http_requests_total{@,operation=~"Binary-.+|report-job"}[$__rate_interval]))`)},
		},
		{
			Title: "Purged", Unit: "ops",
			Description: "Jobs and results older than REPORTING_RETENTION_DAYS. If nothing is purged for days: no worker runs, or the log has the reason (purge jobs failed).",
			Queries:     []Query{q("{{what}}", `sum by (what) (rate(reporting_purged_total{@}[$__rate_interval]))`)},
		},
	}
}
