// SPDX-License-Identifier: Apache-2.0

package dashboard

func database() []Panel {
	return []Panel{
		{
			Title: "Query duration", Unit: "s", Warn: 0.1, Bad: 1,
			Description: "Duration of a query for jobs, to its last row. It grows with locks on the table, a busy server, a cold disk or a missing index. Requests fail with 503 at the statement timeout.",
			Queries:     quantiles("reporting_db_query_duration_seconds", ""),
		},
		{
			Title: "Wait for a connection", Unit: "s", Warn: 0.05, Bad: 0.5,
			Description: "Time that a query waits for its batch and a connection. It grows when queries are slow, or when there are more requests than the pool can serve. After 1.5 s a request fails with 503.",
			Queries:     quantiles("reporting_db_wait_duration_seconds", ""),
		},
		{
			Title: "Errors by kind", Unit: "ops", Bad: 0.01,
			Description: "unavailable: no connection, or it was lost. timeout: no result in time. internal: a retry does not help, for example a missing right or a wrong schema. The log has the SQL state.",
			Queries:     []Query{q("{{kind}}", `sum by (kind) (rate(reporting_db_errors_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Connections of the pool", Unit: "none",
			Description: "Connections in use, idle ones, and the limit. In use at the limit for long: queries are slow, or the pool is too small (pool_max_conns).",
			Queries: []Query{
				q("{{state}} {{instance}}", `reporting_db_pool_connections{@}`),
				q("limit {{instance}}", `reporting_db_pool_max_connections{@}`),
			},
		},
		{
			Title: "Acquired connections", Unit: "ops",
			Description: "Acquisitions of connections, those that had to wait, and those that failed. A failed one is a request that failed with 503.",
			Queries: []Query{
				q("handed out", `sum(rate(reporting_db_pool_acquires_total{@}[$__rate_interval]))`),
				q("after waiting", `sum(rate(reporting_db_pool_waits_total{@}[$__rate_interval]))`),
				q("given up", `sum(rate(reporting_db_pool_acquires_given_up_total{@}[$__rate_interval]))`),
			},
		},
		{
			Title: "Waiting for a connection", Unit: "none", Warn: 1, Bad: 5,
			Description: "Average number of queries that wait for a connection of the pool. A value that stays above 1 means that the pool is the bottleneck.",
			Queries:     []Query{q("{{instance}}", `rate(reporting_db_pool_wait_seconds_total{@}[$__rate_interval])`)},
		},
		{
			Title: "Replica", Unit: "s", Warn: 5, Bad: 10,
			Description: "Lag of the replica. Above 10 s, or when it is absent, reads go to the primary, which then has all the load. Empty without a replica.",
			Queries:     []Query{q("{{instance}}", `reporting_db_replica_lag_seconds{@}`)},
		},
		{
			Title: "Reads by server", Unit: "ops", Stacked: true,
			Description: "Reads by server, with a replica. All on the primary: the replica lags or is down. All on the replica is normal.",
			Queries:     []Query{q("{{server}}", `sum by (server) (rate(reporting_db_replica_reads_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Connections to the replica", Unit: "none",
			Description: "Connections in use, idle ones, and the limit, as for the primary.",
			Queries: []Query{
				q("{{state}} {{instance}}", `reporting_db_replica_pool_connections{@}`),
				q("limit {{instance}}", `reporting_db_replica_pool_max_connections{@}`),
			},
		},
	}
}
