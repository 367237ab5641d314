package engineio

import (
	"testing"
	"time"
)

// Steps of a heartbeat with an interval of 25 s and a timeout of 20 s, as the
// timers of engine.io have it.
func TestHeartbeat(t *testing.T) {
	type step struct {
		at   int    // seconds
		what string // tick, answered, heard, resumed
		want beat   // of tick
		due  int    // seconds; afterwards
	}
	tests := []struct {
		name     string
		protocol int
		steps    []step
	}{
		{"4: ping, pong, ping", 4, []step{
			{24, "tick", beatNothing, 25}, {25, "tick", beatPing, 45}, {26, "answered", 0, 51}, {51, "tick", beatPing, 71},
		}},
		{"4: no pong", 4, []step{{25, "tick", beatPing, 45}, {44, "tick", beatNothing, 45}, {45, "tick", beatLost, 45}}},
		{"4: a late tick gives the whole timeout", 4, []step{{60, "tick", beatPing, 80}}},
		{"4: a packet before the ping changes nothing", 4, []step{{10, "heard", 0, 25}, {25, "tick", beatPing, 45}}},
		{"4: a packet instead of the pong extends once", 4, []step{
			{25, "tick", beatPing, 45}, {40, "heard", 0, 60}, {50, "heard", 0, 60}, {60, "tick", beatLost, 60},
		}},
		{"4: each ping may be extended", 4, []step{
			{25, "tick", beatPing, 45}, {40, "heard", 0, 60}, {59, "answered", 0, 84}, {84, "tick", beatPing, 104}, {100, "heard", 0, 120},
		}},
		{"4: a pong nobody asked for starts the interval anew", 4, []step{{10, "answered", 0, 35}, {35, "tick", beatPing, 55}}},
		{"4: paused while a pong was due", 4, []step{{25, "tick", beatPing, 45}, {44, "resumed", 0, 64}, {60, "resumed", 0, 80}}},
		{"4: paused while none was due", 4, []step{{10, "resumed", 0, 25}}},

		{"3: silence", 3, []step{{44, "tick", beatNothing, 45}, {45, "tick", beatLost, 45}}},
		{"3: the client pings", 3, []step{{25, "answered", 0, 70}, {45, "tick", beatNothing, 70}, {70, "tick", beatLost, 70}}},
		{"3: a pause does not shorten the wait", 3, []step{{1, "resumed", 0, 45}, {40, "resumed", 0, 60}, {59, "answered", 0, 104}}},
	}
	o := Options{}.withDefaults()
	for _, tt := range tests {
		var h heartbeat
		h.start(0, &o, tt.protocol)
		for i, s := range tt.steps {
			at := time.Duration(s.at) * time.Second
			var got beat
			switch s.what {
			case "tick":
				got = h.tick(at, &o)
			case "answered":
				h.answered(at, &o, tt.protocol)
			case "heard":
				h.heard(at, &o)
			case "resumed":
				h.resumed(at, &o)
			}
			if got != s.want || h.due != time.Duration(s.due)*time.Second {
				t.Errorf("%s: step %d, %+v: got %d, due %v", tt.name, i, s, got, h.due)
			}
		}
	}
}
