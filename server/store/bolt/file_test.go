package bolt_test

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"sigill/server/store"
	"sigill/server/store/bolt"
)

// filled creates a store with many pages of several kinds and closes it.
func filled(t *testing.T) (bolt.Config, map[string]string) {
	t.Helper()
	c := config(t.TempDir())
	s := must(bolt.Create(c))(t)
	for i := range 4 {
		var changes store.Changes
		for j := range 40 {
			key := []byte{byte(j), byte(i)}
			changes = append(changes, store.Change{Room: room, Key: key, Value: bytes.Repeat(key, 100)})
		}
		changes = append(changes, store.Change{Room: room, Key: []byte{255, byte(i)}, Value: bytes.Repeat([]byte{byte(i)}, 10_000)})
		ok(t, s.Commit(t.Context(), changes))
	}
	rows := must(readAll(s))(t)
	ok(t, s.Close())
	return c, rows
}

func TestCreateRefusesWhatExists(t *testing.T) {
	c := config(t.TempDir())
	s := must(bolt.Create(c))(t)
	ok(t, put(s, "k", "v"))
	_, err := bolt.Create(c)
	wantErr(t, err, fs.ErrExist)
	ok(t, s.Close())
	_, err = bolt.Create(c)
	wantErr(t, err, fs.ErrExist)
	s = must(bolt.Open(c))(t)
	want(t, s, "k", "v")
	ok(t, s.Close())

	c.Path = filepath.Join(c.Path, "below")
	_, err = bolt.Create(c)
	wantErr(t, err, syscall.ENOTDIR)
	c.Path = filepath.Join(t.TempDir(), "dangling")
	ok(t, os.Symlink("nowhere", c.Path))
	_, err = bolt.Create(c)
	wantErr(t, err, fs.ErrExist)
}

// TestCreateOnce: of several that create one store at a time, one does.
func TestCreateOnce(t *testing.T) {
	for range 5 {
		c := config(t.TempDir())
		stores, errs := make([]*bolt.Store, 8), make([]error, 8)
		var wg sync.WaitGroup
		for i := range stores {
			wg.Go(func() { stores[i], errs[i] = bolt.Create(c) })
		}
		wg.Wait()
		created := 0
		for i, err := range errs {
			if err == nil {
				created++
				ok(t, stores[i].Close())
			} else {
				wantErr(t, err, fs.ErrExist)
			}
		}
		if created != 1 || list(t, c) != "store" {
			t.Fatalf("%d of 8 created the store; the folder holds %s", created, list(t, c))
		}
	}
}

func TestCreateLeavesOnlyTheStore(t *testing.T) {
	c := config(t.TempDir())
	draft := filepath.Join(filepath.Dir(c.Path), ".sigill-1") // of a creation that a power cut ended
	ok(t, os.WriteFile(draft, nil, 0o600))
	s := must(bolt.Create(c))(t)
	ok(t, s.Close())
	if names := list(t, c); names != ".sigill-1 store" {
		t.Fatalf("the folder holds %s", names)
	}
	if mode := must(os.Stat(c.Path))(t).Mode(); mode != 0o600 {
		t.Fatalf("the store has mode %v", mode)
	}
}

func list(t *testing.T, c bolt.Config) string {
	t.Helper()
	var names []string
	for _, e := range must(os.ReadDir(filepath.Dir(c.Path)))(t) {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestOpenNeverCreates(t *testing.T) {
	c := config(t.TempDir())
	for _, open := range openers {
		_, err := open(c)
		wantErr(t, err, fs.ErrNotExist)
		if names := list(t, c); names != "" {
			t.Fatalf("opening nothing left %s", names)
		}
	}
}

var openers = []func(bolt.Config) (*bolt.Store, error){bolt.Open, bolt.OpenReadOnly}

// refused is a file that is no store, and what it is refused with.
type refused struct {
	make func(t *testing.T, path string)
	want error
}

func file(content []byte, mode fs.FileMode) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		ok(t, os.WriteFile(path, content, 0o600))
		ok(t, os.Chmod(path, mode))
	}
}

func database(pageSize int, buckets ...string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		db := must(bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize}))(t)
		ok(t, db.Update(func(tx *bbolt.Tx) error {
			for _, name := range buckets {
				must(tx.CreateBucket([]byte(name)))(t)
			}
			return nil
		}))
		ok(t, db.Close())
	}
}

// refuses tries each file; it must be left as it was.
func refuses(t *testing.T, files map[string]refused) {
	for name, test := range files {
		t.Run(name, func(t *testing.T) {
			c := config(t.TempDir())
			test.make(t, c.Path)
			before := must(os.Lstat(c.Path))(t)
			for _, open := range openers {
				_, err := open(c)
				wantErr(t, err, test.want)
				after := must(os.Lstat(c.Path))(t)
				if before.Mode() != after.Mode() || before.Size() != after.Size() || before.ModTime() != after.ModTime() || list(t, c) != "store" {
					t.Fatal("the refused file was changed")
				}
			}
		})
	}
}

// TestD08_emptyOrShort: bbolt makes a new database of an empty file, without a
// word.
func TestD08_emptyOrShort(t *testing.T) {
	good, _ := filled(t)
	content := must(os.ReadFile(good.Path))(t)
	refuses(t, map[string]refused{
		"0 bytes":  {file(nil, 0o600), bolt.ErrForeign},
		"5 bytes":  {file([]byte("hello"), 0o600), bolt.ErrForeign},
		"one page": {file(content[:4096], 0o600), store.ErrCorrupt},
	})
}

// TestRefusedFiles: what is no store is refused.
func TestRefusedFiles(t *testing.T) {
	good, _ := filled(t)
	content := must(os.ReadFile(good.Path))(t)
	refuses(t, map[string]refused{
		"zeros":            {file(make([]byte, 1<<16), 0o600), bolt.ErrForeign},
		"text":             {file(bytes.Repeat([]byte("text "), 1<<14), 0o600), bolt.ErrForeign},
		"bare database":    {database(4096), bolt.ErrForeign},
		"foreign database": {database(4096, "key", "meta"), bolt.ErrForeign},
		"large pages":      {database(16384), store.ErrCorrupt},
		"mode 0644":        {file(content, 0o644), bolt.ErrInsecure},
		"mode 0620":        {file(content, 0o620), bolt.ErrInsecure},
		"link":             {func(t *testing.T, path string) { ok(t, os.Symlink(good.Path, path)) }, bolt.ErrInsecure},
		"pipe":             {func(t *testing.T, path string) { ok(t, syscall.Mkfifo(path, 0o600)) }, bolt.ErrInsecure},
	})
	ok(t, os.Mkdir(good.Path+".d", 0o700))
	good.Path += ".d"
	_, err := bolt.Open(good)
	wantErr(t, err, syscall.EISDIR)
	_, err = bolt.OpenReadOnly(good)
	wantErr(t, err, bolt.ErrInsecure)
}

// TestD07_truncated: a file that lacks pages is refused, where bbolt would fault.
func TestD07_truncated(t *testing.T) {
	c, rows := filled(t)
	end := used(t, c.Path)
	whole := must(os.ReadFile(c.Path))(t)
	for cut := int64(0); cut <= end+4096; cut += 4096 {
		for _, size := range []int64{cut - 1, cut, cut + 1} {
			if size < 0 {
				continue
			}
			ok(t, os.WriteFile(c.Path, whole[:size], 0o600))
			for _, open := range openers {
				s, err := open(c)
				if size >= end {
					ok(t, err)
					if got := must(readAll(s))(t); len(got) != len(rows) {
						t.Fatalf("%d bytes: %d rows", size, len(got))
					}
					ok(t, s.Close())
				} else if err == nil {
					t.Fatalf("a file cut to %d of %d bytes was opened", size, end)
				}
			}
		}
	}
}

// TestD09_locked: who comes second is refused at once, where bbolt would wait.
func TestD09_locked(t *testing.T) {
	c, _ := filled(t)
	writer := must(bolt.Open(c))(t)
	for _, open := range openers {
		_, err := open(c)
		wantErr(t, err, bolt.ErrLocked)
	}
	ok(t, put(writer, "k", "v"))
	ok(t, writer.Close())

	one, two := must(bolt.OpenReadOnly(c))(t), must(bolt.OpenReadOnly(c))(t)
	_, err := bolt.Open(c)
	wantErr(t, err, bolt.ErrLocked)
	want(t, one, "k", "v")
	ok(t, one.Close())
	want(t, two, "k", "v")
	ok(t, two.Close())
	ok(t, must(bolt.Open(c))(t).Close())
}

func TestReadOnly(t *testing.T) {
	c, rows := filled(t)
	before := must(os.ReadFile(c.Path))(t)
	c.Layout["later"] = store.Random
	s := must(bolt.OpenReadOnly(c))(t)
	wantErr(t, put(s, "k", "v"), store.ErrReadOnly)
	if got := must(readAll(s))(t); len(got) != len(rows) {
		t.Fatalf("%d rows of %d", len(got), len(rows))
	}
	snapshot := must(s.Snapshot(t.Context()))(t)
	_, err := snapshot.Get("later", []byte("k"))
	wantErr(t, err, store.ErrNotFound)
	for range snapshot.Scan("later", nil, nil) {
		t.Fatal("a room that the file does not have holds a row")
	}
	ok(t, snapshot.Close())
	ok(t, s.Close())
	if !bytes.Equal(before, must(os.ReadFile(c.Path))(t)) {
		t.Fatal("reading changed the file")
	}
}

// TestRooms: a newer program may add rooms, after which an older one refuses.
func TestRooms(t *testing.T) {
	c, rows := filled(t)
	newer := bolt.Config{Path: c.Path, Layout: store.Layout{room: store.Random, "later": store.Ordered}}
	s := must(bolt.Open(newer))(t)
	ok(t, s.Commit(t.Context(), store.Changes{{Room: "later", Key: []byte("k")}}))
	if got := must(readAll(s))(t); len(got) != len(rows) {
		t.Fatalf("%d rows of %d", len(got), len(rows))
	}
	ok(t, s.Close())
	for _, open := range openers {
		_, err := open(c)
		wantErr(t, err, bolt.ErrNewer)
	}
	for _, layout := range []store.Layout{nil, {"": 0}, {"Drafts": 0}, {"a b": 0}, {"drafts": 2}, {"\x00sigill": 0}, {"-": 0}} {
		for _, open := range append(openers, bolt.Create) {
			_, err := open(bolt.Config{Path: c.Path, Layout: layout})
			wantErr(t, err, store.ErrInvalid)
		}
	}
}

func TestInstance(t *testing.T) {
	c := config(t.TempDir())
	s := must(bolt.Create(c))(t)
	id := s.Instance()
	ok(t, s.Close())
	s = must(bolt.Open(c))(t)
	if s.Instance() != id || id == [16]byte{} {
		t.Fatal("the instance id does not stay")
	}
	ok(t, s.Close())
	other := must(bolt.Create(config(t.TempDir())))(t)
	if other.Instance() == id {
		t.Fatal("two stores have one instance id")
	}
	ok(t, other.Close())
}

// TestD11_tornMeta: of two meta pages the newest valid one counts, so that a torn
// one takes back the commit that it was to end and nothing else.
func TestD11_tornMeta(t *testing.T) {
	c := config(t.TempDir())
	s := must(bolt.Create(c))(t)
	for _, v := range []string{"1", "2"} {
		ok(t, put(s, "k", v))
	}
	ok(t, s.Close())
	whole := must(os.ReadFile(c.Path))(t)[:used(t, c.Path)]
	txid := func(page int) uint64 { return binary.LittleEndian.Uint64(whole[page*4096+16+48:]) }
	newest := 0
	if txid(1) > txid(0) {
		newest = 1
	}
	for i := range 64 {
		torn := bytes.Clone(whole)
		torn[newest*4096+16+i] ^= 0x40
		ok(t, os.WriteFile(c.Path, torn, 0o600))
		s = must(bolt.OpenReadOnly(c))(t)
		want(t, s, "k", "1")
		ok(t, s.Close())
		torn[(1-newest)*4096+16+i] ^= 0x40
		ok(t, os.WriteFile(c.Path, torn, 0o600))
		for _, open := range openers {
			if _, err := open(c); err == nil {
				t.Fatal("a file without a valid meta page was opened")
			}
		}
	}
}

// TestD06_damagedPages flips bytes all over the file. What bbolt makes of it is an
// error or other rows (values are guarded by package gate), never the end of
// the process or a hang.
//
// Only the lowest bit is flipped: a length beyond a few dozen megabytes makes the
// race detector itself, in C, fault over bbolt's comparisons.
func TestD06_damagedPages(t *testing.T) {
	c, _ := filled(t)
	end := used(t, c.Path)
	whole := must(os.ReadFile(c.Path))(t)[:end]
	ok(t, os.Truncate(c.Path, end))
	file := must(os.OpenFile(c.Path, os.O_WRONLY, 0))(t)
	defer file.Close()
	opened, failed := 0, 0
	for i, trial := 0, 0; i < len(whole); i++ {
		if i%4096 > 48 && i%127 != 0 { // page headers whole, the rest in passing
			continue
		}
		trial++
		must(file.WriteAt([]byte{whole[i] ^ 1}, int64(i)))(t)
		write := trial%128 == 0 // each write is flushed, which takes time
		open := bolt.OpenReadOnly
		if write {
			open = bolt.Open
		}
		s, err := open(c)
		if err == nil {
			opened++
			_, err = readAll(s)
			if err != nil {
				wantErr(t, err, store.ErrCorrupt)
			}
			if write {
				if err := put(s, "\x14\x05", "v"); err != nil {
					wantErr(t, err, store.ErrStopped)
					wantErr(t, put(s, "k", "v"), store.ErrStopped)
				}
			}
			_ = s.Close() // may fail, must return
		}
		if err != nil {
			failed++
		}
		if write {
			must(file.WriteAt(whole, 0))(t)
			ok(t, os.Truncate(c.Path, end))
		} else {
			must(file.WriteAt(whole[i:i+1], int64(i)))(t)
		}
	}
	if opened == 0 || failed == 0 {
		t.Fatalf("%d opened, %d failed: the damage does nothing", opened, failed)
	}
}
