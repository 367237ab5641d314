package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

// A snapshot is what all metrics of one scrape are made of.
type snapshot struct {
	socketio.Stats
	ready bool
}

// A figure is a metric: what it is called, and what it is at the moment.
type figure struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	read       func(st *snapshot, put put)
}

// put takes a value, and those of the labels.
type put func(value float64, labels ...string)

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

var (
	byKind   = []string{"protocol", "transport"}
	byReason = []string{"reason"}
	byNSP    = []string{"nsp"} // not "namespace", which in Kubernetes is something else
)

// figures are all metrics.
var figures = []figure{
	{"damso_ready", "Whether the node takes part in the conversation: 1 or 0, as /readyz.",
		gauge, nil, one(func(st *snapshot) float64 { return truth(st.ready) })},
	{"damso_draining", "Whether the node takes no new clients, since it is about to end: 1 or 0.",
		gauge, nil, one(func(st *snapshot) float64 { return truth(st.Engine.Closing) })},

	{"damso_connections", "Clients that are connected, by Engine.IO protocol and transport.",
		gauge, byKind, kinds(func(st *snapshot) map[engineio.Kind]int { return st.Engine.Open })},
	{"damso_connections_opened_total", "Clients that have connected, by the transport they began with.",
		counter, byKind, kinds(func(st *snapshot) map[engineio.Kind]uint64 { return st.Engine.Opened })},
	{"damso_connections_upgraded_total", "Clients that went from polling to another transport.",
		counter, byKind, kinds(func(st *snapshot) map[engineio.Kind]uint64 { return st.Engine.Upgraded })},
	{"damso_connections_closed_total", "Connections that have ended, by the reason.",
		counter, byReason, words(func(st *snapshot) map[engineio.Reason]uint64 { return st.Engine.Closed })},
	{"damso_connections_sent_away_total", "Connections that were closed to drain the node, or to rebalance the cluster.",
		counter, nil, count(func(st *snapshot) uint64 { return st.Engine.SentAway })},
	{"damso_requests_refused_total", "Handshakes and other requests that were refused, by the reason.",
		counter, byReason, words(func(st *snapshot) map[engineio.Refusal]uint64 { return st.Engine.Refused })},

	{"damso_messages_received_total", "Engine.IO messages that clients have sent.",
		counter, nil, count(func(st *snapshot) uint64 { return st.Engine.MessagesReceived })},
	{"damso_messages_sent_total", "Engine.IO messages that were sent to clients.",
		counter, nil, count(func(st *snapshot) uint64 { return st.Engine.MessagesSent })},
	{"damso_received_bytes_total", "Bytes of frames and payloads that clients have sent.",
		counter, nil, count(func(st *snapshot) uint64 { return st.Engine.BytesReceived })},
	{"damso_sent_bytes_total", "Bytes of frames and payloads that were sent to clients.",
		counter, nil, count(func(st *snapshot) uint64 { return st.Engine.BytesSent })},

	{"damso_slow_clients_closed_total", "Connections that were closed since their clients were too slow.",
		counter, nil, count(func(st *snapshot) uint64 { return st.Engine.Slow.Closed })},
	{"damso_messages_dropped_total", "Messages that slow clients were not sent, by the policy that says so.",
		counter, []string{"policy"}, dropped},

	{"damso_sockets", "Sockets that are connected, by namespace.",
		gauge, byNSP, namespaces(func(ns socketio.NamespaceStats) float64 { return float64(ns.Sockets) })},
	{"damso_sockets_connected_total", "Sockets that have connected, by namespace: recovered ones, and new ones.",
		counter, []string{"nsp", "recovered"}, connected},
	{"damso_sockets_refused_total", "Sockets that were not let into a namespace.",
		counter, byNSP, namespaces(func(ns socketio.NamespaceStats) float64 { return float64(ns.Refused) })},

	{"damso_cluster_nodes", "Nodes of the cluster that this one knows to be alive, with itself.",
		gauge, nil, cluster(func(st *snapshot) float64 { return float64(st.Cluster.Nodes) })},
	{"damso_cluster_requests_forwarded_total", "Requests for sessions of other nodes that were passed on.",
		counter, nil, cluster(func(st *snapshot) float64 { return float64(st.Cluster.Asked) })},
	{"damso_cluster_requests_failed_total", "Requests that were passed on and got no answer.",
		counter, nil, cluster(func(st *snapshot) float64 { return float64(st.Cluster.Failed) })},
	{"damso_cluster_requests_served_total", "Requests that came by way of other nodes.",
		counter, nil, cluster(func(st *snapshot) float64 { return float64(st.Cluster.Served) })},
	{"damso_cluster_relays", "Connections that are relayed between nodes, by where the session is.",
		gauge, []string{"session"}, relays},

	{"damso_adapter_connects_total", "Times that the adapter has connected.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Connects) })},
	{"damso_adapter_published_total", "Operations, questions and answers that were published to other nodes.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Published) })},
	{"damso_adapter_dropped_total", "Operations, questions and answers that were not published: no connection, or no room.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Dropped) })},
	{"damso_adapter_received_total", "Operations, questions and answers of other nodes that have arrived.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Received) })},
	{"damso_adapter_lost_total", "Messages of other nodes for which there was no room.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Lost) })},
	{"damso_adapter_undecodable_total", "Messages of other nodes that made no sense.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Undecodable) })},
	{"damso_adapter_gaps_total", "Times in which other nodes could not be heard.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Gaps) })},
	{"damso_adapter_gap_seconds_total", "How long other nodes could not be heard, in all.",
		counter, nil, adapter(func(st *snapshot) float64 { return st.Adapter.GapTime.Seconds() })},
	{"damso_adapter_trimmed_total", "Times that entries of a stream may have gone before they were read.",
		counter, nil, adapter(func(st *snapshot) float64 { return float64(st.Adapter.Trimmed) })},
}

// one is for metrics with one value.
func one(of func(*snapshot) float64) func(*snapshot, put) {
	return func(st *snapshot, put put) { put(of(st)) }
}

func count(of func(*snapshot) uint64) func(*snapshot, put) {
	return func(st *snapshot, put put) { put(float64(of(st))) }
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func kinds[V int | uint64](of func(*snapshot) map[engineio.Kind]V) func(*snapshot, put) {
	return func(st *snapshot, put put) {
		for k, n := range of(st) {
			put(float64(n), strconv.Itoa(k.Protocol), k.Transport)
		}
	}
}

func words[K ~string](of func(*snapshot) map[K]uint64) func(*snapshot, put) {
	return func(st *snapshot, put put) {
		for word, n := range of(st) {
			put(float64(n), string(word))
		}
	}
}

func dropped(st *snapshot, put put) {
	slow := st.Engine.Slow
	put(float64(slow.DroppedOldest), "drop oldest")
	put(float64(slow.DroppedNewest), "drop newest")
	put(float64(slow.Replaced), "keep latest")
	put(float64(slow.Volatile), "volatile")
}

func namespaces(of func(socketio.NamespaceStats) float64) func(*snapshot, put) {
	return func(st *snapshot, put put) {
		for _, ns := range st.Namespaces {
			put(of(ns), ns.Name)
		}
	}
}

func connected(st *snapshot, put put) {
	for _, ns := range st.Namespaces {
		put(float64(ns.New), ns.Name, "false")
		put(float64(ns.Recovered), ns.Name, "true")
	}
}

// cluster is for what only a node among others has.
func cluster(of func(*snapshot) float64) func(*snapshot, put) {
	return func(st *snapshot, put put) {
		if st.Cluster != nil {
			put(of(st))
		}
	}
}

func relays(st *snapshot, put put) {
	if st.Cluster != nil {
		put(float64(st.Cluster.Relaying), "elsewhere")
		put(float64(st.Cluster.Relayed), "here")
	}
}

// adapter is for what adapters have that count.
func adapter(of func(*snapshot) float64) func(*snapshot, put) {
	return func(st *snapshot, put put) {
		if st.Adapter != nil {
			put(of(st))
		}
	}
}
