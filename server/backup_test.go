package server_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/bolt"
)

// configOf is the configuration that a running authority has.
func configOf(t *testing.T, r *authority.Running) server.Config {
	t.Helper()
	c, err := server.ReadConfig(filepath.Join(r.Dir, authority.ConfigFile))
	fine(t, err)
	return c
}

// backedUp makes a backup in a directory of its own.
func backedUp(t *testing.T, c server.Config) (string, *server.Manifest) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup")
	m, err := server.Backup(t.Context(), c, path)
	fine(t, err)
	return path, m
}

// elsewhere is a configuration with a data directory that is not there yet.
func elsewhere(t *testing.T, c server.Config) server.Config {
	t.Helper()
	c.Data = filepath.Join(t.TempDir(), "data")
	return c
}

// left is what lies in a directory.
func left(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		fine(t, err)
	}
	return list
}

// TestD13_backupWhileWriting: backups that are made while many sign are each one state
// of the store: a prefix of the log, in which every decision that was answered for
// before is whole, and opens with the gate key. So is one of the stopped store.
func TestD13_backupWhileWriting(t *testing.T) {
	r := published(t, authority.Options{})
	c := configOf(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	acked := map[ident.ID]uint64{} // index
	var writers sync.WaitGroup
	for i := range 3 {
		director, err := r.Signer("direktor", r.Director)
		fine(t, err)
		asa, err := r.Caseworker("asa")
		fine(t, err)
		writers.Go(func() {
			for ctx.Err() == nil {
				own, err := asa.Submit(t.Context(), text("SN 2026-100"+string(rune('0'+i))))
				if err != nil {
					t.Error(err)
					return
				}
				d, err := director.Read(t.Context(), own.Decision)
				if err != nil {
					t.Error(err)
					return
				}
				v, _, err := director.Sign(t.Context(), d)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked[own.Decision] = v.Index
				mu.Unlock()
			}
		})
	}
	type made struct {
		path   string
		m      *server.Manifest
		before map[ident.ID]uint64 // acked before it began
	}
	var all []made
	for n := 3; len(all) < 2; n += 5 {
		until(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) >= n })
		mu.Lock()
		before := maps.Clone(acked)
		mu.Unlock()
		path, m := backedUp(t, c)
		all = append(all, made{path, m, before})
	}
	cancel()
	writers.Wait()
	until(t, func() bool { looks(t, r); return published1(t, r) >= all[1].m.Size })
	log, err := tiles.Open(r.Log, r.Trust.Policy, r.Roots)
	fine(t, err)
	head, err := log.Checkpoint(t.Context())
	fine(t, err)
	for _, b := range all {
		fine(t, log.At(t.Context(), head).Extends(proof.Checkpoint{Origin: r.Trust.Authority, Size: b.m.Size, Root: b.m.Root}))
	}
	fine(t, r.Stop())
	path, m := backedUp(t, c)
	all = append(all, made{path, m, acked})

	for i, b := range all {
		var held int
		for id, index := range acked {
			_, before := b.before[id]
			if before && index >= b.m.Size {
				t.Errorf("backup %d: a decision that was answered for is not in its log", i)
			}
			if index >= b.m.Size {
				continue
			}
			if held++; held > 3 {
				continue // the restored store reads all of them
			}
			raw, err := server.Copy{Store: b.path, GateKey: c.Keys.Gate, PassphraseFile: c.Keys.PassphraseFile}.Extract(t.Context(), string(id))
			if err != nil || len(raw) == 0 {
				t.Errorf("backup %d: %v", i, err)
			}
		}
		there := elsewhere(t, c)
		got, err := server.Restore(t.Context(), there, b.path)
		if err != nil || got.Holds.Decisions != held || got.Holds.Entries != b.m.Size || got.Manifest.Digest != b.m.Digest {
			t.Fatalf("backup %d: %d decisions of %d, %v", i, got.Holds.Decisions, held, err)
		}
		if err := starts(t, there); !errors.Is(err, server.ErrRestored) {
			t.Error("a server starts on what was restored: ", err)
		}
	}
	t.Setenv("TMPDIR", t.TempDir())
	rehearsed, err := server.Rehearse(t.Context(), c, path) // beside the store that it is of
	if err != nil || rehearsed.Holds.Decisions != len(acked) || len(left(t, os.TempDir())) != 0 {
		t.Error("rehearsed: ", err, left(t, os.TempDir()))
	}
}

// published1 is the size of the published log.
func published1(t *testing.T, r *authority.Running) uint64 {
	t.Helper()
	log, err := tiles.Open(r.Log, r.Trust.Policy, r.Roots)
	fine(t, err)
	head, err := log.Checkpoint(t.Context())
	fine(t, err)
	return head.Size
}

// sealedRows are the values in a store's file, as they lie there, but for what is each file's own.
func sealedRows(t *testing.T, path string) map[string][]byte {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	fine(t, err)
	defer db.Close()
	rows := map[string][]byte{}
	var walk func(name string, b *bbolt.Bucket) error
	walk = func(name string, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(name+"/"+string(k), b.Bucket(k))
			}
			rows[name+"/"+string(k)] = bytes.Clone(v)
			return nil
		})
	}
	fine(t, db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return walk(string(name), b) })
	}))
	delete(rows, "gate/backup")         // the mark of a copy, which is sealed anew
	delete(rows, "\x00sigill/instance") // which file it is
	return rows
}

// TestD14_backup: what was deleted or replaced lies in the store's free pages, and
// nowhere in a backup.
func TestD14_backup(t *testing.T) {
	r := published(t, authority.Options{})
	c := configOf(t, r)
	asa, err := r.Caseworker("asa")
	fine(t, err)
	own, err := asa.Submit(t.Context(), text("SN 2026-0517"))
	fine(t, err)
	earlier, _ := backedUp(t, c)
	fine(t, asa.Withdraw(t.Context(), own))
	later, _ := backedUp(t, c)
	file, err := os.ReadFile(filepath.Join(c.Data, "store.db"))
	fine(t, err)
	copied, err := os.ReadFile(later)
	fine(t, err)
	gone, inStore := 0, 0
	now := sealedRows(t, later)
	for at, v := range sealedRows(t, earlier) {
		if bytes.Equal(now[at], v) || len(v) < gate.Overhead {
			continue
		}
		gone++
		if bytes.Contains(copied, v[:gate.Overhead]) {
			t.Errorf("the backup holds what is no longer there: %q", at)
		}
		if bytes.Contains(file, v[:gate.Overhead]) {
			inStore++
		}
	}
	if gone < 3 || inStore == 0 {
		t.Fatalf("%d rows are gone, of which %d lie in free pages: the search is blind", gone, inStore)
	}
}

// TestBackupLeavesNothing: a backup is a new file or none.
func TestBackupLeavesNothing(t *testing.T) {
	a, c := made(t, authority.Options{})
	dir := t.TempDir()
	path := filepath.Join(dir, "backup")
	fine(t, os.WriteFile(path, []byte("last night's"), 0o600))
	if _, err := server.Backup(t.Context(), c, path); !errors.Is(err, fs.ErrExist) {
		t.Error("over another: ", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "last night's" || len(left(t, dir)) != 1 {
		t.Error("the other was touched: ", err)
	}
	fine(t, os.Remove(path))
	gone := elsewhere(t, c)
	if _, err := server.Backup(t.Context(), gone, path); !errors.Is(err, fs.ErrNotExist) || len(left(t, dir)) != 0 {
		t.Error("without a store: ", err)
	}
	r, err := a.Start(context.WithoutCancel(t.Context()))
	fine(t, err)
	defer r.Stop()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.Backup(ended, c, path); !errors.Is(err, context.Canceled) || len(left(t, dir)) != 0 {
		t.Error("ended: ", err)
	}
	fine(t, os.Symlink("/dev/full", filepath.Join(dir, "full")))
	if _, err := server.Backup(t.Context(), c, filepath.Join(dir, "full")); !errors.Is(err, fs.ErrExist) || len(left(t, dir)) != 1 {
		t.Error("a link in its place: ", err)
	}
}

// TestRestoreRefuses: what is not a whole backup of this authority, with its keys, is
// put nowhere, nor is any backup over what is there.
func TestRestoreRefuses(t *testing.T) {
	a, c := made(t, authority.Options{})
	runOnce(t, a)
	path, _ := backedUp(t, c)
	whole, err := os.ReadFile(path)
	fine(t, err)
	refused := func(what string, c server.Config, from string, want error) {
		t.Helper()
		before := left(t, c.Data)
		if _, err := server.Restore(t.Context(), c, from); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if after := left(t, c.Data); len(after) != len(before) {
			t.Errorf("%s left %v", what, after)
		}
	}
	refused("into a data directory in use", c, path, server.ErrNotEmpty)
	refused("a store that is no backup", elsewhere(t, c), filepath.Join(c.Data, "store.db"), server.ErrBackup)
	bad := filepath.Join(t.TempDir(), "bad")
	fine(t, os.WriteFile(bad, whole[:5*4096], 0o600))
	refused("its beginning", elsewhere(t, c), bad, store.ErrCorrupt)

	// Every row of the copy is summed, and every value opens, or the flip is in no row.
	untouched, tried := 0, 0
	for i := 8192; i < len(whole); i += len(whole) / 60 {
		b := bytes.Clone(whole)
		b[i] ^= 1
		tried++
		fine(t, os.WriteFile(bad, b, 0o600))
		there := elsewhere(t, c)
		if _, err := server.Restore(t.Context(), there, bad); err != nil {
			if len(left(t, there.Data)) != 0 {
				t.Fatalf("byte %d flipped: it left %v", i, left(t, there.Data))
			}
			continue
		}
		untouched++
		if !maps.EqualFunc(sealedRows(t, path), sealedRows(t, filepath.Join(there.Data, "store.db")), bytes.Equal) {
			t.Errorf("byte %d flipped: other rows", i)
		}
	}
	if untouched == 0 || untouched == tried {
		t.Errorf("%d of %d flips change nothing", untouched, tried)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	fine(t, err)
	fine(t, db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("log-days"))
		k, _ := b.Cursor().First()
		return b.Delete(k)
	}))
	fine(t, db.Close())
	refused("without one of its rows", elsewhere(t, c), path, server.ErrBackup)
}

// TestD15_anothers: a store or backup of another authority, and a file that others can
// read, are refused, and stay as they are.
func TestD15_anothers(t *testing.T) {
	a, c := made(t, authority.Options{})
	b, other := made(t, authority.Options{})
	runOnce(t, a)
	runOnce(t, b)
	path, _ := backedUp(t, other)
	underOurs := elsewhere(t, c) // as if both had one gate key
	underOurs.Keys.Gate = other.Keys.Gate
	for _, s := range []struct {
		what string
		c    server.Config
		want error
	}{
		{"another gate key", elsewhere(t, c), gate.ErrWrongKey},
		{"another log key", underOurs, proof.ErrCheckpoint},
	} {
		if _, err := server.Restore(t.Context(), s.c, path); !errors.Is(err, s.want) || len(left(t, s.c.Data)) != 0 {
			t.Errorf("a backup under %s: %v", s.what, err)
		}
	}
	file, err := os.ReadFile(filepath.Join(other.Data, "store.db"))
	fine(t, err)
	for _, s := range []struct {
		what string
		c    server.Config
		want error
	}{
		{"another gate key", elsewhere(t, c), gate.ErrWrongKey},
		{"another log key", underOurs, ledger.ErrHead},
	} {
		fine(t, os.MkdirAll(s.c.Data, 0o700))
		fine(t, os.WriteFile(filepath.Join(s.c.Data, "store.db"), file, 0o600))
		before := tree(t, s.c.Data)
		if err := starts(t, s.c); !errors.Is(err, s.want) {
			t.Errorf("a store under %s: %v", s.what, err)
		}
		if !maps.Equal(before, tree(t, s.c.Data)) {
			t.Errorf("a store under %s was changed", s.what)
		}
	}
	own, _ := backedUp(t, c)
	fine(t, os.Chmod(own, 0o644))
	there := elsewhere(t, c)
	if _, err := server.Restore(t.Context(), there, own); !errors.Is(err, bolt.ErrInsecure) || len(left(t, there.Data)) != 0 {
		t.Error("a backup that others can read: ", err)
	}
	fine(t, os.Chmod(filepath.Join(c.Data, "store.db"), 0o644))
	before := tree(t, c.Data)
	if err := starts(t, c); !errors.Is(err, bolt.ErrInsecure) || !maps.Equal(before, tree(t, c.Data)) {
		t.Error("a store that others can read: ", err)
	}
	fine(t, os.Chmod(filepath.Join(c.Data, "store.db"), 0o600))
	fine(t, starts(t, c))
}
