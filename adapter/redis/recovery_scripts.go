package redis

import (
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

//go:embed recovery_publish.lua
var publishLua string

//go:embed recovery_save.lua
var saveLua string

//go:embed recovery_claim.lua
var claimLua string

//go:embed recovery_missed.lua
var missedLua string

var (
	publishScript = newScript(publishLua)
	saveScript    = newScript(saveLua)
	claimScript   = newScript(claimLua)
	missedScript  = newScript(missedLua)
)

// A script is one that Redis runs.
type script struct{ text, sha string }

func newScript(text string) *script {
	sum := sha1.Sum([]byte(text))
	return &script{text, hex.EncodeToString(sum[:])}
}

// load lets Redis know a script, the first time on a connection. (One that forgets it
// later ends the link by that.)
func (b *batch) load(s *script) {
	if b.loaded[s] {
		return
	}
	if b.loaded == nil {
		b.loaded = map[*script]bool{}
	}
	b.loaded[s] = true
	b.add(b.l.pub.B().ScriptLoad().Script(s.text).Build(), func(rueidis.RedisResult) {})
}

// run adds a script. done takes its result; if nil, an error ends the link.
func (b *batch) run(s *script, keys, args []string, done func(rueidis.RedisResult)) {
	b.load(s)
	if b.l.client.Mode() == rueidis.ClientModeCluster {
		b.runs = append(b.runs, run{len(b.cmds), s, keys, args})
	}
	b.add(b.l.pub.B().Evalsha().Sha1(s.sha).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build(), done)
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

func millis(d time.Duration) string { return number(uint64(max(d.Milliseconds(), 1))) }
