// Play is what scripts/demo runs: it makes an authority, starts sigilld, and
// plays the story in plain sight.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sigill/keys/guard"
	"sigill/keys/jws"
	"sigill/scripts/authority"
	"sigill/scripts/devidp/devidp"
	"sigill/scripts/neighbour"
	"sigill/scripts/story"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Who reads only the first lines must not end us before the server is stopped.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

type options struct{ sigilld, dir, input, author string }

const usage = "scripts/demo [--dir DIR] [--input FILE] [--author NAMN]; mer med --help"

// run takes the server's program, and then what scripts/demo was given.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "demo: %v: %s\n", err, usage)
		return 1
	}
	start := time.Now()
	if err := demo(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	fmt.Fprintf(stdout, "Klart på %.1f sekunder.\n", time.Since(start).Seconds())
	return 0
}

func parse(args []string) (o options, err error) {
	if len(args) == 0 {
		return o, errors.New("no server")
	}
	o.sigilld = args[0]
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for name, to := range map[string]*string{"dir": &o.dir, "input": &o.input} {
		flags.Func(name, "", func(v string) error {
			if *to = v; v == "" {
				return errEmpty
			}
			return nil
		})
	}
	flags.StringVar(&o.author, "author", "Åsa-Märta Öberghult Ny", "")
	if err := flags.Parse(args[1:]); err != nil {
		return o, wrongFlag(err)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q hör inte dit", flags.Arg(0))
	}
	return o, nil
}

var errEmpty = errors.New("namnet är tomt")

// wrongFlag says in Swedish what package flag says in English.
func wrongFlag(err error) error {
	if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		return fmt.Errorf("--%s behöver ett värde", name)
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		return fmt.Errorf("flaggan --%s finns inte", name)
	}
	return errEmpty // the only value that is refused
}

// demo looks at everything that it was given before it makes or starts anything.
func demo(ctx context.Context, o options, stdout io.Writer) (err error) {
	author := devidp.User{ID: "forfattare", Subject: "4d1f7a52-0001", Name: strings.TrimSpace(o.author), Roles: []string{"caseworker"},
		Email: "demo.forfattare@exempelstad.example", Phone: "+46701740698", Username: "exsdemo98", HSAID: "SE2120009994-1098"}
	content := story.Decision
	if o.input != "" {
		var err error
		switch content, err = read(o.input); {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s: filen finns inte", o.input)
		case err != nil:
			return fmt.Errorf("%s: filen kan inte läsas: %w", o.input, errors.Unwrap(err))
		}
	}
	switch _, err := story.Prepare(content, author); {
	case errors.Is(err, story.ErrText):
		return fmt.Errorf("%s: %w", o.input, err)
	case err != nil:
		return fmt.Errorf("%q: %w", o.author, err)
	}
	dir := o.dir
	if dir == "" {
		tmp, err := os.MkdirTemp("", "sigill-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = filepath.Join(tmp, "authority")
	}
	home, err := os.MkdirTemp("", "sigill-vittne-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	b, err := neighbour.New(filepath.Join(home, "vittne"), "vittne.grannstad.example")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	a, err := authority.Make(ctx, dir, authority.Options{Users: []devidp.User{author}, PublishEvery: 200 * time.Millisecond, Witnesses: b.Policy()})
	if errors.Is(err, authority.ErrDirectory) {
		return fmt.Errorf("%s: katalogen ska vara ny, eller tom och inte öppen för alla att skriva i", dir)
	}
	if err != nil {
		return err
	}
	if err := play(ctx, a, b, o.sigilld, author, content, o.dir != "", stdout); err != nil {
		return errors.Join(err, a.Remove())
	}
	return a.Close()
}

// read reads a text, and no more of a file than could be played.
func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 2*guard.MaxContent)) // twice: line ends may shrink
}

func play(ctx context.Context, a *authority.Authority, b *neighbour.Neighbour, sigilld string, author devidp.User, content []byte, kept bool, stdout io.Writer) (err error) {
	n := 0
	say := func(format string, values ...any) {
		n++
		fmt.Fprintf(stdout, "%2d  %s\n", n, fmt.Sprintf(format, values...))
	}
	say("Nycklar: nämnden, förvaltningsdirektören, registratorn, domstolen, myndigheten; certifikatet är märkt ej kvalificerad.")
	if err := b.Watch(a.Trust.Policy.LogKeys()[0].String()); err != nil {
		return err
	}
	say("Grannkommunen bevakar loggen som vittne (%s): förtroendefilen kräver dess underskrift.", b.Config.Name)
	r, err := a.StartBinary(ctx, sigilld)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	say("sigilld är igång på %s med ett tomt lager.", r.Addr)
	if err := r.Publish(ctx); err != nil {
		return err
	}
	say("Nämnden har beslutat om två grupper av granskare (2 av 4 inom myndigheten, 1 av 3 utanför), delegationsordning och domstolens nyckel.")
	res, err := story.Play(ctx, story.Cast{Run: r, Author: author, Content: content, Say: say, Away: b.Away})
	if err != nil {
		return err
	}
	if err := tampered(ctx, a, sigilld, say); err != nil {
		return err
	}
	last := rollback{a: a, b: b, sigilld: sigilld, author: author, text: story.Text(res.Signed, "SN 2026-00418"), say: say, now: r}
	last.text.Media = res.Media
	err = last.play(ctx)
	if last.now != nil {
		r = last.now
	}
	if err != nil || !kept {
		return err
	}
	return keep(a, res)
}

// keep leaves what the people of the story hold.
func keep(a *authority.Authority, r *story.Result) error {
	me, err := json.MarshalIndent(map[string]string{"issuer": r.Me.Issuer, "subject": r.Me.Subject, "name": r.Me.Name,
		"email": r.Me.Email, "phone": r.Me.Phone, "token": r.Me.Token}, "", "  ")
	if err != nil {
		return err
	}
	keys, err := publicKeys(a)
	if err != nil {
		return err
	}
	for name, b := range map[string][]byte{"decision.sigill": r.Bundle, "opened.json": r.Opened, "opened.txt": []byte(r.Text),
		"author.json": append(me, '\n'), "jwks.json": keys} {
		if err := os.WriteFile(filepath.Join(a.Dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// publicKeys is the authority's public keys as a JWKS: institution, log, board
// and officers, each by its thumbprint.
func publicKeys(a *authority.Authority) ([]byte, error) {
	type key struct {
		jws.JWK
		Kid string `json:"kid"`
		Use string `json:"use"`
	}
	var set struct {
		Keys []key `json:"keys"`
	}
	add := func(k *jws.PublicKey) { set.Keys = append(set.Keys, key{k.JWK(), k.Thumbprint().String(), "sig"}) }
	for _, s := range append([]*jws.Signer{a.Director, a.Deputy, a.Registrar}, a.Board...) {
		add(s.Public())
	}
	for _, k := range a.Trust.Institutions() {
		add(k)
	}
	for _, k := range a.Trust.Policy.LogKeys() {
		p, err := jws.NewPublicKey(k.Public())
		if err != nil {
			return nil, err
		}
		add(p)
	}
	return json.MarshalIndent(set, "", "  ")
}
