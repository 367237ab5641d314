package socketio_test

import (
	"testing"
	"testing/synctest"

	"github.com/damso/damso/socketio"
)

// A bomb panics when it is encoded.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("bomb") }

// TestRecoveryPanics lets the application panic where its data goes between nodes: that
// costs the data, and nobody else notices.
func TestRecoveryPanics(t *testing.T) {
	for _, data := range []any{bomb{}, "fine, but not there"} {
		r := socketio.Recovery{Data: func(socketio.Raw) (any, error) { panic("not mine") }}
		inCluster(t, 2, r, func(t *testing.T, nodes []station) {
			a, b := nodes[0], nodes[1]
			c := a.open()
			g, _ := comeback(t, c, "", "")
			(<-a.sockets).SetData(data)
			synctest.Wait()
			emit(t, a.ns.To(), "1")
			_, offset := offsetOf(t, c.Text())
			sockets, err := b.ns.FetchSockets(t.Context())
			if err != nil || len(sockets) != 1 {
				t.Errorf("%d sockets, %v", len(sockets), err)
			}
			lose(c)
			if again, _ := comeback(t, b.open(), g.PID, offset); again != g {
				t.Errorf("is %v, was %v", again, g)
			}
			if back := <-b.sockets; back.Data() != nil {
				t.Errorf("data: %v", back.Data())
			}
		})
	}
}
