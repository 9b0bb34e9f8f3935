package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/scripts/openlog"
	"sigill/server/store"
	"sigill/server/translog"
	"sigill/server/web"
)

// serve answers for a log on a port of its own, under the server's limits.
func serve(t *testing.T, l web.Log) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.Server(l)
	s.IdleTimeout = time.Hour // a loaded machine may be slow
	done := make(chan error, 1)
	go func() { done <- s.Serve(web.Limit(listener)) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends exactly this request line: a client library would mend paths.
func ask(t *testing.T, addr, method, path string) answer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: log.example\r\nConnection: close\r\n\r\n", method, path)
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{r.StatusCode, r.Header, string(body)}
}

// found is the body of what is there, and may be kept so long.
func found(t *testing.T, addr, path, cache string) string {
	t.Helper()
	a := ask(t, addr, "GET", path)
	if a.status != 200 || a.header.Get("Cache-Control") != cache || a.header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
		t.Fatalf("%s: %d, %v", path, a.status, a.header)
	}
	h := ask(t, addr, "HEAD", path)
	a.header.Del("Date")
	h.header.Del("Date")
	if h.status != 200 || h.body != "" || fmt.Sprint(h.header) != fmt.Sprint(a.header) {
		t.Fatalf("HEAD %s: %d %q, %v instead of %v", path, h.status, h.body, h.header, a.header)
	}
	return a.body
}

const forever = "public, max-age=31536000, immutable"

// refused is an answer of one line that may not be kept and repeats nothing.
func refused(t *testing.T, a answer, what string, status int, line string) {
	t.Helper()
	if a.status != status || a.body != line+"\n" || a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s: %d %q, %v", what, a.status, a.body, a.header)
	}
}

func missing(t *testing.T, addr, path string) {
	t.Helper()
	refused(t, ask(t, addr, "GET", path), path, 404, "not found")
	if a := ask(t, addr, "HEAD", path); a.status != 404 || a.body != "" {
		t.Errorf("HEAD %s: %d %q", path, a.status, a.body)
	}
}

// files reads the log through its tiles, as a stranger's reader does.
type files struct {
	t    *testing.T
	addr string
}

func (files) Height() int                     { return proof.TileHeight }
func (files) SaveTiles([]tlog.Tile, [][]byte) {}

func (f files) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, x := range tiles {
		data = append(data, []byte(found(f.t, f.addr, "/"+proof.TilePath(x.L, uint64(x.N), x.W), forever)))
	}
	return data, nil
}

// TestServed: at each size the checkpoint, and under it every entry through bundles
// and tiles; what is logged and not published is not there, in no width.
func TestServed(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, 257, 600} {
		l := openlog.New(t)
		addr := serve(t, l)
		l.Grow(size)
		l.Add(300)
		note := found(t, addr, "/checkpoint", "no-cache")
		cp, err := proof.OpenCheckpoint([]byte(note), l.Policy)
		if err != nil || cp.Size != uint64(size) || note != string(l.PublishedCheckpoint()) {
			t.Fatalf("%d: %v %v", size, cp, err)
		}
		tree := tlog.Tree{N: int64(size), Hash: tlog.Hash(cp.Root)}
		hashes := tlog.TileHashReader(tree, files{t, addr})
		for from := 0; from < size; from += 256 {
			n := min(256, size-from)
			bundle := []byte(found(t, addr, "/"+proof.TilePath(proof.EntriesLevel, uint64(from/256), n), forever))
			var indexes []int64
			for i := range n {
				if len(bundle) < 2+proof.EntrySize || int(binary.BigEndian.Uint16(bundle)) != proof.EntrySize ||
					!bytes.Equal(bundle[2:2+proof.EntrySize], l.Logged[from+i].Marshal()) {
					t.Fatalf("%d: entry %d", size, from+i)
				}
				bundle = bundle[2+proof.EntrySize:]
				indexes = append(indexes, tlog.StoredHashIndex(0, int64(from+i)))
			}
			read, err := hashes.ReadHashes(indexes)
			if err != nil || len(bundle) != 0 || read[n-1] != tlog.Hash(l.Logged[from+n-1].LeafHash()) {
				t.Fatalf("%d: %v", size, err)
			}
		}
		for _, level := range []int{proof.EntriesLevel, 0, 1, 2, 7, 63} {
			full := size >> max(0, 8*level)
			at, n := uint64(full/256), full%256
			for wider := n + 1; wider <= 256; wider += 51 {
				missing(t, addr, "/"+proof.TilePath(level, at, wider))
			}
			missing(t, addr, "/"+proof.TilePath(level, at, 256))
			missing(t, addr, "/"+proof.TilePath(level, at+1, 1))
		}
	}
}

// counted counts how often a day's entries are read.
type counted struct {
	web.Log
	reads int
}

func (c *counted) Entries(ctx context.Context, from, to uint64, yield func([]byte)) error {
	c.reads++
	return c.Log.Entries(ctx, from, to, yield)
}

// TestDay: a day that is over is whole and checks; one that is not, that was before
// the log, or that is only said to be over, is not there.
func TestDay(t *testing.T) {
	l := openlog.New(t)
	addr := serve(t, l)
	today := ident.DateOf(time.Now())
	sizes := map[int]int{-5: 0, -4: 300, -3: 0, -2: 1, -1: 3000} // what comes, and then what there is
	for d := -5; d < 0; d++ {
		l.Grow(len(l.Logged) + sizes[d])
		sizes[d] = len(l.Logged)
		if d != -4 {
			l.Add(7) // after the last publication: of the next day
		}
		l.End(today.AddDays(d))
		if d == -5 {
			continue
		}
		text := found(t, addr, "/day/"+string(today.AddDays(d)), forever)
		day, err := proof.ParseDay([]byte(text))
		if err != nil {
			t.Fatalf("%d: %v", d, err)
		}
		before, after, _, err := day.Check(today.AddDays(d), l.Policy)
		if err != nil || before.Size != uint64(sizes[d-1]) || after.Size != uint64(sizes[d]) || len(day.Entries) != sizes[d]-sizes[d-1] {
			t.Fatalf("%d: %v %v %d, %v", d, before, after, len(day.Entries), err)
		}
	}
	c := &counted{Log: l}
	if a := ask(t, serve(t, c), "HEAD", "/day/"+string(today.AddDays(-1))); a.status != 200 || c.reads != 0 {
		t.Errorf("HEAD: %d, and entries were read %d times", a.status, c.reads)
	}
	l.End(today.AddDays(2))
	for _, d := range []int{-6, -5, 1, 2, 3} {
		missing(t, addr, "/day/"+string(today.AddDays(d)))
	}
}

func TestRefused(t *testing.T) {
	l := openlog.New(t)
	l.Grow(600)
	addr := serve(t, l)
	day := ident.DateOf(time.Now()).AddDays(-1)
	l.End(day.AddDays(-1))
	l.End(day)
	for _, path := range []string{"/tile/0/000", "/tile/0/000.p/1", "/tile/1/000.p/2", "/tile/entries/001", "/tile/entries/002.p/88", "/day/" + string(day)} {
		found(t, addr, path, forever)
	}
	for _, path := range []string{
		"/", "//", "/checkpoint/", "//checkpoint", "/Checkpoint", "/checkpoint?", "/checkpoint?x=1", "/checkpoin%74", "/./checkpoint", "/day/../checkpoint",
		"/tile", "/tile/", "/tile/0", "/tile/0/", "/tile/0/0", "/tile/0/00", "/tile/0/0000", "/tile/00/000", "/tile/-1/000", "/tile/+0/000", "/tile/0/-01",
		"/tile/0/x000/000", "/tile/0/x000", "/tile/0/000/000", "/tile/0/x1/000", "/tile/0/X000/001", "/tile/0/999", "/tile/0/x999/x999/x999/x999/x999/x999/999",
		"/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/0/000.p/257", "/tile/0/000.p/01", "/tile/0/000.p/-1", "/tile/0/000.p/", "/tile/0/000.p", "/tile/0/000/1",
		"/tile/0/000.p/1/", "/tile/0/000.p/1.p/1", "/tile/8/0/000", "/tile/data/000", "/tile/entries", "/tile/entries/0", "/tile/entries/000.p/0",
		"/tile/entries/002", "/tile/entries/002.p/89", "/tile/64/000", "/tile/2/000.p/1", "/tile/0/00%30", "/tile%2f0/000", "/tile/0/../0/000", "/tile/0/000?",
		"/tile/0/000;", "/tile/0/\u0660", "/day", "/day/", "/day/" + string(day) + "/", "/day/2026-02-30", "/day/0000-00-00", "/day/1969-12-31",
		"/day/9999-12-31", "/day/" + strings.ReplaceAll(string(day), "-", ""), "/day/" + string(day) + "?", "/metrics", "/livez", "/favicon.ico", "/robots.txt",
		"/" + strings.Repeat("x", 4000), "/tile/0/" + strings.Repeat("x000/", 1000) + "000",
	} {
		missing(t, addr, path)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "X"} {
		a := ask(t, addr, method, "/checkpoint")
		refused(t, a, method, 405, "GET and HEAD alone")
		if a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %v", method, a.header)
		}
	}
	if a := ask(t, addr, "OPTIONS", "*"); a.status != 405 && a.body != "" {
		t.Errorf("OPTIONS *: %d %q", a.status, a.body)
	}
}

// TestUnreadable: a store that has lost or changed a row of the log is no answer,
// and a day of which half is sent is seen to be cut.
func TestUnreadable(t *testing.T) {
	l := openlog.New(t)
	l.Grow(600)
	addr := serve(t, l)
	day := ident.DateOf(time.Now()).AddDays(-1)
	l.End(day.AddDays(-1))
	l.Grow(5000)
	l.End(day)
	l.Disk.Tamper(func(room store.Room, key, value []byte) []byte {
		if room == translog.Entries && binary.BigEndian.Uint64(key) == 4000 || room == translog.Tiles && key[8] == 1 {
			return value[:10]
		}
		return value
	})
	for _, path := range []string{"/tile/0/001", "/tile/entries/015"} {
		refused(t, ask(t, addr, "GET", path), path, 503, "the log cannot be read now")
	}
	found(t, addr, "/tile/0/000", forever)
	r, err := http.Get("http://" + addr + "/day/" + string(day))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || int64(len(body)) >= r.ContentLength {
		t.Errorf("%d bytes of %d: %v", len(body), r.ContentLength, err)
	}
}

// TestConnections: as many callers at a time as stated, and one more when one has gone.
func TestConnections(t *testing.T) {
	addr := serve(t, openlog.New(t))
	var open []*bufio.ReadWriter
	again := func(c *bufio.ReadWriter) {
		t.Helper()
		fmt.Fprint(c, "GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")
		c.Flush()
		r, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatal(err)
		}
	}
	var first net.Conn
	for range 256 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if first == nil {
			first = c
		}
		open = append(open, bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c)))
		again(open[len(open)-1])
	}
	answered := make(chan answer, 1)
	go func() {
		defer close(answered) // also when it fails
		answered <- ask(t, addr, "GET", "/checkpoint")
	}()
	for _, c := range open[1:100] { // long enough for it to be answered too, if it was let in
		again(c)
	}
	if len(answered) > 0 {
		t.Error("one more than the limit was answered")
	}
	first.Close()
	if a := <-answered; a.status != 200 {
		t.Error(a.status)
	}
}
