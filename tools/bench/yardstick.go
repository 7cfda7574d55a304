// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"reporting/internal/postgres"

	"reporting/tools/bench/stage"
)

// newest is the number of jobs of the service's first query.
const newest = 100

// yardstick queries the jobs of random users without row-level security: the least work of the
// database for a request. It uses the same users as the service.
func yardstick(users, stride int) stage.Script {
	return stage.Script{Text: chooseUser(users, stride) + forPgbench(postgres.SelectNewest)}
}

// walled queries as the service does: as the role for readers, with row-level security, in one
// round trip.
func walled(users, stride int) stage.Script {
	return stage.Script{
		Text: chooseUser(users, stride) + "\\startpipeline\n" + forPgbench(postgres.SetUser) + forPgbench(postgres.SelectNewest) + "\\endpipeline\n",
		Role: "reporting_reader",
	}
}

func chooseUser(users, stride int) string {
	return fmt.Sprintf("\\set user %d + %d * random(0, %d)\n\\set newest %d\n", stage.FirstUser, stride, users-1, newest)
}

// forPgbench replaces the parameters of a statement by variables of pgbench.
func forPgbench(statement string) string {
	return strings.NewReplacer("$1", ":user", "$2", ":newest").Replace(statement) + ";\n"
}
