// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Job is what is looked at of one.
type Job struct {
	ID, User, Created string
}

// ReadList reads a Bundle of a user's jobs, and refuses one that is of another form, has
// a job of somebody else or one job twice, or is not in order.
func ReadList(body []byte, user string) ([]Job, error) {
	var bundle struct {
		ResourceType, Type string
		Entry              []struct {
			Resource struct {
				ID        string
				Parameter []struct {
					Part []struct{ Name, ValueString, ValueDateTime string }
				}
			}
		}
	}
	if err := json.Unmarshal(body, &bundle); err != nil {
		return nil, fmt.Errorf("the list is no JSON: %w", err)
	}
	if bundle.ResourceType != "Bundle" || bundle.Type != "collection" {
		return nil, errors.New("the list is no collection Bundle")
	}
	var jobs []Job
	seen := map[string]bool{}
	for _, entry := range bundle.Entry {
		job := Job{ID: entry.Resource.ID}
		for _, parameter := range entry.Resource.Parameter {
			for _, part := range parameter.Part {
				switch part.Name {
				case "userId":
					job.User = part.ValueString
				case "created":
					job.Created = part.ValueDateTime
				}
			}
		}
		switch {
		case job.User != user:
			return nil, fmt.Errorf("a job of %q in the list of %q", job.User, user)
		case job.ID == "" || seen[job.ID]:
			return nil, fmt.Errorf("job %q has no id, or stands there twice", job.ID)
		case len(jobs) > 0 && job.Created > jobs[len(jobs)-1].Created:
			return nil, fmt.Errorf("job %q is newer than the one before it", job.ID)
		}
		seen[job.ID] = true
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// Exactly wants a user's list to have so many jobs.
func Exactly(user string, count int) func([]byte) error {
	return func(body []byte) error {
		jobs, err := ReadList(body, user)
		if err == nil && len(jobs) != count {
			err = fmt.Errorf("a list of %d jobs that looks whole, of %d", len(jobs), count)
		}
		return err
	}
}
