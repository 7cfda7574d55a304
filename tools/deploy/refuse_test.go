// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"reporting/internal/config"
)

// What is missing or wrong is told before anything is installed, in a sentence that says
// what to do.
func TestWhatIsWrongIsTold(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) values { return values{"settings": values{name: value}} }
	for _, row := range []struct {
		values values
		says   string
	}{
		{values{"database": values{"existingSecret": ""}}, "Set database.existingSecret"},
		{values{"database": values{"key": ""}}, "Set database.key"},
		{values{"database": values{"replica": values{"existingSecret": "x", "key": ""}}}, "Set database.replica.key"},
		{values{"migrate": values{"existingSecret": ""}}, "Set migrate.existingSecret"},
		{values{"logUserKey": values{"existingSecret": "keys", "key": ""}}, "Set logUserKey.key"},
		{values{"image": values{"repository": ""}}, "Set image.repository"},
		{set("REPORTING_AUTH_ISSUERS", ""), "Set settings.REPORTING_AUTH_ISSUERS"},
		{set("REPORTING_AUTH_ISSUERS", nil), "Set settings.REPORTING_AUTH_ISSUERS"},
		{set("REPORTING_BASE_URL", ""), "Set settings.REPORTING_BASE_URL"},
		{set("REPORTING_AUTH_ISUERS", "https://x.example"), "settings.REPORTING_AUTH_ISUERS is not a setting"},
		{set("REPORTING_DATABASE_URL", "postgres://x"), "set database.existingSecret instead"},
		{set("REPORTING_DATABASE_REPLICA_URL", "postgres://x"), "set database.replica.existingSecret instead"},
		{set("REPORTING_LOG_USER_KEY", "secret"), "set logUserKey.existingSecret instead"},
		{set("REPORTING_SHUTDOWN_GRACE", "5s"), "set shutdown.graceSeconds instead"},
		{set("REPORTING_LISTEN", ":1"), "set nothing"},
		{values{"worker": values{"enabled": true, "existingSecret": "x"}}, "Set settings.REPORTING_SOURCE"},
		{values{"worker": values{"enabled": true}, "settings": values{"REPORTING_SOURCE": "synthetic:1"}}, "Set worker.existingSecret"},
		{values{"worker": values{"enabled": true, "existingSecret": "x", "key": ""}, "settings": values{"REPORTING_SOURCE": "synthetic:1"}}, "Set worker.key"},
		{
			values{"worker": values{"enabled": true, "existingSecret": "x"}, "settings": values{"REPORTING_SOURCE": "synthetic:1", "REPORTING_WORKERS": 0}},
			"Set settings.REPORTING_WORKERS",
		},
		{values{"source": values{"existingSecret": "x", "key": ""}}, "Set source.key"},
		{set("REPORTING_WORKER_DATABASE_URL", "postgres://x"), "set worker.existingSecret instead"},
		{set("REPORTING_SOURCE_CLIENT_SECRET", "x"), "set source.existingSecret instead"},
		{values{"temporary": values{"sizeLimit": "much"}}, "sizeLimit"},
		{values{"extraEnv": []any{values{"name": "REPORTING_AUTH", "value": "gateway"}}}, "put it into settings"},
		{values{"resources": values{"limits": values{"memory": "0.5Gi"}}}, "write a whole number"},
		{values{"ingress": values{"enabled": true}}, "the Ingress has its host and path"},
		// The schema.
		{values{"replica": 3}, "replica"},
		{values{"settings": values{"reporting_auth": "gateway"}}, "reporting_auth"},
		{set("REPORTING_AUTH", true), "REPORTING_AUTH"},
		{values{"image": values{"digest": "sha256:abc"}}, "digest"},
		{values{"networkPolicy": values{"postgres": values{"ports": []any{0}}}}, "ports"},
	} {
		if _, err := render(t, row.values, nil); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%v: %v", row.values, err)
		}
	}
}

// cluster is as much of an API server as the chart asks: it has one account.
func cluster(t *testing.T) *rest.Config {
	t.Helper()
	answers := map[string]any{
		"/api/v1": values{"kind": "APIResourceList", "groupVersion": "v1", "resources": []values{
			{"name": "serviceaccounts", "singularName": "serviceaccount", "namespaced": true, "kind": "ServiceAccount", "verbs": []string{"get"}},
		}},
		"/api/v1/namespaces/reports/serviceaccounts/default": values{
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": values{"name": "default", "namespace": "reports"},
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := answers[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

// The placeholder of the issuers can be looked at and cannot be installed.
func TestAPlaceholderIsNotInstalled(t *testing.T) {
	t.Parallel()
	config := cluster(t)
	if _, err := render(t, values{}, config); err == nil || !strings.Contains(err.Error(), "Set settings.REPORTING_AUTH_ISSUERS") {
		t.Errorf("defaults: %v", err)
	}
	for _, name := range []string{"everything", "gateway", "least", "reports"} {
		if _, err := render(t, valueSets(t)[name], config); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The chart, its schema and the program know the same settings.
func TestTheChartKnowsTheSettings(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Settings struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, deployed("helm/reporting/values.schema.json"))), &schema); err != nil {
		t.Fatal(err)
	}
	_, err := render(t, values{"settings": values{"REPORTING_": "x"}}, nil)
	for _, name := range config.Names() {
		_, refused := render(t, values{"settings": values{name: "x"}}, nil)
		own := refused != nil && strings.Contains(refused.Error(), "is made by the chart")
		unknown := refused != nil && strings.Contains(refused.Error(), "is not a setting")
		if _, described := schema.Properties.Settings.Properties[name]; described == own || unknown {
			t.Errorf("%s: in the schema %v, made by the chart %v, unknown to it %v", name, described, own, unknown)
		}
	}
	for name := range schema.Properties.Settings.Properties {
		if !slices.Contains(config.Names(), name) || err == nil {
			t.Errorf("%s is no setting of the program", name)
		}
	}
	text := readFile(t, deployed("helm/reporting/templates/_settings.tpl"))
	for word := range strings.FieldsSeq(text) {
		if word = strings.TrimRight(word, ":"); strings.HasPrefix(word, "REPORTING_") && !slices.Contains(config.Names(), word) {
			t.Errorf("the chart knows %s, the program does not", word)
		}
	}
}
