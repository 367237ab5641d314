package settings

import (
	"crypto/x509"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// modes are the values of REDIS_MODE.
var modes = []string{"classic", "sharded", "streams"}

func (l *loader) checkRedis(s *Settings) {
	if s.RedisPort == 0 {
		l.fault("REDIS_PORT", `"0" is not a port number from 1 to 65535`)
	}
	if !slices.Contains(modes, s.RedisMode) {
		l.fault("REDIS_MODE", strconv.Quote(s.RedisMode)+" is not classic, sharded or streams")
	}
	if s.RedisTLSCA != "" {
		if problem := checkCertificates(s.RedisTLSCA); problem != "" {
			l.fault("REDIS_TLS_CA", problem)
		}
		if !s.RedisTLS {
			l.fault("REDIS_TLS", "is not true though REDIS_TLS_CA is set")
		}
	}
	if s.RedisSentinelPassword != "" && s.RedisSentinel == "" {
		l.fault("REDIS_SENTINEL", "is missing though REDIS_SENTINEL_PASSWORD is set")
	}
	hosts := s.RedisHosts
	s.RedisHosts = nil
	for _, host := range hosts {
		// The value is not shown: a whole URL with its password may be in it.
		switch _, problem := hostPort(strings.TrimSpace(host), "6379"); {
		case strings.TrimSpace(host) == "": // a comma too many
		case problem != "":
			l.fault("REDIS_HOST", problem)
		default:
			s.RedisHosts = append(s.RedisHosts, strings.TrimSpace(host))
		}
	}
	if len(hosts) == 0 {
		l.checkNoRedis(s)
	}
}

// checkNoRedis looks whether nodes would quietly stay alone though somebody meant to
// use Redis. That would be found out much later, by users who don't see each other.
func (l *loader) checkNoRedis(s *Settings) {
	for _, name := range []string{"REDIS_PORT", "REDIS_SENTINEL", "REDIS_SENTINEL_PASSWORD", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_TLS", "REDIS_TLS_CA", "REDIS_MODE"} {
		if v := l.values[name]; v != "" && (name != "REDIS_TLS" || s.RedisTLS) {
			l.fault("REDIS_HOST", "is missing though "+name+" is set; set it too, or unset "+name+" to run without Redis")
		}
	}
}

// hostPort returns a host as "host:port", with a port if it has none of its own, and
// what is wrong with it, "" if nothing is.
func hostPort(host, port string) (addr, problem string) {
	if _, err := netip.ParseAddr(host); err == nil {
		return net.JoinHostPort(host, port), ""
	}
	if strings.Contains(host, "://") {
		return "", "is a URL where only hosts belong; port, user and password have variables of their own"
	}
	if strings.Contains(host, ":") {
		var err error
		if host, port, err = net.SplitHostPort(host); err != nil {
			return "", "has an entry that is neither a host nor host:port"
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "has an entry whose port is not a number from 1 to 65535"
		}
	}
	if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsAny(host, ": \t\r\n/@[]")) {
		return "", "has an entry that is not the name or the address of a host"
	}
	return net.JoinHostPort(host, port), ""
}

// checkCertificates returns why a file has no certificates, "" if it has some.
func checkCertificates(file string) string {
	text, err := os.ReadFile(file)
	switch {
	case err != nil:
		return cannotRead(err).Error()
	case !x509.NewCertPool().AppendCertsFromPEM(text):
		return "there is no certificate in " + file + ": it must be in PEM"
	}
	return ""
}
