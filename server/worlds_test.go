package server_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"sigill/keys/ident"
	"sigill/scripts/authority"
	"sigill/scripts/devidp/devidp"
	"sigill/server"
)

// Two worlds: one story, played once by each of two authors, with the same randomness
// and the same clock. Whoever sees all that is at rest (with the gate key, and so with
// every matter's), in the store, its backup or one restored from it, all that is printed
// and counted, and all that others and the log's witness are sent, sees the same bytes in
// both, but for the stated set.

// An exception says of some places that they may differ, and why that tells nothing.
type exception struct{ where, why string }

// patterns are those of what is stated.
var patterns = sync.OnceValue(func() (out []*regexp.Regexp) {
	for _, st := range stated {
		out = append(out, regexp.MustCompile("^(?:"+st.where+")$"))
	}
	return out
})

// stated is all that may differ. Nothing may differ in length. The author key, the nonce,
// the seed and the watch secret are the same in both worlds, since the client draws them.
// Every other byte is equal: of rows, of what is printed and counted, of answers.
var stated = []exception{
	{`.*\.payload\.author|row of matter m\.5`, "the author commitment, blinded by the nonce, which the seal has and the author"},
	{`.*\.payload\.commitments\[[03]\]`, "the commitments to DECIDER and DISSENT_AUTHOR, blinded by the seed, which nobody keeps"},
	{`.*(head|d\.3)\.Commitments\[[036]\]`, "the same, and the one to EVIDENCE"},
	{`.*(head|d\.3)\.(Shares(\[\d\]){3}|Ciphertexts\[\d\])`, "digests of shares and of ciphertexts, whose keys come from the draft's digest"},
	{`row of decision s\.1|.*\.ciphertexts\[\d\]\.bytes`, "the ciphertexts of the sections"},
	{`(row of decision s\.2\[\d\]|row of request\.2\.1|.* FetchShare answer\.wrapping)\.ciphertext`, "shares, to each reviewer"},
	{`row of opening\.9\[\d\]\.2|.*\.package\.votes\[\d\]\.vector`, "shares, to the court"},
	{`.*(head|d\.3)\.Draft|.*\.payload\.(draft|previous|core|record|request|statement|entry|vector)`, "digests of what stands above"},
	{`.*\.payload\.(dissents\[\d\]|votes\[\d\]\.(vote|vector))`, "the same"},
	{`row of matter m\.(3\[\d\]|16)`, "the same"},
	{`registrator DispatchDecision (status|trailer)`, "the same, of the dissent that must be cited"},
	{`.*\.signature`, "signatures over them"},
	{`(row of log-entries|reader entry)\.digest|.*\.signed|row of entry: key`, "entries of the log over them"},
	{`(.* answer\.checkpoint|((reader|witness|manifest) )?checkpoint|row of (head|log-days)|row of opening\.13)\.line (2 |[45] —)|.*\.checkpoint\.root`, "the log's root, its signature and its witness's"},
	{`.*\.proof(\[\d+\]|\.line \d+ —?)|(reader|witness) hash`, "hashes of the log, the root and the signatures over it"},
	{`row of request\.1`, "a MAC under the store's key, over the request's id and what it asked"},
	{`row of request\.2`, "what the author was answered, under the nonce"},
	{`row of request: key`, "a MAC over the id of the court's request, which is a digest of it"},
}

// An actor is the author in one of the worlds.
type actor struct {
	name, subject string
	token         int  // the length of their token; 0: the shortest
	day           int  // which of two day keys is theirs
	bare          bool // no address and no user ids, as a token of 600 bytes has no room for them
	unbound       bool
}

func (a actor) user(i int) devidp.User {
	u := devidp.User{ID: fmt.Sprintf("forfattare-%02d", i), Subject: a.subject, Name: a.name, Roles: []string{"caseworker"},
		Phone: fmt.Sprintf("+46701749%03d", 100+i)}
	if !a.bare {
		u.Email, u.Username, u.HSAID = strings.Repeat("e", i+1)+"@exempelstad.example", fmt.Sprintf("anv%0*d", i+2, i), fmt.Sprintf("SE2120000449-%0*d", i+4, i)
	}
	return u
}

// stuffed is the user with roles of nobody's, which bring the token to its length.
func (a actor) stuffed(t *testing.T, i int) devidp.User {
	t.Helper()
	u := a.user(i)
	idp, err := devidp.New(devidp.Config{Issuer: "http://127.0.0.1:65535", Audience: authority.Origin, ClientID: "sigill-dev", Lifetime: time.Hour,
		Users: []devidp.User{u}})
	if err != nil {
		t.Fatal(err)
	}
	var jkt *ident.Digest
	if !a.unbound {
		jkt = &ident.Digest{}
	}
	tok, err := idp.Issue(u.ID, jkt, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := (a.token-len(tok))*3/4 - 4; n > 0 {
		u.Roles = append(u.Roles, strings.Repeat("r", n))
	}
	return u
}

// long is a name of so many characters.
func long(n int) string {
	const words = "Åsa-Märta Öberghult af Ängslycka Ny-Rödsköld von Ytterby Söderöga-Tröskelvärd Ek Råvik Ömsesidig Åtta-Fält Diariesson Ödesköld Q"
	return string([]rune(words)[:n])
}

// Whether [TestTwoWorlds] holds every world against the first, instead of the shortest
// and the longest author and one that is drawn:
//
//	go test ./server -run TestTwoWorlds -worlds.all
var allWorlds = flag.Bool("worlds.all", false, "play every world")

// worlds are those that are held against the first. The shortest token that is bound to
// a day key has some 680 bytes.
var worlds = []actor{
	{name: long(17), subject: "0815", token: 2 << 10},
	{name: long(1), subject: "s", bare: true},
	{name: "Öå", subject: "c4f0d2a8-1b11-4e55-9d7e-0a5b6c7d8e9f", token: 8 << 10, day: 1},
	{name: long(60), subject: strings.Repeat("subject-", 12), day: 1},
	{name: long(119), subject: "b7f0c1d2-9119", day: 1, bare: true},
	{name: long(120), subject: "b7f0c1d2-9120", token: 8 << 10},
}

// unbound are held against each other, since a request without a day key is another:
// tokens of 600 bytes and of 8 KiB.
var unbound = []actor{
	{name: long(2), subject: "1", unbound: true, bare: true},
	{name: long(120), subject: "unbound-another", token: 8 << 10, unbound: true},
}

// A stage is the authority on which all worlds are played, as it stood before.
type stage struct {
	*authority.Authority
	config  server.Config
	witness *outsider         // nil, or outside of all bubbles, with a clock that stands still
	seen    uint64            // that it had cosigned
	before  map[string][]byte // of its data
	dawn    time.Time
}

// newStage is watched by a witness, if there is one.
func newStage(t *testing.T, w *outsider) *stage {
	t.Helper()
	var users []devidp.User
	for i, a := range slices.Concat(worlds, unbound) {
		users = append(users, a.stuffed(t, i))
	}
	var o authority.Options
	if w != nil {
		o = watchedBy(t, "quorum "+w.name, w)
	}
	o.Users, o.InboxHours = users, server.InboxHours{server.Hour(8 * time.Hour), server.Hour(13 * time.Hour)}
	o.PublishEvery, o.Internal = 10*time.Minute, "127.0.0.1:0"
	r := published(t, o)
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	c, err := server.ReadConfig(filepath.Join(r.Dir, authority.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Authority: r.Authority, config: c, witness: w, before: map[string][]byte{}}
	for path, text := range tree(t, c.Data) {
		s.before[path] = []byte(text)
	}
	if w != nil {
		s.seen = w.seen()
	}
	s.dawn = ident.DateOf(time.Now()).AddDays(1).Start() // the authority's papers are of today
	return s
}

// reset puts the data back as it was.
func (s *stage) reset(t *testing.T) {
	t.Helper()
	for path := range tree(t, s.config.Data) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for path, b := range s.before {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, s.dawn, s.dawn); err != nil {
			t.Fatal(err)
		}
	}
	if s.witness != nil {
		s.witness.forget(s.seen, s.dawn)
	}
}

// world plays the story by an author, in a bubble of its own.
func (s *stage) world(t *testing.T, i int, a actor) recording {
	t.Helper()
	s.reset(t)
	// One thread: what draws from the one source of randomness draws in one order.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var r recording
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.dawn))
		cryptotest.SetGlobalRandom(t, 1)
		r = newPlay(t, s, a, a.user(i).ID).perform()
	})
	return r
}

// until waits for a time of day, on a day from 0.
func (p *play) until(day int, clock string) {
	at, err := time.ParseInLocation("2006-01-02 15:04:05", string(ident.DateOf(p.stage.dawn).AddDays(day))+" "+clock, ident.Stockholm())
	p.must(err)
	time.Sleep(time.Until(at))
}

// TestTwoWorlds: the name, the subject, the address, the number, the user ids, the
// token and the day key of an author are in nothing that others see, and in no length.
func TestTwoWorlds(t *testing.T) {
	s := newStage(t, newOutsider(t, "grannkommun"))
	first := s.world(t, 0, worlds[0])
	if found := compare(first, s.world(t, 0, worlds[0])); len(found) > 0 {
		t.Fatalf("the same world twice differs, so that nothing follows from two: %v", found)
	}
	used := map[string]bool{}
	holds := func(name string, a, b recording) {
		for _, where := range judge(compare(a, b), used) {
			t.Errorf("%s: differs: %s", name, where)
		}
	}
	var last recording
	drawn := 2 + rand.IntN(len(worlds)-3)
	for i, a := range worlds {
		if i == 0 || !*allWorlds && i != 1 && i != drawn && i != len(worlds)-1 {
			continue
		}
		last = s.world(t, i, a)
		holds(fmt.Sprintf("%d characters, a token of %d", len([]rune(a.name)), a.token), first, last)
	}
	holds("unbound", s.world(t, len(worlds), unbound[0]), s.world(t, len(worlds)+1, unbound[1]))
	for _, st := range stated {
		if !used[st.where] {
			t.Errorf("stated, and never differs: %s", st.where)
		}
	}
	for name, plant := range plants {
		if len(judge(compare(planted(t, first, worlds[0], plant), planted(t, last, worlds[len(worlds)-1], plant)), used)) == 0 {
			t.Errorf("not found where it was planted: %s", name)
		}
	}
}

// judge gives what differs and is not stated, and notes what of the stated is used.
func judge(found, used map[string]bool) (bad []string) {
	for _, where := range slices.Sorted(maps.Keys(found)) {
		i := slices.IndexFunc(patterns(), func(p *regexp.Regexp) bool { return p.MatchString(strings.TrimPrefix(where, "restored: ")) })
		if i < 0 {
			bad = append(bad, where)
			continue
		}
		used[stated[i].where] = true
	}
	return bad
}

// A plant is a trace of an author in what others see.
type plant struct {
	place string
	leaks func(a actor, value []byte) []byte
}

// plants are what a careless server might have done.
var plants = map[string]plant{
	"the name's length in a row": {"row of trail-author", func(a actor, v []byte) []byte { return append(v, a.name...) }},
	"the subject in a row's field": {"row of trail", func(a actor, v []byte) []byte {
		at := len(v) - 8
		return append(v[:at:at], fmt.Sprintf("%x", ident.Sum(a.subject))[:8]...)
	}},
	"the subject's hash as a label":      {"metrics at last line 9", func(a actor, v []byte) []byte { return fmt.Appendf(v, `{by="%.4x"}`, ident.Sum(a.subject)) }},
	"the token's length in a line":       {"log line 3", func(a actor, v []byte) []byte { return fmt.Appendf(v, "%05d", a.token) }},
	"the day key in a header":            {"direktor ListInbox header", func(a actor, v []byte) []byte { return fmt.Append(v, a.day, a.subject[:1]) }},
	"the name's length in the open log":  {"reader entry", func(a actor, v []byte) []byte { return append(v, a.name...) }},
	"the name's length to a witness":     {"witness checkpoint", func(a actor, v []byte) []byte { return fmt.Appendf(v, "%03d", len(a.name)) }},
	"the subject in a backup's manifest": {"manifest", func(a actor, v []byte) []byte { return append(v, a.subject...) }},
	"the name's length in a backup":      {"backup: size", func(a actor, v []byte) []byte { return fmt.Append(nil, len(v)+len(a.name)) }},
	"the subject in a reader's header":   {"reader at last checkpoint header", func(a actor, v []byte) []byte { return append(v, a.subject...) }},
	"the name's length in evidence": {"evidence", func(a actor, v []byte) []byte {
		return append(v[:len(v)-1:len(v)-1], fmt.Sprintf(`,"z":"%03d"}`, len(a.name))...)
	}},
	"the draft's size": {"row of matter m: size", func(a actor, v []byte) []byte { return fmt.Append(nil, 1000+len(a.name)) }},
}

// planted is a recording with a plant in the first place of its kind.
func planted(t *testing.T, r recording, a actor, p plant) recording {
	t.Helper()
	r = slices.Clone(r)
	i := slices.IndexFunc(r, func(s seen) bool { return s.place == p.place })
	if i < 0 {
		t.Fatalf("%q is not seen", p.place)
	}
	r[i].value = p.leaks(a, slices.Clone(r[i].value))
	return r
}
