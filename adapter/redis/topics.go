package redis

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/rueidis"
)

// maxTopics is how many topics one command subscribes to.
const maxTopics = 256

// A wish is a topic that namespaces want to be subscribed to: one, or several where a room
// of one has the channel of another, with # in a name. They tell by themselves what is
// theirs.
type wish struct {
	kind topicKind
	by   []*namespace // never changed, but replaced
}

// want notes that n wants a topic; mu is held.
func (a *Adapter) want(n *namespace, t topic) {
	w := a.topics[t.name]
	if slices.Contains(w.by, n) {
		return
	}
	a.topics[t.name] = wish{t.kind, append(slices.Clip(w.by), n)}
	a.change(t)
}

// unwant notes that n does not want a topic any more; mu is held.
func (a *Adapter) unwant(n *namespace, t topic) {
	w := a.topics[t.name]
	i := slices.Index(w.by, n)
	if i < 0 {
		return
	}
	if w.by = slices.Delete(slices.Clone(w.by), i, i+1); len(w.by) > 0 {
		a.topics[t.name] = w
		return
	}
	delete(a.topics, t.name)
	a.change(t)
}

// change lets the link look at a topic. Before it has looked at all of them, it need
// not be told.
func (a *Adapter) change(t topic) {
	if a.listening {
		a.changed[t.name] = t.kind
	}
	a.wake()
}

// look returns which topics are to be subscribed and which no longer, on a connection
// that has those in have, and which namespaces are subscribed then.
func (a *Adapter) look(have map[string]bool) (on, off []topic, namespaces []*namespace) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.namespaces {
		if !n.subscribed {
			namespaces = append(namespaces, n)
		}
	}
	if !a.listening {
		a.listening = true
		for name, w := range a.topics {
			on = append(on, topic{w.kind, name})
		}
		return on, nil, namespaces
	}
	for name, kind := range a.changed {
		w, wanted := a.topics[name]
		switch {
		case wanted && !have[name]:
			on = append(on, topic{w.kind, name})
		case !wanted && have[name]:
			off = append(off, topic{kind, name})
		}
	}
	clear(a.changed)
	return on, off, namespaces
}

// setSubscribed notes that namespaces are subscribed.
func (a *Adapter) setSubscribed(namespaces []*namespace) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range namespaces {
		n.subscribed = true
	}
}

// byTopic returns the namespaces that want a topic.
func (a *Adapter) byTopic(name string) []*namespace {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.topics[name].by
}

// subscribe makes the subscriptions what the namespaces want.
func (l *link) subscribe(ctx context.Context) error {
	on, off, namespaces := l.a.look(l.have)
	if err := l.do(ctx, false, off); err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	seen := l.numbers(ctx, namespaces)
	if err := l.do(ctx, true, on); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	l.a.setSubscribed(namespaces)
	for n, at := range seen {
		n.keptLocal.Seen(at)
	}
	return nil
}

// do subscribes or unsubscribes topics.
func (l *link) do(ctx context.Context, on bool, topics []topic) error {
	for kind := range topicKinds {
		var names []string
		for _, t := range topics {
			if t.kind == kind {
				names = append(names, t.name)
			}
		}
		if kind == byShard && l.client.Mode() == rueidis.ClientModeCluster {
			if err := l.doShards(ctx, on, names); err != nil {
				return err
			}
			continue
		}
		for chunk := range slices.Chunk(names, maxTopics) {
			if err := l.sub.Do(ctx, kind.subscribe(l.sub.B(), on, chunk)).Error(); err != nil {
				return kind.explain(err)
			}
		}
	}
	for _, t := range topics {
		if on {
			l.have[t.name] = true
		} else {
			delete(l.have, t.name)
		}
	}
	return nil
}
