package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/vectors"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/store"
	"sigill/server/witness"
)

// An outsider is a witness of the log that the test leads: it may be away, know of a
// longer log, or of another one. What it checks of honest logs, server/witness tries.
type outsider struct {
	*httptest.Server
	name string
	key  ed25519.PrivateKey

	mu    sync.Mutex
	size  uint64    // that it has cosigned
	as    int       // HTTP status of every answer; 200: as it should
	asked int       // since that was said
	clock time.Time // of what it cosigns; zero: now
	heard [][]byte
}

func newOutsider(t *testing.T, name string) *outsider {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &outsider{name: name, key: key, as: http.StatusOK}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *outsider) line() string {
	return fmt.Sprintf("witness %s %s %s", o.name, vectors.Cosigner{Label: o.name, Key: o.key}.VKey(), o.URL)
}

func (o *outsider) answers(status int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.as, o.asked = status, 0
}

// forget takes it back to a size, and what it heard, and stops its clock.
func (o *outsider) forget(size uint64, clock time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size, o.clock, o.heard = size, clock, nil
}

// seen is the size that it has cosigned.
func (o *outsider) seen() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size
}

func (o *outsider) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

func (o *outsider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	b, _ := io.ReadAll(r.Body)
	o.heard = append(o.heard, fmt.Append(nil, r.URL, r.Header), b)
	head, note, _ := strings.Cut(string(b), "\n\n")
	old, _ := strconv.ParseUint(strings.TrimPrefix(strings.Split(head, "\n")[0], "old "), 10, 64)
	switch {
	case o.as != http.StatusOK:
		w.WriteHeader(o.as)
	case old != o.size:
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintln(w, o.size)
	default:
		o.size, _ = strconv.ParseUint(strings.Split(note, "\n")[1], 10, 64)
		at := o.clock
		if at.IsZero() {
			at = time.Now()
		}
		fmt.Fprintln(w, o.sign(note, at))
	}
}

// sign is its line under a checkpoint.
func (o *outsider) sign(note string, at time.Time) string {
	c := vectors.Cosigner{Label: o.name, Key: o.key, Time: uint64(at.Unix())}
	sig, _ := c.Sign([]byte(note[:strings.LastIndex(note, "\n\n")+1]))
	return fmt.Sprintf("— %s %s", o.name, base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, c.KeyHash()), sig...)))
}

// until waits for a condition.
func until(t *testing.T, done func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-t.Context().Done():
			t.Fatal("it never came to be")
		}
	}
}

func watchedBy(t *testing.T, quorum string, by ...*outsider) authority.Options {
	o := authority.Options{PublishEvery: 100 * time.Millisecond}
	for _, w := range by {
		o.Witnesses = append(o.Witnesses, w.line())
	}
	o.Witnesses = append(o.Witnesses, strings.Split(quorum, "\n")...)
	return o
}

// TestL05_pending: while the witness is away a decision is signed and pending, and the
// server goes on; nobody is shown a checkpoint that the policy does not accept, no
// reviewer gets as far as a share, and no court gets a package. When it is back, all of
// that is witnessed, and stays so over a restart.
func TestL05_pending(t *testing.T) {
	w := newOutsider(t, "ivo.example")
	o := watchedBy(t, "quorum ivo.example", w)
	o.Groups = []authority.Shape{{Threshold: 1, Members: 3}}
	r := published(t, o)
	ctx := t.Context()
	director, err := r.Signer("direktor", r.Director)
	fine(t, err)
	until(t, func() bool { cp, err := director.Checkpoint(ctx, nil); return err == nil && cp.Size > 3 })
	w.answers(http.StatusInternalServerError)

	v, raw := sign(t, r, director, "SN 2026-0417")
	if !v.Pending || v.Witnessed {
		t.Errorf("signed: pending %v, witnessed %v", v.Pending, v.Witnessed)
	}
	if _, err := bundle.Verify(raw, r.Trust); !errors.Is(err, proof.ErrUnwitnessed) {
		t.Error("a pending bundle: ", err)
	}
	if seen, err := director.Checkpoint(ctx, nil); err != nil || uint64(seen.Size) > v.Index {
		t.Error("shown before it is witnessed: ", seen.Size, err)
	}
	court, err := r.AsCourt()
	fine(t, err)
	asked, err := court.NewRequest(client.Ask{Verdict: v, Ground: order.CourtOrder, Reference: "T 1-26", Sections: []record.Section{record.SectionDecider}, Days: 10})
	fine(t, err)
	fine(t, court.Send(ctx, asked))
	reviewer, err := r.Reviewer(1, 1)
	fine(t, err)
	if _, err := reviewer.Get(ctx, asked.Opening); !errors.Is(err, client.ErrNotLogged) || !errors.Is(err, proof.ErrUnwitnessed) {
		t.Error("a reviewer, of a request that is not witnessed: ", err)
	}

	w.answers(http.StatusOK)
	until(t, func() bool { _, err := reviewer.Get(ctx, asked.Opening); return err == nil })
	review, err := reviewer.Get(ctx, asked.Opening)
	fine(t, err)
	if !review.Witnessed {
		t.Error("not said to be witnessed")
	}
	again, raw, err := director.Bundle(ctx, v.Decision.Decision)
	if err != nil || again.Pending || !again.Witnessed {
		t.Fatal("fetched again: ", err)
	}
	if _, err := bundle.Verify(raw, r.Trust); err != nil {
		t.Error(err)
	}

	w.answers(http.StatusBadGateway)
	_, err = reviewer.Vote(ctx, review, client.Judgement{Granted: []record.Section{record.SectionDecider}})
	fine(t, err)
	e := (*client.Error)(nil)
	if _, err := court.Collect(ctx, asked.Opening); !errors.As(err, &e) || e.Reason != "UNWITNESSED" {
		t.Error("a package that is not witnessed: ", err)
	}
	shown, err := court.Checkpoint(ctx, nil)
	fine(t, err)
	fine(t, r.Stop())
	was := uint64(shown.Size)
	if r, err = r.Authority.Start(context.WithoutCancel(ctx)); err != nil { // a witness that is away keeps nobody from starting
		t.Fatal(err)
	}
	defer r.Stop()
	if court, err = r.AsCourt(); err != nil {
		t.Fatal(err)
	}
	if cp, err := court.Checkpoint(ctx, nil); err != nil || uint64(cp.Size) != was {
		t.Error("after a restart: ", cp.Size, was, err)
	}
	w.answers(http.StatusOK)
	until(t, func() bool { _, err := court.Collect(ctx, asked.Opening); return err == nil })
	one, err := court.Collect(ctx, asked.Opening)
	fine(t, err)
	until(t, func() bool { cp, err := court.Checkpoint(ctx, nil); return err == nil && uint64(cp.Size) > was+3 })
	other, err := court.Collect(ctx, asked.Opening)
	if err != nil || !bytes.Equal(one, other) {
		t.Error("collected again: other bytes, ", err)
	}
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sign has a decision drafted by a caseworker and signed.
func sign(t *testing.T, r *authority.Running, director *client.Signer, caseRef string) (*bundle.Verdict, []byte) {
	t.Helper()
	asa, err := r.Caseworker("asa")
	fine(t, err)
	own, err := asa.Submit(t.Context(), text(caseRef))
	fine(t, err)
	c, err := director.Read(t.Context(), own.Decision)
	fine(t, err)
	v, raw, err := director.Sign(t.Context(), c)
	fine(t, err)
	return v, raw
}

// runs has a server run until it ends by itself, which has then never said that it is
// ready.
func runs(t *testing.T, c server.Config) error {
	t.Helper()
	s, err := server.New(t.Context(), c, quiet())
	if err != nil {
		return err
	}
	s.Announce(func(line string) { t.Error("a server that refuses to start says ", line) })
	return s.Run(t.Context())
}

// TestL01_otherHistory: a witness who refuses the log's proofs knows another history of
// it. If the quorum needs that witness the server stops, and does not start again; with
// enough others it goes on.
func TestL01_otherHistory(t *testing.T) {
	needed, spare := newOutsider(t, "ivo.example"), newOutsider(t, "facket.example")
	_, c := made(t, watchedBy(t, "group g any ivo.example facket.example\nquorum g", needed, spare))

	fine(t, starts(t, c))
	s, err := server.New(t.Context(), c, quiet())
	fine(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	spare.answers(http.StatusUnprocessableEntity)
	until(t, func() bool { return spare.count() > 2 })
	select {
	case err := <-ended:
		t.Fatal("one of two contradicts, and the other is enough: ", err)
	default:
	}
	needed.answers(http.StatusUnprocessableEntity)
	if err := <-ended; !errors.Is(err, witness.ErrContradicted) {
		t.Fatal("both contradict: ", err)
	}
	before := tree(t, c.Data)
	if err := runs(t, c); !errors.Is(err, witness.ErrContradicted) || !errors.Is(err, server.ErrOlder) {
		t.Fatal("a start against both: ", err)
	}
	for path, b := range tree(t, c.Data) {
		if before[path] != b && filepath.Base(path) == "store.db" {
			t.Error("the store was changed")
		}
	}
	needed.answers(http.StatusOK)
	fine(t, starts(t, c))
}

// TestL02_olderStore: a store that was put back to an older copy does not start, though
// the checkpoint beside it was put back too, as long as a witness that the quorum needs
// has seen more.
func TestL02_olderStore(t *testing.T) {
	w := newOutsider(t, "ivo.example")
	a, c := made(t, watchedBy(t, "quorum ivo.example", w))
	runOnce(t, a)
	older := tree(t, c.Data)
	was, err := strconv.ParseUint(strings.Split(older[filepath.Join(c.Data, "checkpoint")], "\n")[1], 10, 64)
	fine(t, err)
	r, err := a.Start(context.WithoutCancel(t.Context()))
	fine(t, err)
	until(t, func() bool { looks(t, r); return w.seen() > was })
	fine(t, r.Stop())
	newest := tree(t, c.Data)
	for path, b := range older {
		fine(t, os.WriteFile(path, []byte(b), 0o600))
	}
	if err := runs(t, c); !errors.Is(err, witness.ErrContradicted) || !errors.Is(err, store.ErrCorrupt) {
		t.Fatal("an older copy: ", err)
	}
	for path, b := range newest {
		fine(t, os.WriteFile(path, []byte(b), 0o600))
	}
	fine(t, starts(t, c))
}

// TestPolicyOutOfReach: a trust file whose quorum cannot be had, or whose witnesses
// cannot be asked safely, is refused before anything is opened.
func TestPolicyOutOfReach(t *testing.T) {
	w := newOutsider(t, "ivo.example")
	for name, lines := range map[string][]string{
		"no URL":      {strings.TrimSuffix(w.line(), " "+w.URL), "quorum ivo.example"},
		"another way": {strings.Replace(w.line(), w.URL, "http://ivo.example", 1), "quorum ivo.example"},
	} {
		_, c := made(t, authority.Options{Witnesses: lines})
		if err := starts(t, c); !errors.Is(err, witness.ErrURL) {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.ContainsFunc(server.Check(t.Context(), c), func(f server.Finding) bool { return errors.Is(f.Err, witness.ErrURL) }) {
			t.Errorf("%s: sigilld config check finds nothing", name)
		}
	}
}
