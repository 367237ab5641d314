package cluster

// maxBody is how many bytes of a body go into one message: what is longer goes in parts
// before it. Every mesh carries so many.
const maxBody = 512 << 10

// send sends r, in parts if it is too long for one message.
func (n *Node) send(to string, r record) error {
	for len(r.body) > maxBody {
		part := record{kind: kindPart, id: r.id, number: r.before, body: r.body[:maxBody]}
		if r.kind == kindPoll {
			part.flags = flagOpener
		}
		if err := n.mesh.Send(to, message(part)); err != nil {
			return err
		}
		r.before += maxBody
		r.body = r.body[maxBody:]
	}
	return n.mesh.Send(to, message(r))
}

// keepPart keeps a part of a body until the rest comes. One that does not fit is
// missed then.
func (n *Node) keepPart(from string, r record) {
	key := far{from, r.id, r.flags&flagOpener != 0}
	n.mu.Lock()
	defer n.mu.Unlock()
	wanted := key.opener || n.asked[r.id] != nil && n.asked[r.id].node == from
	if !wanted || r.number != uint64(len(n.parts[key])) || n.kept+len(r.body) > n.opts.MaxBytes {
		n.dropParts(key)
		return
	}
	n.parts[key] = append(n.parts[key], r.body...)
	n.kept += len(r.body)
}

// dropParts forgets what keepPart has kept; mu is held.
func (n *Node) dropParts(key far) {
	n.kept -= len(n.parts[key])
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
	parts := n.parts[key]
	n.dropParts(key)
	if uint64(len(parts)) != r.before {
		return false
	}
	r.body = append(parts, r.body...)
	return true
}
