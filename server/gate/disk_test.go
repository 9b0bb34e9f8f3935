package gate_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/bolt"
)

const canary = "Kanariefågeln Ödla-Ek, handläggare"

// story writes, replaces and deletes rows that hold the canary, in several
// sizes, and returns the engine's file as it lies on disk afterwards.
func story(t *testing.T, s store.Store, path string) []byte {
	t.Helper()
	for i := range byte(20) {
		key := string([]byte{i})
		put(t, s, room, key, canary)
		put(t, s, "signed", key, strings.Repeat(canary, 200*int(i)))
		put(t, s, room, key, "replaced")
		if i%2 == 0 {
			ok(t, s.Commit(t.Context(), store.Changes{{Room: "signed", Key: []byte(key), Delete: true}}))
		}
	}
	matter := newMatterKey()
	put(t, s, room, "matter", string(matter[:]))
	put(t, s, "signed", "sealed", string(matter.Seal("content/1", []byte(canary))))
	ok(t, s.Close())
	content, err := os.ReadFile(path)
	ok(t, err)
	return content
}

// forms are ways in which the canary could lie in a file.
func forms() map[string][]byte {
	f := map[string][]byte{"clear": []byte(canary), "a part of it": []byte(canary)[9:17], "hex": []byte(hex.EncodeToString([]byte(canary)))}
	for shift := range 3 {
		padded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + canary))
		f["base64 at "+string(rune('0'+shift))] = []byte(padded[4 : len(padded)-4])
	}
	return f
}

// compacted is what bbolt makes of a store when it leaves out the free pages.
func compacted(t *testing.T, path string) []byte {
	t.Helper()
	from, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	ok(t, err)
	defer from.Close()
	to, err := bbolt.Open(path+".compacted", 0o600, nil)
	ok(t, err)
	ok(t, bbolt.Compact(to, from, 0))
	ok(t, to.Close())
	content, err := os.ReadFile(path + ".compacted")
	ok(t, err)
	return content
}

// TestD14_freePages: neither the file with its free pages, where what was replaced
// and deleted still lies, nor a compacted copy holds a value in clear.
func TestD14_freePages(t *testing.T) {
	c := bolt.Config{Path: filepath.Join(t.TempDir(), "store"), Layout: layout()}
	engine, err := bolt.Create(c)
	ok(t, err)
	s, err := gate.Create(t.Context(), engine, gateKey)
	ok(t, err)
	content := story(t, s, c.Path)
	for what, b := range map[string][]byte{"file": content, "compacted copy": compacted(t, c.Path)} {
		for name, form := range forms() {
			if bytes.Contains(b, form) {
				t.Errorf("the %s holds the canary: %s", what, name)
			}
		}
		if bytes.Contains(b, gateKey[:]) {
			t.Errorf("the %s holds the gate key", what)
		}
	}

	// The same story without the gate must be seen, or the search is blind.
	c.Path += ".bare"
	engine, err = bolt.Create(c)
	ok(t, err)
	content = story(t, engine, c.Path)
	copied := compacted(t, c.Path)
	for _, name := range []string{"clear", "a part of it"} {
		if !bytes.Contains(content, forms()[name]) || !bytes.Contains(copied, forms()[name]) {
			t.Errorf("without the gate the canary is not found: %s", name)
		}
	}
	if bytes.Count(content, forms()["clear"]) <= bytes.Count(copied, forms()["clear"]) {
		t.Error("the free pages hold nothing: the story deletes in vain")
	}
}

// TestD06_damagedFile flips bytes all over the engine's file: a value comes out as
// it went in or not at all. As in package bolt, only the lowest bit is flipped.
func TestD06_damagedFile(t *testing.T) {
	c := bolt.Config{Path: filepath.Join(t.TempDir(), "store"), Layout: layout()}
	engine, err := bolt.Create(c)
	ok(t, err)
	s, err := gate.Create(t.Context(), engine, gateKey)
	ok(t, err)
	for i := range byte(30) {
		put(t, s, room, string([]byte{i}), strings.Repeat(string(rune('a'+i)), 300))
	}
	ok(t, s.Close())
	whole, err := os.ReadFile(c.Path)
	ok(t, err)
	whole = bytes.TrimRight(whole, "\x00") // without the reserve
	file, err := os.OpenFile(c.Path, os.O_WRONLY, 0)
	ok(t, err)
	defer file.Close()
	same, corrupt := 0, 0
	for i := 0; i < len(whole); i += 61 {
		_, err = file.WriteAt([]byte{whole[i] ^ 1}, int64(i))
		ok(t, err)
		if engine, err := bolt.OpenReadOnly(c); err == nil {
			if s, err := gate.Open(t.Context(), engine, gateKey); err == nil {
				snapshot, err := s.Snapshot(t.Context())
				ok(t, err)
				for k := range byte(30) {
					value, err := snapshot.Get(room, []byte{k})
					switch {
					case err == nil && string(value) != strings.Repeat(string(rune('a'+k)), 300):
						t.Fatalf("byte %d flipped: row %d has changed", i, k)
					case err == nil:
						same++
					default:
						corrupt++
					}
				}
				ok(t, snapshot.Close())
			}
			_ = engine.Close()
		}
		_, err = file.WriteAt(whole[i:i+1], int64(i))
		ok(t, err)
	}
	if same == 0 || corrupt == 0 {
		t.Fatalf("%d values read, %d refused: the damage does nothing", same, corrupt)
	}
}
