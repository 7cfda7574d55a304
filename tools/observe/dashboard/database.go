// SPDX-License-Identifier: Apache-2.0

package dashboard

func database() []Panel {
	return []Panel{
		{
			Title: "Time of a question", Unit: "s", Warn: 0.1, Bad: 1,
			Description: "From sending a question to its last row. It grows with locks on the table, a busy server, a cold disk, a lost index. Beyond the statement limit calls end with 503.",
			Queries:     quantiles("reporting_db_query_duration_seconds", ""),
		},
		{
			Title: "Wait for a connection", Unit: "s", Warn: 0.05, Bad: 0.5,
			Description: "How long a reading waited for its turn and a connection. It grows when questions take long or when there are more calls than the pool can take. After 1.5 s a call ends with 503.",
			Queries:     quantiles("reporting_db_wait_duration_seconds", ""),
		},
		{
			Title: "Errors by kind", Unit: "ops", Bad: 0.01,
			Description: "unavailable: no connection, or it broke. timeout: no answer in time. internal: trying again does not help, such as a missing right or a wrong schema. The log has the SQL state.",
			Queries:     []Query{q("{{kind}}", `sum by (kind) (rate(reporting_db_errors_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Connections of the pool", Unit: "none",
			Description: "In use, idle, and how many there may be. In use at the limit for long: questions take too long, or the pool is too small (pool_max_conns).",
			Queries: []Query{
				q("{{state}} {{instance}}", `reporting_db_pool_connections{@}`),
				q("limit {{instance}}", `reporting_db_pool_max_connections{@}`),
			},
		},
		{
			Title: "Hand-outs and waits", Unit: "ops",
			Description: "Connections handed out, those of them that had to be waited for, and waits that ended without one. Any of the last were calls that ended with 503.",
			Queries: []Query{
				q("handed out", `sum(rate(reporting_db_pool_acquires_total{@}[$__rate_interval]))`),
				q("after waiting", `sum(rate(reporting_db_pool_waits_total{@}[$__rate_interval]))`),
				q("given up", `sum(rate(reporting_db_pool_acquires_given_up_total{@}[$__rate_interval]))`),
			},
		},
		{
			Title: "Waiting at a time", Unit: "none", Warn: 1, Bad: 5,
			Description: "How many waited for a connection of the pool at a time, on average. Anything that stays above 1 means that the pool is what calls wait for.",
			Queries:     []Query{q("{{instance}}", `rate(reporting_db_pool_wait_seconds_total{@}[$__rate_interval])`)},
		},
		{
			Title: "Replica", Unit: "s", Warn: 5, Bad: 10,
			Description: "How far the replica is behind the primary. Above 10 s, or absent, the primary is asked first, which then has all the work. Empty where there is no replica.",
			Queries:     []Query{q("{{instance}}", `reporting_db_replica_lag_seconds{@}`)},
		},
		{
			Title: "Who answers", Unit: "ops", Stacked: true,
			Description: "Readings by the server that answered them, where there is a replica. All from the primary: the replica is behind or away. All from the replica: that is how it should be.",
			Queries:     []Query{q("{{server}}", `sum by (server) (rate(reporting_db_replica_reads_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Connections to the replica", Unit: "none",
			Description: "In use, idle, and how many there may be, as for the primary.",
			Queries: []Query{
				q("{{state}} {{instance}}", `reporting_db_replica_pool_connections{@}`),
				q("limit {{instance}}", `reporting_db_replica_pool_max_connections{@}`),
			},
		},
	}
}
