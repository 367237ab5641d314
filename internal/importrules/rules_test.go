// Package importrules holds a test and nothing else: the table of who may
// import whom. The directions keep a change in one layer out of the others, and
// keep a third-party module where it can be replaced.
package importrules

// module is the path of this module.
const module = "github.com/damso/damso"

// A rule says what a package may import, tests not counted. Of the standard
// library it may import all but what is refused.
type rule struct {
	why    string   // said when the rule is broken
	ours   []string // packages of this module, without the module's path
	theirs []string // modules of others
	not    []string // packages of the standard library that it must not import
}

// outside is what a package does without that is pure: bytes and the time come in as
// arguments, so that a table can test it and a fuzzer can drive it.
var outside = []string{"net", "net/http", "os", "os/signal", "time", "math/rand", "math/rand/v2", "log", "log/slog"}

// Modules of others that packages may import. Those that only tests use are not
// here: what is not in a rule is for tests only.
const (
	cdproto  = "github.com/chromedp/cdproto" // the words of the protocol that chromedp speaks
	chromedp = "github.com/chromedp/chromedp"
	cors     = "github.com/rs/cors"
	dotenv   = "github.com/joho/godotenv"
	env      = "github.com/caarlos0/env/v11"
	goleak   = "go.uber.org/goleak"
	head     = "github.com/gobwas/httphead" // the header options that gobwas/ws speaks
	json     = "github.com/go-json-experiment/json"
	jwt      = "github.com/golang-jwt/jwt/v5"
	kong     = "github.com/alecthomas/kong"
	mini     = "github.com/alicebob/miniredis/v2"
	msgp     = "github.com/tinylib/msgp"
	natsgo   = "github.com/nats-io/nats.go"
	prom     = "github.com/prometheus/client_golang"
	quic     = "github.com/quic-go"
	rate     = "golang.org/x/time"
	rueidis  = "github.com/redis/rueidis"
	sync     = "golang.org/x/sync"
	ws       = "github.com/gobwas/ws"
)

// rules has every package of the module that is more than tests. Packages whose
// files are all tests may import what they like and need no rule.
var rules = map[string]rule{
	// From the outermost package to the innermost: imports only go downwards.
	"cmd/damso": {
		why:    "the command is the wiring: it alone knows all packages and makes them of settings",
		ours:   []string{"adapter", "adapter/redis", "chat", "engineio", "internal/doctor", "internal/lastcall", "internal/page", "internal/settings", "metrics", "socketio"},
		theirs: []string{kong, mini, rueidis, sync},
	},
	"bench/server": {
		why:    "the lab measures the library, without the product on it",
		ours:   []string{"adapter", "adapter/redis", "engineio", "socketio", "socketio/packet"},
		theirs: []string{rueidis},
	},
	"bench/adapters": {
		why:    "it measures adapters by themselves, without a server on them",
		ours:   []string{"adapter", "adapter/redis"},
		theirs: []string{rueidis},
	},
	"bench/hop": {
		why:    "it measures servers from outside, as clients see them",
		theirs: []string{ws},
	},
	"examples/acks":     {why: "an example is a user of the library", ours: []string{"socketio"}},
	"examples/chat":     {why: "an example is a user of the library", ours: []string{"socketio"}},
	"examples/echo":     {why: "an example is a user of the library", ours: []string{"socketio"}},
	"examples/gateway":  {why: "an example is a user of the library", ours: []string{"gateway", "socketio"}},
	"examples/jwt":      {why: "an example is a user of the library", ours: []string{"auth", "engineio", "limit", "socketio"}, theirs: []string{jwt}},
	"examples/recovery": {why: "an example is a user of the library", ours: []string{"socketio"}},
	"examples/rooms":    {why: "an example is a user of the library", ours: []string{"socketio"}},
	"examples/twonodes": {why: "an example is a user of the library", ours: []string{"adapter", "adapter/memory", "adapter/redis", "socketio"}, theirs: []string{rueidis}},
	"chat": {
		why:  "the chat is the domain: it speaks Socket.IO, and knows neither HTTP nor Redis nor who started it",
		ours: []string{"gateway", "socketio"},
		not:  []string{"net/http", "os"},
	},
	"metrics": {
		why:    "metrics are a layer over the library's public figures; who does not import it does not link Prometheus, and it knows no adapter",
		ours:   []string{"engineio", "socketio"},
		theirs: []string{prom},
		not:    []string{"net", "os"},
	},
	"gateway": {
		why:  "gateways are a layer over the library's public API: what they do, an application could do itself",
		ours: []string{"socketio"},
		not:  []string{"net", "net/http", "os"},
	},
	"gateway/gatewaytest": {
		why:  "tests of gateways, ours or other people's, speak the wire to a whole server",
		ours: []string{"gateway", "internal/siotest", "socketio", "socketio/packet"},
		not:  []string{"net", "os"},
	},
	"auth": {
		why:    "middleware is written against the library's public face, as anybody's is",
		ours:   []string{"socketio"},
		theirs: []string{json, jwt},
		not:    []string{"os"},
	},
	"limit": {
		why:    "middleware is written against the library's public face, as anybody's is",
		ours:   []string{"socketio"},
		theirs: []string{rate},
		not:    []string{"os"},
	},
	"socketio": {
		why:    "the library knows the seam to other nodes and no adapter; it must not know the chat",
		ours:   []string{"adapter", "cluster", "engineio", "internal/asset", "internal/msgjson", "socketio/packet"},
		theirs: []string{msgp},
		not:    []string{"os"},
	},
	"cluster": {
		why:  "requests travel as Engine.IO sees them, over what the seam offers: nothing of Socket.IO, and nothing of any adapter",
		ours: []string{"adapter", "engineio"},
		not:  []string{"os/signal"},
	},
	"engineio": {
		why:    "Engine.IO is usable alone and knows nothing of Socket.IO",
		ours:   []string{"internal/enginewire"},
		theirs: []string{cors, head, ws},
	},
	"engineio/webtransport": {
		why:    "who does not import it does not link QUIC: it hands streams to the engine, and nothing of ours builds on it",
		ours:   []string{"engineio"},
		theirs: []string{quic},
	},

	"emitter": {
		why:    "emits from processes that serve no clients: it links no server",
		ours:   []string{"adapter", "internal/clusterwire", "internal/msgjson", "socketio/packet"},
		theirs: []string{rueidis},
		not:    []string{"net", "net/http", "os"},
	},

	// Adapters: they know the seam, not what is on its other side.
	"adapter/redis": {
		why:    "an adapter knows the seam only, so that anybody can write one from outside",
		ours:   []string{"adapter", "adapter/members", "internal/clusterwire", "internal/msgjson"},
		theirs: []string{msgp, rueidis, sync},
		not:    []string{"net/http"},
	},

	"adapter/nats": {
		why:    "an adapter knows the seam only; who does not import it does not link NATS",
		ours:   []string{"adapter", "adapter/members"},
		theirs: []string{natsgo},
		not:    []string{"net", "net/http", "os"},
	},
	"adapter/memory": {
		why:  "an adapter knows the seam only",
		ours: []string{"adapter"},
		not:  []string{"net", "net/http", "os"},
	},
	"adapter/adaptertest": {
		why:  "the suite judges adapters from outside, by the seam only; other people's tests import it, so it brings no modules along",
		ours: []string{"adapter"},
		not:  []string{"net", "net/http", "os"},
	},

	// Leaves.
	"adapter/members": {
		why: "who is in a cluster is told to it, with the time: whatever carries the signs of life can use it",
		not: []string{"net", "net/http", "os", "math/rand", "math/rand/v2", "log", "log/slog"},
	},
	"adapter": {
		why: "the seam is a leaf of plain values, and of waiting for answers no longer than was said",
		not: []string{"net", "net/http", "os", "os/signal", "math/rand", "math/rand/v2", "log", "log/slog"},
	},
	"socketio/packet": {
		why:    "the codec is a leaf and pure",
		theirs: []string{json},
		not:    outside,
	},
	"internal/clusterwire": {
		why:    "the messages of the Node.js cluster adapters, for the adapter and the emitter; pure but for how times are written",
		ours:   []string{"adapter", "adapter/members", "internal/msgjson"},
		theirs: []string{msgp},
		not:    []string{"net", "net/http", "os", "log", "log/slog"},
	},
	"internal/msgjson":    {why: "the transcoder is a leaf and pure; of time it takes how dates are written", theirs: []string{msgp}, not: []string{"net", "net/http", "os", "log", "log/slog"}},
	"internal/enginewire": {why: "the codec is a leaf and pure", not: outside},
	"internal/asset":      {why: "files in memory are a leaf", not: []string{"os"}},
	"internal/lastcall":   {why: "how a server ends is the same for whatever it serves: it knows nothing of that", ours: []string{"socketio"}},
	"internal/page":       {why: "the page serves files, and knows nothing of the server", ours: []string{"internal/asset"}},
	"internal/doctor": {
		why:    "a client: it judges servers by what they say on the wire, and links none",
		ours:   []string{"internal/enginewire", "socketio/packet"},
		theirs: []string{ws},
		not:    []string{"os/signal", "log", "log/slog"},
	},
	"internal/settings": {
		why:    "settings are read once, by the command, and handed on as arguments",
		theirs: []string{dotenv, env},
	},

	// Helpers of tests. No program contains them: of the other rules, only that of
	// gateway/gatewaytest has one.
	"internal/testenv":    {why: "a leaf: whether a tool is there, and what it means if not"},
	"internal/siotest":    {why: "a client of Socket.IO, which speaks the wire and knows no server", ours: []string{"internal/enginewire"}, theirs: []string{ws}},
	"internal/servertest": {why: "runs server programs, and knows nothing of any of them"},
	"internal/nginxtest":  {why: "runs nginx, and knows nothing of who tests", ours: []string{"internal/servertest", "internal/testenv"}},
	"internal/redistest":  {why: "runs Redis servers, and knows nothing of who tests", ours: []string{"internal/servertest", "internal/testenv"}, theirs: []string{goleak, rueidis}},
	"internal/natstest":   {why: "runs nats-server, and knows nothing of who tests", ours: []string{"internal/servertest", "internal/testenv"}},
	"internal/testkit":    {why: "runs Node and Chromium, and knows nothing of who tests", ours: []string{"internal/testenv"}, theirs: []string{cdproto, chromedp}},
}
