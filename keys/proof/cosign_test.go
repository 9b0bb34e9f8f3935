package proof_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigill/keys/proof"
)

// lines are the signature lines that signers answer to a checkpoint.
func lines(t testing.TB, msg []byte, signers ...note.Signer) (out []byte) {
	t.Helper()
	text := msg[:bytes.LastIndex(msg, []byte("\n\n"))+1]
	for _, s := range signers {
		sig, err := s.Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		b := append(binary.BigEndian.AppendUint32(nil, s.KeyHash()), sig...)
		out = append(out, "— "+s.Name()+" "+base64.StdEncoding.EncodeToString(b)+"\n"...)
	}
	return out
}

// TestCosign: a witness's answer is taken whole or not at all, and what comes of it is
// the checkpoint that the policy accepts.
func TestCosign(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 4)
	skey, vkey, err := cosignature.GenerateMLDSAKey("quantum.example")
	if err != nil {
		t.Fatal(err)
	}
	quantum, err := cosignature.NewMLDSASigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	p := policy(t, twoOfThree(s)+"witness q "+vkey+" https://w1.example/\n")
	w1, w2, stranger := witness(1), witness(2), witness(9)
	early, late, spoiled := w1, w1, w1
	early.Time, late.Time, spoiled.Key = 0, w1.Time+1, seed(1)
	bare := m.note(t, s, 4)
	latest := time.Unix(int64(w1.Time), 0)
	asked := func(names ...string) (out []proof.Witness) {
		for _, w := range p.Witnesses() {
			for _, n := range names {
				if w.Name == n {
					out = append(out, w)
				}
			}
		}
		return out
	}
	if got := asked("w1")[0]; got.Key != w1.VKey() || got.URL != "https://w1.example/" || len(p.Witnesses()) != 4 {
		t.Fatal("the policy's witnesses: ", p.Witnesses())
	}

	for _, c := range []struct {
		name   string
		answer []byte
		by     int
	}{
		{"one key", lines(t, bare, w1), 1},
		{"one of its two keys", lines(t, bare, w1), 1},
		{"a stranger's as well", lines(t, bare, stranger, w1), 1},
		{"another's that was not asked", lines(t, bare, w1, w2), 1},
	} {
		out, by, err := p.Cosign(bare, c.answer, asked("w1", "q"), latest)
		if err != nil || len(by) != c.by || by[0].Name != "w1" || !bytes.Equal(out, append(bytes.Clone(bare), lines(t, bare, w1)...)) {
			t.Errorf("%s: by %v, %v", c.name, by, err)
		}
	}
	both, by, err := p.Cosign(bare, lines(t, bare, w1, quantum), asked("w1", "q"), latest)
	if err != nil || len(by) != 2 {
		t.Fatal("two keys: ", by, err)
	}
	if p.Enough(by) {
		t.Error("one of three, with two keys, is said to be enough")
	}
	if _, _, err := p.Accept(both); !errors.Is(err, proof.ErrUnwitnessed) {
		t.Error("one of three: ", err)
	}
	whole, by, err := p.Cosign(both, lines(t, bare, w2), asked("w2"), latest)
	if err != nil || len(by) != 1 || !p.Enough(asked("w1", "w2")) {
		t.Fatal("another: ", by, err)
	}
	if cp, witnessed, err := p.Accept(whole); err != nil || !witnessed || cp != m.checkpoint(t, 4) {
		t.Error("two of three: ", cp, witnessed, err)
	}

	for name, answer := range map[string][]byte{
		"nothing":             nil,
		"an empty line":       []byte("\n"),
		"a line behind":       append(lines(t, bare, w1), "\n"...),
		"a word":              []byte("thanks\n"),
		"a word behind":       append(lines(t, bare, w1), "thanks\n"...),
		"no newline":          bytes.TrimSuffix(lines(t, bare, w1), []byte("\n")),
		"a carriage return":   bytes.Replace(lines(t, bare, w1), []byte("\n"), []byte("\r\n"), 1),
		"a whole note":        m.note(t, s, 4, w1),
		"stray bits":          stray(lines(t, bare, w1)),
		"a stranger's alone":  lines(t, bare, stranger),
		"another's alone":     lines(t, bare, w2),
		"the log's own":       lines(t, bare, s),
		"of another size":     lines(t, m.note(t, s, 3), w1),
		"by another's key":    lines(t, bare, spoiled),
		"the same twice":      lines(t, bare, w1, w1),
		"time 0":              lines(t, bare, early),
		"a time to come":      lines(t, bare, late),
		"too long":            bytes.Repeat(lines(t, bare, stranger), 200),
		"one good, one wrong": append(lines(t, bare, w1), lines(t, m.note(t, s, 3), quantum)...),
	} {
		if out, by, err := p.Cosign(bare, answer, asked("w1", "q"), latest); !errors.Is(err, proof.ErrCosignature) || out != nil || by != nil {
			t.Errorf("%s: by %v, %v", name, by, err)
		} else if strings.Contains(err.Error(), "example") {
			t.Errorf("%s: the error repeats the answer: %v", name, err)
		}
	}
	if _, _, err := p.Cosign(both, lines(t, bare, w1), asked("w1", "q"), latest); !errors.Is(err, proof.ErrCosignature) {
		t.Error("what is there already: ", err)
	}
	if _, by, err := p.Cosign(both, lines(t, bare, stranger), asked("w1", "q"), latest); !errors.Is(err, proof.ErrCosignature) {
		t.Error("nothing to what is there already: ", by, err)
	}
	if _, _, err := p.Cosign([]byte("no checkpoint\n"), lines(t, bare, w1), asked("w1"), latest); !errors.Is(err, proof.ErrCheckpoint) {
		t.Error("to no checkpoint: ", err)
	}
}

// stray sets a bit of the base64 that no byte holds.
func stray(line []byte) []byte {
	i := bytes.IndexByte(line, '=') - 1
	out := bytes.Clone(line)
	out[i]++
	return out
}
