package deploy

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A metric is one that an autoscaler goes by.
type metric struct {
	Type string
	Pods struct {
		Metric struct{ Name string }
		Target struct{ Type, AverageValue string }
	}
}

// A trigger is what KEDA goes by.
type trigger struct {
	Type, MetricType string
	Metadata         map[string]string
}

// An adapterRule tells prometheus-adapter what to make of a series.
type adapterRule struct {
	SeriesQuery string
	Resources   struct {
		Overrides map[string]struct{ Resource string }
	}
	Name         struct{ As string }
	MetricsQuery string
}

// checkScrape holds the ways in which Prometheus finds the metrics to the port that has them.
func checkScrape(t *testing.T, c container, annotations map[string]string) {
	t.Helper()
	port := ""
	for _, p := range c.Ports {
		if p.Name == "metrics" {
			port = strconv.Itoa(p.ContainerPort)
		}
	}
	for _, v := range c.Env {
		if v.Name == "METRICS_PORT" && v.Value != port {
			t.Errorf("METRICS_PORT is %s, the port %s", v.Value, port)
		}
	}
	if annotations["prometheus.io/scrape"] != "true" || annotations["prometheus.io/port"] != port || port == "" {
		t.Errorf("annotations %v, port %q", annotations, port)
	}
	var monitor object
	documents(t, func(_ string, doc json.RawMessage) { parse(t, doc, &monitor) }, "deploy/kubernetes/metrics/pod-monitor.yaml")
	ends := monitor.Spec.PodMetricsEndpoints
	if monitor.Kind != "PodMonitor" || string(monitor.Spec.Selector) != `{"matchLabels":{"app":"damso"}}` || len(ends) != 1 || ends[0].Port != "metrics" || ends[0].Path != "/metrics" {
		t.Errorf("%+v", monitor)
	}
}

// checkScaling holds the name of the metric that nodes are scaled by to what a node
// serves, all the way from there to the autoscaler.
func checkScaling(t *testing.T, hpa object, series string) {
	t.Helper()
	var rules struct {
		Rules struct{ Custom []adapterRule }
	}
	var keda object
	documents(t, func(file string, doc json.RawMessage) {
		if file == "keda.yaml" {
			parse(t, doc, &keda)
			return
		}
		parse(t, doc, &rules)
	}, "deploy/kubernetes/metrics/prometheus-adapter.yaml", "deploy/kubernetes/metrics/keda.yaml")
	if len(hpa.Spec.Metrics) != 2 || len(rules.Rules.Custom) != 1 || len(keda.Spec.Triggers) != 2 {
		t.Fatalf("metrics %+v, rules %+v, triggers %+v", hpa.Spec.Metrics, rules, keda.Spec.Triggers)
	}
	pods, rule, asks := hpa.Spec.Metrics[1].Pods, rules.Rules.Custom[0], keda.Spec.Triggers[1]
	if rule.Name.As != pods.Metric.Name {
		t.Errorf("prometheus-adapter makes %s, the autoscaler asks for %s", rule.Name.As, pods.Metric.Name)
	}
	for label, to := range rule.Resources.Overrides {
		if to.Resource != label || !strings.Contains(rule.SeriesQuery, label+`!=""`) {
			t.Errorf("label %s is %s in %s", label, to.Resource, rule.SeriesQuery)
		}
	}
	if !strings.HasPrefix(rule.MetricsQuery, "sum(<<.Series>>{<<.LabelMatchers>>})") {
		t.Errorf("a node has one series for each protocol and transport, but the query is %s", rule.MetricsQuery)
	}
	if pods.Target.AverageValue != asks.Metadata["threshold"] || keda.Spec.ScaleTargetRef.Name != "damso" ||
		keda.Spec.MinReplicaCount != hpa.Spec.MinReplicas || keda.Spec.MaxReplicaCount != hpa.Spec.MaxReplicas {
		t.Errorf("KEDA scales otherwise: %+v, %+v", keda, hpa)
	}
	for _, query := range []string{pods.Metric.Name, rule.SeriesQuery, asks.Metadata["query"]} {
		if names := unserved(query, series); len(names) > 0 {
			t.Errorf("%q: a node does not serve %q", query, names)
		}
	}
}

// unserved returns the metrics that a text names and a node does not serve; "none" if it
// names none.
func unserved(text, series string) (names []string) {
	all := regexp.MustCompile(`\bdamso_[a-z_]+`).FindAllString(text, -1)
	if len(all) == 0 {
		return []string{"none"}
	}
	for _, name := range all {
		if !strings.Contains(series, "\n"+name+"{") && !strings.Contains(series, "\n"+name+" ") {
			names = append(names, name)
		}
	}
	return names
}

// TestUnserved: the test can tell when a manifest asks for what no node has.
func TestUnserved(t *testing.T) {
	series := "# TYPE damso_connections gauge\ndamso_connections{transport=\"polling\"} 1\ndamso_ready 1\n"
	for text, want := range map[string]string{
		`sum(damso_connections{a="b"}) + damso_ready`: "",
		"":                                   "none",
		"connections":                        "none",
		"damso_connection":                   "damso_connection",
		"damso_connections + damso_ready_go": "damso_ready_go",
	} {
		if got := strings.Join(unserved(text, series), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
