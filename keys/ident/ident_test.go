package ident_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
)

// golden returns the fields of the lines of testdata/values.txt that begin with
// kind.
func golden(t testing.TB, kind string) (lines [][]string) {
	t.Helper()
	f, err := os.Open("testdata/values.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if w := strings.Fields(s.Text()); len(w) > 0 && w[0] == kind {
			lines = append(lines, w[1:])
		}
	}
	if len(lines) == 0 {
		t.Fatalf("no golden value of kind %s", kind)
	}
	return lines
}

func fromHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "-"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGolden(t *testing.T) {
	for _, w := range golden(t, "id") {
		id := ident.IDFromBytes([16]byte(fromHex(t, w[0])))
		got, err := ident.ParseID(w[1])
		if err != nil || got != id || hex.EncodeToString(func() []byte { b := got.Bytes(); return b[:] }()) != w[0] {
			t.Errorf("id %s: %q, %v", w[0], got, err)
		}
	}
	for _, w := range golden(t, "digest") {
		raw := fromHex(t, w[0])
		got, err := ident.ParseDigest(w[1])
		if err != nil || got != ident.Sum(raw) || got.String() != w[1] {
			t.Errorf("digest of %s: %v, %v", w[0], got, err)
		}
		if again, err := ident.DigestFromBytes(got[:]); err != nil || again != got {
			t.Errorf("digest of %s from bytes: %v", w[0], err)
		}
	}
	for _, w := range golden(t, "date") {
		d, err := ident.ParseDate(w[0])
		if err != nil {
			t.Errorf("date %s: %v", w[0], err)
			continue
		}
		days := uint32(number(t, w[1]))
		if d.Days() != days || ident.DateFromDays(days) != d || d.Start().Unix() != number(t, w[2]) {
			t.Errorf("date %s: day %d, begins %d", d, d.Days(), d.Start().Unix())
		}
	}
	for _, w := range golden(t, "day") {
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("far", -11*3600)} {
			if got := ident.DateOf(time.Unix(number(t, w[0]), 0).In(zone)); string(got) != w[1] {
				t.Errorf("day at %s: %s, want %s", w[0], got, w[1])
			}
		}
	}
	for _, w := range golden(t, "authority") {
		if a, err := ident.ParseAuthority(w[0]); err != nil || string(a) != w[0] {
			t.Errorf("authority %s: %q, %v", w[0], a, err)
		}
	}
}

// form is one text form, seen alike: text is what an accepted value is written
// as when it is written again.
type form struct {
	name   string
	parse  func(string) (text string, err error)
	refuse error
	good   []string
	bad    []string
}

func forms(t testing.TB) []form {
	pick := func(kind string, column int) (list []string) {
		for _, w := range golden(t, kind) {
			list = append(list, w[column])
		}
		return list
	}
	var id ident.ID
	var auth ident.Authority
	var date ident.Date
	var digest ident.Digest
	return []form{
		{"id", func(s string) (string, error) {
			p, err := ident.ParseID(s)
			if errU := id.UnmarshalText([]byte(s)); (errU == nil) != (err == nil) || id != p {
				return "", errors.New("UnmarshalText disagrees")
			}
			if err != nil {
				return string(p), err
			}
			return string(ident.IDFromBytes(p.Bytes())), nil
		}, ident.ErrID, pick("id", 1), []string{
			"", "a", strings.Repeat("a", 25), strings.Repeat("a", 27), strings.Repeat("A", 26),
			strings.Repeat("a", 25) + "b", strings.Repeat("a", 25) + "=", strings.Repeat("a", 25) + "\n",
			"\n" + strings.Repeat("a", 25), strings.Repeat("1", 26), strings.Repeat("a", 24) + "å",
		}},
		{"authority", func(s string) (string, error) {
			p, err := ident.ParseAuthority(s)
			if errU := auth.UnmarshalText([]byte(s)); (errU == nil) != (err == nil) || auth != p {
				return "", errors.New("UnmarshalText disagrees")
			}
			return string(p), err
		}, ident.ErrAuthority, pick("authority", 0), []string{
			"", "2021000001", "202100-0002", "202100_0001", " 202100-000", "202100-00012", "2O2100-0001",
			"19121212-1212", "811218-9876", "121212-1212", "２02100-00",
		}},
		{"date", func(s string) (string, error) {
			p, err := ident.ParseDate(s)
			if errU := date.UnmarshalText([]byte(s)); (errU == nil) != (err == nil) || date != p {
				return "", errors.New("UnmarshalText disagrees")
			}
			return string(p), err
		}, ident.ErrDate, pick("date", 0), []string{
			"", "2026-1-02", "2026-01-2", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-04-31",
			"1969-12-31", "0000-01-01", "10000-01-01", "2026/01/02", "20260102", "2026-01-02 ", "2026-01-02T00:00:00Z",
			"+026-01-02", "-2026-01-02",
		}},
		{"digest", func(s string) (string, error) {
			p, err := ident.ParseDigest(s)
			if errU := digest.UnmarshalText([]byte(s)); (errU == nil) != (err == nil) || digest != p {
				return "", errors.New("UnmarshalText disagrees")
			}
			if err != nil && !p.IsZero() {
				return p.String(), err
			}
			if err != nil {
				return "", err
			}
			b, errM := p.MarshalText()
			if errM != nil {
				return "", errM
			}
			return string(b), nil
		}, ident.ErrDigest, pick("digest", 1), []string{
			"", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("A", 42) + "B", strings.Repeat("A", 42) + "=",
			strings.Repeat("A", 41) + "\nA", strings.Repeat("A", 42) + "\n", strings.Repeat("A", 42) + "+", strings.Repeat("/", 43),
		}},
	}
}

// TestOneForm holds that a value has one text only: what is accepted is what
// would be written, and a text that differs in any byte is refused or is another
// value.
func TestOneForm(t *testing.T) {
	for _, f := range forms(t) {
		for _, s := range f.good {
			if got, err := f.parse(s); err != nil || got != s {
				t.Errorf("%s: a good value became %q, %v", f.name, got, err)
			}
			for _, m := range mutations(s) {
				if got, err := f.parse(m); err == nil && got != m {
					t.Errorf("%s: %q was accepted and is written %q", f.name, m, got)
				} else if err != nil && (got != "" || !errors.Is(err, f.refuse)) {
					t.Errorf("%s: refusing %q gave %q, %v", f.name, m, got, err)
				}
			}
		}
		for _, s := range f.bad {
			if got, err := f.parse(s); got != "" || !errors.Is(err, f.refuse) {
				t.Errorf("%s: %q gave %q, %v", f.name, s, got, err)
			}
		}
	}
}

// The same of byte strings, which have no length of their own.
func FuzzBytes(f *testing.F) {
	for _, s := range []string{"", "AA", "AB", "AAA", "AAAA", "AA\n", "AA==", "+/", "-_8", strings.Repeat("A", 43)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ident.Bytes("before")
		if err := got.UnmarshalText([]byte(s)); err != nil {
			if !errors.Is(err, ident.ErrBytes) || string(got) != "before" {
				t.Fatalf("refusing %q gave %x, %v", s, got, err)
			}
		} else if b, err := got.MarshalText(); err != nil || string(b) != s {
			t.Fatalf("%q was accepted and is written %q", s, b)
		}
	})
}

func mutations(s string) (list []string) {
	for i := range len(s) {
		for c := range 256 {
			if byte(c) != s[i] {
				list = append(list, s[:i]+string([]byte{byte(c)})+s[i+1:])
			}
		}
		list = append(list, s[:i], s[:i]+"\n"+s[i:], s[:i]+"="+s[i:], s[:i]+s[i+1:])
	}
	return append(list, s+"\n", s+"=", s+s, strings.ToUpper(s)+" ", "\ufeff"+s)
}

// A person's number is never an authority's, whatever its check digit.
func TestNoPersonIsAnAuthority(t *testing.T) {
	for month := 1; month <= 12; month++ {
		for tail := range 10000 {
			s := "85" + pad(month, 2) + "14-" + pad(tail, 4)
			if _, err := ident.ParseAuthority(s); !errors.Is(err, ident.ErrAuthority) {
				t.Fatalf("a number with month %d was accepted: %v", month, err)
			}
		}
	}
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", width-len(s)) + s
}

func TestNewID(t *testing.T) {
	seen := map[ident.ID]bool{}
	for range 1000 {
		id := ident.NewID()
		if p, err := ident.ParseID(string(id)); err != nil || p != id || seen[id] {
			t.Fatalf("a drawn identifier: %v, seen before: %t", err, seen[id])
		}
		seen[id] = true
	}
	if b := ident.ID("no identifier").Bytes(); b != [16]byte{} {
		t.Error("bytes of what is no identifier")
	}
}

func TestDates(t *testing.T) {
	d, err := ident.ParseDate("2026-12-31")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.AddDays(1); got != "2027-01-01" || got.Year() != 2027 || !d.Before(got) || got.Before(d) || d.Before(d) {
		t.Errorf("the day after %s is %s", d, got)
	}
	for _, c := range []struct {
		from, until ident.Date
		want        bool
	}{
		{"2026-12-31", "2026-12-31", true}, {"2026-01-01", "", true}, {"2026-01-01", "2026-12-30", false},
		{"2027-01-01", "", false}, {"2027-01-01", "2026-01-01", false},
	} {
		if d.Within(c.from, c.until) != c.want {
			t.Errorf("%s within %q to %q is not %t", d, c.from, c.until, c.want)
		}
	}
	// a summer day begins at 22:00 UTC the day before, a winter day at 23:00
	if s := ident.Date("2026-07-01").Start().UTC(); s.Hour() != 22 || s.Day() != 30 {
		t.Errorf("1 July begins at %v", s)
	}
}

func TestSumJoinsParts(t *testing.T) {
	want := ident.Digest(sha256.Sum256([]byte("abc")))
	if ident.Sum("a", "bc") != want || ident.Sum([]byte("ab"), []byte("c")) != want || want.IsZero() {
		t.Error("the parts are not hashed one after the other")
	}
	if d, err := ident.DigestFromBytes(make([]byte, 31)); !errors.Is(err, ident.ErrDigest) || !d.IsZero() {
		t.Errorf("31 bytes: %v", err)
	}
}

func fuzzForm(f *testing.F, i int) {
	fm := forms(f)[i]
	for _, s := range append(fm.good, fm.bad...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := fm.parse(s)
		if err == nil && got != s {
			t.Fatalf("%q was accepted and is written %q", s, got)
		}
		if err != nil && (got != "" || !errors.Is(err, fm.refuse)) {
			t.Fatalf("refusing %q gave %q, %v", s, got, err)
		}
	})
}

func FuzzID(f *testing.F)        { fuzzForm(f, 0) }
func FuzzAuthority(f *testing.F) { fuzzForm(f, 1) }
func FuzzDate(f *testing.F)      { fuzzForm(f, 2) }
func FuzzDigest(f *testing.F)    { fuzzForm(f, 3) }
