package server_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/scripts/authority"
	"sigill/scripts/neighbour"
	"sigill/server"
	asked "sigill/server/witness"
)

// neighboured is a published authority whose quorum is a neighbour.
func neighboured(t *testing.T) (*authority.Running, *neighbour.Neighbour, server.Config) {
	t.Helper()
	n, err := neighbour.New(filepath.Join(t.TempDir(), "witness"), "vittne.example")
	fine(t, err)
	t.Cleanup(func() { n.Close() })
	a, c := made(t, authority.Options{PublishEvery: 100 * time.Millisecond, Witnesses: n.Policy()})
	fine(t, n.Watch(a.Trust.Policy.LogKeys()[0].String()))
	r, err := a.Start(context.WithoutCancel(t.Context()))
	fine(t, err)
	t.Cleanup(func() { r.Stop() })
	fine(t, r.Publish(t.Context()))
	return r, n, c
}

// mirrored copies the published log.
func mirrored(t *testing.T, r *authority.Running, dir string) uint64 {
	t.Helper()
	log, err := tiles.Open(r.Log, r.Trust.Policy, r.Roots)
	fine(t, err)
	c, err := log.Mirror(t.Context(), dir, ident.DateOf(time.Now()))
	fine(t, err)
	return c.Head.Size
}

// signed1 has a decision signed and published.
func signed1(t *testing.T, r *authority.Running, director *client.Signer, caseRef string) (*bundle.Verdict, []byte) {
	t.Helper()
	v, _ := sign(t, r, director, caseRef)
	var raw []byte
	until(t, func() (done bool) {
		again, b, err := director.Bundle(t.Context(), v.Decision.Decision)
		fine(t, err)
		raw = b
		return !again.Pending
	})
	return v, raw
}

// TestL02_recovered is the whole way of a disk that dies: the backup is restored, and
// no server starts on it; what was published after it is named, and taken up again from
// a copy of the log that the witness knows no more than; the log says so, goes on under
// the same witness, and draws no number twice. Who holds a lost decision still has it.
func TestL02_recovered(t *testing.T) {
	r, _, c := neighboured(t)
	director, err := r.Signer("direktor", r.Director)
	fine(t, err)
	_, kept := signed1(t, r, director, "SN 2026-0601")
	asa, err := r.Caseworker("asa")
	fine(t, err)
	waiting, err := asa.Submit(t.Context(), text("SN 2026-0602"))
	fine(t, err)
	backup, m := backedUp(t, c)
	mirror, old := t.TempDir(), t.TempDir()
	mirrored(t, r, old)
	d, err := director.Read(t.Context(), waiting.Decision)
	fine(t, err)
	_, _, err = director.Sign(t.Context(), d)
	fine(t, err)
	_, lost := signed1(t, r, director, "SN 2026-0603")
	_, last := backedUp(t, c)
	until(t, func() bool { return mirrored(t, r, mirror) == last.Size })
	size := last.Size
	fine(t, r.Stop())

	fine(t, os.Rename(c.Data, c.Data+".dead"))
	_, err = server.Restore(t.Context(), c, backup)
	fine(t, err)
	if err := starts(t, c); !errors.Is(err, server.ErrRestored) {
		t.Fatal("a server starts on what was restored: ", err)
	}
	if _, err := server.Backup(t.Context(), c, filepath.Join(t.TempDir(), "again")); !errors.Is(err, server.ErrRestored) {
		t.Error("a backup of what is not recovered: ", err)
	}
	if !slices.ContainsFunc(server.Check(t.Context(), c), func(f server.Finding) bool { return errors.Is(f.Err, server.ErrRestored) }) {
		t.Error("sigilld config check finds nothing")
	}
	restored := tree(t, c.Data)
	refused := func(what string, g server.Regain, want error) {
		t.Helper()
		if _, err := server.Recover(t.Context(), c, g); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := server.Restore(t.Context(), c, backup); !errors.Is(err, server.ErrNotEmpty) {
			t.Error("restored again: ", err)
		}
		if err := starts(t, c); !errors.Is(err, server.ErrRestored) {
			t.Errorf("%s: a server starts: %v", what, err)
		}
	}
	refused("no reason", server.Regain{Log: mirror, Reason: "Disken dog"}, server.ErrReason)
	refused("a copy that is older than what the witness knows", server.Regain{Log: old, Reason: "HARDWARE"}, server.ErrBehind)
	refused("a copy of nothing", server.Regain{Log: t.TempDir(), Reason: "HARDWARE"}, os.ErrNotExist)
	damaged := t.TempDir()
	for path, b := range tree(t, mirror) {
		at := filepath.Join(damaged, path[len(mirror):])
		fine(t, os.MkdirAll(filepath.Dir(at), 0o700))
		if filepath.Base(filepath.Dir(filepath.Dir(path))) == "entries" || filepath.Base(filepath.Dir(path)) == "entries" {
			b = b[:len(b)-1] + string([]byte{b[len(b)-1] ^ 1})
		}
		fine(t, os.WriteFile(at, []byte(b), 0o600))
	}
	refused("a copy whose last entry was changed", server.Regain{Log: damaged, Reason: "HARDWARE"}, server.ErrMirror)

	rehearsed, err := server.Recover(t.Context(), c, server.Regain{Log: mirror, Rehearse: true})
	fine(t, err)
	if rehearsed.Restored != m.Size || rehearsed.Regained != size || rehearsed.Recovery != nil || rehearsed.Kinds["decision"] != 2 ||
		len(rehearsed.Decisions) != 2 || rehearsed.Decisions[0].Number != 2 || rehearsed.Decisions[1].Number != 3 {
		t.Fatalf("what came after: %+v", rehearsed)
	}
	for path, b := range tree(t, c.Data) {
		if filepath.Base(path) == "checkpoint" && b != restored[path] {
			t.Error("the rehearsal changed the checkpoint")
		}
	}
	got, err := server.Recover(t.Context(), c, server.Regain{Log: mirror, Reason: "HARDWARE"})
	fine(t, err)
	if got.Recovery == nil || !slices.Equal(got.Decisions, rehearsed.Decisions) || !maps.Equal(got.Kinds, rehearsed.Kinds) {
		t.Fatalf("recovered: %+v", got)
	}
	var said statement.Recovery
	if _, _, err := jws.ReadBy(got.Recovery.Statement, r.Trust.LogKey, &said); err != nil || said.Reason != "HARDWARE" || uint64(said.Restored.Size) != m.Size || uint64(said.Regained.Size) != size {
		t.Errorf("%+v %v", said, err)
	}
	if _, err := server.Recover(t.Context(), c, server.Regain{Log: mirror, Reason: "HARDWARE"}); !errors.Is(err, server.ErrNothing) {
		t.Error("recovered again: ", err)
	}

	r, err = r.Authority.Start(context.WithoutCancel(t.Context()))
	fine(t, err)
	defer r.Stop()
	director, err = r.Signer("direktor", r.Director)
	fine(t, err)
	list, err := director.Inbox(t.Context())
	if err != nil || len(list) != 0 {
		t.Error("what the log says was signed awaits a signature: ", list, err)
	}
	v, raw := signed1(t, r, director, "SN 2026-0604")
	if v.Decision.Number != 4 {
		t.Error("the next number is ", v.Decision.Number)
	}
	for what, b := range map[string][]byte{"kept": kept, "lost": lost, "new": raw} {
		if v, err := bundle.Verify(b, r.Trust); err != nil || !v.Witnessed {
			t.Errorf("the %s decision: %v", what, err)
		}
	}
	checked, err := server.CheckStore(t.Context(), c, func(string, uint64) {})
	if err != nil || checked.State != "green" {
		t.Errorf("the check: %v %+v", err, checked)
	}
	mirrored(t, r, mirror) // which goes on from what it has
	log, err := tiles.Open(mirror, r.Trust.Policy, nil)
	fine(t, err)
	head, err := log.Checkpoint(t.Context())
	fine(t, err)
	entries, err := log.At(t.Context(), head).Entries(0, head.Size)
	fine(t, err)
	if a, b, ok := entries[size].Recovery(); !ok || a != m.Size || b != size || !bytes.Equal(got.Recovery.Preimage[16:18], []byte{0, byte(proof.Recovery)}) {
		t.Error("the log does not say that it was taken up again: ", entries[size])
	}
}

// TestL08_copied: a copy of the data directory, under the same log key, serves as long
// as its history is that of the other; the first of the two that publishes something
// else than the witness has cosigned stops, and starts no more.
func TestL08_copied(t *testing.T) {
	r, _, c := neighboured(t)
	fine(t, r.Stop())
	there := elsewhere(t, c)
	fine(t, os.MkdirAll(there.Data, 0o700))
	for _, f := range []string{"store.db", "checkpoint"} {
		copyTo(t, filepath.Join(c.Data, f), filepath.Join(there.Data, f))
	}
	there.Listen, there.LogListen = "127.0.0.1:0", "127.0.0.1:0"
	fine(t, starts(t, there)) // nothing says that there are two
	s, err := server.New(t.Context(), there, quiet())
	fine(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	r, err = r.Authority.Start(context.WithoutCancel(t.Context()))
	fine(t, err)
	looks(t, r)
	_, m := backedUp(t, c)
	until(t, func() bool { return published1(t, r) == m.Size })
	fine(t, r.Stop())
	other := &authority.Running{Authority: r.Authority, Addr: s.Addr().String()}
	looks(t, other)
	if err := <-ended; !errors.Is(err, asked.ErrContradicted) {
		t.Fatal("it went on: ", err)
	}
	if err := runs(t, there); !errors.Is(err, server.ErrOlder) {
		t.Error("it starts again: ", err)
	}
	fine(t, starts(t, c))
}

// TestRecoverDays: the days of the copy that the store does not have say when what is
// lost was published, and are the log's days again; those of which the copy has no file
// are closed later, with what was published last.
func TestRecoverDays(t *testing.T) {
	r := published(t, authority.Options{})
	c := configOf(t, r)
	director, err := r.Signer("direktor", r.Director)
	fine(t, err)
	until(t, func() bool { return published1(t, r) > 0 })
	backup, _ := backedUp(t, c)
	signed1(t, r, director, "SN 2026-0701")
	_, last := backedUp(t, c)
	mirror := t.TempDir()
	until(t, func() bool { return mirrored(t, r, mirror) == last.Size })
	fine(t, r.Stop())
	log, err := tiles.Open(mirror, r.Trust.Policy, nil)
	fine(t, err)
	head, err := log.Checkpoint(t.Context())
	fine(t, err)
	entries, err := log.At(t.Context(), head).Entries(0, head.Size)
	fine(t, err)
	today := ident.DateOf(time.Now())
	day := proof.Day{Date: today, Entries: entries, Checkpoint: head.Note}
	fine(t, os.MkdirAll(filepath.Join(mirror, "day"), 0o700))
	fine(t, os.WriteFile(filepath.Join(mirror, "day", string(today)), day.Marshal(), 0o600))
	there := elsewhere(t, c)
	_, err = server.Restore(t.Context(), there, backup)
	fine(t, err)
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now.AddDate(0, 0, 3)))
		got, err := server.Recover(context.Background(), there, server.Regain{Log: mirror, Reason: "MOVE"})
		if err != nil || len(got.Decisions) != 1 || got.Decisions[0].Day != today {
			t.Errorf("%+v %v", got, err)
		}
	})
	rows, err := server.Rows(t.Context(), there)
	fine(t, err)
	var days []string
	for _, row := range rows {
		if row.Room == "log-days" {
			days = append(days, string(row.Value))
		}
	}
	if len(days) != 2 || days[1] != string(head.Note) {
		t.Errorf("%d days: %q", len(days), days)
	}
}

// TestRecoveredDocuments: what the board signed after the backup stands in the log and not
// in the store. The trust file is in force again, however long the log has become by it;
// an order is published again; and the check finds nothing in what is logged twice.
func TestRecoveredDocuments(t *testing.T) {
	r, _, c := neighboured(t)
	a := r.Authority
	director, err := r.Signer("direktor", r.Director)
	fine(t, err)
	v, _ := signed1(t, r, director, "SN 2026-0611")
	backup, m := backedUp(t, c)
	fine(t, r.Stop())
	next, err := a.Succeed("trust-2", ident.DateOf(time.Now()), func(f *bundle.TrustFile) {
		f.Earlier = append(f.Earlier, bundle.Before{Board: f.Board, Policy: f.Policy, Size: m.Size + 5})
		f.Policy = append([]string{"# another"}, f.Policy...)
	})
	fine(t, err)
	c.Trust = filepath.Join(a.Dir, "trust-2.signed")
	r = under(t, a, c)
	a.Trust = next
	order2 := *a.Order
	order2.Version, order2.Previous = 2, v.Decision.Order.Digest
	adopted := func() {
		t.Helper()
		s, err := r.Session("drift")
		fine(t, err)
		fine(t, s.Board().PublishDelegationOrder(t.Context(), boardSigns(t, a, &order2)))
		director, err = r.Signer("direktor", r.Director)
		fine(t, err)
		signed1(t, r, director, "SN 2026-0612")
	}
	adopted()
	_, last := backedUp(t, c)
	mirror := t.TempDir()
	until(t, func() bool { return mirrored(t, r, mirror) == last.Size })
	if last.Size <= m.Size+5 {
		t.Fatal("the log has not grown past the bound: ", last.Size)
	}
	fine(t, r.Stop())

	fine(t, os.Rename(c.Data, c.Data+".dead"))
	_, err = server.Restore(t.Context(), c, backup)
	fine(t, err)
	got, err := server.Recover(t.Context(), c, server.Regain{Log: mirror, Reason: "HARDWARE"})
	fine(t, err)
	if got.Kinds["key_change"] != 1 || got.Kinds["delegation_order"] != 1 {
		t.Fatalf("%+v", got)
	}
	r = under(t, a, c)
	adopted()
	fine(t, r.Stop())
	isGreen(t, c)
}

// boardSigns has as many of the board sign as must.
func boardSigns(t *testing.T, a *authority.Authority, doc order.Document) (out []string) {
	t.Helper()
	for _, k := range a.Board[:a.Trust.Board.Need] {
		one, err := order.Sign(k, doc)
		fine(t, err)
		out = append(out, one)
	}
	return out
}
