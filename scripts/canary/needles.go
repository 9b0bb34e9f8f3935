// Package canary looks for traces of authors where there must be none: in the
// store's file, in all that the server printed, and in every answer, streamed
// message, header, trailer and refusal that another role was sent.
//
// [Forms] spells a value in every way in which software here or elsewhere might
// have written it down; [Needles] finds any of many spellings in one pass over
// the bytes. TestCanary plays the story and a hundred authors more on a built
// sigilld, and sees itself fail on planted ones; TestWire has a server tell.
package canary

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// shortest is the least number of bytes that a spelling is looked for with: what
// is shorter would be found by chance.
const shortest = 8

// Forms spells a value: NFC and NFD, lower case, UTF-16 of both orders, hex,
// percent, \u escapes, base64 of both alphabets at the three offsets that it can
// stand at inside a longer text, and SHA-1 and SHA-256 in binary, hex and base64.
func Forms(value string) [][]byte {
	var out [][]byte
	for _, text := range []string{norm.NFC.String(value), norm.NFD.String(value), strings.ToLower(norm.NFC.String(value))} {
		raw := []byte(text)
		out = append(out, raw, wide(text, false), wide(text, true), []byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw))),
			[]byte(url.QueryEscape(text)), []byte(url.PathEscape(text)), escaped(text, "%04x"), escaped(text, "%04X"))
		out = append(out, offsets(raw)...)
		for _, sum := range [][]byte{sum1(raw), sum256(raw)} {
			out = append(out, sum, []byte(hex.EncodeToString(sum)), []byte(strings.ToUpper(hex.EncodeToString(sum))))
			out = append(out, offsets(sum)...)
		}
	}
	return unique(out)
}

func sum1(b []byte) []byte { s := sha1.Sum(b); return s[:] }

func sum256(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

func wide(s string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

// escaped writes what is not ASCII as JSON and Java do.
func escaped(s, form string) []byte {
	var out strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		if u < 0x80 {
			out.WriteByte(byte(u))
		} else {
			fmt.Fprintf(&out, `\u`+form, u)
		}
	}
	return []byte(out.String())
}

// offsets is base64 of the value behind 0, 1 and 2 unknown bytes, without the
// characters that depend on its neighbours.
func offsets(b []byte) [][]byte {
	var out [][]byte
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for off := range 3 {
			s := enc.EncodeToString(append(make([]byte, off), b...))
			from := []int{0, 2, 3}[off]
			to := (off + len(b)) * 8 / 6 // whole characters
			if to > from {
				out = append(out, []byte(s[from:to]))
			}
		}
	}
	return out
}

func unique(list [][]byte) [][]byte {
	seen := map[string]bool{}
	var out [][]byte
	for _, b := range list {
		if len(b) >= shortest && !seen[string(b)] {
			seen[string(b)] = true
			out = append(out, b)
		}
	}
	return out
}

// Needles are spellings to look for, by their first eight bytes.
type Needles struct {
	by map[uint64][]needle
}

type needle struct {
	bytes []byte
	what  string
}

// NewNeedles is an empty set.
func NewNeedles() *Needles { return &Needles{map[uint64][]needle{}} }

// Add looks for every spelling of a value; what says which value it is, without
// saying it.
func (n *Needles) Add(what, value string) {
	for _, f := range Forms(value) {
		k := first(f)
		n.by[k] = append(n.by[k], needle{f, what})
	}
}

func first(b []byte) (k uint64) {
	for _, c := range b[:shortest] {
		k = k<<8 | uint64(c)
	}
	return k
}

// Find names the values of which a spelling stands in the bytes, each once.
func (n *Needles) Find(in []byte) []string {
	if len(in) < shortest {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	k := first(in)
	for i := 0; ; i++ {
		for _, c := range n.by[k] {
			if !seen[c.what] && bytes.HasPrefix(in[i:], c.bytes) {
				seen[c.what], out = true, append(out, c.what)
			}
		}
		if i+shortest >= len(in) {
			return out
		}
		k = k<<8 | uint64(in[i+shortest])
	}
}
