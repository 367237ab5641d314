package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
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
	fmt.Fprintf(a.out, "Damso %s\n  node %-12s %s\n  %s\n", version(), n.id, n.url(), a.brokerLine())
	return n.serve(ctx)
}

// adapter connects to the Redis of the settings, if there is one.
func (a *app) adapter() adapter.Adapter {
	if a.settings.RedisHost == "" {
		return nil
	}
	return redis.New(a.redisClient(), redis.Options{Logger: a.log})
}

func (a *app) redisClient() rueidis.ClientOption {
	s := a.settings
	o := rueidis.ClientOption{
		InitAddress: []string{s.RedisAddr()},
		Username:    s.RedisUsername,
		Password:    string(s.RedisPassword),
	}
	if s.RedisTLS {
		o.TLSConfig = &tls.Config{ServerName: s.RedisHost, MinVersion: tls.VersionTLS12}
	}
	return o
}

// brokerLine says how this node reaches others, and what to do if it does not.
func (a *app) brokerLine() string {
	addr := a.settings.RedisAddr()
	if addr == "" {
		return "alone           set REDIS_HOST to join other nodes"
	}
	conn, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err != nil {
		return fmt.Sprintf("Redis %s can't be reached (%v): start it, or correct REDIS_HOST and REDIS_PORT. Until then this node serves its own clients only.", addr, err)
	}
	_ = conn.Close()
	return "Redis           " + addr
}
