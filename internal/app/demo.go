// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"reporting/internal/auth"
	"reporting/internal/report"
)

// SeedUser is the user of the published example, with the roles of its token.
func SeedUser() auth.Principal {
	return auth.Principal{
		UserID:   "0aaca7cd-67c3-48dd-a8c4-0cceecb5d276",
		Roles:    []string{"report-non-anonymized", "$fetch-patient-usage-stats", "Binary.read"},
		UserType: "PRACTITIONER",
	}
}

// DemoUser is a user with a job of every status. SeedUser has one job, so that the published
// request gets the published response.
func DemoUser() auth.Principal {
	return auth.Principal{UserID: "demo", UserType: "PRACTITIONER"}
}

const (
	usageReport     = "com.systematic.ehealth.reporting.reports.PatientsUsageReport"
	notAnonymized   = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`
	anonymized      = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"ANONYMIZED"}]}`
	demoJobInterval = 10 * time.Minute
)

// SeedJob is the job of the published example.
func SeedJob() report.Job {
	created := time.Date(2023, time.October, 12, 9, 51, 50, 0, time.UTC)
	return report.Job{
		ID:              report.JobID(uuid.MustParse("ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc")),
		ReportClass:     usageReport,
		UserID:          SeedUser().UserID,
		Status:          report.Failed,
		BinaryReference: "https://reporting.local.ehealth.sundhed.dk/fhir/Binary/7",
		Parameters:      []byte(notAnonymized),
		Created:         created,
		Started:         created,
		Ended:           created.Add(time.Second),
	}
}

// demoJobs are the jobs of "reporting dev": SeedJob, and one of every status for DemoUser.
func demoJobs(now time.Time) []report.Job {
	jobs := []report.Job{SeedJob()}
	for i, status := range report.Statuses() {
		job := report.Job{
			ID:          report.JobID(uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "reporting:demo:%s", status))),
			ReportClass: usageReport,
			UserID:      DemoUser().UserID,
			Status:      status,
			Parameters:  []byte(anonymized),
			Created:     now.Add(-time.Duration(i) * demoJobInterval),
		}
		if status == report.Running || status.Final() {
			job.Started = job.Created.Add(time.Second)
		}
		if status.Final() {
			job.Ended = job.Started.Add(time.Minute)
		}
		if status == report.Done {
			job.BinaryReference = "https://reports.example/fhir/Binary/1" // like a job of another producer
		}
		jobs = append(jobs, job)
	}
	return jobs
}
