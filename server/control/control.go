// Package control is the door through which the operator's commands reach the
// running server: HTTP over a unix socket in the data directory, which whoever may
// use the store may use, and nobody else.
//
// The server calls [Listen] with a [Command] for each route, and [Listener.Serve]; a
// command of the program calls [Ask]. An answer is a stream of bytes, of whatever
// form the route has, and ends with a word on how it went: one that was cut never
// looks whole. Nothing is logged of who asks or what is answered.
//
// TestAsk and TestSocket prove it.
package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Socket is the name of the socket in the data directory.
const Socket = "control.sock"

// patience is how long a reader may take for what is written at once: a command may
// hold on to a snapshot, which the store pays for.
const patience = 30 * time.Second

// maxRefusal is how much of a refusal is read, in bytes.
const maxRefusal = 4 << 10

// outcome is the trailer that ends an answer: "ok", or what went wrong.
const (
	outcome = "Sigill-Outcome"
	ok      = "ok"
)

var (
	// ErrNobody: no server listens in this directory.
	ErrNobody = errors.New("no server runs on this data directory")
	// ErrRefused: the command could not be done; the server's words follow.
	ErrRefused = errors.New("the server could not do it")
	// ErrCut: the answer ended before it was whole.
	ErrCut = errors.New("the server's answer was cut")
)

// A Command does what a route stands for and writes its answer. It ends soon when
// ctx does. Its error is told to whoever asks: it says nothing of any matter.
type Command func(ctx context.Context, query url.Values, w io.Writer) error

// A Listener waits at the socket.
type Listener struct {
	inner net.Listener
	path  string
	http  *http.Server

	mu      sync.Mutex // guards stopped against a command that is about to run
	stopped bool
	running sync.WaitGroup
}

// Listen makes the socket in a directory, mode 0600, in the place of one that was
// left behind. The caller holds the store: no other server listens there.
func Listen(dir string, commands map[string]Command) (*Listener, error) {
	l := &Listener{path: filepath.Join(dir, Socket)}
	mux := http.NewServeMux()
	for route, c := range commands {
		mux.HandleFunc("POST /"+route, func(w http.ResponseWriter, r *http.Request) { l.run(w, r, c) })
	}
	l.http = &http.Server{Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	l.http.Protocols.SetHTTP1(true)
	if err := l.listen(dir); err != nil {
		return nil, fmt.Errorf("making the control socket: %w", err)
	}
	return l, nil
}

func (l *Listener) listen(dir string) error {
	// In a directory of its own it is nobody's before it has its mode.
	draft, err := os.MkdirTemp(dir, ".control-*") // mode 0700
	if err != nil {
		return err
	}
	defer os.RemoveAll(draft)
	err = within(draft, func(short string) error {
		l.inner, err = net.Listen("unix", short)
		return err
	})
	if err != nil {
		return err
	}
	if u, unix := l.inner.(*net.UnixListener); unix {
		u.SetUnlinkOnClose(false) // it has another name then
	}
	made := filepath.Join(draft, Socket)
	if err := os.Chmod(made, 0o600); err != nil {
		return errors.Join(err, l.inner.Close())
	}
	if err := os.Rename(made, l.path); err != nil {
		return errors.Join(err, l.inner.Close())
	}
	return nil
}

// within gives the socket's path in a directory in a form that is short enough for a
// unix socket, however deep the directory lies.
func within(dir string, use func(short string) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), Socket))
}

// Serve answers until [Listener.Stop].
func (l *Listener) Serve() error {
	if err := l.http.Serve(l.inner); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the control socket: %w", err)
	}
	return nil
}

func (l *Listener) run(w http.ResponseWriter, r *http.Request, c Command) {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return
	}
	l.running.Add(1)
	l.mu.Unlock()
	defer l.running.Done()
	answer(w, r, c)
}

func answer(w http.ResponseWriter, r *http.Request, c Command) {
	w.Header().Set("Trailer", outcome)
	out := &stream{w: w, control: http.NewResponseController(w)}
	err := c(r.Context(), r.URL.Query(), out)
	switch {
	case err == nil:
		w.Header().Set(outcome, ok)
	case out.begun:
		w.Header().Set(outcome, url.QueryEscape(err.Error()))
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// A stream gives each piece its time.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (s *stream) Write(b []byte) (int, error) {
	s.begun = true
	if err := s.control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	n, err := s.w.Write(b)
	return n, errors.Join(err, s.control.Flush())
}

// Stop ends what is running, waits for it and removes the socket. A second time it
// does nothing.
func (l *Listener) Stop() {
	l.mu.Lock()
	again := l.stopped
	l.stopped = true
	l.mu.Unlock()
	if again {
		return
	}
	_ = l.http.Close() // nobody is owed an answer
	_ = l.inner.Close()
	l.running.Wait()
	_ = os.Remove(l.path)
}

// Ask has the server on a data directory do something. What it answers is read until
// io.EOF, which says that all was done; any other error says that it was not. Errors:
// ErrNobody, ErrRefused.
func Ask(ctx context.Context, dir, route string, query url.Values) (io.ReadCloser, error) {
	dial := func(ctx context.Context, _, _ string) (c net.Conn, err error) {
		err = within(dir, func(short string) error {
			c, err = new(net.Dialer).DialContext(ctx, "unix", short)
			return err
		})
		return c, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true, DisableCompression: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sigilld/"+route+"?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking the server: %w", err)
	}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrNobody
	case err != nil:
		return nil, fmt.Errorf("asking the server: %w", err)
	case resp.StatusCode != http.StatusOK:
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrRefused, bytes.TrimSpace(text)), err)
	}
	return &reply{resp}, nil
}

// A reply ends well only with the server's word for it.
type reply struct{ resp *http.Response }

func (r *reply) Read(b []byte) (int, error) {
	n, err := r.resp.Body.Read(b)
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("%w: %w", ErrCut, err)
	}
	switch said := r.resp.Trailer.Get(outcome); said {
	case ok:
		return n, io.EOF
	case "":
		return n, ErrCut
	default:
		text, err := url.QueryUnescape(said)
		return n, errors.Join(fmt.Errorf("%w: %s", ErrRefused, text), err)
	}
}

func (r *reply) Close() error { return r.resp.Body.Close() }
