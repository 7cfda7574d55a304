// SPDX-License-Identifier: Apache-2.0

package dashboard

// Every instance tells the same about the table, so one of them is taken and not their
// sum.
func jobs() []Panel {
	return []Panel{
		{
			Title: "Waiting and running", Unit: "none",
			Description: "Jobs that have not ended. QUEUED that grows: the workers are too slow, or stopped. No data: the table could not be counted.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs{#,status=~"SCHEDULED|QUEUED|RUNNING"})`)},
		},
		{
			Title: "Oldest job", Unit: "s", Warn: 1800, Bad: 3600,
			Description: "Time since the oldest job was created or due (SCHEDULED, QUEUED) or started (RUNNING). A line that rises with the clock is a job without a worker.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs_oldest_age_seconds{#})`)},
		},
		{
			Title: "Jobs in the table", Unit: "none",
			Description: "All jobs by status. Without REPORTING_RETENTION_DAYS the service deletes none, and lists and the table grow.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs{#})`)},
		},
		{
			Title: "Ended within the last hour", Unit: "none", Width: 12, Stacked: true,
			Description: "Jobs that ended, by status. A working day without DONE means that no reports are made.",
			Queries:     []Query{q("{{status}}", `sum by (status) (max by (status, report_class) (reporting_jobs_finished{#}))`)},
		},
		{
			Title: "Failed within the last hour, by class", Unit: "none", Width: 12, Stacked: true, Bad: 10,
			Description: "Failed jobs by report class. One class that fails is a fault of that report; all classes together are a fault of a dependency.",
			Queries:     []Query{q("{{report_class}}", `max by (report_class) (reporting_jobs_finished{#,status="FAILED"})`)},
		},
		{
			Title: "Counts of the table", Unit: "ops", Width: 24,
			Description: "Counts of the jobs in the table. When counts fail, the panels of this row have gaps; the log has the reason (count jobs failed).",
			Queries:     []Query{q("{{result}} {{instance}}", `sum by (result, instance) (rate(reporting_jobs_measurements_total{@}[$__rate_interval]))`)},
		},
	}
}
