package adapter

import "time"

// A Counter is an [Adapter] that counts what it does.
type Counter interface {
	// Stats returns what was counted since the adapter was made.
	Stats() Stats
}

// Stats are the counts of an adapter. What it can't know stays zero.
type Stats struct {
	Connects    uint64 // connections to what joins the nodes that were made
	Published   uint64 // operations, questions and answers that were given to it
	Dropped     uint64 // those that were not: no connection, or no room
	Received    uint64 // those of other nodes that have arrived
	Lost        uint64 // those of other nodes for which there was no room
	Undecodable uint64 // messages that made no sense and were dropped

	// A gap is the time from the last moment that this node was known to hear the
	// others to the one that it heard them again. What others published in between may be
	// lost.
	Gaps    uint64        // how many there were
	GapTime time.Duration // of all of them
	LastGap time.Duration

	// Trimmed is how often entries of a stream may have gone before they were read. With
	// streams, a gap as such loses no more than questions and answers.
	Trimmed uint64
}
