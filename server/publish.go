package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigill/keys/bundle"
	"sigill/server/ledger"
	"sigill/server/witness"
)

// How witnesses are asked beside the cadence of publication.
const (
	askedAgain = time.Hour       // though nothing is new, so that a cosignature's time shows that the log is alive
	askedFirst = 3 * time.Second // how long the start waits for their answers
)

// A publisher shows the log to everyone, at a steady cadence.
type publisher struct {
	asker    *witness.Asker
	shown    uint64    // size of the last checkpoint that every witness has cosigned
	asked    time.Time // when they had
	problems string    // of the last round, as logged
}

// publishing publishes until ctx ends, or the witnesses contradict: then somebody else
// writes this log, or the store has been put back, and the server must not go on.
func (s *Server) publishing(ctx context.Context) error {
	tick := time.NewTicker(s.config.PublishEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			err := s.publish(ctx)
			if errors.Is(err, witness.ErrContradicted) {
				return err
			}
			s.job("publish", err)
		}
	}
}

// publish keeps the newest checkpoint beside the store, so that an older copy of it is
// known for what it is, and has the witnesses cosign it; everyone sees it when the
// policy's quorum has, at once if it asks for none. Too few cosignatures are no fault of
// this server: the log goes on, and the last checkpoint that was accepted stays published.
//
// Before that the days that are over are closed with what was published in them. While
// the clock shows an earlier time than it has shown, nothing is published.
func (s *Server) publish(ctx context.Context) error {
	if err := s.closeDays(ctx); err != nil {
		return err
	}
	if err := s.keep(); err != nil {
		return err
	}
	head, p := s.ledger.Head(), &s.publisher
	if head.Size == p.shown && p.problems == "" && time.Since(p.asked) < askedAgain && !p.asked.IsZero() {
		return nil
	}
	problems, err := p.asker.Ask(ctx, head.Size, head.Note, func(note []byte) error {
		return s.office.Publish(ctx, ledger.Head{Size: head.Size, Root: head.Root, Note: note})
	})
	if !errors.Is(ctx.Err(), context.Canceled) {
		s.note(problems)
	}
	if err == nil {
		p.shown, p.asked = head.Size, time.Now()
	}
	if errors.Is(err, witness.ErrPending) {
		return nil
	}
	return err
}

func (s *Server) closeDays(ctx context.Context) error {
	if err := s.ledger.Clock(); err != nil {
		return err
	}
	last := s.last
	if last == nil {
		last = s.ledger.Published().Note
	}
	err := s.office.CloseDays(ctx, time.Now(), last)
	if err == nil {
		s.last = nil
	}
	return err
}

// note logs what is new of the witnesses' problems, by their names in the policy.
func (s *Server) note(problems []witness.Problem) {
	var lines []string
	for _, p := range problems {
		lines = append(lines, fmt.Sprintf("%s: %v", strings.Join(p.Names, ", "), p.Err))
	}
	slices.Sort(lines)
	text := strings.Join(lines, "; ")
	if text == s.publisher.problems {
		return
	}
	if s.publisher.problems = text; text == "" {
		s.log.Info("all witnesses cosign")
	} else {
		s.log.Warn("witnesses do not cosign", "problems", text)
	}
}

// keep has the newest checkpoint in a file beside the store.
func (s *Server) keep() error {
	path, note := filepath.Join(s.config.Data, checkpointFile), s.ledger.Head().Note
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, note) {
		now := time.Now()
		return os.Chtimes(path, now, now) // says until when the server ran
	}
	if err := replace(path, note); err != nil {
		return fmt.Errorf("keeping the checkpoint: %w", err)
	}
	return nil
}

// witnesses are those of the policy, who must be such that the quorum can be had.
func witnesses(trust *bundle.Trust, log witness.Log) (*witness.Asker, error) {
	a, err := witness.New(trust.Policy, log)
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	if !a.Reachable() {
		return nil, fmt.Errorf("trust file: %w: the quorum cannot be had from the witnesses that have a URL", witness.ErrURL)
	}
	return a, nil
}

// first publishes before anybody is served: witnesses who know a longer log, or another,
// keep a store that was put back from being used. Who does not answer does not hold the
// start up for long. What the board has changed is then logged before all else.
func (s *Server) first(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, askedFirst)
	defer cancel()
	err := s.publish(asking)
	if errors.Is(err, witness.ErrContradicted) {
		return fmt.Errorf("%w: %w", err, ErrOlder)
	}
	s.job("publish", err)
	if err := s.office.RecordTrust(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("trust file: %w", err)
	}
	return nil
}
