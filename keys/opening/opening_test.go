package opening_test

import (
	"reflect"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

// wrong is a change that makes a statement wrong in one field.
type wrong[T any] struct {
	what  string
	do    func(*T)
	field string
	want  error
}

// refused checks that a wrong statement is neither made nor, signed all the
// same, read.
func refused[T any](t *testing.T, fresh func() *T, list []wrong[T]) {
	t.Helper()
	key := vectors.Ed25519(t, "log")
	for _, w := range list {
		v := fresh()
		w.do(v)
		st := any(v).(jws.Statement)
		out, err := jws.Make(key, st)
		vectors.Blames(t, w.what, err, w.field, w.want)
		if out != "" {
			t.Errorf("%s: refused, and yet signed", w.what)
		}
		c, err := jws.Sign(key, st.Typ(), st)
		if err != nil {
			continue
		}
		if h, err := jws.Read(c, key.Public(), any(new(T)).(jws.Statement)); err == nil || !reflect.DeepEqual(h, jws.Header{}) {
			t.Errorf("%s: read", w.what)
		}
	}
}

// allowed checks that statements on the edge are made and read.
func allowed[T any](t *testing.T, fresh func() *T, list map[string]func(*T)) {
	t.Helper()
	key := vectors.Ed25519(t, "log")
	for what, do := range list {
		v := fresh()
		do(v)
		st, got := any(v).(jws.Statement), any(new(T)).(jws.Statement)
		c, err := jws.Make(key, st)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if _, err := jws.Read(c, key.Public(), got); err != nil || !reflect.DeepEqual(got, st) {
			t.Errorf("%s, read: %v", what, err)
		}
	}
}

func text(n int) string { return strings.Repeat("x", n) }

func paragraphs(n, size int) []string {
	out := []string{}
	for range n {
		out = append(out, text(size))
	}
	return out
}

func TestRequestRefused(t *testing.T) {
	type R = opening.Request
	refused(t, func() *R { return newRequest(t) }, []wrong[R]{
		{"no authority", func(r *R) { r.Authority = "" }, "authority", jws.ErrMissing},
		{"no date", func(r *R) { r.Date = "" }, "date", jws.ErrMissing},
		{"no decision", func(r *R) { r.Decision = "" }, "decision", jws.ErrMissing},
		{"no statement", func(r *R) { r.Statement = ident.Digest{} }, "statement", jws.ErrMissing},
		{"no opening", func(r *R) { r.Opening = "" }, "opening", jws.ErrMissing},
		{"no ground", func(r *R) { r.Ground = "" }, "ground", jws.ErrValue},
		{"a politician's wish", func(r *R) { r.Ground = "POLITICIAN" }, "ground", jws.ErrValue},
		{"no end", func(r *R) { r.Expires = "" }, "expires", jws.ErrValue},
		{"ends before it begins", func(r *R) { r.Expires = "2026-11-19" }, "expires", jws.ErrValue},
		{"31 days", func(r *R) { r.Expires = "2026-12-21" }, "expires", jws.ErrValue},
		{"no reference", func(r *R) { r.Reference = "" }, "reference", jws.ErrMissing},
		{"reference of 101", func(r *R) { r.Reference = text(101) }, "reference", jws.ErrLength},
		{"reference with a line feed", func(r *R) { r.Reference = "a\n" }, "reference", jws.ErrCharacter},
		{"no recipient", func(r *R) { r.Recipient = nil }, "recipient", order.ErrHPKEKey},
		{"recipient of low order", func(r *R) { r.Recipient = append(r.Recipient[:1184:1184], make([]byte, 32)...) }, "recipient", order.ErrHPKEKey},
		{"nothing asked", func(r *R) { r.Sections = []record.Section{} }, "sections", jws.ErrValue},
		{"section twice", func(r *R) { r.Sections[1] = r.Sections[0] }, "sections", jws.ErrValue},
		{"sections out of order", func(r *R) { r.Sections[0], r.Sections[1] = r.Sections[1], r.Sections[0] }, "sections", jws.ErrValue},
		{"an eighth section", func(r *R) { r.Sections[3] = 8 }, "sections", jws.ErrValue},
	})
	allowed(t, func() *R { return newRequest(t) }, map[string]func(*R){
		"the shortest": func(r *R) { r.Expires, r.Reference, r.Sections = r.Date, "x", r.Sections[:1] },
		"the longest":  func(r *R) { r.Reference, r.Sections = text(100), record.All() },
	})
	for _, g := range order.Grounds() {
		allowed(t, func() *R { return newRequest(t) }, map[string]func(*R){string(g): func(r *R) { r.Ground = g }})
	}
	if sc := newRequest(t).Scope(); sc != 0b1100011 {
		t.Errorf("scope %b", sc)
	}
}

func TestVoteRefused(t *testing.T) {
	type V = opening.Vote
	refused(t, func() *V { return newVote(t) }, []wrong[V]{
		{"no authority", func(v *V) { v.Authority = "" }, "authority", jws.ErrMissing},
		{"no decision", func(v *V) { v.Decision = "" }, "decision", jws.ErrMissing},
		{"no opening", func(v *V) { v.Opening = "" }, "opening", jws.ErrMissing},
		{"no request", func(v *V) { v.Request = ident.Digest{} }, "request", jws.ErrMissing},
		{"group 0", func(v *V) { v.Group = 0 }, "group", jws.ErrValue},
		{"group 5", func(v *V) { v.Group = 5 }, "group", jws.ErrValue},
		{"index 0", func(v *V) { v.Index = 0 }, "index", jws.ErrValue},
		{"index 16", func(v *V) { v.Index = 16 }, "index", jws.ErrValue},
		{"empty log", func(v *V) { v.Checkpoint.Size = 0 }, "checkpoint", jws.ErrValue},
		{"no root", func(v *V) { v.Checkpoint.Root = ident.Digest{} }, "checkpoint", jws.ErrValue},
		{"section twice", func(v *V) { v.Granted[1] = v.Granted[0] }, "granted", jws.ErrValue},
		{"sections out of order", func(v *V) { v.Granted[0], v.Granted[1] = v.Granted[1], v.Granted[0] }, "granted", jws.ErrValue},
		{"section 0", func(v *V) { v.Granted[0] = 0 }, "granted", jws.ErrValue},
		{"a grant without shares", func(v *V) { v.Vector = ident.Digest{} }, "vector", jws.ErrValue},
		{"shares without a grant", func(v *V) { v.Granted, v.Reservation = []record.Section{}, "" }, "vector", jws.ErrValue},
		{"neither grant nor refusal", func(v *V) {
			v.Granted, v.Reservation, v.Vector, v.Refusal = []record.Section{}, "", ident.Digest{}, nil
		}, "refusal", jws.ErrMissing},
		{"a reservation on nothing", func(v *V) { v.Granted, v.Vector = []record.Section{}, ident.Digest{} }, "reservation", jws.ErrValue},
		{"reservation of 501", func(v *V) { v.Reservation = text(501) }, "reservation", jws.ErrLength},
		{"reservation with a tab", func(v *V) { v.Reservation = "\t" }, "reservation", jws.ErrCharacter},
		{"delay without date", func(v *V) { v.NotBefore.Date = "" }, "notice_not_before.date", jws.ErrMissing},
		{"delay without provision", func(v *V) { v.NotBefore.Provision = "" }, "notice_not_before.provision", jws.ErrMissing},
		{"delay's provision of 101", func(v *V) { v.NotBefore.Provision = text(101) }, "notice_not_before.provision", jws.ErrLength},
		{"no basis", func(v *V) { v.Refusal.Basis = "" }, "refusal.basis", jws.ErrValue},
		{"unknown basis", func(v *V) { v.Refusal.Basis = "POLICY" }, "refusal.basis", jws.ErrValue},
		{"refusal without provision", func(v *V) { v.Refusal.Provision = "" }, "refusal.provision", jws.ErrMissing},
		{"refusal's provision of 101", func(v *V) { v.Refusal.Provision = text(101) }, "refusal.provision", jws.ErrLength},
		{"refusal without reasons", func(v *V) { v.Refusal.Paragraphs = []string{} }, "refusal.paragraphs", jws.ErrCount},
		{"21 paragraphs", func(v *V) { v.Refusal.Paragraphs = paragraphs(21, 1) }, "refusal.paragraphs", jws.ErrCount},
		{"empty paragraph", func(v *V) { v.Refusal.Paragraphs = []string{"x", ""} }, "refusal.paragraphs", jws.ErrMissing},
		{"paragraph of 2,001", func(v *V) { v.Refusal.Paragraphs = paragraphs(1, 2001) }, "refusal.paragraphs", jws.ErrLength},
		{"12,001 bytes in all", func(v *V) { v.Refusal.Paragraphs = append(paragraphs(6, 1999), strings.Repeat("x", 7)) }, "refusal.paragraphs", jws.ErrLength},
		{"20 paragraphs of 2,000", func(v *V) { v.Refusal.Paragraphs = paragraphs(20, 2000) }, "refusal.paragraphs", jws.ErrLength},
		{"paragraph with a line separator", func(v *V) { v.Refusal.Paragraphs[0] = "\u2028" }, "refusal.paragraphs", jws.ErrCharacter},
	})
	allowed(t, func() *V { return newVote(t) }, map[string]func(*V){
		"the last seat, the longest texts": func(v *V) {
			v.Group, v.Index, v.Checkpoint.Size, v.Granted = order.MaxGroups, order.MaxMembers, 1<<53-1, record.All()
			v.Reservation, v.NotBefore.Provision, v.Refusal.Provision = text(500), text(100), text(100)
			v.Refusal.Paragraphs = paragraphs(6, 2000)
		},
		"the first seat, the shortest": func(v *V) {
			v.Group, v.Index, v.Checkpoint.Size, v.Granted = 1, 1, 1, v.Granted[:1]
			v.Reservation, v.NotBefore.Provision, v.Refusal.Provision, v.Refusal.Paragraphs = "", "x", "x", []string{"x"}
		},
		"a plain grant": func(v *V) { v.Reservation, v.NotBefore, v.Refusal = "", nil, nil },
	})
	for _, b := range []opening.Basis{"AUTHENTICITY", "SCOPE", "SECRECY", "NOT_HELD", "FORWARDED"} {
		allowed(t, func() *V { return newRefusal(t) }, map[string]func(*V){string(b): func(v *V) { v.Refusal.Basis = b }})
	}
}

// TestFits: what a vote may say depends on what was asked, and on which ground.
func TestFits(t *testing.T) {
	request := requestDigest(t)
	if err := newVote(t).Fits(newRequest(t), request, false); err != nil {
		t.Fatal(err)
	}
	if err := newRefusal(t).Fits(newRequest(t), request, true); err != nil {
		t.Fatal(err)
	}
	dissent := []record.Section{record.SectionDissentAuthor}
	type change = func(*opening.Request, *opening.Vote)
	for _, c := range []struct {
		what    string
		dissent bool
		do      change
		field   string // "" is accepted
		want    error
	}{
		{"another authority", true, func(_ *opening.Request, v *opening.Vote) { v.Authority = "202100-0019" }, "request", jws.ErrValue},
		{"another decision", true, func(_ *opening.Request, v *opening.Vote) { v.Decision = vectors.ID("other") }, "request", jws.ErrValue},
		{"another opening", true, func(_ *opening.Request, v *opening.Vote) { v.Opening = vectors.ID("other") }, "request", jws.ErrValue},
		{"another request", true, func(_ *opening.Request, v *opening.Vote) { v.Request = vectors.Digest("other") }, "request", jws.ErrValue},
		{"more than was asked", true, func(_ *opening.Request, v *opening.Vote) { v.Granted = append(v.Granted, record.SectionParticipants) }, "granted", jws.ErrValue},
		{"all, and a refusal", true, func(r *opening.Request, v *opening.Vote) { v.Granted = r.Sections }, "refusal", opening.ErrRefusal},
		{"all", true, func(r *opening.Request, v *opening.Vote) { v.Granted, v.Refusal = r.Sections, nil }, "", nil},
		{"a part without a refusal", true, func(_ *opening.Request, v *opening.Vote) { v.Refusal = nil }, "refusal", opening.ErrRefusal},
		{"a dissent that there is", true, func(r *opening.Request, v *opening.Vote) { r.Sections, v.Granted, v.Refusal = dissent, dissent, nil }, "", nil},
		{"a dissent that there is not", false, func(r *opening.Request, v *opening.Vote) { r.Sections, v.Granted, v.Refusal = dissent, dissent, nil }, "granted", jws.ErrValue},
		{"a dissent that there is not, refused", false, func(r *opening.Request, v *opening.Vote) {
			r.Sections, v.Granted, v.Vector = dissent, []record.Section{}, ident.Digest{}
		}, "", nil},
		{"a notice of the request's day", true, func(r *opening.Request, v *opening.Vote) { v.NotBefore.Date = r.Date }, "", nil},
		{"a notice of the day before", true, func(r *opening.Request, v *opening.Vote) { v.NotBefore.Date = r.Date.AddDays(-1) }, "notice_not_before", opening.ErrNotice},
		{"a notice 366 days after the last day", true, func(r *opening.Request, v *opening.Vote) { v.NotBefore.Date = r.Expires.AddDays(366) }, "", nil},
		{"a notice a day later", true, func(r *opening.Request, v *opening.Vote) { v.NotBefore.Date = r.Expires.AddDays(367) }, "notice_not_before.date", opening.ErrDelay},
		{"a notice of the end of days", true, func(_ *opening.Request, v *opening.Vote) { v.NotBefore.Date = "9999-12-31" }, "notice_not_before.date", opening.ErrDelay},
		{"the end of days is near", true, func(r *opening.Request, v *opening.Vote) { r.Expires, v.NotBefore.Date = "9999-12-01", "9999-12-31" }, "", nil},
	} {
		r, v := newRequest(t), newVote(t)
		c.do(r, v)
		err := v.Fits(r, request, c.dissent)
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		vectors.Blames(t, c.what, err, c.field, c.want)
	}
}

// TestFitsGrounds: under a duty to give only authenticity and scope are
// questioned and nothing is reserved; only two grounds delay the notice.
func TestFitsGrounds(t *testing.T) {
	for _, g := range order.Grounds() {
		r := newRequest(t)
		r.Ground = g
		duty := g.Force() == order.Duty
		for _, b := range []opening.Basis{opening.BasisAuthenticity, opening.BasisScope, opening.BasisSecrecy, opening.BasisNotHeld, opening.BasisForwarded} {
			v := newVote(t)
			v.Refusal.Basis, v.Reservation, v.NotBefore = b, "", nil
			err := v.Fits(r, requestDigest(t), false)
			if !duty || b == "AUTHENTICITY" || b == "SCOPE" {
				if err != nil {
					t.Errorf("%s, %s: %v", g, b, err)
				}
				continue
			}
			vectors.Blames(t, string(g)+", "+string(b), err, "refusal.basis", opening.ErrRefusal)
		}
		v := newVote(t)
		v.Refusal.Basis, v.NotBefore = opening.BasisScope, nil
		if err := v.Fits(r, requestDigest(t), false); duty {
			vectors.Blames(t, string(g)+" with a reservation", err, "reservation", opening.ErrReservation)
		} else if err != nil {
			t.Errorf("%s with a reservation: %v", g, err)
		}
		v = newVote(t)
		v.Refusal.Basis, v.Reservation = opening.BasisScope, ""
		if err := v.Fits(r, requestDigest(t), false); g == "POLICE_SUSPECT_OFFICIAL" || g == "INTERNAL_INVESTIGATION" {
			if err != nil {
				t.Errorf("%s with a delay: %v", g, err)
			}
		} else {
			vectors.Blames(t, string(g)+" with a delay", err, "notice_not_before", opening.ErrNotice)
		}
	}
}

// TestLongestVote: the longest vote that can be made fits what the API takes, also
// where each character is written as two.
func TestLongestVote(t *testing.T) {
	v := newVote(t)
	v.Group, v.Index, v.Granted = order.MaxGroups, order.MaxMembers, record.All()
	quotes := func(n int) string { return strings.Repeat(`"`, n) }
	v.Checkpoint.Size, v.Vector = 1<<53-1, vectors.Digest("vector")
	v.Refusal = &opening.Refusal{Basis: opening.BasisAuthenticity, Provision: quotes(100)}
	for range 20 {
		v.Refusal.Paragraphs = append(v.Refusal.Paragraphs, quotes(600))
	}
	v.Reservation, v.NotBefore = quotes(500), &opening.Delay{Date: "2026-12-31", Provision: quotes(100)}
	compact, err := jws.Make(vectors.P256(t, "reviewer"), v)
	if err != nil || len(compact) > opening.MaxVote {
		t.Errorf("%d bytes, %v", len(compact), err)
	}
}
