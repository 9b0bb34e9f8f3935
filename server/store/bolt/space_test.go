package bolt_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sigill/server/store"
	"sigill/server/store/bolt"
)

// fillUp commits rows of a megabyte until the store is full, and returns
// how many it took.
func fillUp(t testing.TB, s store.Store, prefix string) int {
	t.Helper()
	for n := range 1000 {
		err := put(s, fmt.Sprint(prefix, n), strings.Repeat("x", 1<<20))
		if errors.Is(err, store.ErrFull) {
			if errors.Is(err, store.ErrStopped) {
				t.Fatal("a full disk stopped the store")
			}
			return n
		}
		ok(t, err)
	}
	t.Fatal("never full")
	return 0
}

// TestD03_quota: at MaxSize a commit is refused and changes nothing; reading goes
// on, and with more space writing too.
func TestD03_quota(t *testing.T) {
	c := config(t.TempDir())
	c.MaxSize = 20 << 20
	s := must(bolt.Create(c))(t)
	n := fillUp(t, s, "a")
	if n < 2 || n > 20 { // bbolt rewrites neighbours, and chooses free pages at random
		t.Fatalf("%d rows of a megabyte fit into 20", n)
	}
	if size := must(os.Stat(c.Path))(t).Size(); size > c.MaxSize {
		t.Fatalf("the file has grown to %d bytes", size)
	}
	if rows := must(readAll(s))(t); len(rows) != n {
		t.Fatalf("%d rows, want %d", len(rows), n)
	}
	ok(t, s.Close())
	used(t, c.Path)

	c.MaxSize = 0
	s = must(bolt.Open(c))(t)
	ok(t, put(s, "large", strings.Repeat("y", 1<<20)))
	if rows := must(readAll(s))(t); len(rows) != n+1 {
		t.Fatalf("%d rows, want %d", len(rows), n+1)
	}
	ok(t, s.Close())
	used(t, c.Path)
}

const smallDisk = "SIGILL_TEST_SMALL_DISK"

// TestD03_diskFull runs itself again in a mount namespace of its own, where it
// mounts a disk of 24 MiB and fills it.
func TestD03_diskFull(t *testing.T) {
	if folder := os.Getenv(smallDisk); folder != "" {
		ok(t, syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		ok(t, syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=24m,mode=0700"))
		t.Run("before", func(t *testing.T) { fullBeforeCommit(t, folder) })
		t.Run("inside", func(t *testing.T) { fullInsideCommit(t, folder) })
		return
	}
	again := exec.Command(must(os.Executable())(t), "-test.run=^TestD03_diskFull$", "-test.v")
	again.Env = append(os.Environ(), smallDisk+"="+t.TempDir())
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := again.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Log("not tried: mounting a small disk needs root")
		return
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestD03_diskFull/inside") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// fullBeforeCommit: a full disk is found before a commit. The store goes on
// reading, and writing when there is space again.
func fullBeforeCommit(t *testing.T, folder string) {
	c := config(folder)
	s := must(bolt.Create(c))(t)
	ballast := filepath.Join(folder, "ballast")
	ok(t, os.WriteFile(ballast, make([]byte, 8<<20), 0o600))
	n := fillUp(t, s, "a")
	if n < 2 {
		t.Fatalf("%d rows of a megabyte fit into 16", n)
	}
	fillUp(t, s, "a") // again, refused or not, nothing breaks
	want(t, s, "a0", strings.Repeat("x", 1<<20))
	ok(t, os.Remove(ballast))
	if fillUp(t, s, "b") < 1 {
		t.Fatal("the store does not take the space that has become free")
	}
	rows := must(readAll(s))(t)
	ok(t, s.Close())
	used(t, c.Path)
	s = must(bolt.Open(c))(t)
	if got := must(readAll(s))(t); len(got) != len(rows) {
		t.Fatalf("%d rows after the next start, want %d", len(got), len(rows))
	}
	ok(t, s.Close())
	ok(t, os.Remove(c.Path))
}

// fullInsideCommit takes the reserve away behind the store's back, so that
// writing itself fails: the store stops, and the next start finds all that was
// acknowledged.
func fullInsideCommit(t *testing.T, folder string) {
	c := config(folder)
	s := must(bolt.Create(c))(t)
	ok(t, put(s, "k", "v"))
	ok(t, put(s, "first", strings.Repeat("x", 1<<20))) // makes the store reserve
	file := must(os.OpenFile(c.Path, os.O_RDWR, 0))(t)
	defer file.Close()
	size := must(file.Stat())(t).Size()
	const keepSize, punchHole, start = 1, 2, 4 << 20
	ok(t, syscall.Fallocate(int(file.Fd()), keepSize|punchHole, start, size-start))
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 24<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	var err error
	tried, acked := "v", "v"
	for n := 0; err == nil && n < 30; n++ {
		if err = put(s, fmt.Sprint("a", n), strings.Repeat("x", 1<<20)); err == nil {
			tried = fmt.Sprint("v", n)
			if err = put(s, "k", tried); err == nil {
				acked = tried
			}
		}
	}
	wantErr(t, err, store.ErrStopped)
	wantErr(t, err, syscall.ENOSPC)
	if errors.Is(err, store.ErrFull) {
		t.Fatal("a failed write looks like a refusal")
	}
	wantErr(t, put(s, "k", "late"), store.ErrStopped)
	_, err = s.Snapshot(t.Context())
	wantErr(t, err, store.ErrStopped)
	ok(t, s.Close())
	_, err = bolt.Open(c) // the reserve cannot be filled again
	wantErr(t, err, store.ErrFull)
	ok(t, os.Remove(ballast))
	s = must(bolt.Open(c))(t)
	if got := must(readAll(s))(t)["k"]; got != acked && got != tried {
		t.Fatalf("row k is %q; %q was acknowledged, %q tried", got, acked, tried)
	}
	ok(t, put(s, "k", "again"))
	ok(t, s.Close())
	used(t, c.Path)
}
