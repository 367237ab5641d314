package socketio_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// namespaces returns the figures of the namespaces in the order of their names.
func namespaces(srv *socketio.Server) []socketio.NamespaceStats {
	all := srv.Stats().Namespaces
	slices.SortFunc(all, func(a, b socketio.NamespaceStats) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// TestStats counts those who join, are refused, leave and come back, and those in
// namespaces of clients' choice with the parent.
func TestStats(t *testing.T) {
	bubble(t, socketio.Options{Recovery: &socketio.Recovery{}, CleanupEmptyChildNamespaces: true}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		srv.Of("/closed").Use(func(context.Context, *socketio.Socket) error { return errors.New("closed") })
		srv.OfPattern(regexp.MustCompile("^/room-[0-9]+$"))
		srv.OfFunc(func(name string, _ json.RawMessage) bool { return name == "/any" })

		c := clients.Open(siotest.Options{})
		g, _ := comeback(t, c, "", "")
		c.Close()
		synctest.Wait()
		back := clients.Open(siotest.Options{})
		comeback(t, back, g.PID, "")
		for _, nsp := range []string{"/room-1", "/room-2", "/room-3", "/any"} {
			back.Join(nsp, "")
		}
		if err := back.Send("1/room-3,"); err != nil { // the last who is there: the namespace is forgotten
			t.Fatal(err)
		}
		if err := back.Send("0/closed,"); err != nil {
			t.Fatal(err)
		}
		back.Want(`4/closed,{"message":"closed"}`)
		synctest.Wait()
		if d := gocmp.Diff([]socketio.NamespaceStats{
			{Name: "", Sockets: 1, New: 1},
			{Name: "/", Sockets: 1, New: 1, Recovered: 1},
			{Name: "/closed", Refused: 1},
			{Name: "^/room-[0-9]+$", Sockets: 2, New: 3},
		}, namespaces(srv)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if st := srv.Stats(); st.Cluster != nil || st.Adapter != nil || st.Engine.MessagesReceived == 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestStatsNodes: a server with a mesh has figures of the cluster; the memory adapter
// counts nothing.
func TestStatsNodes(t *testing.T) {
	srv := newServer(t, socketio.Options{Adapter: new(memory.Bus).Node()})
	if st := srv.Stats(); st.Cluster == nil || st.Adapter != nil {
		t.Errorf("%+v", st)
	}
}
