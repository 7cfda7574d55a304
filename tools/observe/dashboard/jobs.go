// SPDX-License-Identifier: Apache-2.0

package dashboard

// Every instance exports the same counts of the table, so the panels take one (max) and no sum.
func jobs() []Panel {
	return []Panel{
		{
			Title: "Waiting and running", Unit: "none",
			Description: "Jobs that have not ended. QUEUED grows: the workers are too slow or down. No data: the jobs could not be counted.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs{#,status=~"SCHEDULED|QUEUED|RUNNING"})`)},
		},
		{
			Title: "Oldest", Unit: "s", Warn: 1800, Bad: 3600,
			Description: "How long the oldest job has waited since it was created or due (SCHEDULED, QUEUED), or has run (RUNNING). A line that rises with the clock is a job that no worker runs.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs_oldest_age_seconds{#})`)},
		},
		{
			Title: "In the table", Unit: "none",
			Description: "All jobs by status. Without REPORTING_RETENTION_DAYS the service deletes none: lists and the table grow until an operator deletes jobs.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs{#})`)},
		},
		{
			Title: "Ended within the last hour", Unit: "none", Width: 12, Stacked: true,
			Description: "By final status. A working day without DONE means that no reports are generated.",
			Queries:     []Query{q("{{status}}", `sum by (status) (max by (status, report_class) (reporting_jobs_finished{#}))`)},
		},
		{
			Title: "Failed within the last hour, by class", Unit: "none", Width: 12, Stacked: true, Bad: 10,
			Description: "If one class fails, its report is faulty. If all fail, what they share is down, such as the source of their data.",
			Queries:     []Query{q("{{report_class}}", `max by (report_class) (reporting_jobs_finished{#,status="FAILED"})`)},
		},
		{
			Title: "Counts of the table", Unit: "ops", Width: 24,
			Description: "How often jobs were counted. When counts fail, the panels of this row have gaps, and the log has the cause (count jobs failed).",
			Queries:     []Query{q("{{result}} {{instance}}", `sum by (result, instance) (rate(reporting_jobs_measurements_total{@}[$__rate_interval]))`)},
		},
	}
}
