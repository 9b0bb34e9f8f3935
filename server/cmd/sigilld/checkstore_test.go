package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/scripts/authority"
	"sigill/scripts/story"
	"sigill/server"
)

// A played is an authority with a whole story in its store, and a draft that waits.
type played struct {
	*authority.Authority
	*story.Result
	waits  *client.Own
	config string
	store  string
}

func play(t *testing.T) *played {
	t.Helper()
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{})
	ok(t, err)
	t.Cleanup(func() { a.Close() })
	r, err := a.Start(t.Context())
	ok(t, err)
	defer r.Stop()
	ok(t, r.Publish(t.Context()))
	asa, err := r.Caseworker("asa")
	ok(t, err)
	p := &played{Authority: a, config: filepath.Join(a.Dir, authority.ConfigFile), store: filepath.Join(a.Dir, "data", "store.db")}
	p.Result, err = story.Play(t.Context(), story.Cast{Run: r, Author: authority.People()[0], Content: story.Decision})
	ok(t, err)
	p.waits, err = asa.Submit(t.Context(), story.Text(story.Decision, "SN 2026-00999"))
	ok(t, err)
	return p
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rows lets do change the rows of a room of the file, as anyone can who may write it.
func (p *played) rows(t *testing.T, room string, do func(b *bbolt.Bucket, keys [][]byte) error) {
	t.Helper()
	db, err := bbolt.Open(p.store, 0o600, nil)
	ok(t, err)
	defer db.Close()
	ok(t, db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(room))
		var keys [][]byte
		err := b.ForEach(func(k, _ []byte) error {
			keys = append(keys, bytes.Clone(k))
			return nil
		})
		return errors.Join(err, do(b, keys))
	}))
}

// checks runs the command, and wants its exit code and what it prints.
func (p *played) checks(t *testing.T, want int, says ...string) {
	t.Helper()
	code, out, talk := try(t, "check", "--config", p.config)
	if code != want || (talk == "") != (want == 0) {
		t.Errorf("%d, want %d\n%s%s", code, want, out, talk)
	}
	for _, s := range says {
		if !strings.Contains(out, s) {
			t.Errorf("does not say %q:\n%s", s, out)
		}
	}
	var found server.Checked
	code, asJSON, _ := try(t, "check", "--config", p.config, "-o", "json")
	if err := json.Unmarshal([]byte(asJSON), &found); err != nil || code != want || (found.State == "green") != (len(found.List) == 0) {
		t.Errorf("as JSON: %d, %v\n%s", code, err, asJSON)
	}
	for _, secret := range []string{string(p.Own.Decision), string(p.waits.Decision), p.Me.Name, p.Me.UserID} {
		if strings.Contains(out+asJSON, secret) {
			t.Errorf("says %q", secret)
		}
	}
}

// TestL16_rowDeleted: a decision's row is deleted, and the log left as it is. The check
// lists it, of a stopped server and by a running one; whoever asks for it is answered
// DATA_LOSS, everyone else as before; put back, all is green.
func TestL16_rowDeleted(t *testing.T) {
	p := play(t)
	p.checks(t, 0, "green: ", " 1 decisions")
	whole, err := os.ReadFile(p.store)
	ok(t, err)
	p.rows(t, "decision", func(b *bbolt.Bucket, keys [][]byte) error {
		for _, k := range keys {
			if bytes.HasSuffix(k, []byte("d")) {
				return b.DeleteBucket(k)
			}
		}
		return errors.New("no decision")
	})
	list := []string{"\ndecision: rows are gone, or added, or as they once were: 1 are there, of 2\n",
		"\ndecision: a decision's row is missing or cannot be read, decision " + p.Verdict.Number() + ", log index ", "\nlast green: "}
	list[0] = strings.TrimPrefix(list[0], "\n")
	p.checks(t, 3, list...)

	r, err := p.Start(t.Context())
	ok(t, err)
	p.checks(t, 3, list...)
	director, err := r.Signer("direktor", p.Director)
	ok(t, err)
	_, _, err = director.Bundle(t.Context(), p.Own.Decision)
	if e := (*client.Error)(nil); !errors.As(err, &e) || e.Code != codes.DataLoss {
		t.Errorf("whoever asks for it gets %v", err)
	}
	asa, err := r.Caseworker("asa")
	ok(t, err)
	if m, err := asa.Get(t.Context(), p.waits); err != nil || m.Draft == nil {
		t.Error("another matter: ", err)
	}
	ok(t, r.Stop())

	ok(t, os.WriteFile(p.store, whole, 0o600))
	p.checks(t, 3, "the log is shorter than the checkpoint beside the store: an older copy was put back")
	ok(t, os.Remove(filepath.Join(p.Dir, "data", "checkpoint")))
	p.checks(t, 0, "green: ")
}

// TestCheckDamage: what is wrong with the gate's own rows, and with a draft's, is told
// without saying whose it is; what cannot be checked at all ends with 1.
func TestCheckDamage(t *testing.T) {
	p := play(t)
	whole, err := os.ReadFile(p.store)
	ok(t, err)
	for room, says := range map[string]string{"gate": "gate: ", "matter": "matter: rows are gone", "trail-author": "trail-author: rows are gone", "owed": "owed: "} {
		p.rows(t, room, func(b *bbolt.Bucket, keys [][]byte) error {
			if b.Bucket(keys[0]) != nil {
				return b.DeleteBucket(keys[0])
			}
			return b.Delete(keys[0])
		})
		p.checks(t, 3, says)
		ok(t, os.WriteFile(p.store, whole, 0o600))
	}
	ok(t, os.WriteFile(p.store, whole[:5000], 0o600))
	if code, out, talk := try(t, "check", "--config", p.config); code != 1 || out != "" || !strings.Contains(talk, "store: ") {
		t.Errorf("a file that was cut: %d %s%s", code, out, talk)
	}
}

// TestCheckInterrupted: a check that was interrupted goes on where it was, and begins
// anew if the store has changed since, or if its own file is of somebody else's making.
func TestCheckInterrupted(t *testing.T) {
	p := play(t)
	c, err := server.ReadConfig(p.config)
	ok(t, err)
	until := func(last string) (steps []string, found *server.Checked) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		found, err := server.CheckStore(ctx, c, func(step string, _ uint64) {
			if steps = append(steps, step); step == last {
				cancel()
			}
		})
		if (last != "") != errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return steps, found
	}
	until("rows of matter")
	steps, _ := until("openings")
	if slices.Contains(steps, "rows of account") || !slices.Contains(steps, "rows of matter") {
		t.Errorf("went through %q", steps)
	}
	steps, found := until("")
	if slices.Contains(steps, "rows of matter") || found.State != "green" || found.Decisions != 1 || !strings.Contains(found.Again, "goes on") {
		t.Errorf("went through %q: %+v", steps, found)
	}

	// Whose clock it was written by says nothing: the file's bytes do.
	until("openings")
	before, err := os.Stat(p.store)
	ok(t, err)
	again, err := os.ReadFile(p.store)
	ok(t, err)
	ok(t, os.WriteFile(p.store, again, 0o600))
	if steps, found = until(""); slices.Contains(steps, "rows of matter") || found.State != "green" {
		t.Errorf("went through %q: %+v", steps, found)
	}
	until("openings")
	p.rows(t, "case", func(b *bbolt.Bucket, keys [][]byte) error { return b.Delete(keys[0]) })
	ok(t, os.Chtimes(p.store, before.ModTime(), before.ModTime()))
	if steps, found = until(""); !slices.Contains(steps, "rows of matter") || found.State != "findings" || !strings.Contains(found.Again, "begins anew") {
		t.Errorf("went through %q: %+v", steps, found)
	}

	// Whoever may write the directory, and has no key, says that it was all read.
	again, err = os.ReadFile(p.store)
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(p.Dir, "data", "check.json"), fmt.Appendf(nil,
		`{"green":{"at":"2026-11-27T10:00:00Z","entries":99},"begun":{"store":"%x","rooms":99,"done":1,"verified":99,"findings":null}}`,
		sha256.Sum256(again)), 0o600))
	if steps, found = until(""); !slices.Contains(steps, "rows of matter") || found.State != "findings" || found.Again != "" || found.LastGreen != nil {
		t.Errorf("went through %q: %+v", steps, found)
	}
}
