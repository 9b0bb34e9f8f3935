package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"sigill/keys/token"
	"sigill/server/workflow"
)

// How the keys of an identity provider are kept. They are fetched by the clock, and
// for a call only where that has not been enough: a fetch, and what is logged of it,
// would say when somebody called. A key that the provider withdraws is refused within
// keysFresh; a provider that cannot be reached is believed for keysStale, and then
// nobody gets in.
const (
	keysLook    = time.Minute     // how often the clock looks
	keysOld     = 3 * time.Minute // when it fetches: before a call would have to
	keysFresh   = 5 * time.Minute
	keysStale   = 4 * time.Hour
	keysEvery   = 30 * time.Second // at most one fetch in this time
	keysAgain   = 2 * time.Second  // while there are no usable keys at all
	keysTimeout = 5 * time.Second
)

// A recorder logs a key set before any token under it is accepted, and gives the
// index of its log entry. A set with the same usable keys has the same index. A
// [workflow.ErrBusy] with TOO_MANY says that the issuer has had too many new sets
// today.
type recorder interface {
	RecordProviderKeys(ctx context.Context, issuer string, jwks []byte) (index uint64, err error)
}

// A source is the keys of one issuer, fetched when they are needed. It may be
// used concurrently.
type source struct {
	provider *token.Provider
	uri      string
	record   recorder
	log      *slog.Logger
	client   *http.Client
	current  atomic.Pointer[keySet]
	tried    atomic.Pointer[time.Time] // the last fetch, whether or not it worked
	unsaid   atomic.Pointer[fetched]   // how the last fetch went, until the clock has logged it
	turn     chan struct{}             // held while fetching
}

type keySet struct {
	*token.KeySet
	index   uint64
	fetched time.Time
}

// fetched is how a fetch went.
type fetched struct {
	faults []token.KeyFault
	err    error
}

// KeepKeys fetches the providers' keys by the clock, until ctx ends.
func (s *Server) KeepKeys(ctx context.Context) {
	look := time.NewTicker(keysLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			for _, src := range s.door.issuer {
				src.keep(ctx, now)
			}
		}
	}
}

// keep fetches what would soon be too old, and logs how the last fetch went, also one
// that was made for a call.
func (s *source) keep(ctx context.Context, now time.Time) {
	if set := s.current.Load(); set == nil || now.Sub(set.fetched) >= keysOld {
		_ = s.refresh(ctx, now) // ctx has ended, and so does the clock
	}
	last := s.unsaid.Swap(nil)
	if last == nil {
		return
	}
	for _, f := range last.faults {
		s.log.Error("provider key not usable", "provider", s.provider.Label(), "index", f.Index)
	}
	switch no := (*workflow.Refusal)(nil); {
	case errors.As(last.err, &no) && no.Reason == workflow.ReasonTooMany:
		// Like a provider that cannot be reached: the last set goes on being used.
		s.log.Error("provider has too many new key sets today", "provider", s.provider.Label())
	case last.err != nil:
		s.log.Warn("provider keys not fetched", "provider", s.provider.Label())
	}
}

func newSource(p Provider, r recorder, log *slog.Logger) (*source, error) {
	u, err := url.Parse(p.JWKSURI)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("%w: keys are fetched over https, or http on loopback", ErrConfig)
	}
	s := &source{provider: p.Token, uri: p.JWKSURI, record: r, log: log, turn: make(chan struct{}, 1)}
	s.client = &http.Client{
		Timeout: keysTimeout,
		// A provider that answers from somewhere else has been moved or attacked.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxResponseHeaderBytes: 16 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true},
	}
	return s, nil
}

// TryKeys fetches a provider's keys once, as a server does, and says how many of
// them can verify tokens. It records nothing.
func TryKeys(ctx context.Context, p Provider) (usable int, err error) {
	s, err := newSource(p, nil, nil)
	if err != nil {
		return 0, err
	}
	jwks, err := s.get(ctx)
	if err != nil {
		return 0, err
	}
	set, _, err := token.ParseKeySet(p.Token.Issuer(), jwks)
	if err != nil {
		return 0, err
	}
	if usable = set.Len(); usable == 0 {
		return 0, errors.New("fetching keys: none is usable")
	}
	return usable, nil
}

// find gives the key of a token. A kid that is not known may be new: it makes a
// fetch, unless there was one just before. The answer to a key that is not there
// is the one to a bad token.
func (s *source) find(ctx context.Context, kid, alg string, now time.Time) (*token.Key, uint64, error) {
	set := s.current.Load()
	if set != nil && now.Sub(set.fetched) < keysFresh {
		if key, ok := set.Find(kid, alg); ok {
			return key, set.index, nil
		}
	}
	if err := s.refresh(ctx, now); err != nil {
		return nil, 0, err
	}
	set = s.current.Load()
	if set == nil || now.Sub(set.fetched) > keysStale {
		return nil, 0, errProvider
	}
	key, ok := set.Find(kid, alg)
	if !ok {
		return nil, 0, errToken
	}
	return key, set.index, nil
}

// refresh fetches, if it is time to; one caller does it while others wait.
func (s *source) refresh(ctx context.Context, now time.Time) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	wait, set := keysEvery, s.current.Load()
	if set == nil || now.Sub(set.fetched) > keysStale {
		wait = keysAgain
	}
	if last := s.tried.Load(); last != nil && now.Sub(*last) < wait {
		return nil
	}
	s.tried.Store(&now)
	// The fetch is for everyone: it does not end with this caller.
	faults, err := s.fetch(context.WithoutCancel(ctx), now)
	s.unsaid.Store(&fetched{faults, err})
	return nil
}

// fetch gets the key set, records it, and only then lets it verify anything.
func (s *source) fetch(ctx context.Context, now time.Time) (faults []token.KeyFault, err error) {
	jwks, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	set, faults, err := token.ParseKeySet(s.provider.Issuer(), jwks)
	if err != nil {
		return nil, err
	}
	index, err := s.record.RecordProviderKeys(ctx, s.provider.Issuer(), jwks)
	if err != nil {
		return faults, fmt.Errorf("recording provider keys: %w", err)
	}
	s.current.Store(&keySet{set, index, now})
	return faults, nil
}

func (s *source) get(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.uri, nil)
	if err != nil {
		return nil, fmt.Errorf("fetching keys: %w", err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	req.Header.Set("User-Agent", "")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching keys: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching keys: status %d", res.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, token.MaxKeySet+1))
	if err != nil {
		return nil, fmt.Errorf("fetching keys: %w", err)
	}
	return b, nil
}
