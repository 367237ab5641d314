package deploy

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/internal/settings"
	"github.com/damso/damso/internal/testkit"
)

// ending is how long a node may take from SIGTERM on: drainTimeout, stopTimeout and
// requestTimeout of cmd/damso.
const ending = 29 * time.Second

// variables are the names of the settings that a node knows.
func variables() map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings.Settings]()) {
		if name, ok := f.Tag.Lookup("env"); ok {
			name, _, _ = strings.Cut(name, ",")
			names[name] = true
		}
	}
	return names
}

// documents reads YAML files, the names relative to the root, and calls each with
// every document.
func documents(t *testing.T, each func(file string, doc json.RawMessage), files ...string) {
	t.Helper()
	var args []string
	for _, f := range files {
		args = append(args, filepath.Join("../..", f))
	}
	p := testkit.Node(t, testkit.Script{Path: "yaml.js", Args: args})
	for line := (struct {
		File string
		Doc  json.RawMessage
	}{}); p.Next(&line); {
		each(filepath.Base(line.File), line.Doc)
	}
	if err := p.Wait(); err != nil {
		t.Fatal("yaml.js: ", err)
	}
}

func parse(t *testing.T, doc json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(doc, v); err != nil {
		t.Fatal(err)
	}
}

// TestCompose: three nodes with settings that there are, and a balancer that knows them.
func TestCompose(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Environment map[string]any
			Volumes     []string
			Grace       string `json:"stop_grace_period"`
		}
	}
	documents(t, func(_ string, doc json.RawMessage) { parse(t, doc, &compose) }, "compose.yaml")
	known, nodes := variables(), 0
	for name, s := range compose.Services {
		for v := range s.Environment {
			if !known[v] {
				t.Errorf("%s: a node knows no %s", name, v)
			}
		}
		for _, v := range s.Volumes {
			file, _, _ := strings.Cut(v, ":")
			if _, err := os.Stat(filepath.Join("../..", file)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !strings.HasPrefix(name, "node-") {
			continue
		}
		if nodes++; s.Environment["NODE_ID"] != name {
			t.Errorf("%s is called %v", name, s.Environment["NODE_ID"])
		}
		if grace, err := time.ParseDuration(s.Grace); err != nil || grace < ending {
			t.Errorf("%s may take %q to end", name, s.Grace)
		}
	}
	if nodes != 3 {
		t.Errorf("%d nodes, want those of the balancer's file", nodes)
	}
}

// TestBalancerFiles: each has the same three nodes, and nothing that is sticky.
func TestBalancerFiles(t *testing.T) {
	files := []string{"traefik/damso.yaml"}
	for _, b := range balancers {
		files = append(files, b.file)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("../../deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, node := range []string{"node-1:3000", "node-2:3000", "node-3:3000"} {
			if !strings.Contains(string(text), node) {
				t.Errorf("%s: no %s", file, node)
			}
		}
		if found := regexp.MustCompile(`(?m)^\s*(ip_hash|hash|sticky|cookie|stick|balance source|lb_policy.*(hash|cookie))\b`).FindString(string(text)); found != "" {
			t.Errorf("%s: %q", file, found)
		}
	}
	documents(t, func(string, json.RawMessage) {}, "deploy/traefik/traefik.yaml", "deploy/traefik/damso.yaml")
}

// An object is what the tests read of those of Kubernetes.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Selector       json.RawMessage
		ScaleTargetRef struct{ Kind, Name string }
		Template       struct {
			Metadata struct{ Labels, Annotations map[string]string }
			Spec     struct {
				TerminationGracePeriodSeconds int
				EnableServiceLinks            *bool
				Containers                    []container
			}
		}
		Rules []struct {
			HTTP struct {
				Paths []struct {
					Backend struct{ Service struct{ Name string } }
				}
			}
		}
		Ports []struct{ TargetPort string }

		Metrics             []metric // of a HorizontalPodAutoscaler
		MinReplicas         int
		MaxReplicas         int
		Triggers            []trigger // of a ScaledObject
		MinReplicaCount     int
		MaxReplicaCount     int
		PodMetricsEndpoints []struct{ Port, Path string } // of a PodMonitor
	}
}

type container struct {
	Args  []string
	Ports []struct {
		ContainerPort int
		Name          string
	}
	Env                           []struct{ Name, Value string }
	ReadinessProbe, LivenessProbe struct{ HTTPGet struct{ Path, Port string } }
	Lifecycle                     struct {
		PreStop struct{ Exec struct{ Command []string } }
	}
}

// TestKubernetes: the manifests speak of settings, ports and paths that there are, and of
// each other.
func TestKubernetes(t *testing.T) {
	objects := map[string]object{}
	dir := "deploy/kubernetes/"
	documents(t, func(_ string, doc json.RawMessage) {
		var o object
		parse(t, doc, &o)
		objects[o.Kind] = o
	}, dir+"deployment.yaml", dir+"service.yaml", dir+"ingress.yaml", dir+"autoscaling.yaml")
	documents(t, func(file string, doc json.RawMessage) {
		var k struct{ Resources []string }
		parse(t, doc, &k)
		if got := strings.Join(k.Resources, " "); got != "deployment.yaml service.yaml ingress.yaml autoscaling.yaml" {
			t.Errorf("%s: %s", file, got)
		}
	}, dir+"kustomization.yaml")
	for _, kind := range []string{"Deployment", "Service", "Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget"} {
		if objects[kind].Metadata.Name != "damso" {
			t.Fatalf("no %s", kind)
		}
	}
	pod := objects["Deployment"].Spec.Template
	if len(pod.Spec.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Spec.Containers))
	}
	if links := pod.Spec.EnableServiceLinks; links == nil || *links {
		t.Error("a Service of the name redis would set REDIS_PORT to what no node takes")
	}
	c := pod.Spec.Containers[0]
	series := checkContainer(t, c, pod.Spec.TerminationGracePeriodSeconds)
	checkScrape(t, c, pod.Metadata.Annotations)
	checkScaling(t, objects["HorizontalPodAutoscaler"], series)
	for kind, selector := range map[string]string{
		"Deployment": `{"matchLabels":{"app":"damso"}}`, "PodDisruptionBudget": `{"matchLabels":{"app":"damso"}}`, "Service": `{"app":"damso"}`,
	} {
		if got := string(objects[kind].Spec.Selector); got != selector || pod.Metadata.Labels["app"] != "damso" {
			t.Errorf("%s selects %s, pods have %v", kind, got, pod.Metadata.Labels)
		}
	}
	if to := objects["Ingress"].Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name; to != "damso" {
		t.Errorf("the Ingress goes to %s", to)
	}
	if ports := objects["Service"].Spec.Ports; len(ports) != 1 || ports[0].TargetPort != c.Ports[0].Name {
		t.Errorf("the Service goes to %v", ports)
	}
	if to := objects["HorizontalPodAutoscaler"].Spec.ScaleTargetRef; to.Kind != "Deployment" || to.Name != "damso" {
		t.Errorf("the autoscaler is for %+v", to)
	}
}

// checkContainer compares a container with what a real node does, and returns the metrics
// that this serves.
func checkContainer(t *testing.T, c container, grace int) (series string) {
	t.Helper()
	n := &node{name: "node-1", port: freePort(t)}
	metrics := strconv.Itoa(freePort(t))
	n.env = []string{"NODE_PORT=" + strconv.Itoa(n.port), "REDIS_HOST=", "METRICS_PORT=" + metrics}
	n.run(t, c.Args...)
	n.awaitReady()
	for _, probe := range []string{c.ReadinessProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Path} {
		resp, err := once.Get("http://" + local(n.port) + probe)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		// A page answers to every path; a probe's answer is plain text.
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("probe %s: %s, %s", probe, resp.Status, resp.Header.Get("Content-Type"))
		}
	}
	known := variables()
	for _, v := range c.Env {
		if !known[v.Name] {
			t.Errorf("a node knows no %s", v.Name)
		}
		if v.Name == "NODE_PORT" && v.Value != strconv.Itoa(c.Ports[0].ContainerPort) {
			t.Errorf("NODE_PORT is %s, the port %d", v.Value, c.Ports[0].ContainerPort)
		}
	}
	command := c.Lifecycle.PreStop.Exec.Command
	if len(command) != 2 || command[0] != "sleep" {
		t.Fatalf("preStop: %q", command)
	}
	if seconds, err := strconv.Atoi(command[1]); err != nil || time.Duration(grace-seconds)*time.Second < ending {
		t.Errorf("%d seconds to end, %s of them asleep", grace, command[1])
	}
	resp, err := once.Get("http://127.0.0.1:" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("metrics: %s, %v", resp.Status, err)
	}
	return string(text)
}

// TestSystemd: the unit starts the program, and systemd has nothing against it, where there
// is one to ask.
func TestSystemd(t *testing.T) {
	text, err := os.ReadFile("../../deploy/systemd/damso.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := strings.Replace(string(text), "ExecStart=/usr/local/bin/damso serve\n", "ExecStart="+damso+" serve\n", 1)
	if unit == string(text) {
		t.Fatal("does not start damso serve")
	}
	if m := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindStringSubmatch(unit); m == nil {
		t.Error("no TimeoutStopSec")
	} else if stop, err := time.ParseDuration(m[1]); err != nil || stop < ending {
		t.Errorf("%s to end", m[0])
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed")
		return
	}
	file := filepath.Join(t.TempDir(), "damso.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestLinks: what the pages on load balancing link to is there.
func TestLinks(t *testing.T) {
	for _, page := range []string{"load-balancing.md", "load-balancing.ko.md"} {
		text, err := os.ReadFile(filepath.Join("../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("../../docs", m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
