package socketio_test

import (
	"strings"
	"testing"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A watcher sees everything on a connection.
type watcher struct {
	packets chan string
	drains  chan bool
}

func (w watcher) Packet(typ byte, data []byte, _ bool) { w.packets <- string(typ) + string(data) }

func (w watcher) Drained() {
	select {
	case w.drains <- true:
	default:
	}
}

func TestObserve(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		w, conns := watcher{make(chan string, 100), make(chan bool, 1)}, make(chan *engineio.Session, 1)
		srv, clients := serve(t, socketio.Options{Observe: func(conn *engineio.Session) any {
			conns <- conn
			return w
		}})
		sockets := joined(srv.Of("/"))
		c := clients.Open(o)
		c.Join("/", "")
		s, conn := next(t, sockets), next(t, conns)
		transport := engineio.WebSocket
		if o.Polling {
			transport = engineio.Polling
		}
		if s.Conn() != conn || conn.ID() != c.SID || conn.Transport() != transport || conn.Protocol() != o.Protocol {
			t.Errorf("%s over %s in protocol %d", conn.ID(), conn.Transport(), conn.Protocol())
		}
		_ = c.Send(`2["e"]`)
		for !strings.HasPrefix(next(t, w.packets), `42["e"]`) {
		}
		next(t, w.drains)
	})
}

// An observer may be anything, and see one thing only.
func TestObserveLittle(t *testing.T) {
	for _, observer := range []any{nil, 7, struct{ engineio.UpgradeObserver }{}} {
		srv, clients := serve(t, socketio.Options{Observe: func(*engineio.Session) any { return observer }})
		sockets := joined(srv.Of("/"))
		clients.Join("/")
		next(t, sockets)
	}
}
