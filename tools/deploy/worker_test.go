// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"slices"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

const workerSuffix = "-worker"

// api is the Deployment of what serves.
func api(t *testing.T, list []runtime.Object) *appsv1.Deployment {
	t.Helper()
	found := slices.DeleteFunc(all[*appsv1.Deployment](list), func(d *appsv1.Deployment) bool { return strings.HasSuffix(d.Name, workerSuffix) })
	if len(found) != 1 {
		t.Fatalf("%d Deployments serve", len(found))
	}
	return found[0]
}

func worker(t *testing.T, list []runtime.Object) corev1.PodTemplateSpec {
	t.Helper()
	pod, found := pods(list)["Worker"]
	if !found {
		t.Fatal("there are no workers")
	}
	return pod
}

func TestWorkers(t *testing.T) {
	t.Parallel()
	list := objects(t, valueSets(t)["reports"])
	pod := worker(t, list)
	env := settings(t, pod.Spec.Containers[0])
	acceptsAs(t, "worker", environ(env))
	if env["REPORTING_WORKERS"] != "4" || settings(t, service(list).Spec.Containers[0])["REPORTING_WORKERS"] != "0" {
		t.Errorf("workers make %q reports at a time, the service %q", env["REPORTING_WORKERS"], settings(t, service(list).Spec.Containers[0])["REPORTING_WORKERS"])
	}
	for _, name := range []string{"REPORTING_DATABASE_URL", "REPORTING_AUTH_ISSUERS", "REPORTING_LOG_USER_KEY"} {
		if _, given := env[name]; given {
			t.Errorf("workers are told %s, for which they have no use", name)
		}
	}
	if _, given := settings(t, service(list).Spec.Containers[0])["REPORTING_WORKER_DATABASE_URL"]; given {
		t.Error("the service has the workers' login, for which it has no use")
	}
	for path, probe := range map[string]*corev1.Probe{
		"/livez start": pod.Spec.Containers[0].StartupProbe, "/livez": pod.Spec.Containers[0].LivenessProbe, "/readyz": pod.Spec.Containers[0].ReadinessProbe,
	} {
		path, _, _ = strings.Cut(path, " ")
		if probe == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "ops" {
			t.Errorf("%s is asked by %+v", path, probe)
		}
	}
	if ports := pod.Spec.Containers[0].Ports; len(ports) != 1 || ports[0].Name != "ops" || env["REPORTING_OPS_LISTEN"] != ":9090" {
		t.Errorf("workers listen on %+v", ports)
	}
	delay, err := time.ParseDuration(env["REPORTING_SHUTDOWN_DELAY"])
	if given := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; err != nil || given < delay+workerCleanups {
		t.Errorf("%v are given (%v)", given, err)
	}
}

// workerCleanups is what a process with nothing but workers has to undo: workers, their
// connections, the operations listener, and the log.
const workerCleanups = 15*time.Second + 5*time.Second + 5*time.Second + time.Second

// Who makes reports, also while their caller waits, has a folder for temporary files; and
// nobody else.
func TestTemporaryFolders(t *testing.T) {
	t.Parallel()
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		for kind, pod := range pods(list) {
			container := pod.Spec.Containers[0]
			makes := settings(t, container)["REPORTING_SOURCE"] != ""
			at := slices.IndexFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/tmp" && !m.ReadOnly })
			if makes != (at >= 0) {
				t.Errorf("%s makes reports %v, and has a folder for them %v", kind, makes, at >= 0)
			}
			if at < 0 {
				continue
			}
			i := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == container.VolumeMounts[at].Name })
			if i < 0 || pod.Spec.Volumes[i].EmptyDir == nil || pod.Spec.Volumes[i].EmptyDir.SizeLimit.IsZero() {
				t.Errorf("%s: /tmp is %+v", kind, pod.Spec.Volumes)
			}
		}
	})
}

// Without processes of their own, reports are made by the service, with the workers' login.
func TestTheServiceMakesReports(t *testing.T) {
	t.Parallel()
	set := valueSets(t)["reports"]
	set["worker"] = values{"existingSecret": "reporting-worker"}
	list := objects(t, set)
	env := settings(t, service(list).Spec.Containers[0])
	accepts(t, environ(env))
	if _, found := pods(list)["Worker"]; found || env["REPORTING_WORKERS"] != "4" || env["REPORTING_WORKER_DATABASE_URL"] == "" {
		t.Errorf("workers %v, %q at a time, with %q", found, env["REPORTING_WORKERS"], env["REPORTING_WORKER_DATABASE_URL"])
	}
}

// Workers are scraped without a Service, as the same job.
func TestWorkersAreWatched(t *testing.T) {
	t.Parallel()
	list := objects(t, valueSets(t)["reports"])
	monitor := one[*monitoringv1.PodMonitor](t, list)
	met := 0
	for kind, pod := range pods(list) {
		if !labels.SelectorFromSet(monitor.Spec.Selector.MatchLabels).Matches(labels.Set(pod.Labels)) {
			continue
		}
		met++
		if endpoint := monitor.Spec.PodMetricsEndpoints[0]; kind != "Worker" || endpoint.Port == nil || *endpoint.Port != "ops" || pod.Labels[monitor.Spec.JobLabel] != job {
			t.Errorf("%s is scraped as %q: %+v", kind, pod.Labels[monitor.Spec.JobLabel], endpoint)
		}
	}
	if met != 1 {
		t.Errorf("the monitor finds %d kinds of pods", met)
	}
}
