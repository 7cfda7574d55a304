// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"reporting/internal/source/episode"
)

// Decoder decodes EpisodeOfCare resources (FHIR R4, JSON). It ignores unknown elements. A
// missing element that it needs is an error, because a count without it would be wrong.
type Decoder struct {
	// Base is the base URL of the server that the resources come from. References to patients
	// may contain it. If it is empty, the absolute and the relative reference to a patient count
	// as two patients.
	Base string
	// Zone is the time zone of dates without a time.
	Zone *time.Location

	resource resource // reused for each resource
}

type resource struct {
	ResourceType string    `json:"resourceType"`
	Status       string    `json:"status"`
	Patient      reference `json:"patient"`
	Period       period    `json:"period"`
	History      []stage   `json:"statusHistory"`
}

type reference struct {
	Reference string `json:"reference"`
}

type period struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type stage struct {
	Status string `json:"status"`
	Period period `json:"period"`
}

// Decode overwrites e with a resource. Its error names the element and never its content, which
// may be about a patient.
func (d *Decoder) Decode(text []byte, e *episode.Episode) error {
	history := d.resource.History[:0]
	d.resource = resource{History: history}
	if err := json.Unmarshal(text, &d.resource); err != nil {
		return errors.New("is no JSON of an EpisodeOfCare")
	}
	r := &d.resource
	if r.ResourceType != "EpisodeOfCare" {
		return errors.New("is no EpisodeOfCare")
	}
	e.Status = episode.Status(r.Status)
	if !e.Status.Valid() {
		return errors.New("EpisodeOfCare.status is missing or unknown")
	}
	if e.Patient = d.patient(r.Patient.Reference); e.Patient == "" {
		return errors.New("EpisodeOfCare.patient.reference is missing")
	}
	if strings.HasPrefix(e.Patient, "#") { // another patient in each resource
		return errors.New("EpisodeOfCare.patient.reference is a contained resource")
	}
	var err error
	if e.Period, err = d.period(r.Period); err != nil {
		return fmt.Errorf("EpisodeOfCare.period.%w", err)
	}
	e.History = e.History[:0]
	for _, s := range r.History {
		next := episode.HistoryEntry{Status: episode.Status(s.Status)}
		if !next.Status.Valid() {
			return errors.New("EpisodeOfCare.statusHistory.status is missing or unknown")
		}
		if next.Period, err = d.period(s.Period); err != nil {
			return fmt.Errorf("EpisodeOfCare.statusHistory.period.%w", err)
		}
		e.History = append(e.History, next)
	}
	return nil
}

// patient returns the same name for all references to a patient.
func (d *Decoder) patient(reference string) string {
	reference, _, _ = strings.Cut(reference, "/_history/")
	if d.Base != "" {
		reference = strings.TrimPrefix(reference, strings.TrimSuffix(d.Base, "/")+"/")
	}
	return reference
}

func (d *Decoder) period(p period) (out episode.Period, err error) {
	if p.Start != "" {
		if out.Start, _, err = d.dateTime(p.Start); err != nil {
			return out, errors.New("start is not a dateTime")
		}
	}
	if p.End != "" {
		if _, out.End, err = d.dateTime(p.End); err != nil {
			return out, errors.New("end is not a dateTime")
		}
	}
	return out, nil
}

// dateTime returns the first instant of a dateTime and the first instant after it. For a day,
// month or year these are apart; for a time they are equal.
func (d *Decoder) dateTime(text string) (first, after time.Time, err error) {
	if strings.Contains(text, "T") {
		first, err = time.Parse(time.RFC3339, text)
		return first, first, err
	}
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{time.DateOnly, 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if len(text) == len(form.layout) {
			first, err = time.ParseInLocation(form.layout, text, d.Zone)
			return first, first.AddDate(form.years, form.months, form.days), err
		}
	}
	return first, after, errors.New("no dateTime")
}
