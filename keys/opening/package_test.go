package opening_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

// TestPackage: the golden package, which another implementation wrote, holds what
// it says and is written again to the byte. (Its parts stand for real ones; that
// a package is sound is keys/unseal's to tell.)
func TestPackage(t *testing.T) {
	data := vectors.File(t, "package.json")
	p, err := opening.ParsePackage(data)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Marshal(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("written again: %v\n%s", err, again)
	}
	if len(p.Ciphertexts) != 2 || p.Ciphertexts[1].Section != record.SectionEvidence || string(p.Head) != "\x01head" || string(p.Bundle) != "{\"a\":1}\n" ||
		string(p.Set) != "{}" || p.Request != vectors.Golden(t, "request")["compact"] || len(p.Votes) != 2 || p.Votes[0].Vote != vectors.Golden(t, "vote")["compact"] ||
		string(p.Votes[0].Vector) != "\t\t\t\t\t" || p.Votes[1].Vector != nil || !slices.Equal(p.Requester, []string{"a.b.c", "d.e.f"}) || len(p.Providers) != 1 || len(p.Released.Tag) != 16 {
		t.Errorf("%+v", p)
	}
}

func TestPackageRefused(t *testing.T) {
	data := vectors.File(t, "package.json")
	s := string(data)
	for what, bad := range map[string]string{
		"nothing":           "",
		"null":              "null",
		"an empty one":      "{}",
		"another typ":       strings.Replace(s, `"typ":"sigill-opening-package"`, `"typ":"sigill-bundle"`, 1),
		"a line feed more":  s + "\n",
		"something after":   s + "{}",
		"an unknown member": strings.Replace(s, `"typ":`, `"tyq":1,"typ":`, 1),
		"typ twice":         strings.Replace(s, `"typ":`, `"typ":"","typ":`, 1),
		"no votes":          strings.Replace(s, `"votes":[`, `"votez":[`, 1),
		"null for a list":   strings.Replace(s, `"providers":[`, `"providers":null,"x":[`, 1),
		"unknown section":   strings.Replace(s, `"section":"DECIDER"`, `"section":"decider"`, 1),
		"an empty vector":   strings.Replace(s, `{"vote":`, `{"vector":"","vote":`, 1),
		"too long":          strings.Repeat(" ", opening.MaxPackage+1),
	} {
		if p, err := opening.ParsePackage([]byte(bad)); !errors.Is(err, opening.ErrPackage) || p != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzPackage: what is accepted is written again to the identical bytes.
func FuzzPackage(f *testing.F) {
	data := vectors.File(f, "package.json")
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := opening.ParsePackage(data)
		if err != nil {
			return
		}
		if again, err := p.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted and written again otherwise: %v\n%s", err, again)
		}
	})
}
