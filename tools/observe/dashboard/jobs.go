// SPDX-License-Identifier: Apache-2.0

package dashboard

// Every instance tells the same about the table, so one of them is taken and not their
// sum.
func jobs() []Panel {
	return []Panel{
		{
			Title: "Waiting and running", Unit: "none",
			Description: "Jobs that have not ended. QUEUED that grows: the workers do not keep up, or are gone. Nothing at all: the table could not be counted.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs{#,status=~"SCHEDULED|QUEUED|RUNNING"})`)},
		},
		{
			Title: "Oldest", Unit: "s", Warn: 1800, Bad: 3600,
			Description: "How long the oldest job has waited since it was made or due (SCHEDULED, QUEUED) or run (RUNNING). A line that rises with the clock is a job that nobody works at.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs_oldest_age_seconds{#})`)},
		},
		{
			Title: "In the table", Unit: "none",
			Description: "All jobs by status. Without REPORTING_RETENTION_DAYS nothing deletes them by itself: lists and the table grow until somebody does.",
			Queries:     []Query{q("{{status}}", `max by (status) (reporting_jobs{#})`)},
		},
		{
			Title: "Ended within the last hour", Unit: "none", Width: 12, Stacked: true,
			Description: "By how they ended. A working day without DONE means that reports are not made.",
			Queries:     []Query{q("{{status}}", `sum by (status) (max by (status, report_class) (reporting_jobs_finished{#}))`)},
		},
		{
			Title: "Failed within the last hour, by class", Unit: "none", Width: 12, Stacked: true, Bad: 10,
			Description: "One class that fails is a fault of that report; all of them together are a fault of what reports need.",
			Queries:     []Query{q("{{report_class}}", `max by (report_class) (reporting_jobs_finished{#,status="FAILED"})`)},
		},
		{
			Title: "Countings of the table", Unit: "ops", Width: 24,
			Description: "How often jobs were counted. With failed ones the panels of this row have gaps; the log says why (jobs not measured).",
			Queries:     []Query{q("{{result}} {{instance}}", `sum by (result, instance) (rate(reporting_jobs_measurements_total{@}[$__rate_interval]))`)},
		},
	}
}
