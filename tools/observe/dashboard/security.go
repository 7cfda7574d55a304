// SPDX-License-Identifier: Apache-2.0

package dashboard

func security() []Panel {
	return []Panel{
		{
			Title: "Tokens by result", Unit: "reqps",
			Description: "What became of requests that need a token. invalid that surges: somebody forges tokens, or an issuer or its keys changed. expired that surges: a client does not renew them, or a clock is wrong.",
			Queries:     []Query{q("{{result}}", `sum by (result) (rate(reporting_auth_tokens_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Refused tokens", Unit: "percentunit", Warn: 0.05, Bad: 0.2,
			Description: "The share of tokens that were no good: invalid or malformed. A few always come from browsers left open; a fifth is an attack or a misconfigured issuer.",
			Queries: []Query{q("refused", `sum(rate(reporting_auth_tokens_total{@,result=~"invalid|malformed"}[$__rate_interval]))`+
				` / (sum(rate(reporting_auth_tokens_total{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "Refused by a limit", Unit: "reqps", Bad: 0.1,
			Description: "user_rate and user_calls: one user asks too much (429). concurrency, large_bodies, streams: the instance has too much to do (503).",
			Queries:     []Query{q("{{limit}}", `sum by (limit) (rate(reporting_http_rejected_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Audit records lost", Kind: Number, Unit: "none", Bad: 1,
			Description: "Answers whose audit record could not be written, within a day. Any is one too many: it is not known who saw these jobs.",
			Queries:     []Query{q("lost", `sum(increase(reporting_audit_failures_total{#}[1d]))`)},
		},
		{
			Title: "Keys at hand", Unit: "none", Bad: 1, Falling: true,
			Description: "Usable signing keys by issuer. 0: no token of that issuer can be judged, and its callers get 503. Absent in gateway mode.",
			Queries:     []Query{q("{{issuer}} {{instance}}", `reporting_auth_keys{@}`)},
		},
		{
			Title: "Age of keys", Unit: "s", Warn: 600, Bad: 900,
			Description: "Time since the keys were last loaded, which happens every 5 minutes. Above that the key server does not answer: tokens go on working, but a key that was withdrawn does so too.",
			Queries:     []Query{q("{{issuer}} {{instance}}", `reporting_auth_keys_age_seconds{@}`)},
		},
		{
			Title: "Loads of keys", Unit: "ops",
			Description: "Attempts to load keys. failed: the key server is away or answers nonsense; the log says what (refresh signing keys failed).",
			Queries:     []Query{q("{{result}} {{issuer}}", `sum by (issuer, result) (rate(reporting_auth_key_refreshes_total{@}[$__rate_interval]))`)},
		},
		{
			Title: "Tokens that were remembered", Unit: "percentunit",
			Description: "The share of tokens that were found among those verified within the last minute. When it falls, each call costs a signature: a client that asks for a new token each time.",
			Queries: []Query{q("hit", `sum(rate(reporting_auth_token_cache_lookups_total{@,result="hit"}[$__rate_interval]))`+
				` / (sum(rate(reporting_auth_token_cache_lookups_total{@}[$__rate_interval])) > 0)`)},
		},
		{
			Title: "Remembered tokens", Unit: "none",
			Description: "Entries of that cache, also those whose time is over. It is bounded; at the bound tokens are verified more often.",
			Queries:     []Query{q("{{instance}}", `reporting_auth_token_cache_entries{@}`)},
		},
	}
}
