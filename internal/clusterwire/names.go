package clusterwire

import (
	"strconv"
	"unicode/utf16"

	"github.com/damso/damso/adapter"
)

// Subscription says which rooms have a channel of their own in sharded PUB/SUB. All
// servers of a cluster have the same.
type Subscription uint8

const (
	Dynamic        Subscription = iota // all but those that are sockets' ids
	DynamicPrivate                     // all
	Static                             // none
)

// Channel returns the channel of a namespace, on which all its servers listen.
func Channel(prefix, nsp string) string { return prefix + "#" + nsp + "#" }

// RoomChannel returns the room whose own channel op is published to, if it is.
func (s Subscription) RoomChannel(op *adapter.Operation) (room string, ok bool) {
	if op.Kind != adapter.Broadcast || len(op.Rooms) != 1 || s == Static {
		return "", false
	}
	room = op.Rooms[0]
	return room, s == DynamicPrivate || !LikeID(room)
}

// LikeID reports whether a room has as many characters as the id of a socket. The
// adapter takes it for one when it publishes; as JavaScript, it counts UTF-16 units.
func LikeID(room string) bool {
	n := 0
	for _, r := range room {
		if n += utf16.RuneLen(r); n > 20 {
			return false
		}
	}
	return n == 20
}

// Stream returns the name of the stream of a namespace where there are count streams.
// With more than one they are told apart by Java's String.hashCode, whose remainder
// may be negative.
func Stream(name, nsp string, count int) string {
	if count <= 1 {
		return name
	}
	hash := int32(0)
	for _, u := range utf16.Encode([]rune(nsp)) {
		hash = hash*31 + int32(u)
	}
	return name + "-" + strconv.Itoa(int(hash)%count)
}
