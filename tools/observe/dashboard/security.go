// SPDX-License-Identifier: Apache-2.0

package dashboard

func security() []Panel {
	return []Panel{
		{
			Title: "Tokens by result", Unit: "reqps",
			Description: "Authentications by result. Many invalid: a client forges tokens, or an issuer or its keys changed. Many expired: a client does not renew its tokens, or a clock is wrong.",
			Queries:     []Query{q("{{result}}", `sum by (result) (rate(reporting_auth_tokens_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Rejected tokens", Unit: "percentunit", Warn: 0.05, Bad: 0.2,
			Description: "Share of invalid or malformed tokens. Browsers that stay open always cause some; a fifth is an attack or a misconfigured issuer.",
			Queries: []Query{q("refused", `sum(rate(reporting_auth_tokens_total{@,result=~"invalid|malformed"}[$__rate_interval]))`+
				` / (sum(rate(reporting_auth_tokens_total{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "Rejected by a limit", Unit: "reqps", Bad: 0.1,
			Description: "user_rate and user_calls: one user sends too many requests (429). concurrency, large_bodies, streams: the instance is overloaded (503).",
			Queries:     []Query{q("{{limit}}", `sum by (limit) (rate(reporting_http_rejected_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Audit records lost", Kind: Number, Unit: "none", Bad: 1,
			Description: "Audit records that were lost within a day. Any loss is serious: it is unknown who has seen these jobs.",
			Queries:     []Query{q("lost", `sum(increase(reporting_audit_failures_total{#}[1d]))`)},
		},
		{
			Title: "Usable keys", Unit: "none", Bad: 1, Falling: true,
			Description: "Usable signing keys by issuer. 0: tokens of this issuer cannot be verified, and its callers get 503. Absent in gateway mode.",
			Queries:     []Query{q("{{issuer}} {{instance}}", `reporting_auth_keys{@}`)},
		},
		{
			Title: "Age of keys", Unit: "s", Warn: 600, Bad: 900,
			Description: "Time since the last load of the keys, which happens every 5 minutes. A higher value: the key server does not respond. Tokens still work, but so does a withdrawn key.",
			Queries:     []Query{q("{{issuer}} {{instance}}", `reporting_auth_keys_age_seconds{@}`)},
		},
		{
			Title: "Loads of keys", Unit: "ops",
			Description: "Loads of signing keys. failed: the key server is down or responds with nonsense; the log has the reason (refresh signing keys failed).",
			Queries:     []Query{q("{{result}} {{issuer}}", `sum by (issuer, result) (rate(reporting_auth_key_refreshes_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Token cache hits", Unit: "percentunit",
			Description: "Share of tokens that are found in the cache of the last minute. When it falls, each request costs a signature check: a client fetches a new token for each request.",
			Queries: []Query{q("hit", `sum(rate(reporting_auth_token_cache_lookups_total{@,result="hit"}[$__rate_interval]))`+
				` / (sum(rate(reporting_auth_token_cache_lookups_total{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "Cached tokens", Unit: "none",
			Description: "Entries of the token cache, expired ones included. When the cache is full, tokens are verified more often.",
			Queries:     []Query{q("{{instance}}", `reporting_auth_token_cache_entries{@}`)},
		},
	}
}
