package redistest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Do sends a command to the server itself, wherever that would redirect it, and
// returns the answer as [rueidis.RedisMessage.ToAny] has it. An error ends the test.
func (s *Server) Do(args ...string) any {
	s.t.Helper()
	answer, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("redistest: %s: %v", strings.Join(args, " "), err)
	}
	return answer
}

// try is Do that returns the error.
func (s *Server) try(args ...string) (any, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{s.Addr()}, TLSConfig: s.tls, ForceSingleClient: true, DisableCache: true, AlwaysRESP2: true,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := client.Do(ctx, client.B().Arbitrary(args...).Build()).ToAny()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	return answer, err
}

// AwaitLog waits until the server has printed a text n times.
func (s *Server) AwaitLog(text string, n int) {
	s.t.Helper()
	s.wait(strconv.Quote(text), func() error {
		if now := strings.Count(s.Output(), text); now < n {
			return fmt.Errorf("it was printed %d times, want %d", now, n)
		}
		return nil
	})
}

// wait asks again and again until check returns nil, and ends the test if it does not.
func (s *Server) wait(what string, check func() error) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for err := check(); err != nil; err = check() {
		if time.Now().After(deadline) {
			s.t.Fatalf("redistest: not %s after %v: %v\n%s", what, patience, err, s.Output())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// hasLines reports whether text has all of the lines.
func hasLines(text string, lines ...string) bool {
	for _, want := range lines {
		if !strings.Contains("\n"+strings.ReplaceAll(text, "\r", "")+"\n", "\n"+want+"\n") {
			return false
		}
	}
	return true
}

// AtLeast reports whether the server knows what that release of Redis does. Valkey says
// that it is Redis 7.2.
func (s *Server) AtLeast(major, minor int) bool {
	s.t.Helper()
	_, version, _ := strings.Cut(fmt.Sprint(s.Do("INFO", "server")), "redis_version:")
	var isMajor, isMinor int
	if _, err := fmt.Sscanf(version, "%d.%d", &isMajor, &isMinor); err != nil {
		s.t.Fatalf("redistest: version of the server: %v", err)
	}
	return isMajor > major || isMajor == major && isMinor >= minor
}

// info returns an error unless a section of INFO has the line.
func (s *Server) info(section, line string) error {
	text, err := s.try("INFO", section)
	if err != nil {
		return err
	}
	if hasLines(fmt.Sprint(text), line) {
		return nil
	}
	return errors.New("no line " + line + " in INFO " + section)
}
