//go:build !linux

package engineio

import (
	"context"
	"log/slog"
	"net"
)

// A loop reads from many connections. This system has none: each connection gets
// a goroutine.
type loop struct{}

func newLoop(*slog.Logger) *loop { return nil }

func (*loop) run(context.Context) {}

func newLoopLink(*loop, *wsConn, *net.TCPConn) link { return nil }
