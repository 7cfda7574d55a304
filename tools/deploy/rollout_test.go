// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestSelectorsMeetTheirPods(t *testing.T) {
	t.Parallel()
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		templates := pods(list)
		selects := func(name string, selector map[string]string, pod string) {
			s := labels.SelectorFromSet(selector)
			for kind, template := range templates {
				if s.Matches(labels.Set(template.Labels)) != (kind == pod) || len(selector) == 0 {
					t.Errorf("%s selects %s: %v", name, kind, kind != pod)
				}
			}
		}
		deployment := api(t, list)
		selects("Deployment", deployment.Spec.Selector.MatchLabels, "Deployment")
		for _, spread := range deployment.Spec.Template.Spec.TopologySpreadConstraints {
			selects("spread", spread.LabelSelector.MatchLabels, "Deployment")
		}
		for _, s := range all[*corev1.Service](list) {
			selects("Service "+s.Name, s.Spec.Selector, "Deployment")
			for _, port := range s.Spec.Ports {
				if !slices.ContainsFunc(deployment.Spec.Template.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal }) {
					t.Errorf("%s has no port to send %s to", s.Name, port.TargetPort.StrVal)
				}
			}
		}
		for _, budget := range all[*policyv1.PodDisruptionBudget](list) {
			selects("PodDisruptionBudget", budget.Spec.Selector.MatchLabels, "Deployment")
		}
		for _, policy := range all[*networkingv1.NetworkPolicy](list) {
			pod := "Deployment"
			switch {
			case strings.HasSuffix(policy.Name, "-migrate"):
				pod = "Job"
			case strings.HasSuffix(policy.Name, workerSuffix):
				pod = "Worker"
			}
			selects("NetworkPolicy "+policy.Name, policy.Spec.PodSelector.MatchLabels, pod)
		}
	})
}

func TestRollout(t *testing.T) {
	t.Parallel()
	eachSet(t, func(t *testing.T, list []runtime.Object) {
		t.Helper()
		deployment := api(t, list)
		update := deployment.Spec.Strategy.RollingUpdate
		if update.MaxUnavailable.IntValue() != 0 || update.MaxSurge.IntValue() < 1 {
			t.Errorf("an update takes %v away", update.MaxUnavailable)
		}
		scalers := all[*autoscalingv2.HorizontalPodAutoscaler](list)
		if (len(scalers) == 0) != (deployment.Spec.Replicas != nil) {
			t.Error("number of pods: neither a scaler nor the Deployment says it, or both do")
		}
		for _, scaler := range scalers {
			if scaler.Spec.ScaleTargetRef.Name != deployment.Name || *scaler.Spec.MinReplicas < 2 || scaler.Spec.MaxReplicas < *scaler.Spec.MinReplicas {
				t.Errorf("scaler %+v", scaler.Spec)
			}
			if _, requested := deployment.Spec.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU]; !requested {
				t.Error("a share of processor time of nothing: the container requests none")
			}
		}
		for _, job := range all[*batchv1.Job](list) {
			if !strings.Contains(job.Annotations["helm.sh/hook"], "pre-upgrade") || !strings.Contains(job.Annotations["helm.sh/hook"], "pre-install") {
				t.Errorf("the migration does not run before the program: %v", job.Annotations)
			}
			if got, want := job.Spec.Template.Spec.Containers[0].Image, deployment.Spec.Template.Spec.Containers[0].Image; got != want {
				t.Errorf("%s migrates for %s", got, want)
			}
		}
	})
}

// The API server refuses names and labels that are too long or have the wrong characters.
func TestNames(t *testing.T) {
	t.Parallel()
	long := values{"fullnameOverride": strings.Repeat("long-", 20), "serviceMonitor": values{"enabled": true}, "dashboard": values{"enabled": true}}
	for name, set := range map[string]values{"long": long, "everything": valueSets(t)["everything"], "defaults": {}} {
		for _, object := range objects(t, set) {
			m, err := meta.Accessor(object)
			if err != nil {
				t.Fatal(err)
			}
			problems := validation.IsDNS1035Label(m.GetName()) // as strict as it gets: that of a Service
			all := maps.Clone(m.GetLabels())
			for _, pod := range pods([]runtime.Object{object}) {
				maps.Copy(all, pod.Labels)
			}
			for key, value := range all {
				problems = append(problems, validation.IsQualifiedName(key)...)
				problems = append(problems, validation.IsValidLabelValue(value)...)
			}
			if len(problems) > 0 {
				t.Errorf("%s: %T %s: %q", name, object, m.GetName(), problems)
			}
		}
	}
}
