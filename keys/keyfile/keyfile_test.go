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
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
)

const pass = "rätt häst batteri"

var fast = keyfile.Options{WorkFactor: 1}

var uses = []keyfile.Use{
	keyfile.Author, keyfile.Day, keyfile.Director, keyfile.Institution, keyfile.Log, keyfile.Board,
	keyfile.Requester, keyfile.ReviewerSign, keyfile.ReviewerHPKE, keyfile.Recipient, keyfile.Gate,
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
		seeded := isHPKE || use == keyfile.Gate
		for what, c := range map[string]struct {
			err  error
			want bool
		}{"signer": {errS, !seeded}, "crypto": {errC, !seeded}, "HPKE": {errH, isHPKE}, "seed": {errSeed, seeded}, "public": {errP, use != keyfile.Gate}} {
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
		case keyfile.Author, keyfile.Log, keyfile.Board:
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

// TestByteFlip: of a key file no changed, missing or added byte opens, and the
// error is that of a wrong passphrase.
func TestByteFlip(t *testing.T) {
	dir := home(t)
	path := filepath.Join(dir, "k")
	if err := keyfile.Save(path, pass, generate(t, keyfile.Author), fast); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, wrong := keyfile.Load(path, pass+" ")
	refused := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := keyfile.Load(path, pass)
		if !errors.Is(err, keyfile.ErrCannotOpen) || err.Error() != wrong.Error() || k.Use() != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range file {
		for _, mask := range []byte{1, 0x20, 0x80} {
			b := bytes.Clone(file)
			b[i] ^= mask
			refused(fmt.Sprintf("byte %d ^ %x", i, mask), b)
		}
	}
	for n := range file {
		refused(fmt.Sprintf("cut to %d", n), file[:n])
	}
	for _, tail := range []string{"\n", "\x00", "age-encryption.org/v1\n"} {
		refused("appended", append(bytes.Clone(file), tail...))
		refused("prepended", append([]byte(tail), file...))
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Load(path, pass); err != nil {
		t.Errorf("the file itself: %v", err)
	}
}

// TestPlaces is threats.md, C1: what others could change is neither read nor
// written to.
func TestPlaces(t *testing.T) {
	key := generate(t, keyfile.Board)
	for name, spoil := range map[string]func(t *testing.T, dir, path string) string{
		"readable by the group": func(t *testing.T, dir, path string) string { return chmod(t, path, 0o640, path) },
		"readable by others":    func(t *testing.T, dir, path string) string { return chmod(t, path, 0o604, path) },
		"directory 0777":        func(t *testing.T, dir, path string) string { return chmod(t, dir, 0o777, path) },
		"directory 1777":        func(t *testing.T, dir, path string) string { return chmod(t, dir, 0o777|fs.ModeSticky, path) },
		"directory of a group":  func(t *testing.T, dir, path string) string { return chmod(t, dir, 0o770, path) },
		"symbolic link": func(t *testing.T, dir, path string) string {
			if err := os.Symlink("k", path+"2"); err != nil {
				t.Fatal(err)
			}
			return path + "2"
		},
		"directory in its place": func(t *testing.T, dir, path string) string {
			if err := os.Mkdir(path+"3", 0o700); err != nil {
				t.Fatal(err)
			}
			return path + "3"
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			path := filepath.Join(dir, "k")
			if err := keyfile.Save(path, pass, key, fast); err != nil {
				t.Fatal(err)
			}
			target := spoil(t, dir, path)
			if k, err := keyfile.Load(target, pass); !errors.Is(err, keyfile.ErrUnsafe) || k.Use() != "" {
				t.Errorf("loaded: %v", err)
			}
			if strings.HasPrefix(name, "directory ") && target == path {
				before := listing(t, dir)
				if err := keyfile.Save(path+"new", pass, key, fast); !errors.Is(err, keyfile.ErrUnsafe) {
					t.Errorf("saved: %v", err)
				}
				if _, err := keyfile.LoadPublic(path); !errors.Is(err, keyfile.ErrUnsafe) {
					t.Errorf("loaded the public half: %v", err)
				}
				if listing(t, dir) != before {
					t.Error("refused, and yet something was written")
				}
			}
		})
	}
}

func chmod(t *testing.T, what string, mode fs.FileMode, then string) string {
	t.Helper()
	if err := os.Chmod(what, mode); err != nil {
		t.Fatal(err)
	}
	return then
}

// Another user's file, in another user's directory or in one's own, is refused.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	key := generate(t, keyfile.Board)
	for _, what := range []string{"k", "."} {
		dir := home(t)
		path := filepath.Join(dir, "k")
		if err := keyfile.Save(path, pass, key, fast); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, what), 65534, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := keyfile.Load(path, pass); !errors.Is(err, keyfile.ErrUnsafe) {
			t.Errorf("%s of another user: %v", what, err)
		}
	}
}

// TestWritingLeavesNothing is threats.md, C4 and C5.
func TestWritingLeavesNothing(t *testing.T) {
	dir := home(t)
	path := filepath.Join(dir, "k")
	first, second := generate(t, keyfile.Board), generate(t, keyfile.Board)
	if err := keyfile.Save(path, pass, first, fast); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	unchanged := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if strings.Contains(err.Error(), dir) {
			t.Errorf("%s: the error names the place", what)
		}
		if listing(t, dir) != before {
			t.Errorf("%s: refused, and yet something was written", what)
		}
	}
	unchanged("exists", keyfile.Save(path, pass, second, fast), keyfile.ErrExists)
	unchanged("no passphrase", keyfile.Save(path+"2", "", second, fast), keyfile.ErrPassphrase)
	unchanged("no directory", keyfile.Save(filepath.Join(dir, "none", "k"), pass, second, fast), fs.ErrNotExist)
	unchanged("no file", func() error { _, err := keyfile.Load(path+"2", pass); return err }(), fs.ErrNotExist)
	unchanged("no passphrase", func() error { _, err := keyfile.Load(path, ""); return err }(), keyfile.ErrPassphrase)
	long := keyfile.SaveSealed(path+"2", pass, "sigill-test", note{strings.Repeat("a", keyfile.MaxSize)}, fast)
	unchanged("too long", long, keyfile.ErrTooLong)
	for _, factor := range []int{-1, 21, 31} {
		if err := keyfile.Save(path+"2", pass, first, keyfile.Options{WorkFactor: factor}); err == nil || listing(t, dir) != before {
			t.Errorf("work factor %d: %v", factor, err)
		}
	}

	// a key whose place is taken leaves no public half, and the other way round
	if err := os.Remove(path + ".pub.json"); err != nil {
		t.Fatal(err)
	}
	before = listing(t, dir)
	unchanged("key exists", keyfile.Save(path, pass, second, fast), keyfile.ErrExists)
	if err := os.Rename(path, path+".pub.json"); err != nil {
		t.Fatal(err)
	}
	before = listing(t, dir)
	unchanged("public half exists", keyfile.Save(path, pass, second, fast), keyfile.ErrExists)

	// forced, both are replaced
	if err := keyfile.Save(path, pass, second, keyfile.Options{WorkFactor: 1, Force: true}); err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.Load(path, pass)
	pub, errPub := keyfile.LoadPublic(path)
	want, errWant := second.Public()
	if err != nil || !same(got, second) || errPub != nil || errWant != nil || pub.Thumbprint != want.Thumbprint {
		t.Errorf("forced: %v, %v", err, errPub)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d files", len(entries))
	}
}

// A file that is written without options costs a guesser the default.
func TestDefaultWorkFactor(t *testing.T) {
	path := filepath.Join(home(t), "k")
	if err := keyfile.Save(path, pass, generate(t, keyfile.Gate), keyfile.Options{}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b[:min(len(b), 100)], []byte(" 18\n")) {
		t.Errorf("another work factor (%v)", err)
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

// golden returns the plaintexts of testdata, each with the thumbprint of its
// public half, or - where it has none.
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

// TestPlaintextRefused: what is under the right passphrase is read as strictly
// as anything else.
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
