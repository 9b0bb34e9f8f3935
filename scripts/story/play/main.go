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
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"sigill/keys/jws"
	"sigill/scripts/authority"
	"sigill/scripts/devidp/devidp"
	"sigill/scripts/story"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

type options struct{ dir, input, author, sigilld string }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.dir, "dir", "", "keep everything in this new directory")
	flags.StringVar(&o.input, "input", "", "the decision's text, Markdown")
	flags.StringVar(&o.author, "author", "Åsa-Märta Öberghult Ny", "who drafts")
	flags.StringVar(&o.sigilld, "sigilld", "", "the server's program")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 1
	}
	start := time.Now()
	if err := play(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	fmt.Fprintf(stdout, "Klart på %.1f sekunder.\n", time.Since(start).Seconds())
	return 0
}

func play(ctx context.Context, o options, stdout io.Writer) (err error) {
	content := story.Decision
	if o.input != "" {
		if content, err = os.ReadFile(o.input); err != nil {
			return err
		}
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
	n := 0
	say := func(format string, values ...any) {
		n++
		fmt.Fprintf(stdout, "%2d  %s\n", n, fmt.Sprintf(format, values...))
	}
	author := devidp.User{ID: "forfattare", Subject: "4d1f7a52-0001", Name: o.author, Roles: []string{"caseworker"},
		Email: "demo.forfattare@exempelstad.example", Phone: "+46701740698", Username: "exsdemo98", HSAID: "SE2120009994-1098"}
	a, err := authority.Make(ctx, dir, authority.Options{Users: []devidp.User{author}, PublishEvery: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	defer a.Close()
	say("Nycklar: nämnden, förvaltningsdirektören, registratorn, domstolen, myndigheten; certifikatet är märkt ej kvalificerad.")
	r, err := a.StartBinary(ctx, o.sigilld)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	say("sigilld är igång på %s med ett tomt lager.", r.Addr)
	if err := r.Publish(ctx); err != nil {
		return err
	}
	say("Nämnden har beslutat om två grupper av granskare (2 av 4 inom myndigheten, 1 av 3 utanför), delegationsordning och domstolens nyckel.")
	res, err := story.Play(ctx, story.Cast{Run: r, Author: author, Content: content, Say: say})
	if err != nil || o.dir == "" {
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
