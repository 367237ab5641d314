package limit

import (
	"net/http"
	"net/netip"
	"strings"
)

// address returns what counts as a client's address: that of the connection, or
// that for which trusted proxies say they forward. It is not valid if the
// connection has none, as over a Unix socket.
//
// Each proxy appends the address that it was called from. So the list is read from
// its end, for as long as who has written an entry is trusted: what stands before
// that, clients may have made up.
func (l *Limiter) address(remote string, header http.Header) netip.Addr {
	addr, ok := parseAddress(remote)
	if !ok {
		return netip.Addr{}
	}
	list := ""
	if len(l.opts.TrustedProxies) > 0 {
		list = strings.Join(header.Values("X-Forwarded-For"), ",")
	}
	for list != "" && l.trusted(addr) {
		i := strings.LastIndexByte(list, ',')
		entry := list[i+1:]
		list = list[:max(i, 0)]
		next, ok := parseAddress(strings.TrimSpace(entry))
		if !ok {
			break
		}
		addr = next
	}
	if addr.Is6() {
		prefix, _ := addr.Prefix(l.opts.IPv6Prefix) // was checked
		addr = prefix.Addr()
	}
	return addr
}

func (l *Limiter) trusted(a netip.Addr) bool {
	for _, p := range l.opts.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddress takes an address with or without a port. IPv4 in IPv6 is IPv4.
func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = withPort.Addr()
	}
	return a.Unmap().WithZone(""), true
}
