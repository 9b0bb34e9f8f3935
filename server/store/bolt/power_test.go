package bolt_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sigill/server/store"
	"sigill/server/store/bolt"
)

const underTrace = "SIGILL_TEST_UNDER_TRACE"

// commits is how many the traced process makes.
const commits = 12

// changesOf is commit n: it rewrites, deletes and adds rows on every kind of page.
func changesOf(n int) store.Changes {
	return store.Changes{
		{Room: room, Key: []byte{byte(n)}, Delete: true}, // of commit n-2
		{Room: room, Key: []byte{byte(n + 2)}, Value: bytes.Repeat([]byte{byte(n)}, 700*n)},
		{Room: room, Key: []byte("last"), Value: []byte(strconv.Itoa(n))},
	}
}

// stateAfter is what a store holds after n commits.
func stateAfter(n int) map[string]string {
	rows := map[string]string{}
	for i := 1; i <= n; i++ {
		for _, c := range changesOf(i) {
			if c.Delete {
				delete(rows, string(c.Key))
			} else {
				rows[string(c.Key)] = string(c.Value)
			}
		}
	}
	return rows
}

// A call is what the traced process asked of the kernel: a write at an offset, a
// new size, a flush, or what it said when a commit had returned.
type call struct {
	name  string
	data  []byte
	at    int64
	acked int
}

var (
	traced = regexp.MustCompile(`(?m)^\d+ +(pwrite64|fdatasync|fsync|fallocate|ftruncate|write)\((\d+)(.*)$`)
	quoted = regexp.MustCompile(`^, "((?:\\x[0-9a-f]{2})*)", (\d+)(?:, (\d+))?`)
	ranged = regexp.MustCompile(`^, 0, (\d+), (\d+)`)
)

// record has a process of its own commit under strace, and returns the file
// before and every call that changed it.
func record(t *testing.T, c bolt.Config) (image, []call) {
	t.Helper()
	ok(t, must(bolt.Create(c))(t).Close())
	content := must(os.ReadFile(c.Path))(t)
	trace := filepath.Join(t.TempDir(), "trace")
	again := exec.Command("strace", "-f", "--seccomp-bpf", "-xx", "-s", "1048576", "-o", trace,
		"-e", "trace=pwrite64,fdatasync,fsync,fallocate,ftruncate,write", must(os.Executable())(t), "-test.run=^TestD10_powerCut$")
	again.Env = append(os.Environ(), underTrace+"="+filepath.Dir(c.Path))
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var calls []call
	for _, line := range traced.FindAllStringSubmatch(string(must(os.ReadFile(trace))(t)), -1) {
		e := call{name: line[1]}
		switch e.name {
		case "fallocate":
			m := ranged.FindStringSubmatch(line[3])
			offset, length := must(strconv.ParseInt(m[1], 10, 64))(t), must(strconv.ParseInt(m[2], 10, 64))(t)
			e.at = offset + length
		case "ftruncate":
			t.Fatal("the process gave space back")
		case "pwrite64", "write":
			m := quoted.FindStringSubmatch(line[3])
			e.data = must(hex.DecodeString(strings.ReplaceAll(m[1], `\x`, "")))(t)
			if e.name == "write" {
				if _, err := fmt.Sscanf(string(e.data), "acked %d\n", &e.acked); err != nil {
					continue // another file's
				}
			} else {
				e.at = must(strconv.ParseInt(m[3], 10, 64))(t)
			}
		}
		calls = append(calls, e)
	}
	return image{content, int64(len(content))}, calls
}

// An image is a file's content, of which the end may be a hole.
type image struct {
	content []byte
	size    int64
}

func (i image) clone() image { return image{bytes.Clone(i.content), i.size} }

// take applies a call of which only some sectors reached the disk.
func (i *image) take(e call, reached func(sector int) bool) {
	i.size = max(i.size, e.at+int64(len(e.data)))
	if grow := int(e.at) + len(e.data) - len(i.content); len(e.data) > 0 && grow > 0 {
		i.content = append(i.content, make([]byte, grow)...)
	}
	for from := 0; from < len(e.data); from += 512 {
		if to := min(from+512, len(e.data)); reached(from / 512) {
			copy(i.content[int(e.at)+from:], e.data[from:to])
		}
	}
}

func whole(int) bool { return true }

// A disk is what was flushed, and what was only written since.
type disk struct {
	flushed image
	pending []call
}

func (d *disk) take(e call) {
	switch e.name {
	case "fdatasync", "fsync":
		for _, p := range d.pending {
			d.flushed.take(p, whole)
		}
		d.pending = nil
	case "pwrite64", "fallocate":
		d.pending = append(d.pending, e)
	}
}

// holds opens the image, has bbolt check it, and returns how many commits are in
// it: the state must be that after acked, or after the one that was under way.
func holds(t *testing.T, c bolt.Config, i image, acked int) int {
	t.Helper()
	ok(t, os.WriteFile(c.Path, i.content, 0o600))
	ok(t, os.Truncate(c.Path, i.size))
	s := must(bolt.OpenReadOnly(c))(t)
	rows := must(readAll(s))(t)
	ok(t, s.Close())
	used(t, c.Path)
	for _, n := range []int{acked, acked + 1} {
		if maps.Equal(rows, stateAfter(n)) {
			return n
		}
	}
	t.Fatalf("%d commits were acknowledged; the store holds the state of none, last %s", acked, rows["last"])
	return 0
}

// TestD10_powerCut cuts the power before every call of a process that commits.
// What had been flushed is there; of what had only been written all, nothing, or
// sectors by chance.
func TestD10_powerCut(t *testing.T) {
	if folder := os.Getenv(underTrace); folder != "" {
		s := must(bolt.Open(config(folder)))(t)
		for n := 1; n <= commits; n++ {
			ok(t, s.Commit(t.Context(), changesOf(n)))
			fmt.Printf("acked %d\n", n)
		}
		ok(t, s.Close())
		return
	}
	before, calls := record(t, config(t.TempDir()))
	c := config(t.TempDir())
	seed := rand.Uint64()
	t.Logf("%d calls, seed %d", len(calls), seed)
	r := rand.New(rand.NewPCG(seed, 1))
	d, acked, early, late := &disk{flushed: before}, 0, 0, 0
	for _, e := range append(calls, call{}) {
		all, some := d.flushed.clone(), d.flushed.clone()
		for _, p := range d.pending {
			all.take(p, whole)
			some.take(p, func(int) bool { return r.IntN(2) == 0 })
		}
		for _, i := range []image{d.flushed, some, all} {
			if holds(t, c, i, acked) == acked {
				early++
			} else {
				late++
			}
		}
		if d.take(e); e.acked > 0 {
			acked = e.acked
		}
	}
	if acked != commits || early == 0 || late == 0 || len(calls) < 4*commits {
		t.Fatalf("%d commits of %d; %d images without the one under way, %d with it", acked, commits, early, late)
	}
}

// TestD11_tornWrite cuts every write of a meta page short, at each of its bytes.
func TestD11_tornWrite(t *testing.T) {
	before, calls := record(t, config(t.TempDir()))
	c := config(t.TempDir())
	d, acked, torn := &disk{flushed: before}, 0, 0
	for _, e := range calls {
		if e.name == "pwrite64" && e.at < 2*4096 && acked%6 == 0 {
			for n := range 16 + 64 { // header and content; the rest is empty
				i := d.flushed.clone()
				i.take(call{at: e.at, data: e.data[:n]}, whole)
				if got := holds(t, c, i, acked); got != acked {
					t.Fatalf("%d bytes of a meta page count for a whole one", n)
				}
				torn++
			}
			i := d.flushed.clone()
			i.take(e, whole)
			if got := holds(t, c, i, acked); got != acked+1 {
				t.Fatal("a whole meta page does not count")
			}
		}
		if d.take(e); e.acked > 0 {
			acked = e.acked
		}
	}
	if torn == 0 {
		t.Fatal("no meta page was written")
	}
}
