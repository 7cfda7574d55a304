// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/strvals"
)

// What docs/deployment.md has a reader type installs something that starts, and the Secrets that
// it makes are those that the pods ask for.
func TestTheGuide(t *testing.T) {
	t.Parallel()
	guide := readFile(t, "../../docs/deployment.md")
	given := values{}
	for _, set := range regexp.MustCompile(`--set (\S+)`).FindAllStringSubmatch(guide, -1) {
		if err := strvals.ParseInto(set[1], given); err != nil {
			t.Fatal(err)
		}
	}
	if len(given) < 3 {
		t.Fatalf("the guide sets %v", given)
	}
	if _, err := render(t, given, cluster(t)); err != nil {
		t.Fatal(err)
	}
	list := objects(t, given)
	accepts(t, environ(settings(t, service(list).Spec.Containers[0])))

	made := map[string]bool{}
	for _, secret := range regexp.MustCompile(`create secret generic (\S+) --from-literal=([^=]+)=`).FindAllStringSubmatch(guide, -1) {
		made[secret[1]+"/"+secret[2]] = false
	}
	for _, pod := range pods(list) {
		for _, variable := range pod.Spec.Containers[0].Env {
			if variable.ValueFrom == nil {
				continue
			}
			ref := variable.ValueFrom.SecretKeyRef
			if _, there := made[ref.Name+"/"+ref.Key]; !there {
				t.Errorf("the guide does not make %s/%s", ref.Name, ref.Key)
			}
			made[ref.Name+"/"+ref.Key] = true
		}
	}
	for name, used := range made {
		if !used {
			t.Errorf("nothing asks for %s", name)
		}
	}
	for _, path := range regexp.MustCompile(`deploy/[\w./-]*\w`).FindAllString(guide, -1) {
		if !strings.HasPrefix(path, "deploy/systemd/") {
			exists(t, path)
		}
	}
}
