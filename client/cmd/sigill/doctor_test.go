package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/scripts/authority"
)

// ward is an authority whose server runs, for the doctor to look at.
func ward(t *testing.T, tls bool) *authority.Running {
	t.Helper()
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{TLS: tls})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	r, err := a.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop() })
	if err := r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// as makes the environment a person's.
func as(t *testing.T, r *authority.Running, user string) map[string]string {
	t.Helper()
	env, err := r.Home(user, true)
	if err != nil {
		t.Fatal(err)
	}
	env["SIGILL_LANG"], env["SIGILL_FORMAT"], env["SIGILL_CACERT"] = "en", "", ""
	if r.Roots != nil {
		env["SIGILL_CACERT"] = filepath.Join(r.Dir, "tls-issuer.pem")
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	return env
}

// doctor runs it: the exit code, what it found by check, and all that it printed.
func doctor(t *testing.T) (int, map[string]symptom, string) {
	t.Helper()
	var out, talk bytes.Buffer
	code := run(context.Background(), []string{"doctor", "-o", "json"}, strings.NewReader(""), &out, &talk)
	var list []symptom
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), talk.String())
	}
	found := map[string]symptom{}
	for _, s := range list {
		found[s.Check] = s
		if (s.State == well) != (s.Advice == "") {
			t.Errorf("%+v: advice stands where something is not ok, and only there", s)
		}
	}
	if (code == exitOK) != (talk.Len() == 0) {
		t.Errorf("exit %d: %s", code, talk.String())
	}
	return code, found, out.String() + talk.String()
}

// marks are the files under a directory with modes, times and contents.
func marks(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var b []byte
		if d.Type().IsRegular() {
			b, err = os.ReadFile(path)
		}
		fmt.Fprintln(&out, path, info.Mode(), info.ModTime(), ident.Sum(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestDoctor: to people for whom all is well, it says so, changes nothing, and shows
// nothing that is theirs.
func TestDoctor(t *testing.T) {
	r := ward(t, true)
	for user, wants := range map[string]string{"asa": "key=none", "direktor": "your key=without an end", "granskare-1-1": "your key=listed in epoch 1", "domstol": "key=safe; use: requester"} {
		env := as(t, r, user)
		before := marks(t, env["SIGILL_HOME"])
		code, found, all := doctor(t)
		if code != exitOK {
			t.Errorf("%s: exit %d, %s", user, code, all)
		}
		want, note, _ := strings.Cut(wants, "=")
		for _, check := range []string{"home directory", "day key", "trust file", "certificate", "witnesses", "passphrase", "key", "login", "server", "connection", "server's trust file", "delegation order", "reviewers", want} {
			if s := found[check]; s.State != well && !(check == "login" && s.State == warn) {
				t.Errorf("%s: %s: %+v", user, check, s)
			}
		}
		if !strings.HasPrefix(found[want].Note, note) {
			t.Errorf("%s: %+v", user, found[want])
		}
		if after := marks(t, env["SIGILL_HOME"]); after != before {
			t.Errorf("%s: the home has changed:\n%s\n%s", user, before, after)
		}
		access, err := os.ReadFile(env["SIGILL_TOKEN_FILE"])
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{r.Dir, "Öberghult", strings.TrimSpace(string(access))} {
			if strings.Contains(all, secret) {
				t.Errorf("%s: says %s", user, secret)
			}
		}
	}
	as(t, r, "asa")
	var out, talk bytes.Buffer
	if code := run(context.Background(), []string{"doctor", "--lang", "sv"}, strings.NewReader(""), &out, &talk); code != exitOK || !strings.Contains(out.String(), "\nok    förtroendefil") && !strings.Contains(out.String(), "\nok    förtroendefilen ") {
		t.Errorf("exit %d, %s%s", code, out.String(), talk.String())
	}
	if strings.Contains(out.String(), "\033") {
		t.Error("colours in a pipe")
	}
}

// TestDoctorFinds: each thing that can be wrong is found by its check, with the exit
// code that other commands have for it.
func TestDoctorFinds(t *testing.T) {
	r := ward(t, true)
	other, err := authority.Make(t.Context(), t.TempDir(), authority.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	copied := func(t *testing.T, from string, mode fs.FileMode, change func([]byte) []byte) string {
		t.Helper()
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "file")
		if err := os.WriteFile(to, change(b), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(to, mode); err != nil {
			t.Fatal(err)
		}
		return to
	}
	same := func(b []byte) []byte { return b }
	issued := func(t *testing.T, lifetime time.Duration, move time.Duration) string {
		t.Helper()
		return copied(t, os.Getenv("SIGILL_TOKEN_FILE"), 0o600, func(b []byte) []byte { return timed(t, string(b), lifetime, move) })
	}
	ending := func(t *testing.T, days int) string {
		t.Helper()
		return copied(t, filepath.Join(r.Dir, "trust.json"), 0o644, func([]byte) []byte {
			f := r.Trust.File
			f.Certificates = slices.Clone(f.Certificates)
			for i := range f.Certificates {
				f.Certificates[i].From = "2020-01-01"
				f.Certificates[i].Until = ident.DateOf(time.Now()).AddDays(days)
			}
			b, err := f.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			return b
		})
	}
	for name, c := range map[string]struct {
		user, check, state, note string
		exit                     int
		wrong                    func(*testing.T)
	}{
		"an open home": {"asa", "home directory", ill, "mode 0700", exitLocal, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "home")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("SIGILL_HOME", dir)
		}},
		"an open file in it": {"asa", "home directory", ill, "others can read", exitLocal, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "home")
			if err := os.MkdirAll(filepath.Join(dir, "matters"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "matters", string(ident.NewID())), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			t.Setenv("SIGILL_HOME", dir)
		}},
		"no home": {"asa", "home directory", well, "not there yet", exitOK, func(t *testing.T) { t.Setenv("SIGILL_HOME", filepath.Join(t.TempDir(), "none")) }},
		"yesterday's day key": {"asa", "day key", warn, "2026-11-01", exitOK, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "home")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "day-2026-11-01"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("SIGILL_HOME", dir)
		}},
		"no trust file":       {"asa", "trust file", ill, "no trust file", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_TRUST", "") }},
		"a lost trust file":   {"asa", "trust file", ill, "trust file: the file or directory does not exist", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_TRUST", "/none") }},
		"another file":        {"asa", "trust file", ill, "not a trust file", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_TRUST", filepath.Join(r.Dir, authority.ConfigFile)) }},
		"another authority":   {"asa", "server", ill, "does not verify", exitUnverified, func(t *testing.T) { t.Setenv("SIGILL_TRUST", strangeLog(t, r, other, copied)) }},
		"a certificate's end": {"asa", "certificate", warn, "only", exitOK, func(t *testing.T) { t.Setenv("SIGILL_TRUST", ending(t, 3)) }},
		"a certificate ended": {"asa", "certificate", ill, "none is in force", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_TRUST", ending(t, -3)) }},
		"another trust file":  {"asa", "server's trust file", warn, "differs", exitOK, func(t *testing.T) { t.Setenv("SIGILL_TRUST", ending(t, 300)) }},
		"an open key":         {"direktor", "key", ill, "not safe", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_KEY", copied(t, os.Getenv("SIGILL_KEY"), 0o644, same)) }},
		"a key without half":  {"direktor", "key", warn, "not beside it", exitOK, func(t *testing.T) { t.Setenv("SIGILL_KEY", copied(t, os.Getenv("SIGILL_KEY"), 0o600, same)) }},
		"no such key":         {"direktor", "key", ill, "does not exist", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_KEY", "/none") }},
		"another's key":       {"direktor", "your key", ill, "does not list it", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_KEY", filepath.Join(other.Dir, "people", "director.age")) }},
		"an open passphrase": {"asa", "passphrase", ill, "others can read", exitLocal, func(t *testing.T) {
			t.Setenv("SIGILL_PASSPHRASE_FILE", copied(t, os.Getenv("SIGILL_PASSPHRASE_FILE"), 0o644, same))
		}},
		"no login": {"asa", "login", warn, "none in", exitOK, func(t *testing.T) { t.Setenv("SIGILL_TOKEN_FILE", "") }},
		"an open login": {"asa", "login", ill, "others can read", exitLocal, func(t *testing.T) {
			t.Setenv("SIGILL_TOKEN_FILE", copied(t, os.Getenv("SIGILL_TOKEN_FILE"), 0o644, same))
		}},
		"no token":             {"asa", "login", ill, "no access token", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_TOKEN_FILE", os.Getenv("SIGILL_PASSPHRASE_FILE")) }},
		"an old login":         {"asa", "login", ill, "it ran out", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_TOKEN_FILE", issued(t, time.Minute, -time.Hour)) }},
		"a login's end":        {"asa", "login", warn, "it runs out", exitOK, func(t *testing.T) { t.Setenv("SIGILL_TOKEN_FILE", issued(t, 5*time.Minute, 0)) }},
		"a slow clock":         {"asa", "login", ill, "ahead of this machine's clock", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_TOKEN_FILE", issued(t, time.Hour, time.Hour)) }},
		"no server":            {"asa", "server", warn, "none in", exitOK, func(t *testing.T) { t.Setenv("SIGILL_ADDR", "") }},
		"another issuer":       {"asa", "server", ill, "cannot prove who it is", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_CACERT", filepath.Join(other.Dir, "tls-issuer.pem")) }},
		"no issuer":            {"asa", "server", ill, "does not exist", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_CACERT", "/none") }},
		"plain text elsewhere": {"asa", "server", ill, "loopback", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_ADDR", "http://192.0.2.1:1") }},
		"another program":      {"asa", "server", ill, "no Sigill server", exitLocal, func(t *testing.T) { t.Setenv("SIGILL_ADDR", "http://"+stub(t)) }},
		"nobody there":         {"asa", "server", ill, "no answer", exitUnknown, func(t *testing.T) { t.Setenv("SIGILL_ADDR", "http://127.0.0.1:1") }},
	} {
		t.Run(name, func(t *testing.T) {
			as(t, r, c.user)
			c.wrong(t)
			code, found, all := doctor(t)
			if s := found[c.check]; code != c.exit || s.State != c.state || !strings.Contains(s.Note, c.note) {
				t.Errorf("exit %d, %+v\n%s", code, s, all)
			}
		})
	}
}

// strangeLog is a trust file of the same authority with another log.
func strangeLog(t *testing.T, r *authority.Running, other *authority.Authority, copied func(*testing.T, string, fs.FileMode, func([]byte) []byte) string) string {
	t.Helper()
	return copied(t, filepath.Join(r.Dir, "trust.json"), 0o644, func([]byte) []byte {
		f := r.Trust.File
		f.Policy = other.Trust.File.Policy
		b, err := (*bundle.TrustFile)(&f).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

// timed is a token with other times: only its bearer's program reads it here.
func timed(t *testing.T, access string, lifetime, move time.Duration) []byte {
	t.Helper()
	parts := strings.Split(strings.TrimSpace(access), ".")
	var claims map[string]any
	b, err := ident.Bytes(nil), error(nil)
	if err = b.UnmarshalText([]byte(parts[1])); err == nil {
		err = json.Unmarshal(b, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(move)
	claims["iat"], claims["exp"] = at.Unix(), at.Add(lifetime).Unix()
	if b, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	text, err := b.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(parts[0] + "." + string(text) + "." + parts[2])
}

func serve(t *testing.T, o ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(o...)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// stub is a gRPC server that knows no method.
func stub(t *testing.T) string { return serve(t) }

// raw carries messages as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(b)
	return nil
}
func (raw) Name() string { return "raw" }

// TestDoctorTellsNothing: what the server hears is the same whoever asks, and without
// anything that is theirs: five public questions.
func TestDoctorTellsNothing(t *testing.T) {
	r := ward(t, false)
	to, err := grpc.NewClient("passthrough:///"+r.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	var mu sync.Mutex
	var heard []string
	between := serve(t, grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(s)
		with, _ := metadata.FromIncomingContext(s.Context())
		var in, out []byte
		if err := s.RecvMsg(&in); err != nil {
			return err
		}
		delete(with, ":authority")
		mu.Lock()
		heard = append(heard, fmt.Sprintln(method, map[string][]string(with), in))
		mu.Unlock()
		if err := to.Invoke(s.Context(), method, &in, &out, grpc.ForceCodec(raw{})); err != nil {
			return status.Error(codes.Internal, "the server behind it refused")
		}
		return s.SendMsg(&out)
	}))
	said := map[string]string{}
	for _, user := range []string{"asa", "bjorn", "direktor", "domstol", "granskare-1-1"} {
		as(t, r, user)
		t.Setenv("SIGILL_ADDR", "http://"+between)
		mu.Lock()
		heard = nil
		mu.Unlock()
		if code, _, all := doctor(t); code != exitOK {
			t.Fatalf("%s: exit %d, %s", user, code, all)
		}
		mu.Lock()
		said[user] = strings.Join(heard, "")
		mu.Unlock()
		for _, never := range []string{"authorization", "dpop", "sigill-author"} {
			if strings.Contains(said[user], never) {
				t.Errorf("%s: the server hears %s: %s", user, never, said[user])
			}
		}
		if said[user] != said["asa"] || strings.Count(said[user], "/sigill.v1.VerificationService/Get") != 5 || strings.Count(said[user], "\n") != 5 {
			t.Errorf("%s: the server hears %s", user, said[user])
		}
	}
}
