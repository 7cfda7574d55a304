// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"reporting/internal/devpg"
)

// database is a private Postgres that was prepared as docs/deployment.md says.
type database struct {
	server *devpg.Server
	addr   string
}

func startDatabase(t *testing.T) *database {
	t.Helper()
	server, err := devpg.Start(t.Context(), devpg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	d := &database{server: server, addr: forward(t, server.URL("postgres", "postgres"))}
	d.exec(t, "postgres", "postgres", preparation(t)...)
	return d
}

// url is the connection string of a login, by TCP: a jail has no socket of Postgres.
func (d *database) url(login string) string {
	return "postgres://" + login + ":secret@" + d.addr + "/reporting?sslmode=disable"
}

// psql runs a statement as the superuser in the service's database.
func (d *database) psql(t *testing.T, statement string) {
	t.Helper()
	d.exec(t, "postgres", "reporting", statement)
}

func (d *database) exec(t *testing.T, user, name string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.server.URL(user, name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// preparation is what docs/deployment.md has an administrator run before anything else.
func preparation(t *testing.T) []string {
	t.Helper()
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindStringSubmatch(readFile(t, "../../docs/deployment.md"))
	if block == nil {
		t.Fatal("docs/deployment.md does not say how to prepare the database")
	}
	var statements []string
	for statement := range strings.SplitSeq(block[1], ";") {
		if statement = strings.TrimSpace(statement); statement != "" {
			statements = append(statements, statement)
		}
	}
	return statements
}

// forward lets TCP clients reach the server, which listens on a socket that few may enter.
func forward(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(parsed.Query().Get("host"), ".s.PGSQL.5432")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			server, err := net.Dial("unix", socket)
			if err != nil {
				_ = client.Close()
				continue
			}
			pipe := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_ = to.Close()
			}
			go pipe(server, client)
			go pipe(client, server)
		}
	}()
	return listener.Addr().String()
}
