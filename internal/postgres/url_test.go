// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"strings"
	"testing"

	"reporting/internal/postgres"
)

func TestCheckURLValidatesWithoutSecrets(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://u:p@h:5432/d", "postgresql://u@h1,h2/d?target_session_attrs=read-write", "host=h user=u dbname=d",
		"host=/run/postgresql user=u", "postgres://u@h/d?default_query_exec_mode=exec", "postgres://u@h/d?pool_max_conns=3",
	} {
		if err := postgres.CheckURL(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{
		"mysql://u:secret@h/d", "postgres://u:secret@h:notaport/d", "postgres://u:secret@h/d?sslmode=perhaps", "secret",
		"postgres://u:secret@h/d?default_query_exec_mode=simple_protocol", // it puts values into SQL text
	} {
		err := postgres.CheckURL(url)
		if err == nil {
			t.Errorf("%s is accepted", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
