package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/socketio"
)

type Message struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (m *Message) Validate() error {
	var p gateway.Problems
	p.Length("name", m.Name, 1, 50)
	p.Length("text", m.Text, 1, 2000)
	return p.Err()
}

// Chat is the gateway of the article: what a client says, all hear.
type Chat struct{ ns *socketio.Namespace }

func (c *Chat) Routes(r *gateway.Router) {
	c.ns = r.Namespace()
	r.AfterInit(func(*socketio.Namespace) { fmt.Println("Socket Server Init Complete") })
	r.OnConnection(c.connected)
	gateway.OnAck(r, "msgToServer", c.message)
}

func (c *Chat) connected(_ context.Context, s *socketio.Socket) error {
	return c.ns.Emit("msgToClient", Message{Name: "admin", Text: "join chat."})
}

func (c *Chat) message(_ context.Context, _ *socketio.Socket, m Message) (string, error) {
	return "ok", c.ns.Emit("msgToClient", m)
}

func Example() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()
	gateway.Register(srv.Of("/chat"), &Chat{}, gateway.Options{})
	http.Handle("/socket.io/", srv)
	// Output: Socket Server Init Complete
}

// A problem is told the client as the message of an exception.
func ExampleProblems() {
	fmt.Println((&Message{Text: "hello"}).Validate())
	fmt.Println((&Message{}).Validate())
	// Output:
	// name must have 1 to 50 characters
	// name must have 1 to 50 characters; text must have 1 to 2000 characters
}

// A guard runs when a client connects, and for each of its events.
func ExampleGuard() {
	allowed := gateway.Guard(func(ctx context.Context, c *gateway.Call) error {
		if c.Kind == gateway.Event && c.Name() == "admin" {
			return gateway.ErrForbidden
		}
		return nil
	})
	h := allowed(func(context.Context, *gateway.Call) (any, error) { return "done", nil })
	fmt.Println(h(context.Background(), &gateway.Call{Kind: gateway.Event, Event: &socketio.Event{Name: "admin"}}))
	fmt.Println(h(context.Background(), &gateway.Call{Kind: gateway.Event, Event: &socketio.Event{Name: "talk"}}))
	// Output:
	// <nil> Forbidden resource
	// done <nil>
}

// An error filter says what the client is told instead of an error.
func ExampleCatch() {
	filter := gateway.Catch(func(_ context.Context, _ *gateway.Call, err *http.MaxBytesError) error {
		return gateway.Errorf("at most %d bytes, please", err.Limit)
	})
	h := filter(func(context.Context, *gateway.Call) (any, error) { return nil, &http.MaxBytesError{Limit: 100} })
	fmt.Println(h(context.Background(), &gateway.Call{}))
	// Output: <nil> at most 100 bytes, please
}

// An interceptor sees what happens, before and after.
func ExampleInterceptor() {
	logged := func(next gateway.Handler) gateway.Handler {
		return func(ctx context.Context, c *gateway.Call) (any, error) {
			result, err := next(ctx, c)
			slog.InfoContext(ctx, c.Name(), "socket", c.Socket.ID(), "error", err)
			return result, err
		}
	}
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()
	gateway.Register(srv.Of("/chat"), withInterceptor{&Chat{}, logged}, gateway.Options{})
	// Output: Socket Server Init Complete
}

// withInterceptor is a gateway with something around all of it.
type withInterceptor struct {
	gateway.Gateway
	around gateway.Interceptor
}

func (g withInterceptor) Routes(r *gateway.Router) {
	r.Use(g.around)
	g.Gateway.Routes(r)
}
