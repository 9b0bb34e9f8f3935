package strangers_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"sigill/keys/disclosure"
	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/unseal"
)

// Exit codes of the tools.
const (
	verified  = 0
	unread    = 1
	refused   = 3
	cannot    = 4
	notForKey = 5
)

const (
	decider  = record.SectionDecider
	bias     = record.SectionBiasDeclaration
	evidence = record.SectionEvidence
)

// wants runs a tool that must end with a code, and must have printed something if
// and only if that is [verified].
func wants(t *testing.T, code int, args ...string) (out string) {
	t.Helper()
	if _, err := os.Stat("node_modules"); err != nil {
		t.Fatal("scripts/strangers/node_modules is missing: run npm ci in scripts/strangers, as scripts/test does")
	}
	lists(t, ".")
	cmd := exec.Command("node", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	exit := (*exec.ExitError)(nil)
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("running node, which scripts/test installs: %v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("exit %d, want %d: %s", got, code, stderr.String())
	}
	if (code == verified) != (stdout.Len() > 0) {
		t.Fatalf("exit %d and printed %d bytes", code, stdout.Len())
	}
	return stdout.String()
}

// lists looks into folders that node reads, so that go test does not take a result from
// its cache after something in them has changed.
func lists(t *testing.T, folders ...string) {
	t.Helper()
	for _, f := range folders {
		if _, err := os.ReadDir(f); err != nil {
			t.Fatal(err)
		}
	}
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func marshal(t *testing.T, v interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	b, err := v.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func trust(t *testing.T, s *story.Story) string {
	t.Helper()
	return file(t, "trust.json", marshal(t, &s.TrustFile))
}

// recipient is a file with the raw private key of a request.
func recipient(t *testing.T, s *story.Story) string {
	t.Helper()
	b, err := s.Recipient.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "recipient", b)
}

// opened is what court.mjs prints.
type opened struct {
	Decision       string
	Outcome        opening.Outcome
	Granted        []record.Section
	Refused        []opening.Denied
	Sections       map[string]any
	Dissents       [][]string
	Authorship     string
	Login          *struct{ Issuer, Subject, Name string }
	Contradictions []string
	BadShares      []seat `json:"bad_shares"`
}

type seat struct{ Group, Index int }

// opens has both open a package, and wants them to have found the same.
func opens(t *testing.T, s *story.Story, pkg []byte) (opened, *disclosure.Protocol) {
	t.Helper()
	p, err := disclosure.Open(pkg, s.Trust, s.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	var got opened
	if err := json.Unmarshal([]byte(wants(t, verified, "court.mjs", file(t, "package.json", pkg), trust(t, s), recipient(t, s))), &got); err != nil {
		t.Fatal(err)
	}
	var want struct{ Sections map[string]any }
	if err := json.Unmarshal(marshal(t, p), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Sections, want.Sections) {
		t.Errorf("sections %v, want %v", got.Sections, want.Sections)
	}
	if got.Decision != p.Decision.Number || got.Outcome != p.Outcome || !reflect.DeepEqual(got.Granted, p.Granted) || !reflect.DeepEqual(got.Refused, p.Refused) {
		t.Errorf("%+v, want %+v", got, p)
	}
	if (got.Login != nil) != p.Evidence.Disclosed || got.Login != nil && (got.Login.Issuer != p.Evidence.Issuer || got.Login.Subject != p.Evidence.Subject || got.Login.Name != p.Evidence.Name) {
		t.Errorf("login %+v, want %+v", got.Login, p.Evidence)
	}
	if len(got.BadShares) != len(p.BadShares) || len(got.Dissents) != len(p.Dissents) {
		t.Errorf("bad shares %v, want %v; dissents %v", got.BadShares, p.BadShares, got.Dissents)
	}
	return got, p
}

func TestCourtOpens(t *testing.T) {
	t.Parallel()
	s, o := story.Whole(t)
	got, _ := opens(t, s, o.Bytes(o.Package(nil)))
	if len(got.Sections) != record.Sections || got.Authorship != record.LabelDPoP || got.Login == nil || got.Login.Name != story.Name || len(got.Contradictions) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestCourtOpensPart: some sections without the evidence, one of two refused, and
// a login that is bound to no key.
func TestCourtOpensPart(t *testing.T) {
	t.Parallel()
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, bias, evidence)
	for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
		o.Vote(at[0], at[1], nil, decider, bias)
	}
	o.Vote(1, 4, nil, decider)
	o.Vote(2, 3, nil, decider)
	o.Vote(2, 1, nil, decider)
	if got, _ := opens(t, s, o.Bytes(o.Package(nil))); got.Authorship != "not disclosed" || len(got.Sections) != 2 || len(got.Refused) != 1 {
		t.Errorf("%+v", got)
	}

	s = story.New(t)
	plan := s.Plan()
	plan.Token = s.Token(map[string]any{"cnf": nil})
	plan.Evidence = func(it *record.EvidenceItem) { it.Label, it.DayKey, it.Authorship = record.LabelBearer, nil, "" }
	o = s.Decide(plan).Request(order.CourtOrder, nil, evidence).All()
	if got, _ := opens(t, s, o.Bytes(o.Package(nil))); got.Authorship != record.LabelBearer {
		t.Errorf("%+v", got)
	}
}

func TestCourtDelayAndReservation(t *testing.T) {
	t.Parallel()
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.PoliceSuspectOfficial, nil, decider)
	for i, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
		o.Vote(at[0], at[1], func(v *opening.Vote, _ *seal.Release) {
			v.NotBefore = &opening.Delay{Date: story.Day.AddDays(90 + i), Provision: "35 kap. 1 § OSL"}
			v.Reservation = "Uppgiften får inte föras vidare."
		}, decider)
	}
	o.Due = story.Day.AddDays(90)
	if got, _ := opens(t, s, o.Bytes(o.Package(nil))); got.Outcome != opening.GrantedWithReservation {
		t.Errorf("%+v", got)
	}
}

// TestCourtNamesABadShare: a box that does not open, and a share of another seal
// in one that does, are left out by name while the others suffice.
func TestCourtNamesABadShare(t *testing.T) {
	t.Parallel()
	s := story.New(t)
	plan := s.Plan()
	plan.Content += "\n"
	another := s.Decide(plan)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider)
	spoilt(o, 1, 2)
	o.Vote(2, 1, func(v *opening.Vote, r *seal.Release) { *r = *wrong(o, another, v) }, decider)
	o.Vote(1, 1, nil, decider)
	o.Vote(2, 3, nil, decider)
	o.Vote(1, 4, nil, decider)
	got, _ := opens(t, s, o.Bytes(o.Package(nil)))
	if want := []seat{{1, 2}, {2, 1}}; !reflect.DeepEqual(got.BadShares, want) {
		t.Errorf("bad shares %v, want %v", got.BadShares, want)
	}
}

// spoilt casts a vote with a box that does not open, under its right digest.
func spoilt(o *story.Opening, group, index int) {
	o.Vote(group, index, func(_ *opening.Vote, r *seal.Release) { r.Box[len(r.Box)-1] ^= 1 }, o.Request.Sections...)
}

// wrong seals the reviewer's shares of another seal to this request.
func wrong(o *story.Opening, another *story.Decided, v *opening.Vote) *seal.Release {
	o.Helper()
	reviewer := o.Reviewers[[2]int{v.Group, v.Index}].HPKE
	w, err := another.Sealed.Wrap(v.Group, v.Index, reviewer.PublicKey())
	if err != nil {
		o.Fatal(err)
	}
	r, err := unseal.ReSeal(&another.Sealed.Head, w, reviewer, unseal.Request{Digest: v.Request, Recipient: o.Request.Recipient, Checkpoint: v.Checkpoint.Root}, 1)
	if err != nil {
		o.Fatal(err)
	}
	return r
}

// TestCourtShowsAContradiction: another name in the record than in the login.
func TestCourtShowsAContradiction(t *testing.T) {
	t.Parallel()
	s := story.New(t)
	plan := s.Plan()
	plan.Token = s.Token(map[string]any{"name": "Någon Annan"})
	o := s.Decide(plan).Request(order.CourtOrder, nil, decider, evidence).All()
	if got, p := opens(t, s, o.Bytes(o.Package(nil))); !reflect.DeepEqual(got.Contradictions, []string{"name"}) || len(p.Contradictions) != 1 {
		t.Errorf("%v and %v", got.Contradictions, p.Contradictions)
	}
}

// TestCourtExitCodes: what is not a question of the package.
func TestCourtExitCodes(t *testing.T) {
	t.Parallel()
	s, o := story.Whole(t)
	pkg, tr := file(t, "package.json", o.Bytes(o.Package(nil))), trust(t, s)
	other := *s
	other.Recipient = story.Box(t, "another court")
	wants(t, notForKey, "court.mjs", pkg, tr, recipient(t, &other))
	wants(t, unread, "court.mjs", pkg, tr, filepath.Join(t.TempDir(), "absent"))
	wants(t, unread, "court.mjs", pkg, tr)
	wants(t, refused, "court.mjs", pkg, file(t, "trust.json", []byte("{}")), recipient(t, s))
	seed, err := s.Recipient.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(map[string]string{"authority": string(story.Authority), "seed": base64.RawURLEncoding.EncodeToString(seed), "typ": "sigill-key", "use": "recipient"})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, verified, "court.mjs", pkg, tr, file(t, "recipient.json", plain))

	f := s.TrustFile
	f.Policy = []string{f.Policy[0], "witness w1 witness1.example+e25523d1+BNYvAWoe/R5P33k+tCzYRHHhup8M8E0Sh7XMcfYWKHy4", "quorum w1"}
	wants(t, cannot, "court.mjs", pkg, file(t, "trust.json", marshal(t, &f)), recipient(t, s))
}

// TestGolden: the vectors of the repository, read by the court's tool.
func TestGolden(t *testing.T) {
	t.Parallel()
	keys := filepath.Join("..", "..", "keys")
	vectors, err := filepath.Glob(filepath.Join(keys, "*", "testdata"))
	if err != nil || len(vectors) == 0 {
		t.Fatal(err)
	}
	lists(t, vectors...)
	out := wants(t, verified, "golden.mjs", keys)
	if n, err := strconv.Atoi(strings.TrimSpace(out)); err != nil || n < 130 {
		t.Errorf("held %q vectors", out)
	}
}

// bothActs makes a correction that cites both Social Services Acts, which no one
// day had.
func bothActs(_ *story.Story, p *story.Plan) {
	other := &statement.Cite{Decision: ident.NewID(), Statement: ident.Sum("other")}
	p.Draft = func(d *statement.Draft) {
		d.Corrects = other
		d.Provisions = append(d.Provisions, statement.Provision{Place: "4 kap. 1 §", SFS: statement.SoL2001})
	}
	p.Decision = func(d *statement.Decision) { d.Corrects = other }
}
