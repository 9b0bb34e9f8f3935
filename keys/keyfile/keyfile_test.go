package keyfile_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
)

const pass = "rätt häst batteri"

var fast = keyfile.Options{WorkFactor: 1}

var uses = []keyfile.Use{
	keyfile.Author, keyfile.Day, keyfile.Director, keyfile.Institution, keyfile.Log, keyfile.Board,
	keyfile.Requester, keyfile.ReviewerSign, keyfile.ReviewerHPKE, keyfile.Recipient, keyfile.Gate,
	keyfile.Witness, keyfile.WitnessMLDSA,
}

// home is a directory as a careful person has it.
func home(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// listing is all that lies in a directory, with contents, so that a test can say
// that nothing changed.
func listing(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		s += fmt.Sprintf("%s %v %x\n", e.Name(), info.Mode(), b)
	}
	return s
}

// same reports whether two keys would be given out as the same bytes.
func same(a, b keyfile.Key) bool {
	sa, errA := a.Seed()
	sb, errB := b.Seed()
	ca, errCA := a.Crypto()
	cb, errCB := b.Crypto()
	if a.Use() != b.Use() || a.Authority() != b.Authority() || (errA == nil) != (errB == nil) || (errCA == nil) != (errCB == nil) || sa != sb {
		return false
	}
	return ca == nil || ca.(interface{ Equal(crypto.PrivateKey) bool }).Equal(cb)
}

func generate(t testing.TB, use keyfile.Use) keyfile.Key {
	t.Helper()
	k, err := keyfile.Generate(use, "202100-0001")
	if err != nil {
		t.Fatal(use, err)
	}
	return k
}

func TestRoundTrip(t *testing.T) {
	dir := home(t)
	shown := map[keyfile.Use]bool{}
	for _, u := range []keyfile.Use{keyfile.Director, keyfile.Institution, keyfile.Log, keyfile.Board, keyfile.Requester, keyfile.ReviewerSign, keyfile.ReviewerHPKE} {
		shown[u] = true
	}
	for _, use := range uses {
		key := generate(t, use)
		path := filepath.Join(dir, string(use))
		if err := keyfile.Save(path, pass, key, fast); err != nil {
			t.Fatal(use, err)
		}
		got, err := keyfile.Load(path, pass)
		if err != nil || !same(got, key) || got.Authority() != "202100-0001" {
			t.Errorf("%s: %v", use, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", use, info.Mode(), err)
		}
		pub, err := keyfile.LoadPublic(path)
		if !shown[use] {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: something lies beside it in clear: %v", use, err)
			}
			continue
		}
		want, errWant := key.Public()
		if err != nil || errWant != nil || pub.Thumbprint != want.Thumbprint || pub.Use != use {
			t.Errorf("%s: public half: %v", use, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(uses)+len(shown) {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

// What is given out works, and is given out as nothing else.
func TestConversions(t *testing.T) {
	for _, use := range uses {
		k := generate(t, use)
		s, errS := k.Signer()
		c, errC := k.Crypto()
		h, errH := k.HPKE()
		seed, errSeed := k.Seed()
		_, errP := k.Public()
		isHPKE := use == keyfile.ReviewerHPKE || use == keyfile.Recipient
		seeded := isHPKE || use == keyfile.Gate || use == keyfile.WitnessMLDSA
		for what, c := range map[string]struct {
			err  error
			want bool
		}{"signer": {errS, !seeded}, "crypto": {errC, !seeded}, "HPKE": {errH, isHPKE}, "seed": {errSeed, seeded}, "public": {errP, isHPKE || !seeded}} {
			if c.want != (c.err == nil) || c.err != nil && !errors.Is(c.err, keyfile.ErrUse) {
				t.Errorf("%s as %s: %v", use, what, c.err)
			}
		}
		if seeded != (s == nil && c == nil) || isHPKE != (h != nil) || seeded == (seed == [32]byte{}) {
			t.Errorf("%s: given out with an error, or not without", use)
		}
		if isHPKE {
			box, err := hpke.Seal(h.PublicKey(), hpke.HKDFSHA256(), hpke.AES256GCM(), []byte("info"), []byte("plain"))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := hpke.Open(h, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte("info"), box); err != nil || string(b) != "plain" {
				t.Errorf("%s: %v", use, err)
			}
		}
	}
}

func TestUses(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(nil)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range uses {
		_, errEd := keyfile.FromSigner(use, "", ed)
		_, errEC := keyfile.FromSigner(use, "", p256)
		_, errSeed := keyfile.FromSeed(use, "", [32]byte{1})
		var wantEd, wantEC, wantSeed bool
		switch use {
		case keyfile.Author, keyfile.Log, keyfile.Board, keyfile.Witness:
			wantEd = true
		case keyfile.Day:
			wantEC = true
		case keyfile.Director, keyfile.Institution, keyfile.Requester, keyfile.ReviewerSign:
			wantEd, wantEC = true, true
		default:
			wantSeed = true
		}
		if (errEd == nil) != wantEd || (errEC == nil) != wantEC || (errSeed == nil) != wantSeed {
			t.Errorf("%s: %v, %v, %v", use, errEd, errEC, errSeed)
		}
	}
	for name, err := range map[string]error{
		"unknown":   func() error { _, err := keyfile.Generate("court", ""); return err }(),
		"empty":     func() error { _, err := keyfile.Generate("", ""); return err }(),
		"P-384":     func() error { _, err := keyfile.FromSigner(keyfile.Director, "", p384); return err }(),
		"no key":    func() error { _, err := keyfile.FromSigner(keyfile.Director, "", nil); return err }(),
		"zero key":  keyfile.Save(filepath.Join(home(t), "k"), pass, keyfile.Key{}, fast),
		"seed of a": func() error { _, err := keyfile.FromSeed(keyfile.Author, "", [32]byte{1}); return err }(),
	} {
		if !errors.Is(err, keyfile.ErrUse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := keyfile.Generate(keyfile.Log, "202100-0002"); !errors.Is(err, ident.ErrAuthority) {
		t.Errorf("another authority: %v", err)
	}
}

// A key that ends up in a message shows its use alone.
func TestKeyPrintsNothing(t *testing.T) {
	seed := [32]byte{0xca, 0xfe, 0xba, 0xbe}
	k, err := keyfile.FromSeed(keyfile.Gate, "", seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		if s := fmt.Sprintf(verb, k) + fmt.Sprintf(verb, &k); s != strings.Repeat("private key (gate)", 2) {
			t.Errorf("%s: %s", verb, s)
		}
	}
}

type note struct {
	Text string `json:"text"`
}

func TestSealed(t *testing.T) {
	dir := home(t)
	path := filepath.Join(dir, "r")
	if err := keyfile.SaveSealed(path, pass, "sigill-vault", note{"kvitto åäö"}, fast); err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.LoadSealed[note](path, pass, "sigill-vault")
	if err != nil || got.Text != "kvitto åäö" {
		t.Fatal(got, err)
	}
	if got, err := keyfile.LoadSealed[note](path, pass, "sigill-other"); !errors.Is(err, keyfile.ErrCannotOpen) || got.Text != "" {
		t.Errorf("another typ: %v", err)
	}
	if got, err := keyfile.LoadSealed[note](path, "fel", "sigill-vault"); !errors.Is(err, keyfile.ErrCannotOpen) || got.Text != "" {
		t.Errorf("another passphrase: %v", err)
	}
	if k, err := keyfile.Load(path, pass); !errors.Is(err, keyfile.ErrCannotOpen) || k.Use() != "" {
		t.Errorf("as a key: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte("kvitto")) {
		t.Errorf("in clear: %v", err)
	}
	if err := keyfile.SaveSealed(path+"2", pass, "sigill-vault", note{"a\nb"}, fast); !errors.Is(err, jws.ErrCharacter) {
		t.Errorf("a line feed: %v", err)
	}
}

func TestPEM(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(nil)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	pkcs8 := func(k any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	der, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	sec1 := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	params := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}})
	for name, c := range map[string]struct {
		pem  []byte
		want crypto.PrivateKey
	}{
		"Ed25519": {pkcs8(ed), ed}, "P-256": {pkcs8(ec), ec}, "SEC 1": {sec1, ec}, "SEC 1 by openssl": {append(params, sec1...), ec},
	} {
		k, err := keyfile.FromPEM(keyfile.Institution, "202100-0001", c.pem)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s, err := k.Crypto(); err != nil || !s.(interface{ Equal(crypto.PrivateKey) bool }).Equal(c.want) {
			t.Errorf("%s: another key", name)
		}
	}
	for name, c := range map[string]struct {
		pem  []byte
		want error
	}{
		"nothing": {nil, keyfile.ErrPEM}, "no PEM": {[]byte("key"), keyfile.ErrPEM},
		"two keys": {append(pkcs8(ed), sec1...), keyfile.ErrPEM}, "trailing": {append(pkcs8(ed), 'x'), keyfile.ErrPEM},
		"encrypted":       {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), keyfile.ErrPEM},
		"old encryption":  {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: der}), keyfile.ErrPEM},
		"public":          {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), keyfile.ErrPEM},
		"wrong container": {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), keyfile.ErrPEM},
		"parameters only": {params, keyfile.ErrPEM},
		"RSA":             {pkcs8(rsaKey), keyfile.ErrUse}, "P-384": {pkcs8(p384), keyfile.ErrUse},
	} {
		if k, err := keyfile.FromPEM(keyfile.Institution, "", c.pem); !errors.Is(err, c.want) || k.Use() != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := keyfile.FromPEM(keyfile.Log, "", sec1); !errors.Is(err, keyfile.ErrUse) {
		t.Errorf("P-256 for the log: %v", err)
	}
}
