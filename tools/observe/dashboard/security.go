// SPDX-License-Identifier: Apache-2.0

package dashboard

func security() []Panel {
	return []Panel{
		{
			Title: "Tokens by result", Unit: "reqps",
			Description: "Requests that need a token, by result. Many invalid: a client forges tokens, or an issuer or its keys changed. Many expired: a client does not renew its tokens, or a clock is wrong.",
			Queries:     []Query{q("{{result}}", `sum by (result) (rate(reporting_auth_tokens_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Share of invalid tokens", Unit: "percentunit", Warn: 0.05, Bad: 0.2,
			Description: "Share of tokens that are invalid or malformed. A few are normal; a fifth is an attack or a misconfigured issuer.",
			Queries: []Query{q("invalid", `sum(rate(reporting_auth_tokens_total{@,result=~"invalid|malformed"}[$__rate_interval]))`+
				` / (sum(rate(reporting_auth_tokens_total{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "Rejected by a limit", Unit: "reqps", Bad: 0.1,
			Description: "user_rate and user_calls: one user sends too many requests (429). concurrency, large_bodies, streams: the instance is overloaded (503).",
			Queries:     []Query{q("{{limit}}", `sum by (limit) (rate(reporting_http_rejected_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Audit records lost", Kind: Number, Unit: "none", Bad: 1,
			Description: "Responses within a day whose audit record could not be written. Even one means that the audit log does not show which user saw these jobs.",
			Queries:     []Query{q("lost", `sum(increase(reporting_audit_failures_total{#}[1d]))`)},
		},
		{
			Title: "Signing keys", Unit: "none", Bad: 1, Falling: true,
			Description: "Usable signing keys by issuer. 0: tokens of that issuer cannot be verified, and their requests get 503. No data in gateway mode.",
			Queries:     []Query{q("{{issuer}} {{instance}}", `reporting_auth_keys{@}`)},
		},
		{
			Title: "Age of signing keys", Unit: "s", Warn: 600, Bad: 900,
			Description: "Time since the keys were last loaded, which happens every 5 minutes. Above that the key server does not respond: tokens stay valid, but so do those of a revoked key.",
			Queries:     []Query{q("{{issuer}} {{instance}}", `reporting_auth_keys_age_seconds{@}`)},
		},
		{
			Title: "Loads of signing keys", Unit: "ops",
			Description: "Loads of keys by result. failed: the key server is down or its response is not a key set; the log has the cause (refresh signing keys failed).",
			Queries:     []Query{q("{{result}} {{issuer}}", `sum by (issuer, result) (rate(reporting_auth_key_refreshes_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Token cache hits", Unit: "percentunit",
			Description: "Share of tokens found in the cache of verified tokens. When it falls, each request costs a signature check: a client gets a new token for each request.",
			Queries: []Query{q("hit", `sum(rate(reporting_auth_token_cache_lookups_total{@,result="hit"}[$__rate_interval]))`+
				` / (sum(rate(reporting_auth_token_cache_lookups_total{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "Token cache entries", Unit: "none",
			Description: "Entries of the token cache, expired ones included. Its size is bounded; at the bound tokens are verified more often.",
			Queries:     []Query{q("{{instance}}", `reporting_auth_token_cache_entries{@}`)},
		},
	}
}
