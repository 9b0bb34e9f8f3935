package proof_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

func TestLogKey(t *testing.T) {
	s := signer(t, authority, 1)
	vkey := s.String()
	k, err := proof.ParseLogKey(vkey)
	if err != nil || k.String() != vkey || k.Authority() != authority || !k.Public().Equal(seed(1).Public()) {
		t.Fatalf("%v, %v", k, err)
	}
	theirs, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal("x/mod refuses our vkey:", err)
	}
	if _, err := note.Open(newTree(t, 3).note(t, s, 3), note.VerifierList(theirs)); err != nil {
		t.Fatal("x/mod refuses our checkpoint:", err)
	}
	for i := range len(vkey) {
		for bit := range 8 {
			b := []byte(vkey)
			b[i] ^= 1 << bit
			if k, err := proof.ParseLogKey(string(b)); !errors.Is(err, proof.ErrLogKey) || k.Public() != nil {
				t.Fatalf("byte %d changed: %v", i, err)
			}
		}
	}
	small := make([]byte, 32)
	small[0] = 1 // the neutral element
	if _, err := proof.NewLogKey(authority, small); !errors.Is(err, proof.ErrLogKey) {
		t.Error("a key of small order:", err)
	}
	if _, err := proof.NewLogKey("556677-8899x", k.Public()); !errors.Is(err, proof.ErrLogKey) {
		t.Error("no authority:", err)
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if _, err := proof.NewLogSigner(authority, p256); !errors.Is(err, proof.ErrLogKey) {
		t.Error("a key of another kind:", err)
	}
}

// FuzzLogKey: a vkey that is read has one form, which x/mod reads as the same key.
func FuzzLogKey(f *testing.F) {
	f.Add(signer(f, authority, 1).String())
	f.Add(string(authority) + "+00000000+AQ==")
	f.Fuzz(func(t *testing.T, vkey string) {
		k, err := proof.ParseLogKey(vkey)
		if err != nil {
			if !errors.Is(err, proof.ErrLogKey) {
				t.Fatal(err)
			}
			return
		}
		theirs, err := note.NewVerifier(vkey)
		if err != nil || theirs.Name() != k.Name() || theirs.KeyHash() != k.KeyHash() || k.String() != vkey {
			t.Fatalf("%q is %q: %v", vkey, k, err)
		}
	})
}

// signed is a note with any text under the log's real signature.
func signed(t *testing.T, text string, signers ...note.Signer) []byte {
	t.Helper()
	msg, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestCheckpointStrict(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 5)
	w := witness(1)
	p := policy(t, "log "+s.String()+"\nwitness w "+w.VKey()+"\nquorum w\n")
	lax := unwitnessed(t, s)
	good := m.note(t, s, 5, w)
	text, sigs, _ := strings.Cut(string(good), "\n\n")
	text += "\n"
	logLine, wLine, _ := strings.Cut(sigs, "\n")
	logLine += "\n"
	root := strings.Split(text, "\n")[2]
	unknown := strings.Replace(wLine, "witness1", "stranger", 1)
	line := func(name string, raw []byte) string {
		return "— " + name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	}
	_, b64, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(logLine), "— "), " ")
	raw, _ := base64.StdEncoding.DecodeString(b64)
	garbage := append(bytes.Clone(raw[:4]), make([]byte, 64)...)

	accepted := map[string]string{
		"as it is":                        string(good),
		"witness first":                   text + "\n" + wLine + logLine,
		"a stranger's line":               string(good) + unknown,
		"a stranger's line twice":         string(good) + unknown + unknown,
		"a stranger's garbage":            string(good) + line("x", make([]byte, 90)),
		"another key with the log's name": string(good) + line(string(authority), make([]byte, 68)),
	}
	for name, msg := range accepted {
		cp, witnessed, err := p.Accept([]byte(msg))
		if err != nil || !witnessed || cp != m.checkpoint(t, 5) {
			t.Errorf("%s: %v %v %v", name, cp, witnessed, err)
		}
		if cp, witnessed, err := lax.Accept([]byte(msg)); err != nil || witnessed || cp.Size != 5 {
			t.Errorf("%s, unwitnessed: %v %v %v", name, cp, witnessed, err)
		}
	}
	refused := map[string]string{
		"nothing":                   "",
		"carriage returns":          strings.ReplaceAll(string(good), "\n", "\r\n"),
		"text alone":                text,
		"no blank line":             text + logLine + wLine,
		"no final newline":          strings.TrimSuffix(string(good), "\n"),
		"something after":           string(good) + "\n",
		"only the witness":          text + "\n" + wLine,
		"the log twice":             string(good) + logLine,
		"the log and garbage of it": string(good) + line(string(authority), garbage),
		"garbage of the log":        text + "\n" + line(string(authority), garbage) + wLine,
		"stray base64 bits":         strings.Replace(string(good), b64, looser(b64), 1),
		"too long":                  string(good) + strings.Repeat(line("x", make([]byte, 3000)), 40),
		"extension line":            string(signed(t, text+"more\n", s, w)),
		"empty extension line":      string(signed(t, text+"\n", s, w)),
		"leading zero":              string(signed(t, fmt.Sprintf("%s\n05\n%s\n", authority, root), s, w)),
		"signed size":               string(signed(t, fmt.Sprintf("%s\n+5\n%s\n", authority, root), s, w)),
		"size 2^53":                 string(signed(t, fmt.Sprintf("%s\n%d\n%s\n", authority, 1<<53, root), s, w)),
		"empty with a root":         string(signed(t, fmt.Sprintf("%s\n0\n%s\n", authority, root), s, w)),
		"short root":                string(signed(t, fmt.Sprintf("%s\n5\n%s\n", authority, root[:40]), s, w)),
		"stray bits in the root":    string(signed(t, fmt.Sprintf("%s\n5\n%s\n", authority, looser(root)), s, w)),
		"another origin":            string(signed(t, fmt.Sprintf("%s\n5\n%s\n", other, root), s, w)),
		"another log":               string(signed(t, fmt.Sprintf("%s\n5\n%s\n", other, root), signer(t, other, 1), w)),
		"another log key":           string(signed(t, text, signer(t, authority, 2), w)),
	}
	for name, msg := range refused {
		for what, open := range map[string]func() (proof.Checkpoint, error){
			"OpenCheckpoint": func() (proof.Checkpoint, error) { return proof.OpenCheckpoint([]byte(msg), p) },
			"Accept":         func() (proof.Checkpoint, error) { cp, _, err := p.Accept([]byte(msg)); return cp, err },
			"unwitnessed":    func() (proof.Checkpoint, error) { cp, _, err := lax.Accept([]byte(msg)); return cp, err },
		} {
			if cp, err := open(); !errors.Is(err, proof.ErrCheckpoint) || cp != (proof.Checkpoint{}) {
				t.Errorf("%s: %s: %v, %v", what, name, cp, err)
			}
		}
	}
	if _, err := proof.OpenCheckpoint(good, proof.Policy{}); !errors.Is(err, proof.ErrCheckpoint) {
		t.Error("the zero policy:", err)
	}
	for _, cp := range []proof.Checkpoint{{Size: 1 << 53}, {Size: 0}} {
		if msg, err := s.Checkpoint(cp.Size, cp.Root); err == nil || msg != nil {
			t.Errorf("signed what no reader takes: size %d", cp.Size)
		}
	}
}

// looser sets the lowest unused bit of a base64 text's last character.
func looser(b64 string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := strings.IndexByte(b64, '=') - 1
	return b64[:i] + string(alphabet[strings.IndexByte(alphabet, b64[i])+1]) + b64[i+1:]
}

func TestWitnesses(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 5)
	p := policy(t, twoOfThree(s))
	w1, w2 := witness(1), witness(2)
	if cp, witnessed, err := p.Accept(m.note(t, s, 5, w1, w2)); err != nil || !witnessed || cp.Size != 5 {
		t.Errorf("two of three: %v %v %v", cp, witnessed, err)
	}
	pending := m.note(t, s, 5, w1)
	if cp, witnessed, err := p.Accept(pending); !errors.Is(err, proof.ErrUnwitnessed) || witnessed || cp != (proof.Checkpoint{}) {
		t.Errorf("one of three: %v %v %v", cp, witnessed, err)
	}
	if cp, err := proof.OpenCheckpoint(pending, p); err != nil || cp.Size != 5 {
		t.Errorf("pending: %v %v", cp, err)
	}
	never, late := w2, w2
	never.Time, late.Time = 0, 1<<63
	forged := w2
	forged.Key = seed(9)
	for name, bad := range map[string]note.Signer{"time 0": never, "time 2^63": late, "forged": relabel{forged, w2.KeyHash()}} {
		msg := m.note(t, s, 5, w1, bad)
		if cp, _, err := p.Accept(msg); !errors.Is(err, proof.ErrCheckpoint) || cp != (proof.Checkpoint{}) {
			t.Errorf("%s: %v, %v", name, cp, err)
		}
	}
	// A cosignature is over the note's text: it cannot be moved.
	moved := bytes.Replace(m.note(t, s, 5, w1, w2), noteText(m.note(t, s, 5)), noteText(m.note(t, s, 4)), 1)
	if _, _, err := p.Accept(moved); !errors.Is(err, proof.ErrCheckpoint) {
		t.Error("moved to another checkpoint:", err)
	}
}

type relabel struct {
	cosigner
	id uint32
}

func (r relabel) KeyHash() uint32 { return r.id }

func noteText(msg []byte) []byte { return msg[:bytes.Index(msg, []byte("\n\n"))+1] }

func TestMLDSAWitness(t *testing.T) {
	skey, vkey, err := cosignature.GenerateMLDSAKey("quantum.example")
	if err != nil {
		t.Fatal(err)
	}
	w, err := cosignature.NewSignerForCosignatureV1(skey)
	if err != nil {
		t.Fatal(err)
	}
	s, m := signer(t, authority, 1), newTree(t, 5)
	p := policy(t, "log "+s.String()+"\nwitness q "+vkey+"\nquorum q\n")
	if cp, witnessed, err := p.Accept(m.note(t, s, 5, w)); err != nil || !witnessed || cp.Size != 5 {
		t.Errorf("%v %v %v", cp, witnessed, err)
	}
	if _, _, err := p.Accept(m.note(t, s, 5)); !errors.Is(err, proof.ErrUnwitnessed) {
		t.Error(err)
	}
}

func TestConsistency(t *testing.T) {
	const max = 40
	m, fork := newTree(t, max), newTree(t, max-1)
	fork.entries[0], fork.hashes[0] = fork.entries[1], fork.hashes[1]
	for n := 1; n <= max; n++ {
		for o := 1; o <= n; o++ {
			p, err := tlog.ProveTree(int64(n), int64(o), m)
			if err != nil {
				t.Fatal(err)
			}
			hashes, older, newer := digests(p), m.checkpoint(t, o), m.checkpoint(t, n)
			if err := proof.CheckConsistency(older, newer, hashes); err != nil {
				t.Fatalf("%d in %d: %v", o, n, err)
			}
			wrong := map[string]error{
				"one hash more": proof.CheckConsistency(older, newer, append(hashes, ident.Digest{})),
				"another log":   proof.CheckConsistency(older, proof.Checkpoint{Origin: other, Size: newer.Size, Root: newer.Root}, hashes),
				"another root":  proof.CheckConsistency(proof.Checkpoint{Origin: authority, Size: older.Size, Root: ident.Sum("fork")}, newer, hashes),
			}
			if len(hashes) > 0 {
				wrong["one hash less"] = proof.CheckConsistency(older, newer, hashes[1:])
				wrong["backwards"] = proof.CheckConsistency(newer, older, hashes)
			}
			for name, err := range wrong {
				if !errors.Is(err, proof.ErrInconsistent) {
					t.Fatalf("%d in %d: %s: %v", o, n, name, err)
				}
			}
		}
	}
	empty := m.checkpoint(t, 0)
	if err := proof.CheckConsistency(empty, m.checkpoint(t, 3), nil); err != nil {
		t.Error("after nothing:", err)
	}
	if err := proof.CheckConsistency(empty, m.checkpoint(t, 3), []ident.Digest{{}}); !errors.Is(err, proof.ErrInconsistent) {
		t.Error("after nothing, with a hash:", err)
	}
	notEmpty := empty
	notEmpty.Root = ident.Sum("x")
	if err := proof.CheckConsistency(notEmpty, m.checkpoint(t, 3), nil); !errors.Is(err, proof.ErrInconsistent) {
		t.Error("an empty log with a root:", err)
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	s, m := signer(f, authority, 1), newTree(f, 5)
	p := unwitnessed(f, s)
	f.Add(m.note(f, s, 5))
	f.Add(m.note(f, s, 0))
	f.Add(m.note(f, s, 4, witness(1)))
	f.Fuzz(func(t *testing.T, msg []byte) {
		cp, err := proof.OpenCheckpoint(msg, p)
		if err != nil {
			return
		}
		again, err := s.Checkpoint(cp.Size, cp.Root)
		if err != nil {
			t.Fatal(err)
		}
		text, line, _ := bytes.Cut(again, []byte("\n\n"))
		if !bytes.HasPrefix(msg, append(bytes.Clone(text), "\n\n"...)) || bytes.Count(msg, line) != 1 {
			t.Fatalf("%q has a second form", msg)
		}
	})
}
