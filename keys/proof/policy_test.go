package proof_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	libpolicy "github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"sigill/keys/proof"
)

func TestPolicyReads(t *testing.T) {
	s := signer(t, authority, 1)
	log := "log " + s.String() + "\n"
	w := func(b byte) string { return fmt.Sprintf("witness w%d %s\n", b, witness(b).VKey()) }
	for name, text := range map[string]string{
		"no witness":       log + "quorum none\n",
		"witness unused":   log + w(1) + "quorum none\n",
		"two keys":         log + "log " + signer(t, authority, 2).String() + " https://log.example/\nquorum none\n",
		"space, comments":  "\n\t # a log\n \t" + log + "\n" + w(1) + "quorum\t w1 \n  \n",
		"log after quorum": "quorum none\n" + log,
		"bytes in names":   log + "witness \xe5 " + witness(1).VKey() + "\nquorum \xe5\n",
		"groups of groups": log + w(1) + w(2) + w(3) + "group a any w1 w2\ngroup b all a w3\nquorum b\n",
	} {
		p, err := proof.ParsePolicy([]byte(text))
		if err != nil || string(p.Marshal()) != text || p.Authority() != authority {
			t.Errorf("%s: %v", name, err)
		}
		if p.Witnessed() == strings.Contains(text, "quorum none") {
			t.Errorf("%s: witnessed %v", name, p.Witnessed())
		}
	}
}

func TestPolicyRefuses(t *testing.T) {
	s := signer(t, authority, 1)
	log, none := "log "+s.String()+"\n", "quorum none\n"
	w := func(b byte) string { return fmt.Sprintf("witness w%d %s\n", b, witness(b).VKey()) }
	logAsWitness := cosigner{Label: "w.example", Key: seed(1), Time: 1}
	sameKey := cosigner{Label: "again.example", Key: witness(1).Key, Time: 1}
	plain := strings.Replace(s.String(), string(authority), "w.example", 1)
	w1 := witness(1)
	mixed := fmt.Sprintf("%s+%08x+%s", w1.Label, w1.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{1}, w1.Public()[1:]...)))
	badID := strings.Replace(witness(1).VKey(), fmt.Sprintf("%08x", witness(1).KeyHash()), "00000000", 1)
	many := func(n int, line func(i byte) string) (out string) {
		for i := range n {
			out += line(byte(i))
		}
		return out
	}
	for name, text := range map[string]string{
		"nothing":                       "",
		"no final newline":              log + "quorum none",
		"no log":                        w(1) + "quorum w1\n",
		"no quorum":                     log + w(1),
		"two quorums":                   log + w(1) + "quorum w1\n" + none,
		"quorum before":                 log + "quorum w1\n" + w(1),
		"quorum unknown":                log + "quorum w1\n",
		"unknown word":                  log + none + "witnesses\n",
		"CRLF":                          strings.ReplaceAll(log+none, "\n", "\r\n"),
		"delete character":              log + none + "# \x7f\n",
		"comment after":                 log + "quorum none # for now\n",
		"two authorities":               log + "log " + signer(t, other, 2).String() + "\n" + none,
		"log twice":                     log + log + none,
		"no authority":                  strings.Replace(log, string(authority), "log.example", 1) + none,
		"witness twice":                 log + w(1) + "witness v " + witness(1).VKey() + "\n" + none,
		"one key, two names":            log + w(1) + "witness v " + sameKey.VKey() + "\n" + none,
		"log as its witness":            log + "witness v " + logAsWitness.VKey() + "\n" + none,
		"witness, plain key":            log + "witness v " + plain + "\n" + none,
		"witness, wrong key id":         log + "witness v " + badID + "\n" + none,
		"witness, plain in cosigner id": log + "witness v " + mixed + "\n" + none,
		"witness without key":           log + "witness v\n" + none,
		"name twice":                    log + w(1) + strings.Replace(w(2), "w2", "w1", 1) + none,
		"reserved name":                 log + strings.Replace(w(1), "w1", "none", 1) + none,
		"group, threshold 0":            log + w(1) + "group g 0 w1\nquorum g\n",
		"group, threshold 2":            log + w(1) + "group g 2 w1\nquorum g\n",
		"group, threshold 01":           log + w(1) + "group g 01 w1\nquorum g\n",
		"group, threshold -1":           log + w(1) + "group g -1 w1\nquorum g\n",
		"group, nobody":                 log + w(1) + "group g all\nquorum w1\n",
		"group, one twice":              log + w(1) + w(2) + "group g 2 w1 w1\nquorum g\n",
		"one in two groups":             log + w(1) + "group g any w1\ngroup h any w1\nquorum h\n",
		"group of itself":               log + "group g any g\nquorum g\n",
		"group of none":                 log + "group g any none\nquorum g\n",
		"33 witnesses":                  log + many(33, w) + none,
		"33 logs":                       many(33, func(i byte) string { return "log " + signer(t, authority, i).String() + "\n" }) + none,
		"33 groups":                     log + many(32, w) + many(32, func(i byte) string { return fmt.Sprintf("group g%d any w%d\n", i, i) }) + "group g any g0\n" + none,
		"too long":                      log + none + strings.Repeat("#\n", 1<<16),
	} {
		p, err := proof.ParsePolicy([]byte(text))
		if !errors.Is(err, proof.ErrPolicy) || p.Marshal() != nil && len(p.Marshal()) > 0 {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "example") || strings.Contains(err.Error(), string(authority))) {
			t.Errorf("%s: the error repeats the policy: %v", name, err)
		}
	}
}

// TestPolicyAsLibrary draws policies and sets of witnesses, and asks
// transparency-dev's reader of the same format whether they suffice.
func TestPolicyAsLibrary(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 4)
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(r, "witnesses")
		text, free := "log "+s.String()+"\n", []string{}
		for i := range n {
			text += fmt.Sprintf("witness w%d %s https://w%d.example/\n", i, witness(byte(i)).VKey(), i)
			free = append(free, fmt.Sprintf("w%d", i))
		}
		for g := range rapid.IntRange(0, 4).Draw(r, "groups") {
			k := rapid.IntRange(1, len(free)).Draw(r, "members")
			threshold := rapid.SampledFrom([]string{"any", "all", fmt.Sprint(rapid.IntRange(1, k).Draw(r, "k"))}).Draw(r, "threshold")
			free = rapid.Permutation(free).Draw(r, "order")
			text += fmt.Sprintf("group g%d %s %s\n", g, threshold, strings.Join(free[:k], " "))
			free = append(free[k:], fmt.Sprintf("g%d", g))
		}
		text += "quorum " + rapid.SampledFrom(append(free, "w0", "none")).Draw(r, "quorum") + "\n"
		ours := policy(t, text)
		theirs, err := libpolicy.ParsePolicy([]byte(text))
		if err != nil {
			r.Fatalf("the library refuses what we take: %v\n%s", err, text)
		}
		for _, set := range rapid.SliceOfN(rapid.IntRange(0, 1<<n-1), 4, 4).Draw(r, "sets") {
			var cosigners []note.Signer
			for i := range n {
				if set>>i&1 == 1 {
					cosigners = append(cosigners, witness(byte(i)))
				}
			}
			msg := m.note(t, s, 4, cosigners...)
			_, _, err := ours.Accept(msg)
			if want := theirs.Satisfied(msg); (err == nil) != want || err != nil && !errors.Is(err, proof.ErrUnwitnessed) {
				r.Fatalf("witnesses %b: %v, the library says %v\n%s", set, err, want, text)
			}
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	s := signer(f, authority, 1)
	f.Add([]byte(twoOfThree(s)))
	f.Add([]byte("log " + s.String() + "\nquorum none\n"))
	bare := newTree(f, 3).note(f, s, 3)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := proof.ParsePolicy(b)
		if err != nil {
			return
		}
		if string(p.Marshal()) != string(b) {
			t.Fatalf("%q has a second form", b)
		}
		if _, witnessed, err := p.Accept(bare); witnessed || err == nil && p.Witnessed() {
			t.Fatalf("%q takes a checkpoint that no witness signed", b)
		}
	})
}
