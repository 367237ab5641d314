// Package metrics makes Prometheus metrics of the figures of a Socket.IO server:
//
//	http.Handle("/metrics", metrics.Handler(srv))
//
// docs/metrics.md has their names, and says which are worth an alert. Labels have values
// that the program chooses, never the client: a scrape stays as small as it is.
package metrics

import (
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/damso/damso/socketio"
)

// maxScrapes is how many requests a Handler serves at a time; one more gets status 503.
const maxScrapes = 4

// Handler serves the metrics of srv, of Go's runtime, of the process and of how it was
// built. It asks nobody who they are.
func Handler(srv *socketio.Server) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		Collector(srv),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// Collector returns the metrics of srv, for a registry that has others as well. Several
// servers in one registry need labels that tell them apart:
// [prometheus.WrapRegistererWith]. Collecting takes no longer with more clients, and goes
// on after the server's end.
func Collector(srv *socketio.Server) prometheus.Collector {
	c := &collector{srv: srv, named: map[string]bool{}}
	for _, f := range figures {
		c.descs = append(c.descs, prometheus.NewDesc(f.name, f.help, f.labels, nil))
	}
	return c
}

type collector struct {
	srv   *socketio.Server   // set once
	descs []*prometheus.Desc // of figures, in their order; set once

	mu    sync.Mutex
	named map[string]bool // namespaces that have a label of their own; guarded by mu
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		descs <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	st := snapshot{Stats: c.srv.Stats(), ready: c.srv.Ready() == nil}
	st.Namespaces = c.label(st.Namespaces)
	for i, f := range figures {
		f.read(&st, func(value float64, labels ...string) {
			metrics <- prometheus.MustNewConstMetric(c.descs[i], f.kind, value, labels...)
		})
	}
}

// maxNamespaces is how many namespaces have a label of their own. A program may have
// made as many as it likes, also by names that it was told.
const maxNamespaces = 100

// label gives the figures of namespaces the names that they have as labels, and adds up
// what has the same one.
func (c *collector) label(namespaces []socketio.NamespaceStats) (sums []socketio.NamespaceStats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	index := map[string]int{}
	for _, ns := range namespaces {
		name := c.name(ns.Name)
		i, ok := index[name]
		if !ok {
			i = len(sums)
			index[name] = i
			sums = append(sums, socketio.NamespaceStats{Name: name})
		}
		sums[i].Sockets += ns.Sockets
		sums[i].New += ns.New
		sums[i].Recovered += ns.Recovered
		sums[i].Refused += ns.Refused
	}
	return sums
}

// name is the label of a namespace; mu is held.
func (c *collector) name(namespace string) string {
	if namespace == "" {
		namespace = "(dynamic)" // an empty label would be none
	}
	if len(c.named) >= maxNamespaces && !c.named[namespace] {
		return "(other)"
	}
	c.named[namespace] = true
	return namespace
}
