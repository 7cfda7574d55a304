// SPDX-License-Identifier: Apache-2.0

package dashboard

// Each process tells of what it does itself, so these are added up.
func reports() []Panel {
	return []Panel{
		{
			Title: "Orders", Unit: "reqps", Stacked: true,
			Description: "Reports that are asked for, by operation. $fetch makes them while their caller waits; the others put jobs into the queue. Empty where there are no reports (REPORTING_SOURCE).",
			Queries:     []Query{q("{{operation}}", `sum by (operation) (rate(reporting_http_requests_total{@,operation=~"(execute|schedule|fetch)-.+"}[$__rate_interval]))`)},
		},
		{
			Title: "Attempts by outcome", Unit: "ops", Stacked: true,
			Description: "How attempts at reports ended. retried and failed: the log of the worker says why (report job). released is a worker that stopped in order. cancelled: the user deleted the result.",
			Queries:     []Query{q("{{outcome}}", `sum by (outcome) (rate(reporting_report_attempts_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Time of an attempt", Unit: "s", Warn: 600, Bad: 1500,
			Description: "How long attempts took, however they ended. Near REPORTING_ATTEMPT_TIMEOUT (30 minutes by default) they are given up, and tried again in vain: raise it, or see what became slow.",
			Queries:     quantiles("reporting_report_attempt_duration_seconds", ""),
		},
		{
			Title: "Workers", Unit: "none",
			Description: "Reports that can be made at a time, and that are. All of them busy for long while jobs wait: add workers. None busy while jobs wait: nobody takes them.",
			Queries: []Query{
				q("busy {{instance}}", `reporting_worker_slots_busy{@}`),
				q("of {{instance}}", `reporting_worker_slots{@}`),
			},
		},
		{
			Title: "Workers at their post", Unit: "none", Warn: 2, Bad: 1, Falling: true,
			Description: "Processes whose workers have begun to take jobs. None: reports are ordered and not made. A process that is up without them says why in its log (workers cannot begin yet).",
			Queries:     []Query{q("processes", `sum(reporting_workers_started{@})`)},
		},
		{
			Title: "Jobs that nobody was at", Unit: "ops", Bad: 0.01,
			Description: "queued: scheduled jobs whose hour had come, which is as it should be. rescued: their worker was gone, and another one takes them up. failed: the same, and no attempt was left.",
			Queries:     []Query{q("{{action}}", `sum by (action) (rate(reporting_sweep_jobs_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Results", Unit: "reqps", Stacked: true,
			Description: "Results that are read and deleted, and questions whether one is there. Many of the last for each order are a client that asks more often than Retry-After tells it to.",
			Queries:     []Query{q("{{operation}}", `sum by (operation) (rate(reporting_http_requests_total{@,operation=~"Binary-.+|report-job"}[$__rate_interval]))`)},
		},
		{
			Title: "Deleted because of age", Unit: "ops",
			Description: "Jobs and results older than REPORTING_RETENTION_DAYS. Nothing for days where that is set: no worker runs, or the log says why (what is too old could not be deleted).",
			Queries:     []Query{q("{{what}}", `sum by (what) (rate(reporting_purged_total{@}[$__rate_interval]))`)},
		},
	}
}
