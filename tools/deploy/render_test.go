// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
)

type values = map[string]any

// valueSets are what the chart is rendered with. Each has to be right in every respect.
func valueSets(t *testing.T) map[string]values {
	t.Helper()
	sets := map[string]values{"defaults": {}}
	for _, name := range []string{"everything", "gateway", "least", "reports"} {
		set, err := loader.LoadValues(strings.NewReader(readFile(t, "testdata/"+name+".yaml")))
		if err != nil {
			t.Fatal(err)
		}
		sets[name] = set
	}
	return sets
}

// render is "helm template", or, with a cluster, what "helm install" begins with.
func render(t *testing.T, set values, cluster *rest.Config) (map[string]string, error) {
	t.Helper()
	chart, err := loader.LoadDir(deployed("helm/reporting"))
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: "portal", Namespace: "reports", Revision: 1, IsInstall: true}
	all, err := commonutil.ToRenderValues(chart, set, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	if cluster != nil {
		return engine.RenderWithClient(chart, all, cluster)
	}
	return engine.Render(chart, all)
}

// objects renders the chart and decodes every document of it, strictly: a field that the
// type does not have, or that is there twice, is an error.
func objects(t *testing.T, set values) []runtime.Object {
	t.Helper()
	files, err := render(t, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	decoder := strictDecoder(t)
	var list []runtime.Object
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Ext(name) != ".yaml" {
			continue
		}
		reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(files[name])))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if onlyComments(string(document)) {
				continue
			}
			object, _, err := decoder.Decode(document, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, document)
			}
			list = append(list, object)
		}
	}
	return list
}

func onlyComments(document string) bool {
	for line := range strings.Lines(document) {
		if line = strings.TrimSpace(line); line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

func strictDecoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, autoscalingv2.AddToScheme,
		networkingv1.AddToScheme, policyv1.AddToScheme, monitoringv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// all are the objects of one type.
func all[T runtime.Object](list []runtime.Object) []T {
	var found []T
	for _, object := range list {
		if typed, ok := object.(T); ok {
			found = append(found, typed)
		}
	}
	return found
}

// one is the only object of its type.
func one[T runtime.Object](t *testing.T, list []runtime.Object) T {
	t.Helper()
	found := all[T](list)
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T", len(found), *new(T))
	}
	return found[0]
}

func TestLint(t *testing.T) {
	t.Parallel()
	for name, set := range valueSets(t) {
		for _, message := range lint.RunAll(deployed("helm/reporting"), set, "reports").Messages {
			if !strings.Contains(message.Error(), "icon is recommended") { // nobody sees it
				t.Errorf("%s: %v", name, message)
			}
		}
	}
}
