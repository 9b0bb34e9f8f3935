package proof_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

// TestVectors recomputes every file under testdata from the inputs that the
// files name, and checks that the golden proof proves the golden entry.
func TestVectors(t *testing.T) {
	id := ident.IDFromBytes([16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	salt, secret := [32]byte{}, [32]byte{}
	for i := range salt {
		salt[i], secret[i] = byte(i), byte(0xff-i)
	}
	signedBytes := "the signed bytes"
	var b strings.Builder
	line := func(key string, value any) {
		if raw, ok := value.([]byte); ok {
			value = hex.EncodeToString(raw)
		}
		fmt.Fprintf(&b, "%s %v\n", key, value)
	}
	line("decision", id)
	line("signed-bytes", []byte(signedBytes))
	line("salt", salt[:])
	line("watch-secret", secret[:])
	decisionTag, subjectTag := proof.DecisionTag(2026, 4711, id), proof.SubjectTag(id)
	releaseTag := proof.ReleaseTag("2027-02-28", [12]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	notice0, notice1 := proof.NoticeTag(secret, 0), proof.NoticeTag(secret, 1)
	line("decision-tag/2026/4711", decisionTag[:])
	line("subject-tag", subjectTag[:])
	line("release-tag/2027-02-28/0102030405060708090a0b0c", releaseTag[:])
	recoveryTag := proof.RecoveryTag(9, 4711)
	line("recovery-tag/9/4711", recoveryTag[:])
	line("notice-tag/0", notice0[:])
	line("notice-tag/1", notice1[:])
	for _, k := range allKinds() {
		p := proof.Preimage{Kind: k, Salt: salt, Signed: ident.Sum(signedBytes)}
		tag := proof.Tag{0xa0, 15: 0xaf}
		switch k {
		case proof.Decision, proof.NumberVoid:
			tag = decisionTag
		case proof.Returned, proof.Withdrawn, proof.Dispatched, proof.Erasure:
			tag = subjectTag
		case proof.OpeningReleased:
			tag = releaseTag
		case proof.OpeningNotice:
			tag = notice0
		case proof.Recovery:
			tag = recoveryTag
		}
		if k.OfAuthority() {
			p.Salt, tag = [32]byte{}, proof.Tag{}
		}
		e, err := p.Entry(tag)
		if err != nil {
			t.Fatal(err)
		}
		leaf := e.LeafHash()
		line(fmt.Sprintf("preimage/%d/%s", k, k), p.Marshal())
		line(fmt.Sprintf("entry/%d/%s", k, k), e.Marshal())
		line(fmt.Sprintf("leaf/%d/%s", k, k), leaf[:])
	}
	golden(t, "entries.txt", b.String())

	s, m := signer(t, authority, 1), newTree(t, 9)
	text := m.proof(t, 4, 9, m.note(t, s, 9, witness(1), witness(3)))
	golden(t, "log.vkey", s.String()+"\n")
	golden(t, "empty.checkpoint", string(m.note(t, s, 0)))
	golden(t, "nine.checkpoint", string(m.note(t, s, 9, witness(1), witness(3))))
	golden(t, "two-of-three.policy", twoOfThree(s))
	golden(t, "unwitnessed.policy", string(unwitnessed(t, s).Marshal()))
	golden(t, "five-of-nine.entry", hex.EncodeToString(m.entries[4].Marshal())+"\n")
	golden(t, "five-of-nine.tlog-proof", string(text))
	golden(t, "three-to-nine.day", string(m.day(t, 3, 9, m.note(t, s, 9, witness(1), witness(3))).Marshal()))
	golden(t, "quiet.day", string(m.day(t, 9, 9, m.note(t, s, 9, witness(1), witness(3))).Marshal()))
	golden(t, "empty.day", string(m.day(t, 0, 0, m.note(t, s, 0)).Marshal()))
	w := newCosigner(t, "witness1.example", 101)
	golden(t, "three-to-nine.submission", string(m.grown(t, s, 3, 9)))
	golden(t, "witness.vkeys", strings.Join(w.VKeys(), "\n")+"\n")

	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(read("five-of-nine.entry"))))
	if err != nil {
		t.Fatal(err)
	}
	e, err := proof.ParseEntry(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"two-of-three.policy", "unwitnessed.policy"} {
		index, cp, err := proof.CheckInclusion(read("five-of-nine.tlog-proof"), e, policy(t, string(read(p))))
		if err != nil || index != 4 || cp.Size != 9 || cp.Origin != authority {
			t.Errorf("%s: %d %v %v", p, index, cp, err)
		}
	}
	// ML-DSA-44 never gives the same bytes twice: what was written once verifies.
	if *update {
		lines, err := w.Cosign(m.checkpoint(t, 9), witnessTime)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/cosigned.checkpoint", m.cosigned(t, s, 9, lines...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, vkey := range strings.Fields(string(read("witness.vkeys"))) {
		cp, at, err := proof.OpenCosigned(read("cosigned.checkpoint"), vkey)
		if err != nil || at != witnessTime || cp != m.checkpoint(t, 9) {
			t.Errorf("cosigned.checkpoint: %v %v %v", cp, at, err)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
