package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/opening"
)

// app is one run: its streams and its settings.
type app struct {
	ctx            context.Context // ends at an interrupt, also while somebody is asked
	stdin          io.Reader
	stdout, stderr io.Writer

	format, lang, addr, origin, cacert, tokenFile, trustFile, homeDir, passFile string

	words   *words
	expires time.Time // when the login in use runs out
	pass    string    // once it has been asked for
	actFile string    // for what proves an act
}

// settle takes settings from the environment where no flag was given.
func (a *app) settle() error {
	for _, s := range []struct {
		to  *string
		env string
	}{{&a.format, "SIGILL_FORMAT"}, {&a.lang, "SIGILL_LANG"}, {&a.addr, "SIGILL_ADDR"}, {&a.origin, "SIGILL_ORIGIN"},
		{&a.cacert, "SIGILL_CACERT"}, {&a.tokenFile, "SIGILL_TOKEN_FILE"}, {&a.trustFile, "SIGILL_TRUST"},
		{&a.homeDir, "SIGILL_HOME"}, {&a.passFile, "SIGILL_PASSPHRASE_FILE"}} {
		if *s.to == "" {
			*s.to = os.Getenv(s.env)
		}
	}
	if a.format == "" {
		a.format = "table"
	}
	if a.format != "table" && a.format != "json" {
		return usage("the output is table or json")
	}
	if a.lang == "" {
		a.lang = systemLanguage()
	}
	if a.words = languages[a.lang]; a.words == nil {
		return usage("the language is sv or en")
	}
	return nil
}

// language is the one that is asked for, as far as that can be told without settings.
func (a *app) language() string {
	for _, name := range []string{a.lang, os.Getenv("SIGILL_LANG")} {
		if languages[name] != nil {
			return name
		}
	}
	return systemLanguage()
}

// systemLanguage is Swedish unless the system speaks English.
func systemLanguage() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "en") {
				return "en"
			}
			return "sv"
		}
	}
	return "sv"
}

// emit writes data: v as JSON, or rows as a table.
func (a *app) emit(v any, rows ...[]string) error {
	if a.format == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// readSecret reads a short secret from a file that others cannot read.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 || info.IsDir() {
		return nil, errOpenSecret
	}
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// work is how costly new key files are to guess: lower only for tests and
// demonstrations, which say so.
func (a *app) work() (keyfile.Options, error) {
	s := os.Getenv("SIGILL_WORK_FACTOR")
	if s == "" {
		return keyfile.Options{}, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 20 {
		return keyfile.Options{}, usage("SIGILL_WORK_FACTOR is 1 to 20")
	}
	return keyfile.Options{WorkFactor: n}, nil
}

// homePath is where the client's own directory is, or would be.
func (a *app) homePath() string {
	if a.homeDir != "" {
		return a.homeDir
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "sigill")
}

func (a *app) home() (*client.Home, error) {
	dir := a.homePath()
	if dir == "" {
		return nil, usage("no home directory: set SIGILL_HOME")
	}
	o, err := a.work()
	if err != nil {
		return nil, err
	}
	return client.OpenHome(dir, a.passphrase, o)
}

// trustPath is where the trust file lies.
func (a *app) trustPath() string {
	if a.trustFile != "" {
		return a.trustFile
	}
	return filepath.Join(a.homePath(), "trust.json")
}

func (a *app) trust() (*bundle.Trust, error) {
	b, err := client.ReadFile(a.trustPath(), maxInput)
	if errors.Is(err, fs.ErrNotExist) && a.trustFile == "" {
		return nil, usage("no trust file: give --trust, or set SIGILL_TRUST")
	}
	if err != nil {
		return nil, ofFile("trust file", err)
	}
	t, err := bundle.ParseTrust(b)
	return t, ofFile("trust file", err)
}

// keyPath is where the caller's key lies.
func keyPath(flag string) string {
	if flag != "" {
		return flag
	}
	return os.Getenv("SIGILL_KEY")
}

// key loads a private key of one of the uses.
func (a *app) key(path string, use keyfile.Use) (keyfile.Key, error) {
	if path = keyPath(path); path == "" {
		return keyfile.Key{}, usage("no key: give --key, or set SIGILL_KEY")
	}
	pass, err := a.passphrase()
	if err != nil {
		return keyfile.Key{}, err
	}
	k, err := keyfile.Load(path, pass)
	if err == nil && k.Use() != use {
		err = keyfile.ErrUse
	}
	return k, ofFile("key file", err)
}

func (a *app) signerKey(path string, use keyfile.Use) (*jws.Signer, error) {
	k, err := a.key(path, use)
	if err != nil {
		return nil, err
	}
	return k.Signer()
}

// dial makes a session of the caller whose token the token file holds.
func (a *app) dial(context.Context) (*client.Session, client.Identity, error) {
	none := client.Identity{}
	trust, err := a.trust()
	if err != nil {
		return nil, none, err
	}
	c := client.Config{Trust: trust}
	if err := errors.Join(a.acting(&c), a.reach(&c)); err != nil {
		return nil, none, err
	}
	if a.tokenFile == "" {
		return nil, none, usage("no access token: set SIGILL_TOKEN_FILE")
	}
	b, err := readSecret(a.tokenFile)
	if err != nil {
		return nil, none, ofFile("token file", err)
	}
	access := strings.TrimSpace(string(b))
	me, jkt, err := client.ReadIdentity(access, trust)
	if err != nil {
		return nil, none, err
	}
	_, a.expires = client.TokenTimes(access)
	if jkt != nil {
		h, err := a.home()
		if err != nil {
			return nil, none, err
		}
		if c.Day, err = h.DayFor(*jkt); err != nil {
			return nil, none, err
		}
	}
	c.Token = func(context.Context) (string, error) { return access, nil }
	s, err := client.Dial(c)
	return s, me, err
}

// public makes a session of nobody's: for what anyone may ask.
func (a *app) public(trust *bundle.Trust) (*client.Session, error) {
	c := client.Config{Trust: trust}
	if err := a.reach(&c); err != nil {
		return nil, err
	}
	return client.Dial(c)
}

// reach says where the server is: host:port over TLS, or http://host:port on
// loopback.
func (a *app) reach(c *client.Config) error {
	if a.addr == "" {
		return usage("no server: set SIGILL_ADDR")
	}
	c.Addr, c.Origin = a.addr, "https://"+a.addr
	if u, err := url.Parse(a.addr); err == nil && u.Host != "" {
		if u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
			return usage("the server is host:port, or http://host:port on loopback")
		}
		c.Addr, c.Origin, c.Plain = u.Host, u.Scheme+"://"+u.Host, u.Scheme == "http"
	}
	if a.origin != "" {
		c.Origin = a.origin
	}
	return a.roots(c)
}

// roots says who signs the server's TLS certificate.
func (a *app) roots(c *client.Config) error {
	if a.cacert == "" {
		return nil
	}
	b, err := client.ReadFile(a.cacert, maxInput)
	if err != nil {
		return ofFile("CA certificate", err)
	}
	c.Roots = x509.NewCertPool()
	if !c.Roots.AppendCertsFromPEM(b) {
		return usage("the CA certificate is not PEM")
	}
	return nil
}

// maxInput is the largest that anything is which is read from a file.
const maxInput = opening.MaxPackage

// input reads a file, or standard input for "-".
func (a *app) input(path string) ([]byte, error) {
	if path == "-" {
		return client.ReadAll(a.stdin, maxInput)
	}
	return client.ReadFile(path, maxInput)
}

// free refuses an output that exists, before anything is done.
func free(path string, force bool) error {
	if path == "-" || force {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return client.ErrExists
	}
	return nil
}

// output writes a file as a whole, or to standard output for "-".
func (a *app) output(path string, data []byte, mode fs.FileMode, force bool) error {
	if path == "-" {
		_, err := a.stdout.Write(data)
		return err
	}
	return client.WriteFile(path, data, mode, force)
}

// reason reads a text in paragraphs, and warns of what in it may point at somebody.
func (a *app) reason(path string) ([]string, error) {
	return a.text(path, func(text string) { a.warn(guard.Text{Field: "reason", Body: text}) })
}

// paragraphs reads a text in paragraphs, which empty lines part.
func (a *app) paragraphs(path string) ([]string, error) {
	return a.text(path, func(string) {})
}

// text shows a text as it was written before it is taken apart.
func (a *app) text(path string, shown func(string)) ([]string, error) {
	if path == "" {
		return nil, usage("no text: give --file, or --file - for standard input")
	}
	b, err := a.input(path)
	if err != nil {
		return nil, err
	}
	text := string(client.NormalText(b))
	var out []string
	for _, p := range strings.Split(text, "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, usage("the text is empty")
	}
	shown(text)
	return out, nil
}

func parseID(s string) (ident.ID, error) {
	return ident.ParseID(s)
}

// state is an enum's value in small letters, without what all have in common.
func state(v fmt.Stringer) string {
	s := v.String()
	for _, prefix := range []string{"DECISION_STATE_", "OPENING_STATE_"} {
		s = strings.TrimPrefix(s, prefix)
	}
	return strings.ToLower(s)
}
