package settings

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// idRx is the form of a node's name.
var idRx = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// check looks at what a type alone does not tell.
func (l *loader) check(s *Settings) {
	if s.NodeID != "" && !idRx.MatchString(s.NodeID) {
		l.fault("NODE_ID", "is not 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit")
	}
	l.checkPorts(s)
	l.checkRedis(s)
	if s.StaticDir != "" {
		if problem := checkDir(s.StaticDir); problem != "" {
			l.fault("STATIC_DIR", problem)
		}
	}
	origins, problem := parseOrigins(s.CORSOrigins)
	if problem != "" {
		l.fault("CORS_ORIGIN", problem)
	}
	s.CORSOrigins = origins
}

// checkPorts looks whether each port is for one thing.
func (l *loader) checkPorts(s *Settings) {
	if s.AdminPort != 0 && s.AdminPort == s.NodePort {
		l.fault("ADMIN_PORT", "is the same as NODE_PORT")
	}
	switch s.MetricsPort {
	case 0:
	case s.NodePort:
		l.fault("METRICS_PORT", "is the same as NODE_PORT")
	case s.AdminPort:
		l.fault("METRICS_PORT", "is the same as ADMIN_PORT")
	}
}

// checkDir returns why dir can't be served, "" if it can.
func checkDir(dir string) string {
	fi, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no folder " + dir
	case err != nil:
		return cannotRead(err).Error()
	case !fi.IsDir():
		return dir + " is a file, not a folder"
	}
	f, err := os.Open(dir)
	if err != nil {
		return cannotRead(err).Error()
	}
	f.Close()
	return ""
}

// parseOrigins returns the origins as browsers write them, and what is wrong if
// one of them is none.
func parseOrigins(list []string) (origins []string, problem string) {
	for _, s := range list {
		switch s = strings.TrimSpace(s); s {
		case "": // a comma too many
		case "*":
			origins = append(origins, s)
		default:
			o, problem := parseOrigin(s)
			if problem != "" {
				return nil, problem
			}
			origins = append(origins, o)
		}
	}
	for _, o := range origins {
		if o == "*" && len(origins) > 1 {
			return nil, `has "*" beside other origins: "*" lets all sites in, without credentials; name either all of yours or only "*"`
		}
	}
	return origins, ""
}

// parseOrigin brings s into the form of the Origin header: lower case, no default port.
func parseOrigin(s string) (origin, problem string) {
	const want = "is not an origin: scheme://host or scheme://host:port"
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", "has an entry that " + want
	case u.User != nil: // not shown, there may be a password in it
		return "", "has an entry with a user in it, which " + want
	case u.Scheme == "" || u.Hostname() == "":
		return "", `"` + s + `" ` + want
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return "", `"` + s + `" has something after the host, so it ` + want
	case strings.Contains(u.Host, "*"):
		return "", `"` + s + `" has a wildcard in the host; name each origin`
	}
	for _, r := range u.Host {
		if r > 0x7f {
			return "", `"` + s + `" has letters that browsers send as punycode (xn--…); write it so`
		}
	}
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":"), ""
}

// hint returns what may have led to the value of a port, "" if nothing is known.
func hint(value string) string {
	if strings.HasPrefix(value, "tcp://") {
		return " (Kubernetes sets it so for a service of that name: set it in the pod, or enableServiceLinks to false)"
	}
	return ""
}
