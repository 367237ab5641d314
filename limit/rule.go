package limit

import (
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// A rule is one rate of one scope.
type rule struct {
	scope  scope
	limit  rate.Limit
	burst  int
	refill time.Duration // of an empty bucket
}

// scope is whose events a rule counts together.
type scope uint8

const (
	ofSocket scope = iota
	ofUser
	ofAddress
)

// maxRefill keeps the arithmetic in its bounds.
const maxRefill = 10 * 365 * 24 * time.Hour

func newRule(s scope, r Rate) *rule {
	if r.Per == 0 {
		r.Per = time.Second
	}
	if r.Burst == 0 {
		r.Burst = r.Events
	}
	perSecond := float64(r.Events) / r.Per.Seconds()
	refill := min(float64(r.Burst)/perSecond, maxRefill.Seconds())
	return &rule{s, rate.Limit(perSecond), r.Burst, max(time.Duration(refill*float64(time.Second)), 1)}
}

func (r Rates) rules() (rules []*rule) {
	for s, r := range []Rate{ofSocket: r.Socket, ofUser: r.User, ofAddress: r.Address} {
		if r.Events > 0 {
			rules = append(rules, newRule(scope(s), r))
		}
	}
	return rules
}

// A ruleSet is what an event is held to.
type ruleSet struct {
	rules  []*rule
	shared bool // some count for more than the socket
}

func newRuleSet(rules []*rule) ruleSet {
	return ruleSet{rules, slices.ContainsFunc(rules, func(r *rule) bool { return r.scope != ofSocket })}
}

// missing is how long it takes until there is a token. It rounds as the limiter
// does.
func (r *rule) missing(limiter *rate.Limiter, now time.Time) time.Duration {
	return time.Duration((1 - limiter.TokensAt(now)) / float64(r.limit) * float64(time.Second))
}
