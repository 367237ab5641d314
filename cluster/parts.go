package cluster

import "time"

// maxBody is how many bytes of a body go into one message: what is longer goes in parts
// of this size before it. Every mesh carries so many.
const maxBody = 512 << 10

// send sends r by post, in parts if it is too long for one message.
func send(to string, r record, post func(to string, message []byte) error) error {
	for len(r.body) > maxBody {
		part := record{kind: kindPart, id: r.id, number: r.before, body: r.body[:maxBody]}
		if r.kind == kindPoll {
			part.flags = flagOpener
		}
		if err := post(to, message(part)); err != nil {
			return err
		}
		r.before += maxBody
		r.body = r.body[maxBody:]
	}
	return post(to, message(r))
}

// Parts are the beginning of a body whose rest is to come.
type parts struct {
	body []byte
	last time.Time // when the last of them came
}

// keepPart keeps a part of a body until the rest comes. One that does not fit is
// missed then.
func (n *Node) keepPart(from string, r record) {
	key := far{from, r.id, r.flags&flagOpener != 0}
	n.mu.Lock()
	defer n.mu.Unlock()
	wanted := len(r.body) == maxBody && (key.opener || n.asked[r.id] != nil && n.asked[r.id].node == from)
	if n.kept+len(r.body) > n.opts.MaxBytes {
		n.dropOldParts()
	}
	p := n.parts[key]
	if !wanted || r.number != uint64(len(p.body)) || n.kept+len(r.body) > n.opts.MaxBytes {
		n.dropParts(key)
		return
	}
	n.parts[key] = parts{append(p.body, r.body...), time.Now()}
	n.kept += len(r.body)
}

// dropOldParts forgets what nobody has gone on with: the rest was lost, and so was the
// word that it will not come. mu is held.
func (n *Node) dropOldParts() {
	for key, p := range n.parts {
		if time.Since(p.last) >= n.opts.Patience {
			n.dropParts(key)
		}
	}
}

// dropParts forgets what keepPart has kept; mu is held.
func (n *Node) dropParts(key far) {
	n.kept -= len(n.parts[key].body)
	delete(n.parts, key)
}

// whole puts the parts that came before r in front of it, and reports whether all of
// them did.
func (n *Node) whole(from string, r *record) bool {
	if r.before == 0 {
		return true
	}
	key := far{from, r.id, r.kind == kindPoll}
	n.mu.Lock()
	defer n.mu.Unlock()
	begun := n.parts[key].body
	n.dropParts(key)
	if uint64(len(begun)) != r.before {
		return false
	}
	r.body = append(begun, r.body...)
	return true
}
