// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// rules writes ports and peers of a policy so that they can be compared.
func rules(ports [][]networkingv1.NetworkPolicyPort, peers [][]networkingv1.NetworkPolicyPeer) []string {
	var list []string
	for i := range ports {
		var words []string
		for _, port := range ports[i] {
			words = append(words, fmt.Sprintf("%s/%s", port.Port.String(), *port.Protocol))
		}
		for _, peer := range peers[i] {
			switch {
			case peer.IPBlock != nil:
				words = append(words, peer.IPBlock.CIDR)
			case peer.NamespaceSelector != nil:
				words = append(words, peer.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
			}
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func TestNetworkPolicies(t *testing.T) {
	t.Parallel()
	type flow struct{ in, out []string }
	for set, want := range map[string]map[string]flow{
		"defaults": {
			"portal-reporting": {
				in:  []string{"http/TCP", "ops/TCP monitoring"},
				out: []string{"53/UDP 53/TCP", "5432/TCP", "443/TCP"},
			},
			"portal-reporting-migrate": {out: []string{"53/UDP 53/TCP", "5432/TCP"}},
		},
		"everything": {
			"portal-reporting": {
				in: []string{"http/TCP ingress", "ops/TCP observability"},
				out: []string{
					"5353/UDP 5353/TCP kube-system", "5432/TCP 6432/TCP 10.1.2.0/24",
					"443/TCP 8443/TCP 10.9.0.0/16", "4318/TCP",
				},
			},
			"portal-reporting-migrate": {out: []string{"5353/UDP 5353/TCP kube-system", "5432/TCP 6432/TCP 10.1.2.0/24"}},
		},
		"reports": {
			"portal-reporting": {
				in:  []string{"http/TCP", "ops/TCP monitoring"},
				out: []string{"53/UDP 53/TCP", "5432/TCP", "443/TCP", "8443/TCP"},
			},
			"portal-reporting-migrate": {out: []string{"53/UDP 53/TCP", "5432/TCP"}},
			"portal-reporting-worker":  {in: []string{"ops/TCP monitoring"}, out: []string{"53/UDP 53/TCP", "5432/TCP", "8443/TCP"}},
		},
	} {
		policies := all[*networkingv1.NetworkPolicy](objects(t, valueSets(t)[set]))
		if len(policies) != len(want) {
			t.Errorf("%s: %d policies", set, len(policies))
		}
		for _, policy := range policies {
			if !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"}) {
				t.Errorf("%s: %s holds for %v only", set, policy.Name, policy.Spec.PolicyTypes)
			}
			var ports, portsOut [][]networkingv1.NetworkPolicyPort
			var from, to [][]networkingv1.NetworkPolicyPeer
			for _, rule := range policy.Spec.Ingress {
				ports, from = append(ports, rule.Ports), append(from, rule.From)
			}
			for _, rule := range policy.Spec.Egress {
				portsOut, to = append(portsOut, rule.Ports), append(to, rule.To)
			}
			got := flow{in: rules(ports, from), out: rules(portsOut, to)}
			if w := want[policy.Name]; !slices.Equal(got.in, w.in) || !slices.Equal(got.out, w.out) {
				t.Errorf("%s: %s lets %q in and %q out", set, policy.Name, got.in, got.out)
			}
		}
	}
}

// The API's Service has the API's port and no other.
func TestServices(t *testing.T) {
	t.Parallel()
	for name, set := range valueSets(t) {
		for _, s := range all[*corev1.Service](objects(t, set)) {
			want := "http"
			if strings.HasSuffix(s.Name, "-ops") {
				want = "ops"
				if s.Spec.ClusterIP != corev1.ClusterIPNone || s.Spec.Type != "" {
					t.Errorf("%s: the operations port is published: %+v", name, s.Spec)
				}
			}
			if len(s.Spec.Ports) != 1 || s.Spec.Ports[0].Name != want {
				t.Errorf("%s: %s has %+v", name, s.Name, s.Spec.Ports)
			}
		}
	}
}

func TestIngress(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{"everything": "fhir.example/portal/fhir nginx fhir-tls", "gateway": "fhir.example/"} {
		ingress := one[*networkingv1.Ingress](t, objects(t, valueSets(t)[set]))
		rule := ingress.Spec.Rules[0]
		got := rule.Host + rule.HTTP.Paths[0].Path
		if class := ingress.Spec.IngressClassName; class != nil {
			got += " " + *class
		}
		if tls := ingress.Spec.TLS; len(tls) == 1 {
			got += " " + tls[0].SecretName
		}
		if backend := rule.HTTP.Paths[0].Backend.Service; got != want || backend.Name != "portal-reporting" || backend.Port.Name != "http" {
			t.Errorf("%s: %s leads to %s:%s", set, got, backend.Name, backend.Port.Name)
		}
	}
}

// job is how rules and the dashboard know the service.
const job = "reporting"

func TestMonitoring(t *testing.T) {
	t.Parallel()
	list := objects(t, valueSets(t)["everything"])
	monitor := one[*monitoringv1.ServiceMonitor](t, list)
	met := 0
	for _, s := range all[*corev1.Service](list) {
		if !labels.SelectorFromSet(monitor.Spec.Selector.MatchLabels).Matches(labels.Set(s.Labels)) {
			continue
		}
		met++
		if s.Spec.Ports[0].Name != monitor.Spec.Endpoints[0].Port || s.Labels[monitor.Spec.JobLabel] != job {
			t.Errorf("scrapes %s of %s as %q", monitor.Spec.Endpoints[0].Port, s.Name, s.Labels[monitor.Spec.JobLabel])
		}
	}
	if met != 1 {
		t.Errorf("the monitor finds %d Services", met)
	}
	if rules := one[*monitoringv1.PrometheusRule](t, list).Spec; len(rules.Groups) == 0 {
		t.Error("no rules")
	}
	var dashboard map[string]any
	if err := yaml.UnmarshalStrict([]byte(one[*corev1.ConfigMap](t, list).Data["reporting.json"]), &dashboard); err != nil || dashboard["panels"] == nil {
		t.Errorf("no dashboard: %v", err)
	}
}

// A chart reads only what is in it; the originals are where everybody else looks.
func TestTheChartHasTheSameFiles(t *testing.T) {
	t.Parallel()
	for original, copied := range map[string]string{"prometheus/rules.yaml": "rules.yaml", "grafana/reporting.json": "reporting.json"} {
		if readFile(t, deployed(original)) != readFile(t, deployed("helm/reporting/files/"+copied)) {
			t.Errorf("deploy/%s is not what the chart has: run \"make chart\"", original)
		}
	}
}
