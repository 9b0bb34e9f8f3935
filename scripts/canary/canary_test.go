package canary_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/scripts/authority"
	"sigill/scripts/canary"
	"sigill/scripts/devidp/devidp"
	"sigill/scripts/made"
	"sigill/scripts/story"
)

// crowd is how many authors draft besides the story's.
const crowd = 100

// syllables make names that nobody has.
var syllables = strings.Fields("brö kväl mång ösk rynd åvar tälj fjund svarv öle grimm hylt äsk stöv ljuv knav drång väl")

func randomName(r *rand.Rand) string {
	word := func() string {
		s := syllables[r.IntN(len(syllables))] + syllables[r.IntN(len(syllables))]
		return string([]rune(strings.ToUpper(string([]rune(s)[:1])))) + string([]rune(s)[1:])
	}
	forms := []string{word() + "-" + word() + " " + word(), word() + " " + word() + word(), word() + " af " + word() + " " + word()}
	return forms[r.IntN(len(forms))]
}

func authors(r *rand.Rand) []devidp.User {
	var out []devidp.User
	for i := range crowd + 1 {
		out = append(out, devidp.User{
			ID: fmt.Sprintf("forfattare-%03d", i), Subject: fmt.Sprintf("%08x-%08x", r.Uint32(), r.Uint32()), Name: randomName(r),
			Roles: []string{"caseworker"}, Email: fmt.Sprintf("%08x.%06d@exempelstad.example", r.Uint32(), i),
			Phone: fmt.Sprintf("+4670%07d", 1740000+r.IntN(99999)*10+i%10), Username: fmt.Sprintf("anv%08x", r.Uint32()),
			HSAID: fmt.Sprintf("SE2120009994-%08x", r.Uint32()),
		})
	}
	return out
}

// TestCanary plays the story and a hundred authors more on a built sigilld, of
// whom ten go the whole way and others revise, dissent, withdraw or are refused,
// and then looks for all of them.
func TestCanary(t *testing.T) {
	ctx := context.Background()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	people := authors(rand.New(rand.NewPCG(seed, 1)))
	sigilld := built(t)
	var seen wire
	dir := filepath.Join(t.TempDir(), "authority")
	a, err := authority.Make(ctx, dir, authority.Options{Users: people, Dial: seen.dial, PublishEvery: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	run, err := a.StartBinary(ctx, sigilld)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Stop()
	if err := run.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	needles := canary.NewNeedles()
	var own owns
	for _, me := range draftAll(t, run, people, &own) {
		add(t, needles, me)
	}
	open := given(t, run)
	config := filepath.Join(dir, authority.ConfigFile)
	if out, err := exec.Command(sigilld, "backup", "--config", config, filepath.Join(dir, "backup")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	maps.Copy(open, shown(t, run, own.list))
	if err := run.Stop(); err != nil {
		t.Fatal(err)
	}
	haystacks := files(t, dir, "data/store.db", "data/checkpoint", "backup", authority.LogFile)
	maps.Copy(haystacks, seen.haystacks())
	maps.Copy(haystacks, open)
	look(t, needles, haystacks)
}

func built(t *testing.T) string {
	t.Helper()
	made.From(t, "sigill/server/cmd/sigilld")
	sigilld := filepath.Join(t.TempDir(), "sigilld")
	if out, err := exec.Command("go", "build", "-o", sigilld, "sigill/server/cmd/sigilld").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return sigilld
}

// draftAll has everyone draft, some at a time, while the director watches the
// inbox.
func draftAll(t *testing.T, run *authority.Running, people []devidp.User, own *owns) []client.Identity {
	t.Helper()
	director, err := run.Signer("direktor", run.Director)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan error, 1)
	go func() { watched <- director.Watch(ctx, func([]ident.ID) error { return nil }) }()
	all, errs := make([]client.Identity, len(people)), make([]error, len(people))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(people)); i = next.Add(1) - 1 {
				all[i], errs[i] = draft(ctx, run, people[i], int(i), own)
			}
		})
	}
	wg.Wait()
	cancel()
	if err := errors.Join(append(errs, <-watched)...); err != nil {
		t.Fatal(err)
	}
	return all
}

// draft is one author's way: the whole one for every tenth. What the court was
// told stays with the court: its answers are sealed on the wire, and the opening
// protocol is not looked at.
func draft(ctx context.Context, run *authority.Running, u devidp.User, i int, own *owns) (client.Identity, error) {
	director, err := run.Signer("direktor", run.Director)
	if err != nil {
		return client.Identity{}, err
	}
	ref := fmt.Sprintf("SN 2026-%05d", 1000+i)
	if i%10 > 0 {
		return draftAndSign(ctx, run, director, u, ref, i, own)
	}
	r, err := story.Play(ctx, story.Cast{Run: run, Author: u, Content: story.Decision, Case: ref})
	if err != nil {
		return client.Identity{}, err
	}
	return r.Me, others(ctx, run, director, r)
}

// others has everyone else ask for what there is to see when a decision has gone
// the whole way.
func others(ctx context.Context, run *authority.Running, director *client.Signer, r *story.Result) error {
	registrar, err := run.Signer("registrator", run.Registrar)
	if err != nil {
		return err
	}
	reviewer, err := run.Reviewer(2, 2)
	if err != nil {
		return err
	}
	court, err := run.AsCourt()
	if err != nil {
		return err
	}
	admin, err := run.Session("drift")
	if err != nil {
		return err
	}
	public, err := run.Session("")
	if err != nil {
		return err
	}
	colleague, err := run.Session("asa") // no author here
	if err != nil {
		return err
	}
	for _, ask := range []func() error{
		func() error { _, _, err := director.Bundle(ctx, r.Own.Decision); return err },
		func() error { _, _, err := registrar.Bundle(ctx, r.Own.Decision); return err },
		func() error { _, err := director.Inbox(ctx); return err },
		func() error { _, err := reviewer.Pending(ctx); return err },
		func() error { _, err := court.List(ctx); return err },
		func() error { _, err := court.Get(ctx, r.Request.Opening); return err },
		func() error { _, err := admin.Board().Status(ctx); return err },
		func() error { _, err := admin.Board().Requesters(ctx); return err },
		func() error { _, err := public.Checkpoint(ctx, nil); return err },
		func() error { _, _, err := public.Delegation(ctx); return err },
		func() error {
			if _, err := colleague.Caseworker(client.Identity{}).Get(ctx, r.Own); err == nil {
				return errors.New("a colleague is shown the matter")
			}
			return nil
		},
	} {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}

// draftAndSign is one author's matter: submitted, and by turns left, signed,
// revised and signed, withdrawn, or first refused by the server.
func draftAndSign(ctx context.Context, run *authority.Running, d *client.Signer, u devidp.User, ref string, i int, kept *owns) (client.Identity, error) {
	w, err := run.Caseworker(u.ID)
	if err != nil {
		return client.Identity{}, err
	}
	text := story.Text(story.Decision, ref)
	own, err := w.Submit(ctx, text)
	if err != nil {
		return w.Me, err
	}
	kept.add(own)
	switch i % 5 {
	case 0:
		return w.Me, nil
	case 1:
		return w.Me, w.Withdraw(ctx, own)
	case 2:
		if err := w.Revise(ctx, own, text); err != nil {
			return w.Me, err
		}
	case 3:
		// A second draft of the same case, and a statement that cites nothing.
		if _, err := w.Submit(ctx, text); err != nil {
			return w.Me, err
		}
	}
	if err := w.Dissent(ctx, own, []string{"Jag är av en annan mening."}); err != nil {
		return w.Me, err
	}
	c, err := d.Read(ctx, own.Decision)
	if err != nil {
		return w.Me, err
	}
	if _, _, err := d.Sign(ctx, c); err != nil {
		return w.Me, err
	}
	_, err = w.Get(ctx, own)
	return w.Me, err
}

// add looks for all that a token says of its holder, and for the token.
func add(t *testing.T, n *canary.Needles, me client.Identity) {
	t.Helper()
	parts := strings.Split(me.Token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		ID string `json:"jti"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.ID == "" {
		t.Fatal("a token without an id", err)
	}
	for what, v := range map[string]string{"issuer and subject": me.Issuer + me.Subject, "subject": me.Subject, "name": me.Name, "e-mail": me.Email,
		"phone": me.Phone, "user id": me.UserID, "HSA id": me.HSAID, "token": me.Token, "token's claims": parts[1], "token id": claims.ID} {
		n.Add(what, v)
	}
}

// plant is the name that is planted where it must be found.
const plant = "Åsk-Ylva Fjundsvarv"

// files are what lies in a folder under some names.
func files(t *testing.T, dir string, names ...string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = b
	}
	return out
}

// look searches haystacks: the store, everything printed, all that others were sent;
// and then each again with some spellings planted, which must be found.
func look(t *testing.T, n *canary.Needles, haystacks map[string][]byte) {
	t.Helper()
	// Five names, each in another spelling and at another place of each haystack.
	planted := canary.NewNeedles()
	var forms [][]byte
	for i := range 5 {
		name := fmt.Sprintf("%s %d", plant, i)
		planted.Add(name, name)
		forms = append(forms, canary.Forms(name)[i])
	}
	for name, b := range haystacks {
		t.Logf("%s: %d bytes", name, len(b))
		if len(b) == 0 {
			t.Errorf("%s: nothing there to search", name)
		}
		if found := n.Find(b); len(found) > 0 {
			t.Errorf("%s: traces of an author: %v", name, found)
		}
		var with []byte
		for i, f := range forms {
			with = append(append(with, b[len(b)*i/5:len(b)*(i+1)/5]...), f...)
		}
		if found := planted.Find(with); len(found) != len(forms) {
			t.Errorf("%s: of %d planted traces %d were found", name, len(forms), len(found))
		}
	}
}

// TestForms: each spelling is one that other software makes.
func TestForms(t *testing.T) {
	all := canary.Forms("Åsa Öberghult")
	for _, want := range []string{"Åsa Öberghult", "A\u030asa O\u0308berghult", "c3857361", "%C3%85sa", `\u00c5sa`, "w4VzYSDDlmJlcmdodWx0"[:20], "\x00s\x00a"} {
		found := false
		for _, f := range all {
			found = found || bytes.Contains(f, []byte(want))
		}
		if !found {
			t.Errorf("no spelling contains %q", want)
		}
	}
}
