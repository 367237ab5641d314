// Package settings reads what an operator says about a node: environment
// variables, and a .env file for those that the environment does not set.
package settings

import (
	"log/slog"
	"reflect"
	"strconv"

	"github.com/caarlos0/env/v11"
)

// Settings of a node. The tags are all there is to know of a variable: its name,
// its default, what it must look like and an example of it.
type Settings struct {
	// NodePort is the port to listen on; with 0 the system chooses one.
	NodePort uint16 `env:"NODE_PORT" envDefault:"3000" want:"a port number from 0 to 65535" example:"3000"`
	// NodeID is the node's name in logs and on the page. If empty, the command makes one up.
	NodeID string `env:"NODE_ID" example:"node-1"`

	// RedisHosts are where the nodes meet: one server, some servers of a Redis Cluster,
	// or, with RedisSentinel, sentinels. Each may have a port of its own after a colon. If
	// empty, there is no Redis and the node is alone; the other Redis settings are then
	// empty too, save those that have defaults.
	RedisHosts []string `env:"REDIS_HOST" example:"localhost"`
	RedisPort  uint16   `env:"REDIS_PORT" envDefault:"6379" want:"a port number from 1 to 65535" example:"6379"`
	// RedisSentinel is what the sentinels call the primary, if RedisHosts are sentinels.
	RedisSentinel         string `env:"REDIS_SENTINEL" example:"mymaster"`
	RedisSentinelPassword Secret `env:"REDIS_SENTINEL_PASSWORD"`
	RedisUsername         string `env:"REDIS_USERNAME" example:"damso"`
	RedisPassword         Secret `env:"REDIS_PASSWORD"`
	RedisTLS              bool   `env:"REDIS_TLS" envDefault:"false" want:"true or false" example:"true"`
	// RedisTLSCA is a file with the certificates of those who may have signed those of
	// Redis, in PEM. If empty, they are the system's. Load has seen that it has some.
	RedisTLSCA string `env:"REDIS_TLS_CA" example:"./redis-ca.pem"`
	// RedisMode is how the nodes meet: classic, sharded or streams.
	RedisMode string `env:"REDIS_MODE" envDefault:"classic" example:"classic"`

	// AdminPort is where a node takes orders from its machine: to drain, to rebalance. With
	// 0 it takes none.
	AdminPort uint16 `env:"ADMIN_PORT" envDefault:"0" want:"a port number from 0 to 65535" example:"3900"`

	// MetricsPort is where a node serves metrics for Prometheus, on all addresses. With 0 it
	// does not.
	MetricsPort uint16 `env:"METRICS_PORT" envDefault:"0" want:"a port number from 0 to 65535" example:"3901"`

	// LogLevel is the least level that is logged.
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"info" want:"debug, info, warn or error" example:"info"`

	// StaticDir is a folder to serve instead of the built-in page, if not empty.
	// Load has seen that it is there.
	StaticDir string `env:"STATIC_DIR" example:"./assets"`

	// CORSOrigins are the sites whose pages may connect besides our own, written
	// as browsers write them in the Origin header. The one element "*" stands for
	// all sites, without credentials (see [Settings.CORSCredentials]).
	CORSOrigins []string `env:"CORS_ORIGIN" example:"https://chat.example.com,http://localhost:5173"`
}

// RedisAddrs returns RedisHosts as "host:port", RedisPort for those without a port of
// their own. It is empty without Redis.
func (s Settings) RedisAddrs() (addrs []string) {
	for _, host := range s.RedisHosts {
		addr, _ := hostPort(host, strconv.Itoa(int(s.RedisPort)))
		addrs = append(addrs, addr)
	}
	return addrs
}

// CORSCredentials reports whether other sites' pages may send cookies and HTTP
// authentication: only those of sites that are named, as browsers refuse
// credentials together with "*".
func (s Settings) CORSCredentials() bool {
	return len(s.CORSOrigins) > 0 && s.CORSOrigins[0] != "*"
}

// Load reads settings from environ, in the form of [os.Environ], and from the
// file dotenv for variables that environ lacks. A file that does not exist is as
// good as an empty one, and so is the name "". A variable that is empty counts
// as not set; unknown ones are ignored.
//
// An error is of type [Faults] and tells all that is wrong.
func Load(environ []string, dotenv string) (Settings, error) {
	l := loader{values: env.ToMap(environ), dotenv: dotenv}
	l.fillFromFile()

	var s Settings
	l.parse(&s)
	l.check(&s)
	if len(l.faults) > 0 {
		return Settings{}, l.faults
	}
	return s, nil
}

// A loader is what one call of Load knows.
type loader struct {
	values map[string]string
	dotenv string          // the name of the file
	inFile map[string]bool // the variables whose value is the file's
	faults Faults
}

// fillFromFile adds what the .env file sets and the environment does not.
func (l *loader) fillFromFile() {
	values, faults := readDotenv(l.dotenv)
	l.faults = append(l.faults, faults...)
	l.inFile = make(map[string]bool)
	for name, v := range values {
		if _, ok := l.values[name]; !ok {
			l.values[name], l.inFile[name] = v, true
		}
	}
}

// parse fills s from the values, as its tags say.
func (l *loader) parse(s *Settings) {
	err := env.ParseWithOptions(s, env.Options{Environment: l.values})
	if err == nil {
		return
	}
	agg, ok := err.(env.AggregateError)
	if !ok {
		panic("settings: " + err.Error()) // only a fault in the tags of Settings leads here
	}
	for _, e := range agg.Errors {
		bad, ok := e.(env.ParseError)
		if !ok {
			panic("settings: " + e.Error())
		}
		f, _ := reflect.TypeFor[Settings]().FieldByName(bad.Name)
		name := f.Tag.Get("env")
		l.fault(name, strconv.Quote(l.values[name])+" is not "+f.Tag.Get("want")+hint(l.values[name]))
	}
}

// fault records that something is wrong with a variable. Its first fault is enough.
func (l *loader) fault(name, problem string) {
	for _, f := range l.faults {
		if f.Where == name {
			return
		}
	}
	if l.inFile[name] {
		problem += " (from " + l.dotenv + ")"
	}
	l.faults = append(l.faults, Fault{Where: name, Problem: problem, Example: example(name)})
}

// example returns a line that sets the variable well, "" if there is none.
func example(name string) string {
	t := reflect.TypeFor[Settings]()
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if ex, ok := tag.Lookup("example"); ok && tag.Get("env") == name {
			return name + "=" + ex
		}
	}
	return ""
}
