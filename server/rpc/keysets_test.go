package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sigill/keys/jws"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// idp is an identity provider's key endpoint that does what it is told.
type idp struct {
	*httptest.Server
	mu      sync.Mutex
	answer  http.HandlerFunc
	fetches int
}

func newIDP(t *testing.T) *idp {
	p := &idp{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.fetches++
		answer := p.answer
		p.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *idp) does(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *idp) fetched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
}

// jwks is a key set with a fresh key for each kid.
func jwks(t *testing.T, kids ...string) string {
	var keys []string
	for _, kid := range kids {
		s, _, err := jws.Generate(jws.ES256)
		if err != nil {
			t.Fatal(err)
		}
		j := s.Public().JWK()
		keys = append(keys, fmt.Sprintf(`{"alg":"ES256","crv":"P-256","kid":%q,"kty":"EC","use":"sig","x":%q,"y":%q}`, kid, j.X, j.Y))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// records remembers the key sets that were logged.
type records struct {
	sets []string
	err  error
}

func (r *records) RecordProviderKeys(_ context.Context, _ string, set []byte) (uint64, error) {
	if r.err != nil {
		return 0, r.err
	}
	r.sets = append(r.sets, string(set))
	return uint64(len(r.sets)), nil
}

func newTestSource(t *testing.T, p *idp, r recorder) *source {
	tp, err := token.NewProvider(token.Config{Issuer: "https://idp.example", Audience: "sigill", Label: "idp", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSource(Provider{Token: tp, JWKSURI: p.URL}, r, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func find(s *source, kid string, after time.Duration) error {
	_, _, err := s.find(context.Background(), kid, "ES256", start.Add(after))
	return err
}

// TestJ24_newKey: a new key is found by one fetch, and a thousand unknown ones at
// once cost one in thirty seconds.
func TestJ24_newKey(t *testing.T) {
	p, r := newIDP(t), &records{}
	s := newTestSource(t, p, r)
	p.does(text(jwks(t, "a")))
	if err := find(s, "a", 0); err != nil || len(r.sets) != 1 {
		t.Fatal("the first key", err, len(r.sets))
	}
	both := jwks(t, "a", "b")
	p.does(text(both))
	if err := find(s, "b", keysEvery); err != nil || p.fetched() != 2 {
		t.Fatal("a new key", err, p.fetched())
	}
	if _, index, err := s.find(context.Background(), "b", "ES256", start.Add(keysEvery)); err != nil || index != 2 || r.sets[1] != both {
		t.Fatal("the new set was not recorded as it is", index, err)
	}
	for _, at := range []struct {
		after   time.Duration
		fetches int
	}{{2*keysEvery - 1, 2}, {2 * keysEvery, 3}, {3*keysEvery - 1, 3}} {
		var calls sync.WaitGroup
		for n := range 1000 {
			calls.Go(func() {
				if err := find(s, fmt.Sprint("unknown", n), at.after); !errors.Is(err, errToken) {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if p.fetched() != at.fetches {
			t.Errorf("after %v: %d fetches, not %d", at.after, p.fetched(), at.fetches)
		}
	}
}

// TestJ25_withdrawn: a key that the provider no longer serves verifies nothing
// after five minutes.
func TestJ25_withdrawn(t *testing.T) {
	p := newIDP(t)
	s := newTestSource(t, p, &records{})
	both := jwks(t, "a", "b")
	p.does(text(both))
	if err := find(s, "a", 0); err != nil {
		t.Fatal(err)
	}
	p.does(text(jwks(t, "b")))
	if err := find(s, "a", keysFresh-1); err != nil || p.fetched() != 1 {
		t.Fatal("within the time", err, p.fetched())
	}
	if err := find(s, "a", keysFresh); !errors.Is(err, errToken) || p.fetched() != 2 {
		t.Fatal("a withdrawn key", err, p.fetched())
	}
}

// TestJ26_providerFails: whatever the provider does, the last good set holds
// until it is too old, and then nobody gets in; a good answer mends it.
func TestJ26_providerFails(t *testing.T) {
	elsewhere := newIDP(t)
	elsewhere.does(text(jwks(t, "a")))
	for name, answer := range map[string]http.HandlerFunc{
		"500":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"10 MB":    text(`{"keys":[],"x":"` + strings.Repeat("x", 10<<20) + `"}`),
		"broken":   text(`{"keys":[`),
		"slow":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			s := newTestSource(t, p, &records{})
			s.client.Timeout = 100 * time.Millisecond
			good := text(jwks(t, "a"))
			p.does(good)
			if err := find(s, "a", 0); err != nil {
				t.Fatal(err)
			}
			p.does(answer)
			if err := find(s, "a", keysStale-time.Second); err != nil || p.fetched() != 2 {
				t.Fatal("the last good set", err, p.fetched())
			}
			if err := find(s, "a", keysStale+time.Minute); !errors.Is(err, workflow.ErrUnavailable) {
				t.Fatal("too old a set", err)
			}
			p.does(good)
			if err := find(s, "a", keysStale+2*time.Minute); err != nil {
				t.Fatal("not mended", err)
			}
		})
	}
	if elsewhere.fetched() != 0 {
		t.Error("a redirect was followed")
	}
}

// TestJ23_alarm: of a set with keys that cannot be used the others are, and the
// operator is told which, by its place and without a word of what was served.
func TestJ23_alarm(t *testing.T) {
	p := newIDP(t)
	s := newTestSource(t, p, &records{})
	var lines bytes.Buffer
	s.log = slog.New(slog.NewJSONHandler(&lines, nil))
	good := jwks(t, "a")
	p.does(text(`{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"weak"},` + strings.TrimPrefix(good, `{"keys":[`)))
	if err := find(s, "a", 0); err != nil {
		t.Fatal("a good key beside", err)
	}
	if err := find(s, "weak", 0); !errors.Is(err, errToken) {
		t.Fatal("a bad key", err)
	}
	s.keep(context.Background(), start.Add(keysEvery))
	if p.fetched() != 1 {
		t.Error("fetched again before it is old")
	}
	var line struct {
		Level, Msg, Provider string
		Index                *int
	}
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level != "ERROR" || line.Provider != "idp" || line.Index == nil || *line.Index != 0 ||
		strings.Contains(lines.String(), "weak") || strings.Contains(lines.String(), "c2VjcmV0") {
		t.Fatal(lines.String(), err)
	}
}

// TestUnrecorded: no token is accepted under keys that are not logged.
func TestUnrecorded(t *testing.T) {
	p, r := newIDP(t), &records{err: errors.New("no room")}
	s := newTestSource(t, p, r)
	p.does(text(jwks(t, "a")))
	if err := find(s, "a", 0); !errors.Is(err, workflow.ErrUnavailable) {
		t.Fatal(err)
	}
	r.err = nil
	if err := find(s, "a", keysAgain); err != nil {
		t.Fatal(err)
	}
}

// TestTooManySets: a provider with one new set too many is believed as one that
// cannot be reached is, and the log says so without a word of what it served.
func TestTooManySets(t *testing.T) {
	p, r := newIDP(t), &records{}
	s := newTestSource(t, p, r)
	var lines bytes.Buffer
	s.log = slog.New(slog.NewJSONHandler(&lines, nil))
	p.does(text(jwks(t, "a")))
	if err := find(s, "a", 0); err != nil {
		t.Fatal(err)
	}
	r.err = &workflow.Refusal{Kind: workflow.ErrBusy, Reason: workflow.ReasonTooMany}
	p.does(text(jwks(t, "b")))
	if err := find(s, "a", keysFresh+time.Second); err != nil || p.fetched() != 2 {
		t.Fatal("the last good set", err, p.fetched())
	}
	if err := find(s, "b", keysFresh+time.Second); !errors.Is(err, errToken) {
		t.Fatal("a key that is not logged", err)
	}
	s.keep(context.Background(), start.Add(keysFresh+keysEvery))
	var line map[string]string
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line["level"] != "ERROR" || line["provider"] != "idp" || len(line) != 4 {
		t.Fatal(lines.String(), err)
	}
	if err := find(s, "a", keysStale+time.Minute); !errors.Is(err, workflow.ErrUnavailable) {
		t.Fatal("too old a set", err)
	}
	r.err = nil
	if err := find(s, "b", keysStale+2*time.Minute); err != nil {
		t.Fatal("not mended", err)
	}
}

// TestKeysByTheClock: while the clock keeps the keys fresh no call makes a fetch, and
// whatever a call's fetch finds is logged at the clock's next look alone, once: a line
// that is made of a call would say when an author drafted.
func TestKeysByTheClock(t *testing.T) {
	p := newIDP(t)
	s := newTestSource(t, p, &records{})
	var lines bytes.Buffer
	s.log = slog.New(slog.NewJSONHandler(&lines, nil))
	keep := func(after time.Duration) { s.keep(context.Background(), start.Add(after)) }
	p.does(text(jwks(t, "a")))
	keep(0)
	for at := time.Duration(0); at < 2*keysFresh; at += keysLook {
		keep(at)
		n := p.fetched()
		if err := find(s, "a", at+keysLook-1); err != nil || p.fetched() != n {
			t.Fatalf("a call at %v: %v, %d fetches more", at, err, p.fetched()-n)
		}
	}
	if p.fetched() != 4 || lines.Len() > 0 {
		t.Fatal("the clock's fetches: ", p.fetched(), lines.String())
	}
	p.does(text("{"))
	if err := find(s, "a", 4*keysFresh); err != nil || p.fetched() != 5 || lines.Len() > 0 {
		t.Fatal("a fetch for a call: ", err, p.fetched(), lines.String())
	}
	keep(4*keysFresh + 1) // too soon for another fetch
	if !strings.Contains(lines.String(), "not fetched") || p.fetched() != 5 {
		t.Fatal("the clock after it: ", p.fetched(), lines.String())
	}
	keep(4*keysFresh + 2)
	if strings.Count(lines.String(), "\n") != 1 {
		t.Fatal("logged twice: ", lines.String())
	}
}

// roundTrip is a provider without a network.
type roundTrip func() *http.Response

func (f roundTrip) RoundTrip(*http.Request) (*http.Response, error) { return f(), nil }

// TestKeepKeys: the clock fetches, without a call, and ends with its context.
func TestKeepKeys(t *testing.T) {
	p := newIDP(t)
	s := newTestSource(t, p, &records{})
	set := jwks(t, "a")
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s.turn = make(chan struct{}, 1) // of this bubble
		s.client = &http.Client{Transport: roundTrip(func() *http.Response {
			n++
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(set))}
		})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		(&Server{door: &door{issuer: map[string]*source{"": s}}}).KeepKeys(ctx)
		if n != 20 { // in the first minute, and then whenever three have passed
			t.Errorf("%d fetches in an hour", n)
		}
	})
}

// TestSourceAddress: keys come over https, or from this machine.
func TestSourceAddress(t *testing.T) {
	tp, err := token.NewProvider(token.Config{Issuer: "https://idp.example", Audience: "sigill", Label: "idp", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for uri, ok := range map[string]bool{
		"https://idp.example/jwks": true, "http://127.0.0.1:1/jwks": true, "http://localhost/jwks": true, "http://[::1]/jwks": true,
		"http://idp.example/jwks": false, "http://127.0.0.1.evil.example/jwks": false, "file:///etc/passwd": false, "": false,
	} {
		if _, err := newSource(Provider{Token: tp, JWKSURI: uri}, nil, nil); (err == nil) != ok {
			t.Errorf("%q: %v", uri, err)
		}
	}
}
