package redis_test

import (
	"testing"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
)

func TestConformanceStreams(t *testing.T) {
	for name, opts := range map[string]redis.StreamOptions{
		"one stream":  {},
		"three":       {Count: 3, ReadCount: 7},
		"and sharded": {Sharded: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacks := clusterLacks
			lacks.Place = true // events are in a stream, questions in PUB/SUB
			adaptertest.Suite{Lacks: lacks, Cluster: cluster(redis.Options{Mode: redis.Streams, Streams: opts})}.Run(t)
		})
	}
}
