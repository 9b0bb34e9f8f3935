package opening_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

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

// TestOfflineVote: the golden vote, which another implementation wrote, holds what
// it says and is written again to the byte. Whether it says the truth is the
// vote's signature's to tell.
func TestOfflineVote(t *testing.T) {
	data := vectors.File(t, "offline-vote.json")
	v, err := opening.ParseOfflineVote(data)
	if err != nil || v.Vote != vectors.Golden(t, "vote")["compact"] || len(v.Vector) != 1368 {
		t.Fatalf("%+v, %v", v, err)
	}
	if again, err := v.Marshal(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("written again: %v\n%s", err, again)
	}
	for name, bad := range map[string]string{
		"nothing":      "",
		"no vote":      `{"typ":"sigill-offline-vote"}`,
		"another typ":  strings.Replace(string(data), "offline-vote", "offline-votes", 1),
		"a line feed":  string(data) + "\n",
		"an empty one": `{"typ":"sigill-offline-vote","vector":"","vote":"a.b.c"}`,
		"too long":     `{"typ":"sigill-offline-vote","vote":"` + strings.Repeat("a", opening.MaxOfflineVote) + `"}`,
	} {
		if v, err := opening.ParseOfflineVote([]byte(bad)); !errors.Is(err, opening.ErrPackage) || v != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := opening.OfflineVote{Typ: opening.TypOfflineVote, Vector: make([]byte, 1368), Vote: strings.Repeat("a", jws.MaxSize)}
	if b, err := long.Marshal(); err != nil || len(b) > opening.MaxOfflineVote {
		t.Errorf("the longest vote there can be takes %d bytes: %v", len(b), err)
	}
}

// TestOfflineVoteByteFlip: no byte of it goes unread.
func TestOfflineVoteByteFlip(t *testing.T) {
	data := vectors.File(t, "offline-vote.json")
	whole, err := opening.ParseOfflineVote(data)
	if err != nil {
		t.Fatal(err)
	}
	vectors.Flips(string(data), func(changed string) {
		got, err := opening.ParseOfflineVote([]byte(changed))
		if err != nil {
			if !errors.Is(err, opening.ErrPackage) || got != nil {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := got.Marshal(); err != nil || string(again) != changed || reflect.DeepEqual(got, whole) {
			t.Errorf("went unread: %v\n%s", err, changed)
		}
	})
}

// FuzzOfflineVote: what is accepted is written again to the identical bytes.
func FuzzOfflineVote(f *testing.F) {
	f.Add(vectors.File(f, "offline-vote.json"))
	f.Add([]byte(`{"typ":"sigill-offline-vote","vote":"a.b.c"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := opening.ParseOfflineVote(data)
		if err != nil {
			return
		}
		if again, err := v.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted and written again otherwise: %v\n%s", err, again)
		}
	})
}
