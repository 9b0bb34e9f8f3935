package opening_test

import (
	"errors"
	"reflect"
	"testing"

	"sigill/keys/jws"
	"sigill/keys/vectors"
)

// TestGolden: vectors that another implementation made are read as the values
// that they say, and Ed25519 ones are made again to the byte.
func TestGolden(t *testing.T) {
	for _, k := range kinds(t) {
		g, got := vectors.Golden(t, k.file), k.empty()
		h, err := jws.Read(g["compact"], k.key.Public(), got)
		if err != nil || !reflect.DeepEqual(got, k.new) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", k.file, err, got, k.new)
			continue
		}
		if vectors.Canonical(t, got) != g["payload"] || vectors.Canonical(t, h) != g["header"] || jws.Digest(g["compact"]).String() != g["digest"] {
			t.Errorf("%s: payload, header or digest differ", k.file)
		}
		if again, err := jws.Make(k.key, k.new); err != nil || k.file != "vote-es256" && again != g["compact"] {
			t.Errorf("%s: made again: %v", k.file, err)
		}
	}
}

// TestByteFlip: no changed byte of any statement passes.
func TestByteFlip(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.file, func(t *testing.T) {
			t.Parallel()
			vectors.Flips(vectors.Golden(t, k.file)["compact"], func(changed string) {
				if h, err := jws.Read(changed, k.key.Public(), k.empty()); err == nil || !reflect.DeepEqual(h, jws.Header{}) {
					t.Errorf("accepted: %s", changed)
				}
			})
		})
	}
}

// TestTyp: no statement passes for one of another type under the same key.
func TestTyp(t *testing.T) {
	for _, k := range kinds(t) {
		for _, o := range kinds(t) {
			if o.new.Typ() == k.new.Typ() {
				continue
			}
			if _, err := jws.Read(vectors.Golden(t, k.file)["compact"], k.key.Public(), o.empty()); !errors.Is(err, jws.ErrType) {
				t.Errorf("%s as %s: %v", k.file, o.new.Typ(), err)
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
		st := all[int(i)%len(all)].empty()
		key := vectors.Ed25519(t, "log")
		compact := vectors.Forge(t, "log", st.Typ(), payload, false)
		if _, err := jws.Read(compact, key.Public(), st); err != nil {
			return
		}
		if again, err := jws.Make(key, st); err != nil || again != compact {
			t.Fatalf("accepted and made again otherwise: %v\n%s\n%s", err, compact, again)
		}
	})
}
