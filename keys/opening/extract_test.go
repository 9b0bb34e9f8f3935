package opening_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/opening"
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

// FuzzExtract: what is accepted is encoded to the same bytes.
func FuzzExtract(f *testing.F) {
	f.Add(smallExtract(f))
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
