package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/redis"
)

type serveCmd struct{}

// Run serves one node until ctx ends.
func (serveCmd) Run(ctx context.Context, a *app) error {
	if err := a.configure(); err != nil {
		return err
	}
	n, err := newNode(a.settings, a.settings.NodePort, a.adapter(), a.log)
	if err != nil {
		return err
	}
	if err := n.listenAdmin(a.settings.AdminPort); err != nil {
		return errors.Join(err, n.stop())
	}
	stop, err := serveMetrics(a.settings.MetricsPort, n.io)
	if err != nil {
		return errors.Join(err, n.stop())
	}
	defer stop() // last, so that they show how the node ends
	fmt.Fprintf(a.out, "Damso %s\n  node %-12s %s\n  %s\n", version(), n.id, n.url(), a.brokerLine())
	if port := a.settings.MetricsPort; port != 0 {
		fmt.Fprintf(a.out, "  metrics         http://localhost:%d/metrics\n", port)
	}
	return n.serve(ctx)
}

// adapter connects to the Redis of the settings, if there is one.
func (a *app) adapter() adapter.Adapter {
	if len(a.settings.RedisHosts) == 0 {
		return nil
	}
	modes := map[string]redis.Mode{"classic": redis.Classic, "sharded": redis.ShardedDynamic, "streams": redis.Streams}
	return redis.New(a.redisClient(), redis.Options{Mode: modes[a.settings.RedisMode], Name: a.settings.NodeID, Logger: a.log})
}

func (a *app) redisClient() rueidis.ClientOption {
	s := a.settings
	o := rueidis.ClientOption{
		InitAddress: s.RedisAddrs(),
		Username:    s.RedisUsername,
		Password:    string(s.RedisPassword),
	}
	if s.RedisTLS {
		o.TLSConfig = &tls.Config{RootCAs: roots(s.RedisTLSCA), MinVersion: tls.VersionTLS12}
	}
	o.Sentinel.MasterSet = s.RedisSentinel
	o.Sentinel.Password = string(s.RedisSentinelPassword)
	o.Sentinel.TLSConfig = o.TLSConfig
	return o
}

// roots returns the certificates in a file, nil for those of the system. The settings
// have seen that it has some.
func roots(file string) *x509.CertPool {
	if file == "" {
		return nil
	}
	text, _ := os.ReadFile(file) // what is not there is not trusted
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// brokerLine says how this node reaches others, and what to do if it does not.
func (a *app) brokerLine() string {
	addrs := a.settings.RedisAddrs()
	if len(addrs) == 0 {
		return "alone           set REDIS_HOST to join other nodes"
	}
	addr := strings.Join(addrs, ", ")
	conn, err := dialFirst(addrs)
	if err != nil {
		return fmt.Sprintf("Redis %s can't be reached (%v): start it, or correct REDIS_HOST and REDIS_PORT. Until then this node serves its own clients only.", addr, err)
	}
	_ = conn.Close()
	return "Redis           " + addr
}

// dialFirst connects to the first of the addresses that can be reached.
func dialFirst(addrs []string) (conn net.Conn, err error) {
	for _, addr := range addrs {
		if conn, err = net.DialTimeout("tcp", addr, 2*time.Second); err == nil {
			return conn, nil
		}
	}
	return nil, err
}
