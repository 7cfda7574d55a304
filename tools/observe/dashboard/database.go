// SPDX-License-Identifier: Apache-2.0

package dashboard

func database() []Panel {
	return []Panel{
		{
			Title: "Duration of a query", Unit: "s", Warn: 0.1, Bad: 1,
			Description: "From sending a query to its last row. Grows with locks on the table, a busy server, a cold cache or a missing index. After REPORTING_STATEMENT_TIMEOUT a request ends with 503.",
			Queries:     quantiles("reporting_db_query_duration_seconds", ""),
		},
		{
			Title: "Wait for a connection", Unit: "s", Warn: 0.05, Bad: 0.5,
			Description: "How long a read waits for a connection. Grows when queries are slow, or when there are more requests than the pool can carry. After 1.5 s a request ends with 503.",
			Queries:     quantiles("reporting_db_wait_duration_seconds", ""),
		},
		{
			Title: "Errors by kind", Unit: "ops", Bad: 0.01,
			Description: "unavailable: no connection, or a broken one. timeout: no result in time. internal: a retry does not help, such as a missing right or a wrong schema. The log has the SQL state.",
			Queries:     []Query{q("{{kind}}", `sum by (kind) (rate(reporting_db_errors_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Connections of the pool", Unit: "none",
			Description: "In use, idle, and the limit. In use at the limit for long: queries are slow, or the pool is too small (pool_max_conns).",
			Queries: []Query{
				q("{{state}} {{instance}}", `reporting_db_pool_connections{@}`),
				q("limit {{instance}}", `reporting_db_pool_max_connections{@}`),
			},
		},
		{
			Title: "Acquired connections and waits", Unit: "ops",
			Description: "Acquired connections, acquisitions that had to wait, and waits that got none. Each of the last is a request that ended with 503.",
			Queries: []Query{
				q("acquired", `sum(rate(reporting_db_pool_acquires_total{@}[$__rate_interval]))`),
				q("after waiting", `sum(rate(reporting_db_pool_waits_total{@}[$__rate_interval]))`),
				q("given up", `sum(rate(reporting_db_pool_acquires_given_up_total{@}[$__rate_interval]))`),
			},
		},
		{
			Title: "Waiting for a connection", Unit: "none", Warn: 1, Bad: 5,
			Description: "Average number of requests that wait for a connection at a time. A value that stays above 1 means that the pool is the bottleneck.",
			Queries:     []Query{q("{{instance}}", `rate(reporting_db_pool_wait_seconds_total{@}[$__rate_interval])`)},
		},
		{
			Title: "Replica", Unit: "s", Warn: 5, Bad: 10,
			Description: "Lag of the replica behind the primary. Above 10 s, or without data, reads go to the primary, which then carries all load. Empty without a replica.",
			Queries:     []Query{q("{{instance}}", `reporting_db_replica_lag_seconds{@}`)},
		},
		{
			Title: "Reads by server", Unit: "ops", Stacked: true,
			Description: "Reads by the server that served them, with a replica. All from the replica: normal. All from the primary: the replica is behind or down.",
			Queries:     []Query{q("{{server}}", `sum by (server) (rate(reporting_db_replica_reads_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Connections to the replica", Unit: "none",
			Description: "In use, idle, and the limit. In use at the limit for long: queries on the replica are slow, or the pool is too small.",
			Queries: []Query{
				q("{{state}} {{instance}}", `reporting_db_replica_pool_connections{@}`),
				q("limit {{instance}}", `reporting_db_replica_pool_max_connections{@}`),
			},
		},
	}
}
