package proof_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/proof"
)

const witnessTime = 1798761600

func newCosigner(t testing.TB, name string, b byte) *proof.Cosigner {
	t.Helper()
	c, err := proof.NewCosigner(name, seed(b), [32]byte{b})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cosigned is a checkpoint of the tree with lines of a witness after the log's.
func (m *tree) cosigned(t testing.TB, s *proof.LogSigner, size int, lines ...string) []byte {
	t.Helper()
	return append(m.note(t, s, size), strings.Join(lines, "")...)
}

// TestCosigner: each line alone and both together satisfy policies that ask for
// them, also as an independent implementation makes them.
func TestCosigner(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 5)
	c := newCosigner(t, "witness1.example", 101) // the key of witness(1)
	vkeys := c.VKeys()
	if len(vkeys) != 2 || vkeys[0] != witness(1).VKey() {
		t.Fatalf("%q, want first %q", vkeys, witness(1).VKey())
	}
	lines, err := c.Cosign(m.checkpoint(t, 5), witnessTime)
	if err != nil || len(lines) != 2 {
		t.Fatal(lines, err)
	}
	theirs := m.note(t, s, 5, witness(1))
	if ours := m.cosigned(t, s, 5, lines[0]); !bytes.Equal(ours, theirs) {
		t.Errorf("two implementations differ:\n%s\n%s", ours, theirs)
	}
	head := "log " + s.String() + "\nwitness w " + vkeys[0] + " https://w.example/\nwitness w-pq " + vkeys[1] + "\n"
	both := policy(t, head+"group g all w w-pq\nquorum g\n")
	for name, c := range map[string]struct {
		policy proof.Policy
		lines  []string
		ok     bool
	}{
		"both of both":    {both, lines, true},
		"the other order": {both, []string{lines[1], lines[0]}, true},
		"one of both":     {both, lines[:1], false},
		"Ed25519":         {policy(t, head+"quorum w\n"), lines[:1], true},
		"ML-DSA-44":       {policy(t, head+"quorum w-pq\n"), lines[1:], true},
		"the wrong one":   {policy(t, head+"quorum w-pq\n"), lines[:1], false},
	} {
		cp, witnessed, err := c.policy.Accept(m.cosigned(t, s, 5, c.lines...))
		if c.ok && (err != nil || !witnessed || cp != m.checkpoint(t, 5)) || !c.ok && !errors.Is(err, proof.ErrUnwitnessed) {
			t.Errorf("%s: %v %v %v", name, cp, witnessed, err)
		}
	}
	for i, vkey := range vkeys {
		msg := m.cosigned(t, s, 5, lines[i])
		if cp, at, err := proof.OpenCosigned(msg, vkey); err != nil || cp != m.checkpoint(t, 5) || at != witnessTime {
			t.Errorf("key %d: %v %v %v", i, cp, at, err)
		}
		start := bytes.LastIndex(msg, []byte("\n\n"))
		for at := range msg {
			if at > 500 && at%41 != 0 {
				continue // of the 3,240 characters of an ML-DSA-44 signature some will do
			}
			b := bytes.Clone(msg)
			b[at] ^= 1
			// The log's own line is not looked at.
			inLog := at > start && at < start+2+bytes.IndexByte(msg[start+2:], '\n')
			if cp, _, err := proof.OpenCosigned(b, vkey); err == nil && (!inLog || cp != m.checkpoint(t, 5)) {
				t.Fatalf("key %d: byte %d changed", i, at)
			}
		}
		if _, _, err := proof.OpenCosigned(msg, vkeys[1-i]); !errors.Is(err, proof.ErrCheckpoint) {
			t.Errorf("key %d: %v", i, err)
		}
		if _, _, err := proof.OpenCosigned(append(msg, lines[i]...), vkey); !errors.Is(err, proof.ErrCheckpoint) {
			t.Errorf("key %d, twice: %v", i, err)
		}
	}
	if _, _, err := proof.OpenCosigned(theirs, s.String()); !errors.Is(err, proof.ErrWitnessKey) {
		t.Error("a log's key for a witness's:", err)
	}
	never := witness(1)
	never.Time = 0
	if _, _, err := proof.OpenCosigned(m.note(t, s, 5, never), vkeys[0]); !errors.Is(err, proof.ErrCheckpoint) {
		t.Error("time 0:", err)
	}
}

func TestL06_neverTimeZero(t *testing.T) {
	c, cp := newCosigner(t, "w.example", 1), newTree(t, 1).checkpoint(t, 1)
	for _, at := range []int64{0, -1} {
		if lines, err := c.Cosign(cp, at); !errors.Is(err, proof.ErrCheckpoint) || lines != nil {
			t.Errorf("time %d: %q, %v", at, lines, err)
		}
	}
	for _, cp := range []proof.Checkpoint{{}, {Origin: authority, Size: 1 << 53}, {Origin: authority}} {
		if lines, err := c.Cosign(cp, 1); !errors.Is(err, proof.ErrCheckpoint) || lines != nil {
			t.Errorf("%v: %q, %v", cp, lines, err)
		}
	}
}

func TestCosignerNames(t *testing.T) {
	for _, name := range []string{"w.example", "vittne-1.kommun.example/w1", "a.b/c/d_e.f"} {
		vkeys := newCosigner(t, name, 1).VKeys()
		policy(t, fmt.Sprintf("log %s\nwitness %s %s\nquorum %s\n", signer(t, authority, 2), name, vkeys[1], name))
	}
	for _, name := range []string{"", "none", "w", "229999-0008", "W.example", "w.example+x", "w.example ", " w.example", "w.exa mple", "w.example/", "#w.example",
		"-.example", "w..example", "w.exämple", "w.example\n", "w." + strings.Repeat("e", 100)} {
		if c, err := proof.NewCosigner(name, seed(1), [32]byte{1}); !errors.Is(err, proof.ErrWitnessName) || c != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if c, err := proof.NewCosigner("w.example", p256, [32]byte{1}); !errors.Is(err, proof.ErrWitnessKey) || c != nil {
		t.Error("a key of another kind:", err)
	}
}

// TestTrim: what strangers have added goes, what the policy knows stays.
func TestTrim(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 5)
	plain, both := m.note(t, s, 5), m.note(t, s, 5, witness(1), witness(2))
	lax := unwitnessed(t, s)
	if got, err := lax.Trim(both); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%s, %v", got, err)
	}
	p := policy(t, "log "+s.String()+"\nwitness w "+witness(2).VKey()+"\nquorum w\n")
	if got, err := p.Trim(both); err != nil || !bytes.Equal(got, m.note(t, s, 5, witness(2))) {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := lax.Trim(bytes.Replace(both, []byte("\n5\n"), []byte("\n4\n"), 1)); !errors.Is(err, proof.ErrCheckpoint) || got != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// TestUnsigned: a missing or wrong signature of the log is told from a bad form.
func TestUnsigned(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 5)
	p, good := unwitnessed(t, s), m.note(t, s, 5)
	for name, c := range map[string]struct {
		msg      []byte
		unsigned bool
	}{
		"another key":   {m.note(t, signer(t, authority, 2), 5), true},
		"another text":  {bytes.Replace(good, []byte("\n5\n"), []byte("\n4\n"), 1), true},
		"another log":   {m.note(t, signer(t, authority, 2), 5, witness(1)), true},
		"no signatures": {[]byte(strings.Split(string(good), "\n\n")[0] + "\n\n"), false},
		"twice":         {append(bytes.Clone(good), good[bytes.LastIndex(good, []byte("\n\n"))+2:]...), false},
		"CRLF":          {bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), false},
		"extension":     {signed(t, string(authority)+"\n5\n"+strings.Split(string(good), "\n")[2]+"\nmore\n", s), false},
	} {
		_, err := proof.OpenCheckpoint(c.msg, p)
		if !errors.Is(err, proof.ErrCheckpoint) || errors.Is(err, proof.ErrUnsigned) != c.unsigned {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (m *tree) grown(t testing.TB, s *proof.LogSigner, old, size int) []byte {
	t.Helper()
	var hashes []tlog.Hash
	if old > 0 {
		var err error
		if hashes, err = tlog.ProveTree(int64(size), int64(old), m); err != nil {
			t.Fatal(err)
		}
	}
	return proof.Submission{Old: uint64(old), Hashes: digests(hashes), Checkpoint: m.note(t, s, size)}.Marshal()
}

func TestSubmission(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 9)
	body := m.grown(t, s, 3, 9)
	got, err := proof.ParseSubmission(body)
	if err != nil || got.Old != 3 || got.Origin() != authority || !bytes.Equal(got.Checkpoint, m.note(t, s, 9)) {
		t.Fatalf("%v, %v", got, err)
	}
	if err := proof.CheckConsistency(m.checkpoint(t, 3), m.checkpoint(t, 9), got.Hashes); err != nil {
		t.Fatal(err)
	}
	note := string(m.note(t, s, 9))
	hash := strings.Split(string(body), "\n")[1] + "\n"
	if _, err := proof.ParseSubmission([]byte("old 0\n\n" + note)); err != nil {
		t.Error("no hashes:", err)
	}
	if _, err := proof.ParseSubmission([]byte("old 9\n" + strings.Repeat(hash, 63) + "\n" + note)); err != nil {
		t.Error("63 hashes:", err)
	}
	for name, bad := range map[string]string{
		"nothing": "", "only old": "old 1\n", "no checkpoint": "old 1\n\n", "no empty line": "old 1\n" + note[:20], "no old": "1\n\n" + note,
		"no number": "old \n\n" + note, "leading zero": "old 01\n\n" + note, "plus": "old +1\n\n" + note, "minus": "old -1\n\n" + note,
		"two spaces": "old  1\n\n" + note, "space after": "old 1 \n\n" + note, "Old": "Old 1\n\n" + note, "old 2^53": fmt.Sprintf("old %d\n\n%s", 1<<53, note),
		"old 2^64": "old 18446744073709551616\n\n" + note, "CRLF": strings.ReplaceAll(string(body), "\n", "\r\n"), "CRLF in a hash": "old 3\n" + strings.TrimSuffix(hash, "\n") + "\r\n\n" + note,
		"64 hashes": "old 9\n" + strings.Repeat(hash, 64) + "\n" + note, "short hash": "old 3\n" + hash[:40] + "\n\n" + note, "loose hash": "old 3\n" + looser(hash) + "\n" + note,
		"no hash": "old 3\nx\n\n" + note, "empty line first": "\nold 3\n\n" + note, "too long": "old 3\n\n" + note + strings.Repeat("x", proof.MaxSubmission), "long checkpoint": "old 3\n\n" + strings.Repeat("x", proof.MaxNote+1),
	} {
		if got, err := proof.ParseSubmission([]byte(bad)); !errors.Is(err, proof.ErrSubmission) || got.Checkpoint != nil {
			t.Errorf("%s: old %d, %v", name, got.Old, err)
		}
	}
}

// FuzzSubmission: what is read is written the same, so that it has one form.
func FuzzSubmission(f *testing.F) {
	s, m := signer(f, authority, 1), newTree(f, 9)
	for _, old := range []int{0, 1, 3, 8, 9} {
		f.Add(m.grown(f, s, old, 9))
	}
	f.Add([]byte("old 0\n\nx"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := proof.ParseSubmission(body)
		if err != nil {
			if !errors.Is(err, proof.ErrSubmission) || got.Checkpoint != nil {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(got.Marshal(), body) || len(got.Hashes) > 63 || slices.Contains([]byte(got.Origin()), '\n') {
			t.Fatalf("%q is read as %q", body, got.Marshal())
		}
	})
}
