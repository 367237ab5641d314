package redis

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
)

// A request is what arrives on the request channel, in either dialect: that of
// @socket.io/redis-adapter (and the emitters), or that of socket.io-redis 5, which
// names the id "requestid" and counts the types otherwise.
type request struct {
	typ  int
	uid  string
	id   string
	old  bool // it is of socket.io-redis 5
	opts bool // op has a selection

	op     adapter.Operation // Rooms, Except, Flags and Timeout, if there are opts; Close
	rooms  []string          // nil if there are none, or they are no array
	sid    string
	room   string
	named  bool   // there is a room
	data   []byte // nil if there is none
	packet []byte // nil if there is none
}

var (
	errRequest = errors.New("not a request of either adapter")
	errFields  = errors.New("request lacks something, or has it in another form")
)

// readRequest reads a request, which is MessagePack by now. The dialect is told by the
// name of the id alone, as types that both have mean different things.
func readRequest(b []byte) (r request, err error) {
	r.typ = -1
	rest, err := readMap(b, func(key, v []byte) error {
		if err := r.field(string(key), v); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return r, err
	case len(rest) > 0:
		return r, errTrailing
	case r.typ < 0:
		return r, errRequest
	}
	return r, nil
}

func (r *request) field(key string, v []byte) (err error) {
	if msgp.IsNil(v) && key != "data" {
		return nil
	}
	switch key {
	case "type":
		r.typ, _, err = msgp.ReadIntBytes(v)
	case "uid":
		r.uid, _, err = msgp.ReadStringBytes(v)
	case "requestId":
		r.id, _, err = msgp.ReadStringBytes(v)
	case "requestid":
		r.old = true
		r.id, _, err = msgp.ReadStringBytes(v)
	case "opts":
		err = r.selection(v)
	case "rooms":
		if r.rooms, err = readStrings(v); r.rooms == nil {
			r.rooms = []string{}
		}
	case "sid":
		r.sid, _, err = msgp.ReadStringBytes(v)
	case "room":
		r.named = true
		r.room, err = readString(v)
	case "close":
		r.op.Close, _, err = msgp.ReadBoolBytes(v)
	case "data":
		r.data = v
	case "packet":
		r.packet = v
	}
	return err
}

// selection reads opts. All senders say which rooms they mean, if only by an empty
// list: where that is missing, it is not all sockets that are meant.
func (r *request) selection(v []byte) error {
	_, err := readMap(v, func(key, v []byte) error {
		r.opts = r.opts || string(key) == "rooms" && msgp.NextType(v) == msgp.ArrayType
		return nil
	})
	if err == nil {
		_, err = readOptions(v, &r.op)
	}
	return err
}
