package main

import (
	"context"
	"errors"

	"github.com/damso/damso/socketio"
)

func add(_ context.Context, _ *socketio.Socket, numbers []float64) (sum float64, err error) {
	for _, n := range numbers {
		sum += n
	}
	return sum, nil
}

// A poll is what everybody wants, and how many have not answered.
type poll struct {
	Votes  map[string]int `json:"votes"`
	Silent int            `json:"silent"`
}

func count(answers []socketio.Answer, err error) (poll, error) {
	p := poll{Votes: map[string]int{}}
	for _, a := range answers {
		var dish string
		if a.Args.Decode(&dish) == nil {
			p.Votes[dish]++
		}
	}
	if missing, ok := errors.AsType[*socketio.MissingError](err); ok {
		p.Silent, err = len(missing.Sockets), nil
	}
	return p, err
}
