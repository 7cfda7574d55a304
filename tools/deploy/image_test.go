// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"reporting/internal/auth/authtest"
)

// The program runs as Kubernetes runs the image: the files that the Dockerfile puts there
// and no others, the user and the settings that the chart has. It migrates a database that
// was prepared as docs/deployment.md says, gets ready, answers, finds itself well, and stops when it is told to.
func TestTheImageRuns(t *testing.T) {
	t.Parallel()
	list := objects(t, valueSets(t)["least"])
	pod := service(list)
	image := imageFiles(t)
	user := int(*pod.Spec.SecurityContext.RunAsUser)
	database := startDatabase(t)

	container := one[*batchv1.Job](t, objects(t, values{})).Spec.Template.Spec.Containers[0]
	env := settings(t, container)
	env["REPORTING_DATABASE_URL"] = database.url("reporting_migrate")
	migrate := inJail(t, image, user, environ(env), append([]string{"/reporting"}, container.Args...)...)
	if output, err := migrate.CombinedOutput(); err != nil || !strings.Contains(string(output), "schema is at version") {
		t.Fatalf("migrate: %v: %s", err, output)
	}
	database.psql(t, insertJob)

	idp := authtest.New(t)
	api, ops := freePort(t), freePort(t)
	container = pod.Spec.Containers[0]
	env = settings(t, container)
	maps.Copy(env, map[string]string{ // what is not as in a cluster
		"REPORTING_DATABASE_URL": database.url("reporting_serve"),
		"REPORTING_AUTH_ISSUERS": idp.Issuer(),
		"REPORTING_LISTEN":       api, "REPORTING_OPS_LISTEN": ops,
		"REPORTING_SHUTDOWN_DELAY": "1s",
	})
	var log bytes.Buffer
	serve := inJail(t, image, user, environ(env), append([]string{"/reporting"}, container.Args...)...)
	serve.Stderr = &log
	if err := serve.Start(); err != nil {
		t.Fatalf("%v: %s", err, jailHelp)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	waitUntilReady(t, ops, ended, &log)

	mayDoNothing(t, serve.Process.Pid, user)
	answer := ask(t, "http://"+api+"/fhir/$get-report-job-status", idp.Token("somebody"))
	if !strings.Contains(answer, "0190a2b4-0000-7000-8000-000000000001") {
		t.Errorf("it answers %s", answer)
	}
	check := inJail(t, image, user, []string{"REPORTING_OPS_LISTEN=" + ops}, "/reporting", "healthcheck")
	if output, err := check.CombinedOutput(); err != nil {
		t.Errorf("healthcheck: %v: %s", err, output)
	}
	// As by kubectl exec, beside the service that it is about.
	doctor := inJail(t, image, user, environ(env), "/reporting", "doctor")
	if output, err := doctor.CombinedOutput(); err != nil {
		t.Errorf("doctor: %v: %s", err, output)
	}
	workersNeedAFolder(t, image, user, database.url("reporting_work"))
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ends with %v: %s", err, log.Bytes())
		}
	case <-time.After(time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second):
		t.Errorf("it does not stop: %s", log.Bytes())
	}
}

// workersNeedAFolder has a worker's doctor find the database as docs/deployment.md prepares it,
// and miss what the image does not have: a place for temporary files, which whoever runs
// it mounts.
func workersNeedAFolder(t *testing.T, image string, user int, url string) {
	t.Helper()
	env := []string{"REPORTING_WORKER_DATABASE_URL=" + url, "REPORTING_SOURCE=synthetic:10", "REPORTING_OPS_LISTEN=" + freePort(t)}
	output, err := inJail(t, image, user, env, "/reporting", "doctor", "--worker").CombinedOutput()
	if err == nil || !strings.Contains(string(output), "the temporary folder cannot be written to") || !strings.Contains(string(output), "\nerrors: 1,") ||
		!strings.Contains(string(output), "may act as reporting_worker") {
		t.Errorf("doctor --worker: %v: %s", err, output)
	}
}

const insertJob = `insert into report_job (id, report_class, user_id, status, parameters)
	values ('0190a2b4-0000-7000-8000-000000000001', 'org.example.Report', 'somebody', 'QUEUED', '{"resourceType":"Parameters"}')`

// imageFiles is a folder with what the last stage of the Dockerfile copies.
func imageFiles(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	_, stage, found := strings.Cut(readFile(t, "../../Dockerfile"), "\nFROM scratch\n")
	copied := regexp.MustCompile(`(?m)^COPY --from=build (\S+) (\S+)$`).FindAllStringSubmatch(stage, -1)
	if !found || len(copied) != 3 {
		t.Fatalf("the image has %q", copied)
	}
	for _, line := range copied {
		source := map[string]string{"/reporting": program, "/licenses": "../../LICENSE", "/etc/ssl/certs/ca-certificates.crt": "../../LICENSE"}[line[1]]
		to := filepath.Join(root, line[2])
		if strings.HasSuffix(line[2], "/") || line[1] == "/licenses" {
			to = filepath.Join(to, filepath.Base(line[1]))
		}
		text, err := os.ReadFile(source)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, text, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// Every container runtime puts one there.
	if err := os.WriteFile(filepath.Join(root, "etc", "hosts"), []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "etc", "hosts"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// mayDoNothing asks the kernel what a process is allowed.
func mayDoNothing(t *testing.T, pid, user int) {
	t.Helper()
	status := readFile(t, fmt.Sprintf("/proc/%d/status", pid))
	if os.Geteuid() != 0 {
		user = os.Geteuid() // as it is seen from outside its namespace
	}
	for _, want := range []string{
		fmt.Sprintf("Uid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", user),
		"CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n",
		"NoNewPrivs:\t1\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("the process has not %q: %s", want, status)
		}
	}
	// Root by itself could write there, were it not for the mount.
	root := fmt.Sprintf("/proc/%d/root/", pid)
	if err := os.WriteFile(root+"written", nil, 0o600); !errors.Is(err, syscall.EROFS) && (os.Geteuid() == 0 || !errors.Is(err, os.ErrPermission)) {
		t.Errorf("its root can be written to: %v", err)
	}
	if mounts := readFile(t, fmt.Sprintf("/proc/%d/mountinfo", pid)); !regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S+ / ro,`).MatchString(mounts) {
		t.Errorf("its root is not mounted read-only: %s", mounts)
	}
}

func ask(t *testing.T, url, token string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %v", answer.Status, err)
	}
	return string(text)
}

func waitUntilReady(t *testing.T, ops string, ended <-chan error, log *bytes.Buffer) {
	t.Helper()
	const patience = time.Minute
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v: %s", err, log.Bytes())
		default:
		}
		answer, err := http.Get("http://" + ops + "/readyz")
		if err != nil {
			last = err.Error()
			continue
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
		last = string(text)
	}
	t.Fatalf("it does not get ready: %s", last)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// The image's user is the one that the chart names, and what it runs is what pods run.
func TestTheChartRunsTheImage(t *testing.T) {
	t.Parallel()
	pod := service(objects(t, values{}))
	dockerfile := readFile(t, "../../Dockerfile")
	for _, line := range []string{
		fmt.Sprintf("USER %d:%d\n", *pod.Spec.SecurityContext.RunAsUser, *pod.Spec.SecurityContext.RunAsGroup),
		"ENTRYPOINT [\"/reporting\"]\n",
	} {
		if !strings.Contains(dockerfile, line) {
			t.Errorf("the Dockerfile has no %s", line)
		}
	}
	if got := pod.Spec.Containers[0].Args; !slices.Equal(got, []string{"serve"}) {
		t.Errorf("pods run %q", got)
	}
}

// The same sources make the same bytes in another folder, without a repository around.
func TestTheProgramIsReproducible(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	command := exec.Command("git", "-C", "../..", "ls-files", "-z", "--", "go.mod", "go.sum", "cmd", "internal", "migrations", "api")
	names, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err == nil {
			err = os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	again := filepath.Join(dir, "again")
	if err := build(dir, again); err != nil {
		t.Fatal(err)
	}
	if readFile(t, program) != readFile(t, again) {
		t.Error("it differs")
	}
}
