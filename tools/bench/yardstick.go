// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"reporting/internal/postgres"

	"reporting/tools/bench/stage"
)

// newest is how many jobs the service asks for at first.
const newest = 100

// yardstick asks for the jobs of users by chance, without the second wall: the least
// that the database has to do for a call. The users are those that the service is
// asked for.
func yardstick(users, stride int) stage.Script {
	return stage.Script{Text: chooseUser(users, stride) + forPgbench(postgres.SelectNewest)}
}

// walled asks as the service does: as the role for readers, who see rows only of the
// user that the transaction names, both in one round trip.
func walled(users, stride int) stage.Script {
	return stage.Script{
		Text: chooseUser(users, stride) + "\\startpipeline\n" + forPgbench(postgres.SetUser) + forPgbench(postgres.SelectNewest) + "\\endpipeline\n",
		Role: "reporting_reader",
	}
}

func chooseUser(users, stride int) string {
	return fmt.Sprintf("\\set user %d + %d * random(0, %d)\n\\set newest %d\n", stage.FirstUser, stride, users-1, newest)
}

// forPgbench makes a statement with parameters one of pgbench's, with its variables.
func forPgbench(statement string) string {
	return strings.NewReplacer("$1", ":user", "$2", ":newest").Replace(statement) + ";\n"
}
