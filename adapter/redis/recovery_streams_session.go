package redis

import (
	"bytes"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/msgjson"
)

// appendStreamSession writes a session as servers of Node.js do, who take it for granted
// that there are data.
func appendStreamSession(dst []byte, s *adapter.StreamSession) ([]byte, error) {
	dst = msgp.AppendMapHeader(dst, 4)
	dst = msgp.AppendString(msgp.AppendString(dst, "sid"), s.ID)
	dst = msgp.AppendString(msgp.AppendString(dst, "pid"), s.PID)
	dst = msgp.AppendArrayHeader(msgp.AppendString(dst, "rooms"), uint32(len(s.Rooms)))
	for _, room := range s.Rooms {
		dst = msgp.AppendString(dst, room)
	}
	dst = msgp.AppendString(dst, "data")
	if len(s.Data.Data) == 0 {
		return msgp.AppendMapHeader(dst, 0), nil
	}
	var p msgjson.Packer
	return p.PackValue(dst, s.Data.Data, s.Data.Attachments)
}

// decodeStreamSession reads what appendStreamSession or a server of Node.js has written.
// The attachments are parts of b.
func decodeStreamSession(b []byte) (*adapter.StreamSession, error) {
	s := &adapter.StreamSession{}
	rest, err := readMap(b, func(key, value []byte) (err error) {
		switch string(key) {
		case "sid":
			s.ID, err = readString(value)
		case "pid":
			s.PID, err = readString(value)
		case "rooms":
			s.Rooms, err = readStrings(value)
		case "data":
			s.Data, err = readData(value)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errSession, err)
	case len(rest) > 0, s.ID == "":
		return nil, errSession
	}
	return s, nil
}

// readData reads the data of a socket. An empty object is none.
func readData(b []byte) (adapter.Event, error) {
	var u msgjson.Unpacker
	json, attachments, _, err := u.Unpack(b)
	if err != nil || string(json) == "{}" || string(json) == "null" {
		return adapter.Event{}, err
	}
	return adapter.Event{Data: bytes.Clone(json), Attachments: attachments}, nil
}
