// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"reporting/internal/config"
)

// eachSet runs a check with the objects of each set of values.
func eachSet(t *testing.T, check func(t *testing.T, list []runtime.Object)) {
	t.Helper()
	for name, set := range valueSets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, objects(t, set))
		})
	}
}

// pods are the templates of all pods, by the kind of what makes them.
func pods(list []runtime.Object) map[string]corev1.PodTemplateSpec {
	found := map[string]corev1.PodTemplateSpec{}
	for _, d := range all[*appsv1.Deployment](list) {
		kind := "Deployment"
		if strings.HasSuffix(d.Name, workerSuffix) {
			kind = "Worker"
		}
		found[kind] = d.Spec.Template
	}
	for _, j := range all[*batchv1.Job](list) {
		found["Job"] = j.Spec.Template
	}
	return found
}

func service(list []runtime.Object) corev1.PodTemplateSpec { return pods(list)["Deployment"] }

func TestEverySetHasWhatItAsksFor(t *testing.T) {
	t.Parallel()
	kinds := map[string]string{ // each once, but for those with a number
		"defaults":   "Deployment HorizontalPodAutoscaler Job NetworkPolicy:2 PodDisruptionBudget Service:2",
		"everything": "ConfigMap Deployment HorizontalPodAutoscaler Ingress Job NetworkPolicy:2 PodDisruptionBudget PrometheusRule Service:2 ServiceMonitor",
		"gateway":    "Deployment HorizontalPodAutoscaler Ingress Job NetworkPolicy:2 PodDisruptionBudget Service:2",
		"least":      "Deployment Service:2",
		"reports":    "Deployment:2 HorizontalPodAutoscaler Job NetworkPolicy:3 PodDisruptionBudget PodMonitor Service:2 ServiceMonitor",
	}
	for name, set := range valueSets(t) {
		count := map[string]int{}
		for _, object := range objects(t, set) {
			count[object.GetObjectKind().GroupVersionKind().Kind]++
		}
		var found []string
		for _, kind := range slices.Sorted(maps.Keys(count)) {
			if count[kind] > 1 {
				kind = fmt.Sprintf("%s:%d", kind, count[kind])
			}
			found = append(found, kind)
		}
		if got := strings.Join(found, " "); got != kinds[name] {
			t.Errorf("%s makes %s", name, got)
		}
	}
}

// The program needs neither root, nor a capability, nor a place to write to.
func TestPodsMayDoNothing(t *testing.T) {
	t.Parallel()
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		for kind, pod := range pods(list) {
			s := pod.Spec.SecurityContext
			if s == nil || !*s.RunAsNonRoot || *s.RunAsUser != 65532 || *s.RunAsGroup != 65532 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s: pod security %+v", kind, s)
			}
			if mount := pod.Spec.AutomountServiceAccountToken; mount == nil || *mount {
				t.Errorf("%s mounts an account's token", kind)
			}
			if links := pod.Spec.EnableServiceLinks; links == nil || *links {
				t.Errorf("%s has links to services in its environment", kind)
			}
			if pod.Spec.HostNetwork || pod.Spec.HostPID || pod.Spec.HostIPC || len(pod.Spec.InitContainers) > 0 || len(pod.Spec.Containers) != 1 {
				t.Errorf("%s: %+v", kind, pod.Spec)
			}
			c := pod.Spec.Containers[0].SecurityContext
			if c == nil || *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || c.Privileged != nil ||
				len(c.Capabilities.Add) > 0 || !slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("%s: container security %+v", kind, c)
			}
		}
	})
}

func TestProbes(t *testing.T) {
	t.Parallel()
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		container := service(list).Spec.Containers[0]
		ports := map[string]int32{}
		for _, port := range container.Ports {
			ports[port.Name] = port.ContainerPort
		}
		env := settings(t, container)
		if ":"+strconv.Itoa(int(ports["http"])) != env["REPORTING_LISTEN"] || ":"+strconv.Itoa(int(ports["ops"])) != env["REPORTING_OPS_LISTEN"] {
			t.Errorf("ports %v, but the program listens on %s and %s", ports, env["REPORTING_LISTEN"], env["REPORTING_OPS_LISTEN"])
		}
		for path, probe := range map[string]*corev1.Probe{
			"/livez start": container.StartupProbe, "/livez": container.LivenessProbe, "/readyz": container.ReadinessProbe,
		} {
			path, _, _ := strings.Cut(path, " ")
			if probe == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "ops" {
				t.Errorf("%s is asked by %+v", path, probe)
			}
		}
	})
}

// settings are the environment of a container, with stand-ins for secrets.
func settings(t *testing.T, container corev1.Container) map[string]string {
	t.Helper()
	stands := map[string]string{
		"REPORTING_DATABASE_REPLICA_URL": "postgres://reporting_serve:secret@standby.example:5432/reporting",
		"REPORTING_DATABASE_URL":         "postgres://reporting_serve:secret@db.example:5432/reporting",
		"REPORTING_LOG_USER_KEY":         "0123456789abcdef0123456789abcdef",
		"REPORTING_SOURCE_CLIENT_SECRET": "secret",
		"REPORTING_WORKER_DATABASE_URL":  "postgres://reporting_work:secret@db.example:5432/reporting",
		"NODE":                           "node-1",
	}
	env := map[string]string{}
	for _, variable := range container.Env {
		if _, doubled := env[variable.Name]; doubled {
			t.Errorf("%s is there twice", variable.Name)
		}
		env[variable.Name] = variable.Value
		if from := variable.ValueFrom; from != nil {
			if from.SecretKeyRef != nil && (from.SecretKeyRef.Name == "" || from.SecretKeyRef.Key == "") {
				t.Errorf("%s comes from %+v", variable.Name, from.SecretKeyRef)
			}
			env[variable.Name] = stands[variable.Name]
		}
	}
	return env
}

func environ(env map[string]string) []string {
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// The program itself says whether it would start with what the chart gives it.
func TestTheProgramTakesItsSettings(t *testing.T) {
	t.Parallel()
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		accepts(t, environ(settings(t, service(list).Spec.Containers[0])))
		for kind, pod := range pods(list) {
			container := pod.Spec.Containers[0]
			if want := map[string]string{"Deployment": "serve", "Job": "migrate", "Worker": "worker"}[kind]; !slices.Equal(container.Args, []string{want}) || container.Command != nil {
				t.Errorf("%s runs %q %q", kind, container.Command, container.Args)
			}
			for _, variable := range container.Env {
				secret := strings.HasSuffix(variable.Name, "_URL") && strings.Contains(variable.Name, "DATABASE") || slices.Contains([]string{"REPORTING_LOG_USER_KEY", "REPORTING_SOURCE_CLIENT_SECRET"}, variable.Name)
				if secret && (variable.Value != "" || variable.ValueFrom == nil || variable.ValueFrom.SecretKeyRef == nil) {
					t.Errorf("%s: %s does not come from a Secret", kind, variable.Name)
				}
				if strings.HasPrefix(variable.Name, "REPORTING_") && !slices.Contains(config.Names(), variable.Name) {
					t.Errorf("%s: %s is no setting", kind, variable.Name)
				}
			}
		}
	})
}

// Go's limit of memory is nine tenths of the kernel's.
func TestMemory(t *testing.T) {
	t.Parallel()
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		for kind, pod := range pods(list) {
			if kind == "Job" {
				continue // it is over in a moment
			}
			container := pod.Spec.Containers[0]
			limit, given := container.Resources.Limits[corev1.ResourceMemory]
			text, told := settings(t, container)["GOMEMLIMIT"]
			if given != told {
				t.Fatalf("%s: limit %v, GOMEMLIMIT %q", kind, limit.String(), text)
			}
			if !given {
				continue
			}
			bytes, err := strconv.ParseInt(text, 10, 64)
			if err != nil || bytes != limit.Value()*9/10 {
				t.Errorf("%s: limit %d, GOMEMLIMIT %s", kind, limit.Value(), text)
			}
		}
	})
}

// A pod has time for all that stopping may take: what the settings say, and every clean-up
// of the program up to its own limit.
func TestGrace(t *testing.T) {
	t.Parallel()
	clean := cleanups(t)
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		pod := service(list)
		env := settings(t, pod.Spec.Containers[0])
		least := clean
		for _, name := range []string{"REPORTING_SHUTDOWN_DELAY", "REPORTING_SHUTDOWN_GRACE"} {
			d, err := time.ParseDuration(env[name])
			if err != nil {
				t.Fatal(err)
			}
			least += d
		}
		if given := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; given < least {
			t.Errorf("%v are given where %v may be needed", given, least)
		}
	})
}

// cleanups is how long the clean-ups of the program may take together, by its sources: each
// has a limit of its own, which is a constant there.
func cleanups(t *testing.T) (all time.Duration) {
	t.Helper()
	files, err := filepath.Glob("../../internal/app/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range files {
		text.WriteString(readFile(t, file))
	}
	limits := map[string]time.Duration{"time.Second": time.Second}
	for _, constant := range regexp.MustCompile(`(?m)^\s*(?:const )?(\w+) += (?:(\d+) \* )?time\.Second\b`).FindAllStringSubmatch(text.String(), -1) {
		seconds, _ := strconv.Atoi(cmp.Or(constant[2], "1"))
		limits[constant[1]] = time.Duration(seconds) * time.Second
	}
	for _, call := range regexp.MustCompile(`\.cleanups\.(?:add\(|background\(ctx, )([^,]+), ([^,]+),`).FindAllStringSubmatch(text.String(), -1) {
		limit, known := limits[call[2]]
		switch {
		case strings.Contains(call[2], "ShutdownGrace"): // a setting, counted by itself
		case !known:
			t.Fatalf("how long the clean-up %s may take (%s) is not where this test looks", call[1], call[2])
		case strings.HasPrefix(call[1], "name+"): // for the database and for its replica
			all += 2 * limit
		default:
			all += limit
		}
	}
	if all == 0 {
		t.Fatal("the program's clean-ups are not where this test looks")
	}
	const ofTheLog = time.Second
	return all + ofTheLog
}
