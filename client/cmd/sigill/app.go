package main

import (
	"bufio"
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

	"golang.org/x/term"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
)

// app is one run: its streams and its settings.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	format, lang, addr, origin, cacert, tokenFile, trustFile, homeDir, passFile string

	words *words
	pass  string // once it has been asked for
}

var (
	errUsage      = errors.New("usage")
	errVerify     = errors.New("verification failed")
	errNoTerminal = errors.New("no passphrase: set SIGILL_PASSPHRASE_FILE, or run this on a terminal")
	errConfirm    = errors.New("not confirmed: answer on a terminal, or give --yes")
	errOpenSecret = errors.New("must be your own file with mode 0600")
)

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
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

// talk writes a line for the person.
func (a *app) talk(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }

func isTerminal(v any) (int, bool) {
	f, ok := v.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// confirm asks, unless yes was given. Without a terminal there is nobody to ask.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if _, ok := isTerminal(a.stdin); !ok {
		return errConfirm
	}
	fmt.Fprintf(a.stderr, "%s [%s] ", question, a.words.yesNo)
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != a.words.yes && answer != a.words.yes[:1] {
		return errConfirm
	}
	return nil
}

// waiting shows on a terminal how long something takes. The returned function
// ends it.
func (a *app) waiting(what string) func() {
	if _, ok := isTerminal(a.stderr); !ok {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			fmt.Fprintf(a.stderr, "\r%s … %d s", what, n)
			select {
			case <-time.After(time.Second):
			case <-done:
				fmt.Fprint(a.stderr, "\r\033[K")
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// passphrase is that of keys and home: from the file, or by prompt.
func (a *app) passphrase() (string, error) { return a.ask(false) }

// newPassphrase is the same for what is made now: a prompt asks twice.
func (a *app) newPassphrase() (string, error) { return a.ask(true) }

func (a *app) ask(twice bool) (string, error) {
	if a.pass != "" {
		return a.pass, nil
	}
	if a.passFile != "" {
		b, err := readSecret(a.passFile)
		if err != nil {
			return "", fmt.Errorf("passphrase file: %w", err)
		}
		if a.pass = strings.TrimRight(string(b), "\r\n"); a.pass == "" {
			return "", fmt.Errorf("passphrase file: %w", keyfile.ErrPassphrase)
		}
		return a.pass, nil
	}
	fd, ok := isTerminal(a.stdin)
	if !ok {
		return "", errNoTerminal
	}
	first, err := a.prompt(fd, a.words.passphrase)
	if err != nil || !twice {
		a.pass = first
		return first, err
	}
	second, err := a.prompt(fd, a.words.again)
	if err == nil && first != second {
		err = errors.New("the passphrases differ")
	}
	if err != nil {
		return "", err
	}
	a.pass = first
	return first, nil
}

func (a *app) prompt(fd int, text string) (string, error) {
	fmt.Fprintf(a.stderr, "%s: ", text)
	b, err := term.ReadPassword(fd)
	fmt.Fprintln(a.stderr)
	if err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	return string(b), nil
}

// readSecret reads a short secret from a file that others cannot read.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, pathless(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, pathless(err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 || info.IsDir() {
		return nil, errOpenSecret
	}
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// pathless takes the path out of an error: whoever gave it knows it, and a home
// directory may be a person's name.
func pathless(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
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

func (a *app) home() (*client.Home, error) {
	dir := a.homeDir
	if dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return nil, usage("no home directory: set SIGILL_HOME")
		}
		dir = filepath.Join(base, "sigill")
	}
	o, err := a.work()
	if err != nil {
		return nil, err
	}
	return client.OpenHome(dir, a.passphrase, o)
}

func (a *app) trust() (*bundle.Trust, error) {
	path := a.trustFile
	if path == "" && a.homeDir != "" {
		path = filepath.Join(a.homeDir, "trust.json")
	}
	if path == "" {
		return nil, usage("no trust file: give --trust, or set SIGILL_TRUST")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", pathless(err))
	}
	return bundle.ParseTrust(b)
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
	return k, err
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
	if err := a.reach(&c); err != nil {
		return nil, none, err
	}
	if a.tokenFile == "" {
		return nil, none, usage("no access token: set SIGILL_TOKEN_FILE")
	}
	b, err := readSecret(a.tokenFile)
	if err != nil {
		return nil, none, fmt.Errorf("token file: %w", err)
	}
	access := strings.TrimSpace(string(b))
	me, jkt, err := client.ReadIdentity(access, trust)
	if err != nil {
		return nil, none, err
	}
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

// reach says where the server is: host:port over TLS, or http://host:port on
// loopback.
func (a *app) reach(c *client.Config) error {
	if a.addr == "" {
		return usage("no server: set SIGILL_ADDR")
	}
	c.Addr, c.Origin = a.addr, "https://"+a.addr
	if u, err := url.Parse(a.addr); err == nil && u.Host != "" {
		c.Addr, c.Origin, c.Plain = u.Host, u.Scheme+"://"+u.Host, u.Scheme == "http"
	}
	if a.origin != "" {
		c.Origin = a.origin
	}
	if a.cacert == "" {
		return nil
	}
	b, err := os.ReadFile(a.cacert)
	if err != nil {
		return fmt.Errorf("CA certificate: %w", pathless(err))
	}
	c.Roots = x509.NewCertPool()
	if !c.Roots.AppendCertsFromPEM(b) {
		return usage("the CA certificate is not PEM")
	}
	return nil
}

// input reads a file, or standard input for "-".
func (a *app) input(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(a.stdin, bundle.MaxSize+1))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, pathless(err)
	}
	return b, nil
}

// free refuses an output that exists, before anything is done.
func free(path string, force bool) error {
	if path == "-" || force {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w: give --force to replace it", client.ErrExists)
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

// paragraphs reads a text in paragraphs, which empty lines part.
func (a *app) paragraphs(path string) ([]string, error) {
	if path == "" {
		return nil, usage("no text: give --file, or --file - for standard input")
	}
	b, err := a.input(path)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, usage("the text is empty")
	}
	return out, nil
}

func parseID(s string) (ident.ID, error) {
	id, err := ident.ParseID(s)
	if err != nil {
		return "", usage("%v", err)
	}
	return id, nil
}

// state is an enum's value in small letters, without what all have in common.
func state(v fmt.Stringer) string {
	s := v.String()
	for _, prefix := range []string{"DECISION_STATE_", "OPENING_STATE_"} {
		s = strings.TrimPrefix(s, prefix)
	}
	return strings.ToLower(s)
}
