// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"net"
	"strings"

	"reporting/internal/doctor"
)

// ForgetOwner takes out of the statements what asks for the caller's rows only, as a
// mistake in a later change might.
func ForgetOwner(jobs *JobStore) *JobStore {
	forgetful := *jobs
	for _, sql := range []*string{&forgetful.newest, &forgetful.narrowed, &forgetful.further} {
		asked := *sql
		if *sql = strings.ReplaceAll(asked, "user_id = $1", "$1::text is not null"); *sql == asked {
			panic("the query no longer asks for the owner where it did")
		}
	}
	forgetful.together = newBatcher(forgetful.together.most, forgetful.askTogether)
	return &forgetful
}

// Needed is what the doctor looks for, by the question that tells what is there.
func Needed() map[string][]string {
	return map[string][]string{
		workingIndexes: neededIndexes, workingGuards: neededGuards, workingPolicies: neededPolicies,
		workingTables: neededTables, workingReportIndexes: neededReportIndexes, workingReportGuards: neededReportGuards,
		workingReportPolicies: neededReportPolicies, workingQueueIndexes: neededQueueIndexes, workingGrants: neededGrants,
	}
}

// Encryption is what the doctor says of a connection.
func Encryption(conn net.Conn) doctor.Finding { return (&Examination{}).encryption(conn) }
