// SPDX-License-Identifier: Apache-2.0

package fhirsearch

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// page is what counts of a Bundle of type searchset.
type page struct {
	matches []jsontext.Value // resources
	next    string           // link; "" on the last page
	total   int              // of all pages; -1: not told
}

type bundle struct {
	ResourceType string  `json:"resourceType"`
	Type         string  `json:"type"`
	Total        *int    `json:"total"`
	Link         []link  `json:"link"`
	Entry        []entry `json:"entry"`
}

type link struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type entry struct {
	Resource jsontext.Value `json:"resource"`
	Search   struct {
		Mode string `json:"mode"`
	} `json:"search"`
}

func readPage(text []byte) (page, error) {
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return page{}, errors.New("the FHIR server's answer is no JSON of a Bundle")
	}
	if b.ResourceType != "Bundle" || b.Type != "searchset" {
		return page{}, errors.New("the FHIR server's answer is no Bundle of type searchset")
	}
	p := page{total: -1}
	if b.Total != nil {
		p.total = *b.Total
	}
	for _, l := range b.Link {
		if l.Relation == "next" {
			p.next = l.URL
		}
	}
	for _, e := range b.Entry {
		// The others are warnings, and what was included.
		if e.Search.Mode == "" || e.Search.Mode == "match" {
			p.matches = append(p.matches, e.Resource)
		}
	}
	return p, nil
}
