package order_test

import (
	"errors"
	"slices"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
)

func TestRequesterRefused(t *testing.T) {
	type R = order.Requester
	refused(t, func() *R { return newRequester(t) }, []wrong[R]{
		{"no authority", func(r *R) { r.Authority = "" }, "authority", jws.ErrMissing},
		{"no id", func(r *R) { r.Requester = "" }, "requester", jws.ErrMissing},
		{"no from", func(r *R) { r.From = "" }, "from", jws.ErrMissing},
		{"ends before it begins", func(r *R) { r.Until = "2026-11-01" }, "until", jws.ErrValue},
		{"no name", func(r *R) { r.Name = "" }, "name", jws.ErrMissing},
		{"name of 201", func(r *R) { r.Name = text(201) }, "name", jws.ErrLength},
		{"name with a bidi override", func(r *R) { r.Name = "\u202e" }, "name", jws.ErrCharacter},
		{"no address", func(r *R) { r.Address = "" }, "address", jws.ErrMissing},
		{"address of 201", func(r *R) { r.Address = text(201) }, "address", jws.ErrLength},
		{"no key", func(r *R) { r.Key = jws.JWK{} }, "key", jws.ErrKey},
		{"no grounds", func(r *R) { r.Grounds = []order.Ground{} }, "grounds", jws.ErrCount},
		{"more grounds than there are", func(r *R) { r.Grounds = append(order.Grounds(), order.CourtOrder) }, "grounds", jws.ErrCount},
		{"ground twice", func(r *R) { r.Grounds[1] = r.Grounds[0] }, "grounds", jws.ErrValue},
		{"unknown ground", func(r *R) { r.Grounds[1] = "POLITICIAN" }, "grounds", jws.ErrValue},
		{"the author's own copy is no request", func(r *R) { r.Grounds[1] = "EMPLOYEE_SELF" }, "grounds", jws.ErrValue},
	})
	allowed(t, func() *R { return newRequester(t) }, map[string]func(*R){
		"the shortest": func(r *R) { r.Name, r.Address, r.Grounds, r.Until = "x", "x", r.Grounds[:1], r.From },
		"the longest":  func(r *R) { r.Name, r.Address, r.Grounds = text(200), text(200), order.Grounds() },
	})
}

func TestRequesterMay(t *testing.T) {
	r := newRequester(t)
	r.Until = "2027-11-01"
	for _, c := range []struct {
		ground order.Ground
		on     ident.Date
		ok     bool
	}{
		{order.CourtOrder, "2026-11-02", true}, {order.CourtReferralLVU, "2027-11-01", true},
		{order.CourtOrder, "2026-11-01", false}, {order.CourtOrder, "2027-11-02", false},
		{order.CourtWitness, "2026-11-20", false}, {"", "2026-11-20", false},
	} {
		if err := r.May(c.ground, c.on); c.ok != (err == nil) || err != nil && !errors.Is(err, order.ErrRequester) {
			t.Errorf("%+v: %v", c, err)
		}
		revoked := *r
		revoked.Revoked = "2027-06-01"
		if err := revoked.May(c.ground, c.on); !errors.Is(err, order.ErrRequester) {
			t.Errorf("revoked, %+v: %v", c, err)
		}
	}
}

func TestProviderKeysRefused(t *testing.T) {
	type P = order.ProviderKeys
	refused(t, func() *P { return newProviderKeys(t) }, []wrong[P]{
		{"no authority", func(p *P) { p.Authority = "" }, "authority", jws.ErrMissing},
		{"no date", func(p *P) { p.Date = "" }, "date", jws.ErrMissing},
		{"no issuer", func(p *P) { p.Issuer = "" }, "issuer", jws.ErrMissing},
		{"issuer of 256", func(p *P) { p.Issuer = text(256) }, "issuer", jws.ErrLength},
		{"no keys", func(p *P) { p.JWKS = nil }, "jwks", jws.ErrLength},
		{"one byte", func(p *P) { p.JWKS = ident.Bytes("{") }, "jwks", jws.ErrLength},
		{"64 KiB and a byte", func(p *P) { p.JWKS = make(ident.Bytes, 64<<10+1) }, "jwks", jws.ErrLength},
	})
	allowed(t, func() *P { return newProviderKeys(t) }, map[string]func(*P){
		"the shortest": func(p *P) { p.Issuer, p.JWKS = "x", ident.Bytes("{}") },
		"the longest":  func(p *P) { p.Issuer, p.JWKS = text(255), make(ident.Bytes, 64<<10) },
	})
}

// TestGrounds holds the table against domain.md: force, and where the author's
// notice may be delayed.
func TestGrounds(t *testing.T) {
	want := map[order.Force][]order.Ground{
		order.Duty: {"COURT_CRIMINAL_CASE", "COURT_ORDER", "COURT_ORDER_ON_REFUSAL", "COURT_REFERRAL_LVU", "COURT_WITNESS", "DO", "IMY", "IVO",
			"IVO_LEX_SARAH", "JK", "JO", "MUNICIPAL_AUDIT", "WORK_ENVIRONMENT"},
		order.Test:     {"COURT_REFERRAL_ON_APPEAL", "PARTY_ACCESS", "PARTY_BIAS_CLAIM", "POLICE_PROTECT_OFFICIAL", "POLICE_SUSPECT_OFFICIAL", "PUBLIC_RECORD_REQUEST"},
		order.Internal: {"ACUTE_SAFETY", "EMPLOYEE_CONSENT", "EMPLOYER_MEASURE", "INTERNAL_INVESTIGATION"},
	}
	got := map[order.Force][]order.Ground{}
	for _, g := range order.Grounds() {
		got[g.Force()] = append(got[g.Force()], g)
		if !g.Valid() || g.Law() == "" {
			t.Errorf("%s: no ground or no law", g)
		}
		if g.MayDelay() != (g == order.PoliceSuspectOfficial || g == order.InternalInvestigation) {
			t.Errorf("%s: delay", g)
		}
	}
	for f, list := range want {
		if !slices.Equal(got[f], list) {
			t.Errorf("force %c: %v", f, got[f])
		}
	}
	if len(got) != len(want) {
		t.Errorf("forces: %v", got)
	}
	for _, g := range []order.Ground{"", "EMPLOYEE_SELF", "court_order", "POLITICIAN"} {
		if g.Valid() || g.Force() != 0 || g.Law() != "" || g.MayDelay() {
			t.Errorf("%s is a ground", g)
		}
	}
}
