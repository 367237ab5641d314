package engineio

// What a [Receiver] may want to see besides messages, it says by having one of these
// methods as well. They must not wait for anything.

// An UpgradeObserver is told that the session has moved to another transport,
// before anything is received over that (the event "upgrade" of engine.io).
type UpgradeObserver interface{ Upgraded() }

// A DrainObserver is told each time that nothing waits for the client any more:
// all of it was handed to its connection, or to the answer to its poll (the event
// "drain"). It is called by whoever has written, and may send more.
type DrainObserver interface{ Drained() }

// A PacketObserver is shown each packet of the client before it is handled,
// heartbeats among them (the event "packet"). typ is the digit that the protocol has
// for its type, such as '4' for a message; data is only valid during the call.
type PacketObserver interface {
	Packet(typ byte, data []byte, binary bool)
}

// observing says which of these a receiver is.
type observing uint8

const (
	observesUpgrade observing = 1 << iota
	observesDrain
	observesPackets
)

func observes(r Receiver) (o observing) {
	if _, ok := r.(UpgradeObserver); ok {
		o |= observesUpgrade
	}
	if _, ok := r.(DrainObserver); ok {
		o |= observesDrain
	}
	if _, ok := r.(PacketObserver); ok {
		o |= observesPackets
	}
	return o
}

// drained says whether the receiver has to be told that the outbox, which was not
// empty before, is so now; mu is held.
func (s *Session) drained() bool {
	return s.observing&observesDrain != 0 && len(s.out) == 0 && s.state == stateOpen
}

// tellDrained tells the receiver that the outbox is empty, if it is to be told.
func (s *Session) tellDrained(drained bool) {
	if drained {
		s.receiver.(DrainObserver).Drained()
	}
}
