// SPDX-License-Identifier: Apache-2.0

package fhirsearch

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// page is the relevant content of a searchset Bundle.
type page struct {
	matches []jsontext.Value // resources
	next    string           // link to the next page; empty on the last one
	total   int              // of all pages; -1: unknown
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
		switch e.Search.Mode { // skip included resources
		case "", "match":
			p.matches = append(p.matches, e.Resource)
		case "outcome":
			if err := readOutcome(e.Resource); err != nil {
				return page{}, err
			}
		}
	}
	return p, nil
}

type outcome struct {
	Issue []struct {
		Severity string `json:"severity"`
	} `json:"issue"`
}

// readOutcome returns an error for an OperationOutcome with an error, such as when one of
// several servers behind the server did not respond: episodes are missing then. Warnings are no
// error.
func readOutcome(text []byte) error {
	var o outcome
	if err := json.Unmarshal(text, &o); err != nil {
		return errors.New("the FHIR server's answer holds what is no JSON of an OperationOutcome")
	}
	for _, issue := range o.Issue {
		if issue.Severity == "error" || issue.Severity == "fatal" {
			return errors.New("the FHIR server's answer tells of an error")
		}
	}
	return nil
}
