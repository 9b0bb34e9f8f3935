package control_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/server/control"
)

func serve(t *testing.T, dir string, commands map[string]control.Command) *control.Listener {
	t.Helper()
	l, err := control.Listen(dir, commands)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Serve() }()
	t.Cleanup(func() {
		l.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l
}

func ask(t *testing.T, dir, route string, query url.Values) (string, error) {
	t.Helper()
	r, err := control.Ask(t.Context(), dir, route, query)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func files(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestAsk: an answer is whole, or is known not to be.
func TestAsk(t *testing.T) {
	dir, broken := t.TempDir(), errors.New("för lite\nutrymme")
	stopped := make(chan struct{})
	serve(t, dir, map[string]control.Command{
		"echo": func(_ context.Context, q url.Values, w io.Writer) error {
			_, err := io.WriteString(w, q.Get("say"))
			return err
		},
		"silent": func(context.Context, url.Values, io.Writer) error { return nil },
		"refuse": func(context.Context, url.Values, io.Writer) error { return broken },
		"break": func(_ context.Context, _ url.Values, w io.Writer) error {
			_, err := io.WriteString(w, "half")
			return errors.Join(err, broken)
		},
		"panic": func(_ context.Context, _ url.Values, w io.Writer) error {
			_, _ = io.WriteString(w, "half")
			panic("hemligt")
		},
		"wait": func(ctx context.Context, _ url.Values, w io.Writer) error {
			_, err := io.WriteString(w, "waiting")
			<-ctx.Done()
			close(stopped)
			return err
		},
	})
	long := strings.Repeat("hela svaret\n", 1<<16)
	if got, err := ask(t, dir, "echo", url.Values{"say": {"å+&\n"}}); got != "å+&\n" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if got, err := ask(t, dir, "silent", nil); got != "" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if got, err := ask(t, dir, "refuse", nil); got != "" || !errors.Is(err, control.ErrRefused) || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("%q %v", got, err)
	}
	if got, err := ask(t, dir, "break", nil); got != "half" || !errors.Is(err, control.ErrRefused) || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("%q %v", got, err)
	}
	if _, err := ask(t, dir, "panic", nil); !errors.Is(err, control.ErrCut) || strings.Contains(err.Error(), "hemligt") {
		t.Error("a panic: ", err)
	}
	if _, err := ask(t, dir, "unknown", nil); !errors.Is(err, control.ErrRefused) {
		t.Error("a route that is not there: ", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := control.Ask(ctx, dir, "wait", nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // who asked went away
	<-stopped
	if _, err := io.ReadAll(r); err == nil {
		t.Error("what was left looks whole")
	}
	_ = r.Close()

	other := t.TempDir()
	l := serve(t, other, map[string]control.Command{"long": func(ctx context.Context, _ url.Values, w io.Writer) error {
		for ctx.Err() == nil {
			if _, err := io.WriteString(w, long); err != nil {
				return err
			}
		}
		return ctx.Err()
	}})
	if r, err = control.Ask(t.Context(), other, "long", nil); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	l.Stop() // while it answers
	if _, err := io.ReadAll(r); !errors.Is(err, control.ErrCut) {
		t.Error("stopped meanwhile: ", err)
	}
}

// TestSocket: it is its owner's alone, however deep the directory lies, takes the
// place of one that was left behind, and is gone at the end.
func TestSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("djup", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, dir, "echo", nil); !errors.Is(err, control.ErrNobody) {
		t.Error("without a server: ", err)
	}
	if _, err := ask(t, filepath.Join(dir, "none"), "echo", nil); !errors.Is(err, control.ErrNobody) {
		t.Error("without a directory: ", err)
	}
	if _, err := control.Listen(filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error("without a directory: ", err)
	}
	path := filepath.Join(dir, control.Socket)
	was, err := control.Listen(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	left := path + ".left"
	if err := os.Link(path, left); err != nil {
		t.Fatal(err)
	}
	was.Stop()
	if err := os.Rename(left, path); err != nil { // as a killed server leaves it
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Fatal(info, err)
	}
	if _, err := ask(t, dir, "echo", nil); !errors.Is(err, control.ErrNobody) {
		t.Error("a socket that was left behind: ", err)
	}
	l := serve(t, dir, map[string]control.Command{"echo": func(context.Context, url.Values, io.Writer) error { return nil }})
	if _, err := ask(t, dir, "echo", nil); err != nil {
		t.Error("in the place of another: ", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Error(info, err)
	}
	l.Stop()
	if rest := files(t, dir); len(rest) != 0 {
		t.Error("left behind: ", rest)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // the next one's
		t.Fatal(err)
	}
	if l.Stop(); len(files(t, dir)) != 1 {
		t.Error("stopped twice, it took away another's")
	}
}
