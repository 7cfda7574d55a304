// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
)

// way is one in which a key server is of no use.
type way struct {
	name    string
	instead http.HandlerFunc // answers in its place
	network func(*issuance) error
}

func (sc *scene) ways() []way {
	all := []way{
		{name: "away", network: func(i *issuance) error { i.damage.Down(); return nil }},
		{name: "answering 500", instead: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "out of order", http.StatusInternalServerError)
		}},
		{name: "answering a page of HTML with 200", instead: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><body>Down for maintenance</body></html>")
		}},
		{name: "answering with an empty set", instead: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"keys":[]}`)
		}},
		{name: "3 s away", network: func(i *issuance) error { return i.damage.Slow(3000) }},
		{name: "hanging", instead: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	}
	if sc.quick {
		return []way{all[0], all[5]}
	}
	return all
}

func (w way) begin(i *issuance, _ *scene) error {
	i.Answer(w.instead)
	if w.network != nil {
		return w.network(i)
	}
	return nil
}

func (w way) end(i *issuance, sc *scene) error {
	i.Answer(nil)
	i.damage.Mend(sc.ctx)
	if i.damage.IsDown() {
		return i.damage.Up()
	}
	return nil
}
