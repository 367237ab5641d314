package emitter

import (
	"strconv"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/clusterwire"
	"github.com/damso/damso/internal/msgjson"
)

// uid is what emitters call themselves on the wire. No server has it.
const uid = "emitter"

func message(nsp string, op *adapter.Operation) *clusterwire.Message {
	return &clusterwire.Message{Type: clusterwire.TypeOf(op.Kind), UID: uid, Namespace: nsp, Op: op}
}

// sharded writes for createShardedAdapter.
type sharded struct {
	prefix string
	mode   clusterwire.Subscription
}

func newSharded(opts Options) sharded {
	modes := map[Mode]clusterwire.Subscription{ShardedDynamicPrivate: clusterwire.DynamicPrivate, ShardedStatic: clusterwire.Static}
	return sharded{opts.Prefix, modes[opts.Mode]}
}

func (s sharded) command(b rueidis.Builder, nsp string, op *adapter.Operation) (rueidis.Completed, error) {
	channel := clusterwire.Channel(s.prefix, nsp)
	if room, ok := s.mode.RoomChannel(op); ok {
		channel += room + "#"
	}
	payload, err := new(clusterwire.Encoder).Append(nil, message(nsp, op), false)
	return b.Spublish().Channel(channel).Message(rueidis.BinaryString(payload)).Build(), err
}

// streams writes for @socket.io/redis-streams-adapter.
type streams struct{ opts Options }

func (s streams) command(b rueidis.Builder, nsp string, op *adapter.Operation) (rueidis.Completed, error) {
	m := message(nsp, op)
	data, err := new(clusterwire.Encoder).AppendData(nil, m)
	return b.Xadd().Key(clusterwire.Stream(s.opts.Prefix, nsp, s.opts.StreamCount)).
		Maxlen().Almost().Threshold(strconv.FormatInt(s.opts.MaxLen, 10)).Id("*").
		FieldValue().FieldValue("uid", uid).FieldValue("nsp", nsp).FieldValue("type", strconv.Itoa(int(m.Type))).
		FieldValue("data", rueidis.BinaryString(data)).Build(), err
}

// classic writes for createAdapter, and for socket.io-redis.
type classic struct{ prefix string }

func (c classic) command(b rueidis.Builder, nsp string, op *adapter.Operation) (rueidis.Completed, error) {
	if op.Kind == adapter.ServerSide && len(op.Event.Attachments) > 0 {
		return rueidis.Completed{}, ErrBinary
	}
	if op.Kind != adapter.Broadcast {
		request := c.request(op)
		return b.Publish().Channel(c.prefix + "-request#" + nsp + "#").Message(rueidis.BinaryString(request)).Build(), nil
	}
	channel := clusterwire.Channel(c.prefix, nsp)
	if len(op.Rooms) == 1 {
		channel += op.Rooms[0] + "#"
	}
	payload, err := new(msgjson.Packer).Pack(nil, c.broadcast(nsp, op), op.Event.Attachments)
	return b.Publish().Channel(channel).Message(rueidis.BinaryString(payload)).Build(), err
}

// broadcast returns [uid, {type, data, nsp}, {rooms, flags, except}], in JSON.
func (c classic) broadcast(nsp string, op *adapter.Operation) []byte {
	j := append([]byte(`["`+uid+`",{"type":2,"data":`), op.Event.Data...)
	j = msgjson.AppendQuoted(append(j, `,"nsp":`...), nsp)
	j = appendNames(append(j, `},{"rooms":`...), op.Rooms)
	j = append(j, `,"flags":{`...)
	if op.Flags.Volatile {
		j = append(j, `"volatile":true`...)
	}
	if op.Flags.Volatile && op.Flags.NoCompress {
		j = append(j, ',')
	}
	if op.Flags.NoCompress {
		j = append(j, `"compress":false`...)
	}
	j = appendNames(append(j, `},"except":`...), op.Except)
	return append(j, "}]"...)
}

// request returns what the request channel takes, in JSON. Binary has no place in it.
func (c classic) request(op *adapter.Operation) []byte {
	if op.Kind == adapter.ServerSide {
		j := append([]byte(`{"uid":"`+uid+`","type":6,"data":`), op.Event.Data...)
		return append(j, '}')
	}
	types := map[adapter.Kind]string{adapter.Join: "2", adapter.Leave: "3", adapter.Disconnect: "4"}
	j := append([]byte(`{"type":`), types[op.Kind]...)
	j = appendNames(append(j, `,"opts":{"rooms":`...), op.Rooms)
	j = appendNames(append(j, `,"except":`...), op.Except)
	if op.Kind == adapter.Disconnect {
		return append(strconv.AppendBool(append(j, `},"close":`...), op.Close), '}')
	}
	return append(appendNames(append(j, `},"rooms":`...), op.Names), '}')
}

func appendNames(j []byte, list []string) []byte {
	j = append(j, '[')
	for i, s := range list {
		if i > 0 {
			j = append(j, ',')
		}
		j = msgjson.AppendQuoted(j, s)
	}
	return append(j, ']')
}
