package statement_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigill/keys/jws"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// TestGolden: vectors that another implementation made are read as the values
// that they say, and Ed25519 ones are made again to the byte.
func TestGolden(t *testing.T) {
	for _, k := range kinds(t) {
		g := vectors.Golden(t, k.file)
		got := k.empty()
		if _, err := k.read(g["compact"], got); err != nil || !reflect.DeepEqual(got, k.new) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", k.file, err, got, k.new)
			continue
		}
		if vectors.Canonical(t, got) != g["payload"] || jws.Digest(g["compact"]).String() != g["digest"] {
			t.Errorf("%s: payload or digest differ", k.file)
		}
		opts := k.opts()
		if k.file == "decision" || k.file == "decision-es256" {
			var h jws.Header
			if err := json.Unmarshal([]byte(g["header"]), &h); err != nil {
				t.Fatal(err)
			}
			chain, err := h.Certificates()
			if err != nil {
				t.Fatal(err)
			}
			opts = append(opts, jws.Certified(time.Unix(h.Iat, 0), chain...))
		}
		again, err := jws.Make(k.key, k.new, opts...)
		if err != nil || !strings.HasSuffix(k.file, "es256") && k.file != "authorship" && again != g["compact"] {
			t.Errorf("%s: made again: %v\n%s", k.file, err, again)
		}
	}
}

// TestByteFlip: no changed byte of any statement passes.
func TestByteFlip(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.file, func(t *testing.T) {
			t.Parallel()
			vectors.Flips(vectors.Golden(t, k.file)["compact"], func(changed string) {
				if h, err := k.read(changed, k.empty()); err == nil || !reflect.DeepEqual(h, jws.Header{}) {
					t.Errorf("accepted: %s", changed)
				}
			})
		})
	}
}

// TestTyp: no statement passes for one of another type under the same key.
func TestTyp(t *testing.T) {
	for _, k := range kinds(t) {
		for _, other := range kinds(t) {
			if k.new.Typ() == other.new.Typ() {
				continue
			}
			if _, err := (kind{key: k.key, embed: k.embed}).read(vectors.Golden(t, k.file)["compact"], other.empty()); !errors.Is(err, jws.ErrType) {
				t.Errorf("%s as %s: %v", k.file, other.new.Typ(), err)
			}
		}
	}
}

// TestBareHeader: only a decision carries time and certificate; anyone else's
// would say an hour or a person.
func TestBareHeader(t *testing.T) {
	for _, k := range kinds(t) {
		for what, o := range map[string]jws.Option{
			"time":        func(h *jws.Header, _ *jws.Signer) { h.Iat = 1795169700 },
			"certificate": func(h *jws.Header, _ *jws.Signer) { h.X5c = []string{"MA=="} },
			"fingerprint": func(h *jws.Header, _ *jws.Signer) { d := vectors.Digest("leaf"); h.X5t = &d },
		} {
			c, err := jws.Make(k.key, k.new, append(k.opts(), o)...)
			if err != nil {
				t.Fatal(err)
			}
			_, isDecision := k.new.(*statement.Decision)
			if _, err := k.read(c, k.empty()); (err == nil) != isDecision || !isDecision && !errors.Is(err, jws.ErrFormat) {
				t.Errorf("%s with a %s in its header: %v", k.file, what, err)
			}
		}
	}
}

// FuzzRead: a payload that is accepted under a right signature is made again to
// the identical statement.
func FuzzRead(f *testing.F) {
	all := kinds(f)
	for i, k := range all {
		f.Add(uint8(i), []byte(vectors.Golden(f, k.file)["payload"]))
	}
	f.Fuzz(func(t *testing.T, i uint8, payload []byte) {
		k := all[int(i)%len(all)]
		k.key = vectors.Ed25519(t, "author")
		st := k.empty()
		compact := vectors.Forge(t, "author", st.Typ(), payload, k.embed)
		if _, err := k.read(compact, st); err != nil {
			return
		}
		if again, err := jws.Make(k.key, st, k.opts()...); err != nil || again != compact {
			t.Fatalf("accepted and made again otherwise: %v\n%s\n%s", err, compact, again)
		}
	})
}
