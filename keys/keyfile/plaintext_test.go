package keyfile_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"

	"sigill/keys/keyfile"
)

// write makes a key file of whatever plaintext, by age alone.
func write(t testing.TB, path string, plain []byte, factor int) {
	t.Helper()
	to, err := age.NewScryptRecipient(pass)
	if err != nil {
		t.Fatal(err)
	}
	to.SetWorkFactor(factor)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// plaintext reads what Save wrote, by age alone.
func plaintext(t testing.TB, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(f, id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// golden returns the plaintexts of testdata, each with the thumbprint of its public
// half, or - where it has none.
func golden(t testing.TB) (plain, thumb []string) {
	t.Helper()
	b, err := os.ReadFile("testdata/plaintexts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		if th, p, ok := strings.Cut(strings.TrimSuffix(l, "\n"), " {"); ok && l[0] != '#' {
			plain, thumb = append(plain, "{"+p), append(thumb, th)
		}
	}
	return plain, thumb
}

func TestGolden(t *testing.T) {
	dir := home(t)
	plain, thumb := golden(t)
	if len(plain) != len(uses) {
		t.Fatalf("%d vectors", len(plain))
	}
	for i, p := range plain {
		path := filepath.Join(dir, fmt.Sprint(i))
		write(t, path, []byte(p), 1)
		k, err := keyfile.Load(path, pass)
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		got := "-"
		if pub, err := k.Public(); err == nil {
			got = pub.Thumbprint.String()
		}
		if got != thumb[i] {
			t.Errorf("%s: thumbprint %s", p, got)
		}
		if err := keyfile.Save(path+".again", pass, k, fast); err != nil || plaintext(t, path+".again") != p {
			t.Errorf("%s: written again: %v", p, err)
		}
	}
	// a whole file, at work factor 12
	file, err := os.ReadFile("testdata/golden.age.hex")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(strings.Join(strings.Fields(string(file)), ""))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "whole")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := keyfile.Load(path, pass); err != nil || k.Use() != keyfile.Gate {
		t.Errorf("whole file: %v", err)
	}
	// one that would cost its reader two gigabytes is not begun with
	write(t, path, []byte(plain[0]), 10)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(" 10\n"), []byte(" 21\n"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := keyfile.Load(path, pass); !errors.Is(err, keyfile.ErrCannotOpen) {
		t.Errorf("costly file: %v", err)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 64<<20 {
		t.Errorf("costly file: it was begun with, for %d MiB", (after.TotalAlloc-before.TotalAlloc)>>20)
	}
}

// TestPlaintextRefused: what is under the right passphrase is read as strictly as
// anything else.
func TestPlaintextRefused(t *testing.T) {
	path := filepath.Join(home(t), "k")
	plain, _ := golden(t)
	var ed, ec, gate string
	for _, p := range plain {
		switch {
		case strings.Contains(p, `"use":"author"`):
			ed = p
		case strings.Contains(p, `"use":"day"`):
			ec = p
		case strings.Contains(p, `"use":"gate"`):
			gate = p
		}
	}
	other := `"d":"` + strings.Repeat("A", 42) + `E"`
	d := func(s string) string { i := strings.Index(s, `"d":"`); return s[i : i+49] }
	for name, p := range map[string]string{
		"empty": "", "null": "null", "nothing": "{}", "space": ed + " ", "unknown use": strings.Replace(ed, `"author"`, `"court"`, 1),
		"other typ":           strings.Replace(ed, "sigill-key", "sigill-vault", 1),
		"other kind of use":   strings.Replace(ed, `"author"`, `"day"`, 1),
		"P-256 for Ed25519":   strings.Replace(ec, `"day"`, `"author"`, 1),
		"key for a seed":      strings.Replace(ed, `"author"`, `"gate"`, 1),
		"seed for a key":      strings.Replace(gate, `"gate"`, `"log"`, 1),
		"seed of 31 bytes":    strings.Replace(gate, `"seed":"`, `"seed":"AAAA`, 1),
		"both":                strings.Replace(gate, `"seed"`, ed[strings.Index(ed, `"key"`):strings.Index(ed, `,"typ"`)]+`,"seed"`, 1),
		"public half differs": strings.Replace(ed, d(ed), other, 1),
		"same for P-256":      strings.Replace(ec, d(ec), other, 1),
		"scalar is 0":         strings.Replace(ec, d(ec), `"d":"`+strings.Repeat("A", 43)+`"`, 1),
		"scalar above n":      strings.Replace(ec, d(ec), `"d":"`+strings.Repeat("_", 42)+`8"`, 1),
		"other kty":           strings.Replace(ed, `"OKP"`, `"EC"`, 1),
		"other crv":           strings.Replace(ed, `"Ed25519"`, `"X25519"`, 1),
		"authority of nobody": strings.Replace(ed, `"202100-0001"`, `"202100-0002"`, 1),
		"more":                strings.Replace(ed, `"typ"`, `"name":"x","typ"`, 1),
	} {
		if p == ed || p == ec || p == gate {
			t.Fatalf("%s: nothing was changed", name)
		}
		write(t, path, []byte(p), 1)
		if k, err := keyfile.Load(path, pass); !errors.Is(err, keyfile.ErrCannotOpen) || k.Use() != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPublicRefused(t *testing.T) {
	dir := home(t)
	path := filepath.Join(dir, "k")
	if err := keyfile.Save(path, pass, generate(t, keyfile.Board), fast); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path + ".pub.json")
	if err != nil {
		t.Fatal(err)
	}
	other, err := generate(t, keyfile.Board).Public()
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		if err := os.WriteFile(path+".pub.json", b, 0o644); err != nil {
			t.Fatal(err)
		}
		if p, err := keyfile.LoadPublic(path); err == nil {
			t.Errorf("byte %d changed, and yet %v was read", i, p.Use)
		}
	}
	for name, s := range map[string]string{
		"another use":   strings.Replace(string(good), `"board"`, `"reviewer-hpke"`, 1),
		"never shown":   strings.Replace(string(good), `"board"`, `"author"`, 1),
		"another thumb": strings.Replace(string(good), string(good)[bytes.Index(good, []byte(`print":"`))+8:][:43], other.Thumbprint.String(), 1),
	} {
		if err := os.WriteFile(path+".pub.json", []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := keyfile.LoadPublic(path); !errors.Is(err, keyfile.ErrUse) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPlaintext(f *testing.F) {
	plain, _ := golden(f)
	for _, p := range plain {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		path := filepath.Join(home(t), "k")
		write(t, path, p, 1)
		k, err := keyfile.Load(path, pass)
		if err != nil {
			if !errors.Is(err, keyfile.ErrCannotOpen) || k.Use() != "" {
				t.Fatal(err)
			}
			return
		}
		if err := keyfile.Save(path+"2", pass, k, fast); err != nil || plaintext(t, path+"2") != string(p) {
			t.Fatalf("%q was accepted and is written otherwise (%v)", p, err)
		}
	})
}
