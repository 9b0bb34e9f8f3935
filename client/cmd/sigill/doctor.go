package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
)

// A symptom is what one check found. What it says may be pasted into a letter to those
// who help: it holds no path, which may be a person's name, and nothing from a file
// that is secret.
type symptom struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Note   string `json:"note,omitempty"`
	Advice string `json:"advice,omitempty"` // what to do next, if it is not ok
}

// States of a check.
const (
	well = "ok"
	warn = "warn"
	ill  = "fail"
)

// soon is how long before its end something is warned of, and how long a login.
const (
	soon      = 30 // days
	soonLogin = 10 * time.Minute
)

// patient is what has been looked at so far.
type patient struct {
	*app
	found  []symptom
	trust  *bundle.Trust
	key    *keyfile.Public
	exit   int // the exit code, if a check failed
	failed int
}

// sick ends the command if a check failed.
type sick struct{ failed, exit int }

func (s *sick) Error() string { return fmt.Sprintf("%d checks failed", s.failed) }

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what is configured, reachable and about to expire",
		Long: `Look at settings, home directory, key and token files, trust file and server, one
line for each check: ok, warn or fail, and under what is not ok what to do. Nothing
is changed and no passphrase is asked for.

The server is asked only what anyone may ask, without your login and in the same
words for everyone, so that it cannot tell who asked; the network between still sees
from where. What is printed has no paths, names or secrets, and may be shown to
whoever helps. The protocol shows no clock of the server's: this machine's is held
against the login's times.

Exit code 1 if something fails here, 4 if the server does not answer, 3 if what it
says does not verify.`,
		Example: "  sigill doctor\n  sigill doctor -o json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := &patient{app: a}
			p.examine(cmd.Context())
			if err := p.report(); err != nil {
				return err
			}
			if p.failed > 0 {
				return &sick{p.failed, p.exit}
			}
			return nil
		},
	}
}

func (p *patient) note(check, state, note, advice string) {
	p.found = append(p.found, symptom{check, state, note, advice})
}

func (p *patient) ok(check, format string, args ...any) {
	p.note(check, well, fmt.Sprintf(p.t(format), args...), "")
}

func (p *patient) warn(check, advice, format string, args ...any) {
	p.note(check, warn, fmt.Sprintf(p.t(format), args...), p.t(advice))
}

func (p *patient) fail(check, advice, format string, args ...any) {
	p.note(check, ill, fmt.Sprintf(p.t(format), args...), p.t(advice))
	p.worst(exitLocal)
}

// broken is a failed check whose error says it all.
func (p *patient) broken(check string, err error) {
	f := p.failure(err)
	if f.Advice == "" {
		f.Advice = p.t("Give it as said; sigill --help lists the settings.")
	}
	p.note(check, ill, f.Error, f.Advice)
	p.worst(f.Exit)
}

// worst keeps the exit code: what is wrong here comes before what cannot be told.
func (p *patient) worst(exit int) {
	p.failed++
	if p.exit == 0 || exit == exitLocal || p.exit == exitUnknown {
		p.exit = exit
	}
}

func (p *patient) report() error {
	if p.format == "json" {
		return p.emit(p.found)
	}
	wide := 0
	for _, s := range p.found {
		wide = max(wide, len([]rune(p.t(s.Check))))
	}
	for _, s := range p.found {
		if _, err := fmt.Fprintln(p.stdout, strings.TrimRight(fmt.Sprintf("%-4s  %-*s  %s", s.State, wide, p.t(s.Check), s.Note), " ")); err != nil {
			return err
		}
		if s.Advice != "" {
			fmt.Fprintf(p.stdout, "      %s\n", s.Advice)
		}
	}
	return nil
}

func (p *patient) examine(ctx context.Context) {
	p.ok("program", "sigill %s", version)
	p.checkHome()
	p.checkTrust()
	p.checkKey()
	p.checkToken()
	p.checkServer(ctx)
}

func (p *patient) checkHome() {
	dir := p.homePath()
	if dir == "" {
		p.fail("home directory", "Set SIGILL_HOME to a directory of your own.", "there is none")
		return
	}
	seen, err := client.Inspect(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.ok("home directory", "not there yet: it is made when it is needed")
		return
	case err != nil:
		p.broken("home directory", err)
		return
	case seen.Loose:
		p.fail("home directory", "Let nobody else read it: chmod -R go-rwx on the directory.", "others can read what is sealed in it, or it holds a link")
	default:
		p.ok("home directory", "your own")
	}
	if seen.Pinned > 0 {
		p.ok("pinned requesters", "%d", seen.Pinned)
	}
	today := ident.DateOf(time.Now())
	switch n := len(seen.Days); {
	case n == 0:
	case seen.Days[n-1] == today:
		p.ok("day key", "today's")
	default:
		p.warn("day key", "Make today's with sigill keys day, and log in for it.", "of %s: a login for it ends soon", seen.Days[n-1])
	}
}

func (p *patient) checkTrust() {
	t, err := p.app.trust()
	if err != nil {
		p.broken("trust file", err)
		return
	}
	p.trust = t
	p.ok("trust file", "%s (%s)", t.Name, t.Authority)
	now := time.Now()
	last, counts := ident.Date(""), false
	for _, c := range t.File.Certificates {
		leaf, err := x509.ParseCertificate(c.Certificate)
		if err != nil {
			continue // ParseTrust has read it
		}
		if until := t.CertifiedUntil(leaf); last.Before(until) {
			last = until
		}
		counts = counts || t.Certifies(leaf, now) == nil
	}
	const renew = "Ask the authority for its new trust file, by another way than its server."
	switch {
	case !counts:
		p.fail("certificate", renew, "none is in force today: nothing that is sealed now would verify")
	case last.Before(ident.DateOf(now).AddDays(soon)):
		p.warn("certificate", renew, "seals count until %s only", last)
	default:
		p.ok("certificate", "seals count until %s", last)
	}
	if t.Policy.Witnessed() {
		p.ok("witnesses", "asked for by the trust file")
	} else {
		p.ok("witnesses", "none are asked for (obevittnad)")
	}
}

func (p *patient) checkKey() {
	path := keyPath("")
	if p.passFile != "" {
		if _, err := readSecret(p.passFile); err != nil {
			p.broken("passphrase", ofFile("passphrase file", err))
		} else {
			p.ok("passphrase", "from a file that only you can read")
		}
	}
	if path == "" {
		p.ok("key", "none in SIGILL_KEY: caseworkers and administrators need none")
		return
	}
	paths := []string{path}
	if k, err := keyfile.LoadPublic(path); err == nil {
		p.key = &k
		if k.Use == keyfile.ReviewerSign {
			paths = append(paths, second(path))
		}
	}
	for _, one := range paths {
		if err := keyfile.Safe(one); err != nil {
			p.broken("key", ofFile("key file", err))
			return
		}
	}
	if p.key == nil {
		p.warn("key", "Keep FILE.pub.json beside the key: it says which key it is.", "safe; its public half is not beside it")
		return
	}
	p.ok("key", "safe; use: %s, thumbprint %s", p.key.Use, p.key.Thumbprint)
}

func (p *patient) checkToken() {
	if p.tokenFile == "" {
		p.warn("login", "Set SIGILL_TOKEN_FILE to the file with your access token, mode 0600. Verifying and opening need none.", "none in SIGILL_TOKEN_FILE")
		return
	}
	b, err := readSecret(p.tokenFile)
	if err != nil {
		p.broken("login", ofFile("token file", err))
		return
	}
	if p.trust == nil {
		return
	}
	access := strings.TrimSpace(string(b))
	_, jkt, err := client.ReadIdentity(access, p.trust)
	if err != nil {
		p.broken("login", ofFile("token file", err))
		return
	}
	kind := p.t("not bound to a key")
	if jkt != nil {
		kind = p.t("bound to a day key")
	}
	const renew = "Get a new access token for the key that sigill keys day shows."
	issued, expires := client.TokenTimes(access)
	now := time.Now()
	at := expires.Local().Format("2006-01-02 15:04")
	switch {
	case !issued.IsZero() && now.Before(issued.Add(-time.Minute)):
		p.fail("login", "Set this machine's clock: logins and their proofs are refused when it is a minute off.", "its time lies ahead of this machine's clock")
	case now.After(expires):
		p.fail("login", renew, "it ran out at %s", at)
	case now.Add(soonLogin).After(expires):
		p.warn("login", renew, "%s; it runs out at %s", kind, at)
	default:
		p.ok("login", "%s; it runs out at %s", kind, at)
	}
}
