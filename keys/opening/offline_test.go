package opening_test

import (
	"errors"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/vectors"
)

// TestCountersignedCheck: it names a request of the same authority, while that
// runs, with the requester's registration.
func TestCountersignedCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*opening.Countersigned)
		field string
		want  error
	}{
		{"no authority", func(c *opening.Countersigned) { c.Authority = "" }, "authority", jws.ErrMissing},
		{"another authority", func(c *opening.Countersigned) { c.Authority = "212000-0449" }, "request", jws.ErrValue},
		{"no date", func(c *opening.Countersigned) { c.Date = "" }, "date", jws.ErrMissing},
		{"before the request", func(c *opening.Countersigned) { c.Date = "2026-11-19" }, "request", jws.ErrValue},
		{"after its end", func(c *opening.Countersigned) { c.Date = "2026-12-21" }, "request", jws.ErrValue},
		{"no registration", func(c *opening.Countersigned) { c.Registration = nil }, "registration", jws.ErrCount},
		{"too many", func(c *opening.Countersigned) { c.Registration = make([]string, 17) }, "registration", jws.ErrCount},
		{"no request", func(c *opening.Countersigned) { c.Request = "" }, "request", jws.ErrFormat},
		{"another statement", func(c *opening.Countersigned) { c.Request = vectors.Golden(t, "vote")["compact"] }, "request", jws.ErrType},
	} {
		doc := newCountersigned(t)
		c.spoil(doc)
		vectors.Blames(t, c.name, doc.Check(), c.field, c.want)
	}
}

// TestOfflineVote: one form, byte for byte; whether it says the truth is the
// vote's signature's to tell.
func TestOfflineVote(t *testing.T) {
	v := &opening.OfflineVote{Typ: opening.TypOfflineVote, Vector: ident.Bytes("vector"), Vote: vectors.Golden(t, "vote")["compact"]}
	b, err := v.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := opening.ParseOfflineVote(b)
	if err != nil || got.Vote != v.Vote || string(got.Vector) != "vector" {
		t.Fatalf("%+v, %v", got, err)
	}
	vectors.Flips(string(b), func(changed string) {
		got, err := opening.ParseOfflineVote([]byte(changed))
		if err == nil {
			if again, err := got.Marshal(); err != nil || string(again) != changed {
				t.Errorf("accepted in another form: %s", changed)
			}
		} else if !errors.Is(err, opening.ErrPackage) || got != nil {
			t.Errorf("%v", err)
		}
	})
}
