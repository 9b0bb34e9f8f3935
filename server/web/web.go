// Package web gives the published log out to anyone, over HTTP: the newest
// checkpoint, C2SP tlog-tiles, and whole days. Use [Handler], and [Server] for the
// limits under which it is served.
//
//	/checkpoint                       the newest published checkpoint
//	/tile/<level>/<index>[.p/<n>]     hashes
//	/tile/entries/<index>[.p/<n>]     entries
//	/day/<YYYY-MM-DD>                 a day that is over, keys/proof.Day
//
// Each resource has one path; every other one, spelled however, is not found. What
// is not in the newest published checkpoint is not there. Nothing is said but
// public bytes, and nothing is kept of who asked: no line is logged, no path is
// counted, no address is looked at.
//
// proto/SPEC.md, "Over HTTP", has the answers; TestServed and TestRefused prove
// them, scripts/openlog holds them against a reader that nobody here wrote.
package web

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/workflow"
)

// A Log is a published log; it is *workflow.Office. What it does not have is
// workflow.ErrNotPublished. Its methods are called concurrently.
type Log interface {
	PublishedCheckpoint() []byte
	Tile(ctx context.Context, level int, index uint64, n int) ([]byte, error)
	EntryBundle(ctx context.Context, index uint64, n int) ([]byte, error)
	Day(ctx context.Context, date ident.Date, now time.Time) (d proof.Day, size uint64, err error)
	Entries(ctx context.Context, from, to uint64, yield func(entry []byte)) error
}

// What an answer may be kept for. A path that is not there today may be tomorrow.
const (
	fresh     = "no-cache"
	immutable = "public, max-age=31536000, immutable"
	never     = "no-store"
)

// Limits of the listener.
const (
	connections = 256
	dayWithin   = 5 * time.Minute // to send a day; everything else has 30 seconds
)

// Server serves a log under limits of headers and time. HTTP/1.1 alone: with one
// request at a time for each connection, the listener's limit is one on work.
func Server(l Log) *http.Server {
	s := &http.Server{
		Handler:           Handler(l),
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       15 * time.Second,
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // its lines hold what was sent, and by whom
	}
	s.Protocols.SetHTTP1(true)
	return s
}

// Limit is a listener that takes so many connections at a time.
func Limit(l net.Listener) net.Listener { return netutil.LimitListener(l, connections) }

// Handler answers for a log.
func Handler(l Log) http.Handler { return handler{l} }

type handler struct{ log Log }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "GET and HEAD alone")
		return
	}
	path := r.URL.EscapedPath()
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		path = ""
	}
	date, isDay := strings.CutPrefix(path, "/day/")
	var err error
	switch {
	case path == "/checkpoint":
		send(w, "text/plain; charset=utf-8", fresh, h.log.PublishedCheckpoint())
	case isDay:
		err = h.day(w, r, date)
	default:
		err = h.tile(w, r, path)
	}
	switch {
	case err == nil:
	case errors.Is(err, workflow.ErrNotPublished):
		refuse(w, http.StatusNotFound, "not found")
	default:
		refuse(w, http.StatusServiceUnavailable, "the log cannot be read now")
	}
}

func (h handler) tile(w http.ResponseWriter, r *http.Request, path string) error {
	t, err := proof.ParseTilePath(strings.TrimPrefix(path, "/"))
	if err != nil {
		return workflow.ErrNotPublished
	}
	var data []byte
	if t.L == proof.EntriesLevel {
		data, err = h.log.EntryBundle(r.Context(), uint64(t.N), t.W)
	} else {
		data, err = h.log.Tile(r.Context(), t.L, uint64(t.N), t.W)
	}
	if err != nil {
		return err
	}
	send(w, "application/octet-stream", immutable, data)
	return nil
}

// day sends a day in pieces, since it may be larger than what one caller may have
// of the memory.
func (h handler) day(w http.ResponseWriter, r *http.Request, text string) error {
	date, err := ident.ParseDate(text)
	if err != nil {
		return workflow.ErrNotPublished
	}
	d, size, err := h.log.Day(r.Context(), date, time.Now())
	if err != nil {
		return err
	}
	head := d.Head()
	length := uint64(len(head)) + (size-d.First)*proof.DayLine + 1 + uint64(len(d.Checkpoint))
	if length > proof.MaxDay {
		return workflow.ErrNotPublished // there are tiles
	}
	headers(w, "text/plain; charset=utf-8", immutable, length)
	if r.Method == http.MethodHead {
		return nil
	}
	// A writer that has no deadline, as in tests, needs no other.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(dayWithin))
	_, err = w.Write(head)
	for from := d.First; from < size && err == nil; from += piece {
		var lines []byte
		if err = h.log.Entries(r.Context(), from, min(from+piece, size), func(entry []byte) {
			lines = proof.AppendDayLine(lines, entry)
		}); err == nil {
			_, err = w.Write(lines)
		}
	}
	if err == nil {
		_, _ = w.Write(append([]byte("\n"), d.Checkpoint...))
	}
	return nil // too late for an error: the length says that it is cut
}

// piece is how many entries of a day are read at a time.
const piece = 1024

func headers(w http.ResponseWriter, media, cache string, length uint64) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.FormatUint(length, 10))
	h.Set("Cache-Control", cache)
	h.Set("X-Content-Type-Options", "nosniff")
}

func send(w http.ResponseWriter, media, cache string, data []byte) {
	headers(w, media, cache, uint64(len(data)))
	_, _ = w.Write(data) // who has gone is told nothing
}

// refuse answers with a line that repeats nothing of the request.
func refuse(w http.ResponseWriter, status int, line string) {
	headers(w, "text/plain; charset=utf-8", never, uint64(len(line)+1))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line+"\n")
}
