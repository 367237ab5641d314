package socketio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/damso/damso/adapter"
)

const (
	// maxQuestion is how long other nodes may take to answer, as with the adapters of
	// Node.js.
	maxQuestion = 5 * time.Second
	// maxAcks is how long clients of other nodes may take to acknowledge a broadcast
	// whose sender has set no deadline.
	maxAcks = time.Minute
)

// A MissingError says that not all who were asked have answered.
type MissingError struct {
	Asked   int      // number of clients that were asked, as far as their nodes have said
	Sockets []string // ids of clients of this node that have not answered
	Clients int      // number of clients of other nodes that have not answered
	Nodes   []string // ids of the nodes that have not
	Others  int      // number of the nodes that have not and whose ids are not known
	Err     error    // the context's, ErrDisconnected if all of the clients have left, or why nodes were not asked or not counted
}

func (e *MissingError) Error() string {
	var who []string
	if n := len(e.Sockets) + e.Clients; n > 0 {
		who = append(who, fmt.Sprintf("%d of %d clients", n, e.Asked))
	}
	if len(e.Nodes) > 0 {
		who = append(who, "nodes "+strings.Join(e.Nodes, ", "))
	}
	if e.Others > 0 {
		who = append(who, fmt.Sprintf("%d other nodes", e.Others))
	}
	if len(who) == 0 {
		who = append(who, "other nodes")
	}
	return fmt.Sprintf("socketio: no answer from %s: %v", strings.Join(who, ", "), e.Err)
}

func (e *MissingError) Unwrap() error { return e.Err }

// orNil returns e as an error.
func (e *MissingError) orNil() error {
	if e == nil {
		return nil
	}
	return e
}

// add adds what is missing elsewhere; either may be nil.
func (e *MissingError) add(other *MissingError) *MissingError {
	if e == nil {
		return other
	}
	if other == nil {
		return e
	}
	e.Sockets = append(e.Sockets, other.Sockets...)
	e.Nodes = append(e.Nodes, other.Nodes...)
	e.Clients += other.Clients
	e.Others += other.Others
	if errors.Is(e.Err, ErrDisconnected) {
		e.Err = other.Err
	}
	return e
}

// A survey is a question to the other nodes. The zero value asks nobody.
type survey struct {
	query *adapter.Query
	err   error // why nobody could be asked
}

// askOthers asks the other nodes, if there are any and the question is not a local
// one. Their answers go to each, one at a time, until wait returns.
func (ns *Namespace) askOthers(ctx context.Context, op *adapter.Operation, local bool, each func(adapter.Answer)) survey {
	if ns.cluster == nil || local {
		return survey{}
	}
	op.Timeout = maxQuestion
	if op.Kind == adapter.Broadcast {
		op.Timeout = maxAcks
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := max(time.Until(deadline), time.Millisecond)
		if op.Kind == adapter.Broadcast || left < op.Timeout {
			op.Timeout = left
		}
	}
	q := adapter.NewQuery(op, each)
	if err := ns.cluster.Ask(q); err != nil {
		return survey{err: err}
	}
	return survey{query: q}
}

// wait returns when all have answered or no more is to be expected, and then who is
// missing, or nil.
func (s survey) wait(ctx context.Context) *MissingError {
	if s.err != nil {
		return &MissingError{Err: fmt.Errorf("they were not asked: %w", s.err)}
	}
	if s.query == nil {
		return nil
	}
	err := s.query.Wait(ctx)
	var m *adapter.MissingError
	if !errors.As(err, &m) {
		return nil
	}
	return &MissingError{Clients: m.Acks, Nodes: m.Nodes, Others: m.Others, Err: m.Err}
}
