package opening_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/vectors"
)

func smallExtract(t testing.TB) []byte {
	e := &opening.Extract{Bundle: ident.Bytes("bundle"), Dissents: []string{}, Head: ident.Bytes("head"), Typ: opening.TypExtract,
		Providers: []opening.ProviderEntry{{Keys: "a.b.c", Logged: opening.Entry{Preimage: ident.Bytes("p"), Proof: []string{"line"}, Tag: ident.Bytes("t")}}},
		Sets:      [][]string{{"a.b.c"}}, Wrappings: []ident.Bytes{ident.Bytes("w")}}
	for range 7 {
		e.Ciphertexts = append(e.Ciphertexts, ident.Bytes("c"))
	}
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestParseExtract: one form, all seven ciphertexts, nothing more.
func TestParseExtract(t *testing.T) {
	good := string(smallExtract(t))
	e, err := opening.ParseExtract([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := e.Marshal(); err != nil || string(b) != good {
		t.Fatal("another form", err)
	}
	for name, bad := range map[string]string{
		"empty":             "",
		"null":              "null",
		"cut":               good[:len(good)-1],
		"more":              good + " ",
		"a space":           strings.Replace(good, ":", ": ", 1),
		"an unknown member": strings.Replace(good, `{"bundle"`, `{"a":1,"bundle"`, 1),
		"another typ":       strings.Replace(good, "sigill-extract", "sigill-extracts", 1),
		"six ciphertexts":   strings.Replace(good, `"ciphertexts":["Yw",`, `"ciphertexts":[`, 1),
		"too long":          good + strings.Repeat(" ", opening.MaxPackage),
	} {
		if e, err := opening.ParseExtract([]byte(bad)); !errors.Is(err, opening.ErrExtract) || e != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExtractGolden: the golden extract, which another implementation wrote, holds
// what it says and is written again to the byte. (Its parts stand for real ones.)
func TestExtractGolden(t *testing.T) {
	data := vectors.File(t, "extract.json")
	e, err := opening.ParseExtract(data)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := e.Marshal(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("written again: %v\n%s", err, again)
	}
	if string(e.Bundle) != "{\"a\":1}\n" || string(e.Head) != "\x01head" || len(e.Ciphertexts) != 7 || len(e.Ciphertexts[6]) != 32 ||
		len(e.Dissents) != 1 || len(e.Providers) != 1 || e.Providers[0].Keys != vectors.Read(t, "../order/testdata/provider-keys.txt")["compact1"] ||
		len(e.Providers[0].Logged.Preimage) != 82 || len(e.Providers[0].Logged.Tag) != 16 || len(e.Providers[0].Logged.Proof) != 8 ||
		!reflect.DeepEqual(e.Sets, [][]string{{"a.b.c", "d.e.f"}, {"g.h.i"}}) || len(e.Wrappings) != 2 || string(e.Wrappings[1]) != "wrapping 1 2" {
		t.Errorf("%+v", e)
	}
}

// TestExtractByteFlip: nobody signs an extract, so that what is changed in it may
// be another extract; but no byte of it goes unread.
func TestExtractByteFlip(t *testing.T) {
	data := vectors.File(t, "extract.json")
	whole, err := opening.ParseExtract(data)
	if err != nil {
		t.Fatal(err)
	}
	vectors.Flips(string(data), func(changed string) {
		e, err := opening.ParseExtract([]byte(changed))
		if err != nil {
			if !errors.Is(err, opening.ErrExtract) || e != nil {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := e.Marshal(); err != nil || string(again) != changed || reflect.DeepEqual(e, whole) {
			t.Errorf("went unread: %v\n%s", err, changed)
		}
	})
}

// FuzzExtract: what is accepted is encoded to the same bytes.
func FuzzExtract(f *testing.F) {
	f.Add(smallExtract(f))
	f.Add(vectors.File(f, "extract.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := opening.ParseExtract(data)
		if err != nil {
			return
		}
		if b, err := e.Marshal(); err != nil || !bytes.Equal(b, data) {
			t.Fatalf("another form: %v", err)
		}
	})
}
