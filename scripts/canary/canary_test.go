package canary_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sigill/client"
	"sigill/scripts/authority"
	"sigill/scripts/canary"
	"sigill/scripts/devidp/devidp"
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

// wire keeps every answer, and every refusal, that is not an author's.
type wire struct {
	mu    sync.Mutex
	bytes []byte
}

func (w *wire) keep(b ...[]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes = append(w.bytes, bytes.Join(b, []byte("\n"))...)
}

func (w *wire) dial(user string) []grpc.DialOption {
	if strings.HasPrefix(user, "forfattare") {
		return nil
	}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoke(ctx, method, req, reply, cc, opts...)
		b, merr := proto.Marshal(reply.(proto.Message))
		p, perr := proto.Marshal(status.Convert(err).Proto())
		w.keep(b, p)
		return errors.Join(err, merr, perr)
	})}
}

// TestCanary plays the story and a hundred authors more, of whom some revise,
// dissent, withdraw or are refused, and then looks for all of them.
func TestCanary(t *testing.T) {
	ctx := context.Background()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	people := authors(rand.New(rand.NewPCG(seed, 1)))
	var seen wire
	dir := filepath.Join(t.TempDir(), "authority")
	a, err := authority.Make(ctx, dir, authority.Options{Users: people, Dial: seen.dial})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	run, err := a.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	needles, whose := canary.NewNeedles(), 0
	// What the court was told stays with the court: its answers are sealed on the
	// wire, and the opening protocol is not looked at.
	r, err := story.Play(ctx, story.Cast{Run: run, Author: people[0], Content: story.Decision})
	if err != nil {
		t.Fatal(err)
	}
	add(t, needles, r.Me)
	for i, u := range people[1:] {
		me, err := draftAndSign(ctx, run, u, i)
		if err != nil {
			t.Fatal(err)
		}
		add(t, needles, me)
		whose++
	}
	if err := run.Stop(); err != nil {
		t.Fatal(err)
	}
	look(t, needles, dir, seen.bytes)
	t.Logf("%d authors, %d bytes of answers", whose+1, len(seen.bytes))
}

// draftAndSign is one author's matter: submitted, and by turns left, signed,
// revised and signed, withdrawn, or first refused by the server.
func draftAndSign(ctx context.Context, run *authority.Running, u devidp.User, i int) (client.Identity, error) {
	w, err := run.Caseworker(u.ID)
	if err != nil {
		return client.Identity{}, err
	}
	text := story.Text(story.Decision, fmt.Sprintf("SN 2026-%05d", 1000+i))
	own, err := w.Submit(ctx, text)
	if err != nil {
		return w.Me, err
	}
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
	d, err := run.Signer("direktor", run.Director)
	if err != nil {
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

// look searches the store, everything printed, and the answers to others; and
// then each again with one spelling planted, which must be found.
func look(t *testing.T, n *canary.Needles, dir string, answers []byte) {
	t.Helper()
	haystacks := map[string][]byte{"answers to others": answers}
	for _, name := range []string{"data/store.db", "data/checkpoint", authority.LogFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		haystacks[name] = b
	}
	planted := canary.NewNeedles()
	planted.Add("planted", "Åsk-Ylva Fjundsvarv")
	for name, b := range haystacks {
		if found := n.Find(b); len(found) > 0 {
			t.Errorf("%s: traces of an author: %v", name, found)
		}
		for _, f := range canary.Forms("Åsk-Ylva Fjundsvarv")[:5] {
			at := len(b) / 2
			if found := planted.Find(bytes.Join([][]byte{b[:at], f, b[at:]}, nil)); len(found) != 1 {
				t.Errorf("%s: a planted trace was not found", name)
			}
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
