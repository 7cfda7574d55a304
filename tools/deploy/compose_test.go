// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"reporting/internal/config"
	"sigs.k8s.io/yaml"
)

// compose reads the file as Docker does, schema and all.
func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{deployed("compose.yaml")}, cli.WithName("reporting"), cli.WithInterpolation(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestCompose(t *testing.T) {
	t.Parallel()
	project := compose(t)
	if names := project.ServiceNames(); !slices.Equal(names, []string{"grafana", "login", "migrate", "postgres", "prometheus", "reporting", "worker"}) {
		t.Errorf("services %q", names)
	}
	for _, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeVolume {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil || !volume.ReadOnly {
				t.Errorf("%s mounts %s, read-only %v: %v", service.Name, volume.Source, volume.ReadOnly, err)
			}
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s to %q", service.Name, port.Published, port.HostIP)
			}
		}
		for name := range service.Environment {
			if strings.HasPrefix(name, "REPORTING_") && !slices.Contains(config.Names(), name) {
				t.Errorf("%s: %s is no setting", service.Name, name)
			}
		}
		if service.Build != nil {
			if _, err := os.Stat(filepath.Join(service.Build.Context, "Dockerfile")); err != nil {
				t.Errorf("%s: %v", service.Name, err)
			}
		}
		if tag := service.Image[strings.LastIndex(service.Image, "/")+1:]; service.Build == nil && (!strings.Contains(tag, ":") || strings.HasSuffix(tag, ":latest")) {
			t.Errorf("%s takes whatever %s is today", service.Name, service.Image)
		}
	}
}

func TestComposeRunsTheProgramAsItShould(t *testing.T) {
	t.Parallel()
	project := compose(t)
	logins := map[string]bool{}
	for name, command := range map[string]string{"reporting": "serve", "worker": "worker"} {
		service := project.Services[name]
		var env []string
		for name, value := range service.Environment {
			env = append(env, name+"="+*value)
			if strings.HasSuffix(name, "DATABASE_URL") {
				logins[*value] = true
			}
		}
		acceptsAs(t, command, env)
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may do more than it needs", name)
		}
		if len(service.Tmpfs) != 1 || !strings.HasPrefix(service.Tmpfs[0], "/tmp:") {
			t.Errorf("%s has nowhere to put the temporary files of reports", name)
		}
	}
	service, worker := project.Services["reporting"], project.Services["worker"]
	if len(logins) != 2 || *service.Environment["REPORTING_WORKERS"] != "0" || *service.Environment["REPORTING_SOURCE"] != *worker.Environment["REPORTING_SOURCE"] ||
		worker.DependsOn["login"].Condition != types.ServiceConditionCompletedSuccessfully {
		t.Errorf("who makes reports, of what, with which login: %v and %v", service.Environment, worker.Environment)
	}
	if a, b := *service.Environment["REPORTING_DATABASE_URL"], *project.Services["migrate"].Environment["REPORTING_DATABASE_URL"]; a == b {
		t.Error("the service has the owner's login")
	}
	if service.DependsOn["login"].Condition != types.ServiceConditionCompletedSuccessfully ||
		project.Services["login"].DependsOn["migrate"].Condition != types.ServiceConditionCompletedSuccessfully {
		t.Error("the service does not wait for the migration")
	}
}

// prometheusConfig is as much of Prometheus' configuration as the file uses.
type prometheusConfig struct {
	Global struct {
		ScrapeInterval     string `json:"scrape_interval"`
		EvaluationInterval string `json:"evaluation_interval"`
	} `json:"global"`
	RuleFiles     []string `json:"rule_files"`
	ScrapeConfigs []struct {
		JobName       string `json:"job_name"`
		StaticConfigs []struct {
			Targets []string `json:"targets"`
		} `json:"static_configs"`
	} `json:"scrape_configs"`
}

func readStrictly(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(readFile(t, deployed(name))), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Prometheus scrapes the service where it listens, finds the rules, and Grafana finds both
// Prometheus and the dashboard.
func TestComposeWatchesTheService(t *testing.T) {
	t.Parallel()
	project := compose(t)
	mounted := func(service, target string) string {
		for _, volume := range project.Services[service].Volumes {
			if rest, found := strings.CutPrefix(target, volume.Target); found {
				return volume.Source + rest
			}
		}
		return ""
	}
	has := func(service, target string) {
		if _, err := os.Stat(mounted(service, target)); mounted(service, target) == "" || err != nil {
			t.Errorf("%s has no %s: %v", service, target, err)
		}
	}
	reaches := func(from, address string) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(project.Services[host].Ports, func(p types.ServicePortConfig) bool { return strconv.Itoa(int(p.Target)) == port }) &&
			!slices.Contains(project.Services[host].Expose, port) {
			t.Errorf("%s wants %s, where nobody listens", from, address)
		}
	}

	var prometheus prometheusConfig
	readStrictly(t, "prometheus/prometheus.yaml", &prometheus)
	if !slices.Contains(project.Services["prometheus"].Command, "--config.file=/etc/prometheus/prometheus.yaml") {
		t.Errorf("Prometheus runs with %q", project.Services["prometheus"].Command)
	}
	has("prometheus", "/etc/prometheus/prometheus.yaml")
	for _, name := range prometheus.RuleFiles {
		has("prometheus", "/etc/prometheus/"+name)
	}
	if len(prometheus.RuleFiles) == 0 || len(prometheus.ScrapeConfigs) != 1 || prometheus.ScrapeConfigs[0].JobName != job {
		t.Fatalf("Prometheus has %+v", prometheus)
	}
	for _, target := range prometheus.ScrapeConfigs[0].StaticConfigs[0].Targets {
		reaches("Prometheus", target)
	}

	var sources struct {
		APIVersion  int `json:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault, Editable          bool
		} `json:"datasources"`
	}
	readStrictly(t, "grafana/provisioning/datasources/prometheus.yaml", &sources)
	has("grafana", "/etc/grafana/provisioning/datasources/prometheus.yaml")
	if len(sources.Datasources) != 1 || !sources.Datasources[0].IsDefault {
		t.Fatalf("Grafana has %+v", sources)
	}
	reaches("Grafana", strings.TrimPrefix(sources.Datasources[0].URL, "http://"))

	var dashboards struct {
		APIVersion int `json:"apiVersion"`
		Providers  []struct {
			Name, Type string
			Options    struct{ Path string }
		} `json:"providers"`
	}
	readStrictly(t, "grafana/provisioning/dashboards/reporting.yaml", &dashboards)
	home := *project.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	has("grafana", home)
	has("grafana", "/etc/grafana/provisioning/dashboards/reporting.yaml")
	if len(dashboards.Providers) != 1 || filepath.Dir(home) != dashboards.Providers[0].Options.Path {
		t.Errorf("Grafana looks for dashboards in %+v", dashboards.Providers)
	}
}
