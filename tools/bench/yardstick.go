// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"reporting/tools/bench/stage"
)

// The statements that the service sends, as pgbench sends them for comparison. This is
// the one place that repeats them: where internal/postgres exports its own, they
// belong here. $1 is the user; what the service adds for callers who choose among
// their jobs is left out, as it is nothing for those who do not.
const (
	selectJobs = `select id, report_class, user_id, status, coalesce(binary_reference, ''), parameters, created_at, started_at, ended_at
  from report_job where user_id = $1 order by created_at desc, id limit 1000`
	setUser = `select set_config('reporting.user_id', $1, true)`
)

// yardstick asks for the jobs of users by chance, without the second wall: the least
// that the database has to do for a call. The users are those that the service is
// asked for.
func yardstick(users, stride int) stage.Script {
	return stage.Script{Text: chooseUser(users, stride) + forPgbench(selectJobs)}
}

// walled asks as the service does: as the role for readers, who see rows only of the
// user that the transaction names, both in one round trip.
func walled(users, stride int) stage.Script {
	return stage.Script{
		Text: chooseUser(users, stride) + "\\startpipeline\n" + forPgbench(setUser) + forPgbench(selectJobs) + "\\endpipeline\n",
		Role: "reporting_reader",
	}
}

func chooseUser(users, stride int) string {
	return fmt.Sprintf("\\set user %d + %d * random(0, %d)\n", stage.FirstUser, stride, users-1)
}

// forPgbench makes a statement with $1 one of pgbench's, with its variable.
func forPgbench(statement string) string { return strings.ReplaceAll(statement, "$1", ":user") + ";\n" }
