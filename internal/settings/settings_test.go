package settings

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// defaults are the settings of an empty environment.
func defaults() Settings {
	return Settings{NodePort: 3000, RedisPort: 6379, RedisMode: "classic", LogLevel: slog.LevelInfo}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name    string
		environ []string
		dotenv  string
		want    func(*Settings)
	}{
		{"nothing", nil, "", func(s *Settings) {}},
		{"the article's", nil, "NODE_PORT=3001\nREDIS_PORT=10300\nREDIS_HOST=localhost\n", func(s *Settings) {
			s.NodePort, s.RedisHosts, s.RedisPort = 3001, []string{"localhost"}, 10300
		}},
		{"environment wins", []string{"NODE_PORT=3002"}, "NODE_PORT=3001\nLOG_LEVEL=debug", func(s *Settings) {
			s.NodePort, s.LogLevel = 3002, slog.LevelDebug
		}},
		{"empty environment wins", []string{"REDIS_HOST="}, "REDIS_HOST=localhost", func(s *Settings) {}},
		{"empty is unset", []string{"NODE_PORT=", "LOG_LEVEL=", "CORS_ORIGIN="}, "REDIS_HOST=", func(s *Settings) {}},
		{"unknown variables", []string{"NODE_PROT=x", "PATH=/bin"}, "WHAT=ever", func(s *Settings) {}},
		{"port chosen by the system", []string{"NODE_PORT=0"}, "", func(s *Settings) { s.NodePort = 0 }},
		{"all of Redis", []string{"REDIS_HOST=::1", "REDIS_USERNAME=u", "REDIS_PASSWORD=p=ä", "REDIS_TLS=1"}, "", func(s *Settings) {
			s.RedisHosts, s.RedisUsername, s.RedisPassword, s.RedisTLS = []string{"::1"}, "u", "p=ä", true
		}},
		{"Redis Cluster", []string{"REDIS_HOST=a:7000, b ,[::1]:7001,", "REDIS_MODE=sharded"}, "", func(s *Settings) {
			s.RedisHosts, s.RedisMode = []string{"a:7000", "b", "[::1]:7001"}, "sharded"
		}},
		{"Sentinel", []string{"REDIS_HOST=a:26379,b:26379", "REDIS_SENTINEL=main", "REDIS_SENTINEL_PASSWORD=p", "REDIS_TLS=true", "REDIS_TLS_CA=testdata/ca.pem"}, "", func(s *Settings) {
			s.RedisHosts, s.RedisSentinel, s.RedisSentinelPassword = []string{"a:26379", "b:26379"}, "main", "p"
			s.RedisTLS, s.RedisTLSCA = true, "testdata/ca.pem"
		}},
		{"no TLS, no host", []string{"REDIS_TLS=false"}, "", func(s *Settings) {}},
		{"level in capitals", []string{"LOG_LEVEL=WARN"}, "", func(s *Settings) { s.LogLevel = slog.LevelWarn }},
		{"node and folder", []string{"NODE_ID=damso-7c9f.a_1", "STATIC_DIR=" + dir}, "", func(s *Settings) {
			s.NodeID, s.StaticDir = "damso-7c9f.a_1", dir
		}},
		{"ports", []string{"ADMIN_PORT=3900", "METRICS_PORT=3901"}, "", func(s *Settings) { s.AdminPort, s.MetricsPort = 3900, 3901 }},
		{"any origin", []string{"CORS_ORIGIN=*"}, "", func(s *Settings) { s.CORSOrigins = []string{"*"} }},
		{"origins as browsers write them", []string{"CORS_ORIGIN=HTTPS://Example.com:443, http://localhost:5173,,http://[::1]:80,capacitor://localhost"}, "", func(s *Settings) {
			s.CORSOrigins = []string{"https://example.com", "http://localhost:5173", "http://[::1]", "capacitor://localhost"}
		}},
		{"file of all forms", nil, "\ufeff# comment\r\n\r\nexport NODE_PORT=3001 # here\r\nREDIS_HOST='redis'\r\nREDIS_PASSWORD=\"two\r\nlines # no comment\"\r\nLOG_LEVEL: error", func(s *Settings) {
			s.NodePort, s.RedisHosts, s.RedisPassword, s.LogLevel = 3001, []string{"redis"}, "two\nlines # no comment", slog.LevelError
		}},
		{"file refers to itself", nil, "PORT=3009\nNODE_PORT=${PORT}\n", func(s *Settings) { s.NodePort = 3009 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := defaults()
			tt.want(&want)
			got, err := Load(tt.environ, writeFile(t, tt.dotenv))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("settings (-want +got):\n%s", d)
			}
		})
	}
}

func TestLoadFaults(t *testing.T) {
	file := writeFile(t, "x")
	tests := []struct {
		name    string
		environ []string
		dotenv  string
		want    []string // each fault's line, ENV standing for the file's name
	}{
		{"port", []string{"NODE_PORT=80a"}, "", []string{
			`NODE_PORT: "80a" is not a port number from 0 to 65535; for example NODE_PORT=3000`}},
		{"port too high", []string{"NODE_PORT=65536"}, "", []string{
			`NODE_PORT: "65536" is not a port number from 0 to 65535; for example NODE_PORT=3000`}},
		{"ports that are the same", []string{"NODE_PORT=3900", "ADMIN_PORT=3900", "METRICS_PORT=3900"}, "", []string{
			`ADMIN_PORT: is the same as NODE_PORT; for example ADMIN_PORT=3900`,
			`METRICS_PORT: is the same as NODE_PORT; for example METRICS_PORT=3901`}},
		{"metrics where the orders are", []string{"ADMIN_PORT=3901", "METRICS_PORT=3901"}, "", []string{
			`METRICS_PORT: is the same as ADMIN_PORT; for example METRICS_PORT=3901`}},
		{"metrics port", []string{"METRICS_PORT=on"}, "", []string{
			`METRICS_PORT: "on" is not a port number from 0 to 65535; for example METRICS_PORT=3901`}},
		{"Redis port 0", []string{"REDIS_HOST=r", "REDIS_PORT=0"}, "", []string{
			`REDIS_PORT: "0" is not a port number from 1 to 65535; for example REDIS_PORT=6379`}},
		{"Redis port from Kubernetes", []string{"REDIS_HOST=r", "REDIS_PORT=tcp://10.0.0.7:6379"}, "", []string{
			`REDIS_PORT: "tcp://10.0.0.7:6379" is not a port number from 1 to 65535 (Kubernetes sets it so for a service of that name: set it in the pod, or enableServiceLinks to false); for example REDIS_PORT=6379`}},
		{"Redis port without host", []string{"REDIS_PORT=6379"}, "", []string{
			`REDIS_HOST: is missing though REDIS_PORT is set; set it too, or unset REDIS_PORT to run without Redis; for example REDIS_HOST=localhost`}},
		{"Redis password without host", []string{"REDIS_PASSWORD=hunter2"}, "", []string{
			`REDIS_HOST: is missing though REDIS_PASSWORD is set; set it too, or unset REDIS_PASSWORD to run without Redis; for example REDIS_HOST=localhost`}},
		{"Redis host is a URL", []string{"REDIS_HOST=redis://:hunter2@r:6379"}, "", []string{
			`REDIS_HOST: is a URL where only hosts belong; port, user and password have variables of their own; for example REDIS_HOST=localhost`}},
		{"Redis host with a bad port", []string{"REDIS_HOST=r:0"}, "", []string{
			`REDIS_HOST: has an entry whose port is not a number from 1 to 65535; for example REDIS_HOST=localhost`}},
		{"Redis host with two colons", []string{"REDIS_HOST=r:1:2"}, "", []string{
			`REDIS_HOST: has an entry that is neither a host nor host:port; for example REDIS_HOST=localhost`}},
		{"Redis hosts, one of them none", []string{"REDIS_HOST=a,u@b"}, "", []string{
			`REDIS_HOST: has an entry that is not the name or the address of a host; for example REDIS_HOST=localhost`}},
		{"Redis mode", []string{"REDIS_HOST=a", "REDIS_MODE=fast"}, "", []string{
			`REDIS_MODE: "fast" is not classic, sharded or streams; for example REDIS_MODE=classic`}},
		{"Redis mode without host", []string{"REDIS_MODE=streams"}, "", []string{
			`REDIS_HOST: is missing though REDIS_MODE is set; set it too, or unset REDIS_MODE to run without Redis; for example REDIS_HOST=localhost`}},
		{"Redis certificate without TLS", []string{"REDIS_HOST=a", "REDIS_TLS_CA=testdata/ca.pem"}, "", []string{
			`REDIS_TLS: is not true though REDIS_TLS_CA is set; for example REDIS_TLS=true`}},
		{"no Redis certificate", []string{"REDIS_HOST=a", "REDIS_TLS=true", "REDIS_TLS_CA=" + file}, "", []string{
			`REDIS_TLS_CA: there is no certificate in ` + file + `: it must be in PEM; for example REDIS_TLS_CA=./redis-ca.pem`}},
		{"no Redis certificate's file", []string{"REDIS_HOST=a", "REDIS_TLS=true", "REDIS_TLS_CA=/no/such"}, "", []string{
			`REDIS_TLS_CA: can't be read: no such file or directory; for example REDIS_TLS_CA=./redis-ca.pem`}},
		{"sentinels' password without Sentinel", []string{"REDIS_HOST=a", "REDIS_SENTINEL_PASSWORD=hunter2"}, "", []string{
			`REDIS_SENTINEL: is missing though REDIS_SENTINEL_PASSWORD is set; for example REDIS_SENTINEL=mymaster`}},
		{"TLS", []string{"REDIS_HOST=r", "REDIS_TLS=yes"}, "", []string{
			`REDIS_TLS: "yes" is not true or false; for example REDIS_TLS=true`}},
		{"level", []string{"LOG_LEVEL=loud"}, "", []string{
			`LOG_LEVEL: "loud" is not debug, info, warn or error; for example LOG_LEVEL=info`}},
		{"node's name", []string{"NODE_ID=node 1"}, "", []string{
			`NODE_ID: is not 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit; for example NODE_ID=node-1`}},
		{"no folder", []string{"STATIC_DIR=/no/such"}, "", []string{
			`STATIC_DIR: there is no folder /no/such; for example STATIC_DIR=./assets`}},
		{"folder is a file", []string{"STATIC_DIR=" + file}, "", []string{
			`STATIC_DIR: ` + file + ` is a file, not a folder; for example STATIC_DIR=./assets`}},
		{"wildcard with others", []string{"CORS_ORIGIN=*,http://a.example"}, "", []string{
			`CORS_ORIGIN: has "*" beside other origins: "*" lets all sites in, without credentials; name either all of yours or only "*"` + exampleOrigins}},
		{"origin with a path", []string{"CORS_ORIGIN=http://a.example/"}, "", []string{
			`CORS_ORIGIN: "http://a.example/" has something after the host, so it is not an origin: scheme://host or scheme://host:port` + exampleOrigins}},
		{"origin without scheme", []string{"CORS_ORIGIN=a.example"}, "", []string{
			`CORS_ORIGIN: "a.example" is not an origin: scheme://host or scheme://host:port` + exampleOrigins}},
		{"origin with wildcard", []string{"CORS_ORIGIN=https://*.a.example"}, "", []string{
			`CORS_ORIGIN: "https://*.a.example" has a wildcard in the host; name each origin` + exampleOrigins}},
		{"origin in Korean", []string{"CORS_ORIGIN=https://담소.한국"}, "", []string{
			`CORS_ORIGIN: "https://담소.한국" has letters that browsers send as punycode (xn--…); write it so` + exampleOrigins}},
		{"origin with password", []string{"CORS_ORIGIN=https://u:hunter2@a.example"}, "", []string{
			`CORS_ORIGIN: has an entry with a user in it, which is not an origin: scheme://host or scheme://host:port` + exampleOrigins}},
		{"bad lines, good value and bad value", nil, "what is this\nNODE_PORT=80a\n\nREDIS_PASSWORD=\"hunter2\nLOG_LEVEL=debug\n=x\nJUSTTHIS", []string{
			`ENV:1: is not NAME=value, or a quote in it is not closed; for example NODE_PORT=3000`,
			`ENV:4: is not NAME=value, or a quote in it is not closed; for example NODE_PORT=3000`,
			`ENV:6: is not NAME=value, or a quote in it is not closed; for example NODE_PORT=3000`,
			`ENV:7: is not NAME=value, or a quote in it is not closed; for example NODE_PORT=3000`,
			`NODE_PORT: "80a" is not a port number from 0 to 65535 (from ENV); for example NODE_PORT=3000`}},
		{"UTF-16 file", nil, "\xff\xfeN\x00", []string{`ENV: is not UTF-8 text; save it as UTF-8`}},
		{"long file", nil, strings.Repeat("#", maxDotenv+1), []string{`ENV: is longer than 65536 bytes`}},
		{"several at once", []string{"NODE_PORT=-1", "REDIS_PORT=x", "LOG_LEVEL=x", "CORS_ORIGIN=x"}, "", []string{
			`NODE_PORT: "-1" is not a port number from 0 to 65535; for example NODE_PORT=3000`,
			`REDIS_PORT: "x" is not a port number from 1 to 65535; for example REDIS_PORT=6379`,
			`LOG_LEVEL: "x" is not debug, info, warn or error; for example LOG_LEVEL=info`,
			`REDIS_HOST: is missing though REDIS_PORT is set; set it too, or unset REDIS_PORT to run without Redis; for example REDIS_HOST=localhost`,
			`CORS_ORIGIN: "x" is not an origin: scheme://host or scheme://host:port` + exampleOrigins}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := writeFile(t, tt.dotenv)
			s, err := Load(tt.environ, file)
			if err == nil {
				t.Fatalf("no error, but %+v", s)
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), file, "ENV"), "\n")
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("faults (-want +got):\n%s", d)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows a secret")
			}
			if d := cmp.Diff(Settings{}, s); d != "" {
				t.Errorf("settings beside the error:\n%s", d)
			}
		})
	}
}

const exampleOrigins = "; for example CORS_ORIGIN=https://chat.example.com,http://localhost:5173"

// writeFile returns the name of a new .env file.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadFileMissing(t *testing.T) {
	got, err := Load(nil, filepath.Join(t.TempDir(), ".env"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(defaults(), got); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
}

func TestLoadFileIsFolder(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(nil, dir)
	if want := dir + ": can't be read: is a directory"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestRedisAddrs(t *testing.T) {
	s := Settings{RedisHosts: []string{"r", "::1", "r:1", "[::1]:1"}, RedisPort: 6379}
	if d := cmp.Diff([]string{"r:6379", "[::1]:6379", "r:1", "[::1]:1"}, s.RedisAddrs()); d != "" {
		t.Errorf("addresses (-want +got):\n%s", d)
	}
	if addrs := (Settings{RedisPort: 6379}).RedisAddrs(); len(addrs) != 0 {
		t.Errorf("addresses without Redis: %v", addrs)
	}
}

func TestCORSCredentials(t *testing.T) {
	for _, tt := range []struct {
		origins []string
		want    bool
	}{{nil, false}, {[]string{"*"}, false}, {[]string{"http://a.example"}, true}} {
		if got := (Settings{CORSOrigins: tt.origins}).CORSCredentials(); got != tt.want {
			t.Errorf("%q: %v", tt.origins, got)
		}
	}
}
