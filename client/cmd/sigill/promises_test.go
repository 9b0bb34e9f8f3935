package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/keys/vectors"
	"sigill/scripts/openlog"
)

// A desk is an author's machine beside an archive of a log's days.
type desk struct {
	*openlog.Archive
	t    *testing.T
	home *client.Home
	dir  string // of the test's own
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{Archive: openlog.NewArchive(t, ident.DateOf(time.Now()).AddDays(-13)), t: t, dir: t.TempDir()}
	trust, err := d.TrustFile.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	pass := filepath.Join(d.dir, "pass")
	for path, data := range map[string][]byte{pass: []byte("rätt häst\n"), d.trust(): trust} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	home := filepath.Join(d.dir, "home")
	d.home, err = client.OpenHome(home, func() (string, error) { return "rätt häst", nil }, keyfile.Options{WorkFactor: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"HOME": home, "PASSPHRASE_FILE": pass, "WORK_FACTOR": "1", "TRUST": d.trust(), "LANG": "en", "FORMAT": "", "ADDR": "", "CACERT": "", "TOKEN_FILE": ""} {
		t.Setenv("SIGILL_"+name, value)
	}
	return d
}

func (d *desk) trust() string { return filepath.Join(d.dir, "trust.json") }

// watch is a matter's watch secret.
func watch(decision ident.ID) ident.Bytes {
	b := vectors.Seed("watch " + string(decision))
	return b[:]
}

// matter keeps an own matter with receipts for as many revisions.
func (d *desk) matter(decision ident.ID, revisions []ident.Digest, receipts ...string) string {
	d.t.Helper()
	name := d.home.NewMatter()
	err := d.home.SaveMatter(name, &client.Own{Typ: client.TypOwn, Case: "SN-2026-117", Decision: decision, AuthorKey: make(ident.Bytes, 32),
		Nonce: make(ident.Bytes, 32), Watch: watch(decision), Receipts: append([]string{}, receipts...), Revisions: append([]ident.Digest{}, revisions...)})
	if err != nil {
		d.t.Fatal(err)
	}
	return name
}

// sigill runs the program, and gives its JSON to data if it is not nil.
func (d *desk) sigill(want int, data any, args ...string) (out, talk string) {
	d.t.Helper()
	if data != nil {
		args = append(args, "-o", "json")
	}
	var stdout, stderr bytes.Buffer
	if code := run(d.t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != want {
		d.t.Fatalf("%q: exit %d, %s%s", args, code, stdout.String(), stderr.String())
	}
	if data != nil && stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), data); err != nil {
			d.t.Fatal(err)
		}
	}
	return stdout.String(), stderr.String()
}

// TestDraftCheck: the author sees what the log kept of its promises; for what it broke
// there is a file, under a name that says nothing, which a stranger verifies.
func TestDraftCheck(t *testing.T) {
	d := newDesk(t)
	evidence := filepath.Join(d.dir, "bevis")
	if err := os.Mkdir(evidence, 0o700); err != nil {
		t.Fatal(err)
	}
	check := []string{"draft", "check", d.Dir, "--evidence", evidence}
	d.sigill(exitOK, nil, check...)
	id := vectors.ID("matter")
	kept, owed := d.Receive(id, "draft 1", proof.AuthorAct)
	matter := d.matter(id, []ident.Digest{vectors.Digest("draft 1")}, kept)
	d.Tree.Meanwhile(2)
	d.Pass()
	var c checkedLog
	if d.sigill(exitUnknown, &c, check...); len(c.Matters) != 1 || c.Matters[0].Promises[0].State != client.PromiseUnproved || c.Matters[0].Matter != matter {
		t.Errorf("by an old copy: %+v", c)
	}
	d.Tree.Add(owed, proof.Tag{1})
	d.Tree.Add(story.Salt(proof.Returned, vectors.Digest("return")), proof.SubjectTag(id))
	d.Tree.Add(story.Salt(proof.OpeningNotice, vectors.Digest("notice")), proof.NoticeTag([32]byte(watch(id)), 0))
	broken, _ := d.Receive(vectors.ID("other"), "draft 2", proof.AuthorAct)
	for range 9 {
		d.Pass()
	}
	late, _ := d.Receive(vectors.ID("open"), "draft 3", proof.AuthorAct)
	open := d.matter(vectors.ID("open"), nil, late)
	d.Pass()
	d.sigill(exitOK, &c, check...)
	for _, m := range c.Matters {
		switch p := m.Promises[0]; m.Matter {
		case matter:
			if p.State != client.PromiseKept || p.Revision != 1 || p.Entry == nil || len(m.Events) != 1 || len(m.Openings) != 1 || !c.Witnessed {
				t.Errorf("%+v", c)
			}
		case open:
			if p.State != client.PromiseOpen || p.Entry != nil || p.Due != d.Last.AddDays(7) || len(m.Events)+len(m.Openings) > 0 {
				t.Errorf("%+v", m)
			}
		}
	}
	out, talk := d.sigill(exitOK, nil, check...)
	for _, want := range []string{matter, "revision 1", "kept", "returned", "seal opened", open, "not due yet"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q: %s", want, out)
		}
	}
	if !strings.Contains(talk, "sigill draft openings "+matter) {
		t.Error(talk)
	}

	d.matter(vectors.ID("other"), []ident.Digest{vectors.Digest("draft 2")}, broken)
	out, talk = d.sigill(exitBroken, nil, check...)
	files, err := os.ReadDir(evidence)
	if err != nil || len(files) != 1 || !regexp.MustCompile(`^evidence-[a-z2-7]{26}\.json$`).MatchString(files[0].Name()) {
		t.Fatalf("%v, %v", err, files)
	}
	file := filepath.Join(evidence, files[0].Name())
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 || !info.ModTime().Equal(ident.DateOf(time.Now()).Start()) {
		t.Errorf("%v, %v", err, info)
	}
	if !strings.Contains(out, "broken") || !strings.Contains(talk, file) || !strings.Contains(talk, "did not do what it signed") {
		t.Errorf("%s%s", out, talk)
	}
	d.sigill(exitBroken, nil, check...)
	if again, err := os.ReadDir(evidence); err != nil || len(again) != 1 {
		t.Error("written twice: ", again, err)
	}
	d.stranger(file)
}

// stranger: whoever has the trust file alone verifies the evidence, in both languages;
// what is changed proves nothing, and is told apart from a decision that holds.
func (d *desk) stranger(file string) {
	d.t.Helper()
	d.t.Setenv("SIGILL_HOME", filepath.Join(d.dir, "nobody"))
	var f finding
	_, talk := d.sigill(exitBroken, &f, "verify", file)
	if !f.Proven || f.Kind != "promise" || !f.Witnessed || f.Receipt == nil || f.Receipt.Decision != vectors.ID("other") || f.Until != f.From.AddDays(7) || !strings.Contains(talk, `"exit":6`) {
		d.t.Errorf("%+v, %s", f, talk)
	}
	for lang, want := range map[string][]string{"sv": {"Den finns inte där.", "vittnenas klockor", "Att göra: Spara beviset"}, "en": {"It does not.", "clocks of the witnesses", "What to do: Keep the evidence"}} {
		out, talk := d.sigill(exitBroken, nil, "verify", file, "--lang", lang)
		for _, w := range want {
			if !strings.Contains(out+talk, w) {
				d.t.Errorf("%s: no %q in %s%s", lang, w, out, talk)
			}
		}
	}
	good, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	changed := filepath.Join(d.dir, "changed.json")
	for what, c := range map[string]struct {
		data []byte
		exit int
		said string
	}{
		"a kind that is not": {bytes.Replace(good, []byte(`"kind":"promise"`), []byte(`"kind":"murder!"`), 1), exitUnverified, "no evidence of Sigill's kind"},
		"cut":                {good[:len(good)-1], exitUnverified, "no evidence of Sigill's kind"},
		"another day":        {bytes.Replace(good, []byte(f.Until), []byte(f.From), 1), exitUnverified, "does not prove what it says"},
	} {
		if err := os.WriteFile(changed, c.data, 0o600); err != nil {
			d.t.Fatal(err)
		}
		if out, talk := d.sigill(c.exit, nil, "verify", changed); out != "" || !strings.Contains(talk, c.said) {
			d.t.Errorf("%s: %s%s", what, out, talk)
		}
	}
	if out, talk := d.sigill(exitLocal, nil, "verify", file, "--content", file); out != "" || !strings.Contains(talk, "--content is for a decision") {
		d.t.Errorf("%s%s", out, talk)
	}
}

// TestDraftCheckDecision: a decision given with --bundle is the author's draft to the
// byte, or the author is told; and it cites the earlier ones.
func TestDraftCheckDecision(t *testing.T) {
	d := newDesk(t)
	p := d.Plan()
	first := vectors.Digest("draft 1")
	made := d.Decide(p)
	d.Follow("log "+d.Tree.Key.String(), "quorum none") // it is not published yet
	trust, err := d.TrustFile.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	data, err := made.Bundle().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(d.dir, "decision.sigill")
	for path, b := range map[string][]byte{bundle: data, d.trust(): trust} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := []string{"draft", "check", d.Dir, "--bundle", bundle, "--evidence", d.dir}
	var c checkedLog
	d.sigill(exitOK, &c, check...)
	if len(c.Decisions) != 1 || c.Decisions[0].Matter != "" || c.Decisions[0].AsDrafted {
		t.Errorf("nobody's: %+v", c.Decisions)
	}
	other := d.matter(vectors.ID("earlier"), []ident.Digest{first})
	mine := d.matter(vectors.ID("decision"), []ident.Digest{first})
	out, talk := d.sigill(exitUnverified, nil, check...)
	if !strings.Contains(out, "NOT your draft: "+mine) || !strings.Contains(talk, "another draft than yours") {
		t.Errorf("%s%s", out, talk)
	}
	if err := d.home.Forget(mine); err != nil {
		t.Fatal(err)
	}
	v, err := verifiedBy(data, d.Trust)
	if err != nil {
		t.Fatal(err)
	}
	mine = d.matter(vectors.ID("decision"), []ident.Digest{first, v.DraftDigest()})
	d.sigill(exitOK, &c, check...)
	if got := c.Decisions[0]; got.Matter != mine || got.Revision != 2 || !got.AsDrafted || len(got.Uncited) != 1 || got.Uncited[0] != other {
		t.Errorf("%+v", got)
	}
	if err := os.WriteFile(bundle, data[:len(data)-2], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, talk := d.sigill(exitUnverified, nil, check...); out != "" || !strings.Contains(talk, "sigill:") {
		t.Errorf("a bundle that does not verify: %s%s", out, talk)
	}
}

// TestDraftCheckSays: where receipt, witnesses or days are not what they should be
// each is told by its own exit code, and a log that does not hold by nothing else.
func TestDraftCheckSays(t *testing.T) {
	d := newDesk(t)
	id := vectors.ID("matter")
	receipt, _ := d.Receive(id, "draft 1", proof.AuthorAct)
	name := d.matter(id, nil, receipt)
	for range 8 {
		d.Pass()
	}
	d.PassBy(2) // one witness alone has seen it since
	check := []string{"draft", "check", d.Dir, "--evidence", d.dir}
	if out, talk := d.sigill(exitRefused, nil, "draft", "check", d.dir); out != "" || !strings.Contains(talk, "no log is given out there") {
		t.Errorf("where no log is: %s%s", out, talk)
	}
	if out, talk := d.sigill(exitUnknown, nil, check...); !strings.Contains(out, "overdue") || !strings.Contains(talk, "prove nothing yet") {
		t.Errorf("%s%s", out, talk)
	}
	if err := d.home.Forget(name); err != nil {
		t.Fatal(err)
	}
	name = d.matter(vectors.ID("another"), nil, receipt)
	if out, talk := d.sigill(exitUnverified, nil, check...); !strings.Contains(out, "no valid receipt") || !strings.Contains(talk, "a receipt that lies here") {
		t.Errorf("%s%s", out, talk)
	}
	if err := d.home.Forget(name); err != nil {
		t.Fatal(err)
	}
	d.matter(id, nil, receipt)
	if err := os.Remove(d.Day(d.Last.AddDays(-1))); err != nil {
		t.Fatal(err)
	}
	if out, talk := d.sigill(exitUnverified, nil, check...); out != "" || !strings.Contains(talk, "not what the log signed") {
		t.Errorf("a day is missing: %s%s", out, talk)
	}
	if left, err := filepath.Glob(filepath.Join(d.dir, "evidence-*")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	err := filepath.WalkDir(filepath.Join(d.dir, "home"), func(path string, e fs.DirEntry, err error) error {
		if strings.Contains(path, "evidence") {
			t.Error("left in the home: ", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
