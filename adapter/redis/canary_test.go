package redis

import "testing"

// TestCanary has a tick a second, and before each what was heard: nothing, something of
// others, or its own sign of life.
func TestCanary(t *testing.T) {
	const nothing, others, own = ' ', '.', '!'
	for _, test := range []struct {
		name, heard string
		dies        int // at which tick, from 1; 0 if it lives
		ready       error
		hears       bool
	}{
		{"new", "", 0, errUnproven, false},
		{"new, and nothing", "   ", 0, errUnproven, false},
		{"new, and others only", "...", 0, errUnproven, false},
		{"proven", "!", 0, nil, true},
		{"always", "!!!!!!!!!!!!!!!!!!!!", 0, nil, true},
		{"every other time", "! ! ! ! ! ! ! ! ! ! ! ", 0, nil, true},
		{"late", "!. ", 0, nil, false},
		{"late and back", "!...........!", 0, nil, true},
		{"much to hear, but not itself", "!....", 0, errLate, false},
		{"deaf", "!    ", 5, errLate, false},
		{"deaf from the start", "    ", 4, errUnproven, false},
		{"deaf but for others", "!...............", 16, errLate, false},
		{"deaf, others a while ago", "!..    ", 7, errLate, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c canary
			died := 0
			for i, what := range test.heard {
				if what != nothing {
					c.heard.Add(1)
				}
				if what == own {
					c.own.Add(1)
				}
				if err := c.tick(); err != nil && died == 0 {
					died = i + 1
				}
			}
			if died != test.dies {
				t.Errorf("it died at %d, want %d", died, test.dies)
			}
			if err := c.ready(); err != test.ready {
				t.Errorf("ready: %v, want %v", err, test.ready)
			}
			if c.hears() != test.hears {
				t.Errorf("hears: %v, want %v", c.hears(), test.hears)
			}
		})
	}
}
