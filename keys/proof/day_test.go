package proof_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

const theDay = ident.Date("2027-01-04")

// day is what the log got when it grew from one size to another.
func (m *tree) day(t testing.TB, from, to int, checkpoint []byte) proof.Day {
	t.Helper()
	return proof.Day{Date: theDay, First: uint64(from), Frontier: story.Frontier(t, m, from), Entries: m.entries[from:to], Checkpoint: checkpoint}
}

func TestDay(t *testing.T) {
	const max = 17
	s, m := signer(t, authority, 1), newTree(t, max+1)
	p := unwitnessed(t, s)
	for to := 0; to <= max; to++ {
		note := m.note(t, s, to)
		for from := 0; from <= to; from++ {
			d, err := proof.ParseDay(m.day(t, from, to, note).Marshal())
			if err != nil {
				t.Fatalf("%d to %d: %v", from, to, err)
			}
			before, after, witnessed, err := d.Check(theDay, p)
			if err != nil || witnessed || before != m.checkpoint(t, from) || after != m.checkpoint(t, to) || len(d.Entries) != to-from {
				t.Fatalf("%d to %d: %v %v %v %v", from, to, before, after, witnessed, err)
			}
			refuse := func(name string, date ident.Date, change func(d *proof.Day)) {
				t.Helper()
				changed := d
				changed.Entries, changed.Frontier = append([]proof.Entry{}, d.Entries...), append([]ident.Digest{}, d.Frontier...)
				change(&changed)
				before, after, witnessed, err := changed.Check(date, p)
				if !errors.Is(err, proof.ErrDay) || witnessed || before != (proof.Checkpoint{}) || after != (proof.Checkpoint{}) {
					t.Fatalf("%d to %d: %s: %v %v %v %v", from, to, name, before, after, witnessed, err)
				}
			}
			refuse("another date", "2027-01-05", func(*proof.Day) {})
			refuse("another first", theDay, func(d *proof.Day) { d.First++ })
			refuse("an entry more", theDay, func(d *proof.Day) { d.Entries = append(d.Entries, m.entries[to]) })
			refuse("a hash more", theDay, func(d *proof.Day) { d.Frontier = append(d.Frontier, ident.Digest{}) })
			if to < max {
				refuse("a later checkpoint", theDay, func(d *proof.Day) { d.Checkpoint = m.note(t, s, to+1) })
			}
			if from < to {
				refuse("an entry less", theDay, func(d *proof.Day) { d.Entries = d.Entries[1:] })
				refuse("another entry", theDay, func(d *proof.Day) { d.Entries[to-from-1] = entry(t, 200) })
			}
			if to-from > 1 {
				refuse("another order", theDay, func(d *proof.Day) { d.Entries[0], d.Entries[1] = d.Entries[1], d.Entries[0] })
			}
			if from > 0 {
				refuse("another hash", theDay, func(d *proof.Day) { d.Frontier[0][0] ^= 1 })
				refuse("a hash less", theDay, func(d *proof.Day) { d.Frontier = d.Frontier[1:] })
			}
		}
	}
}

func TestDayWitnesses(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 9)
	p := policy(t, twoOfThree(s))
	for name, c := range map[string]struct {
		note      []byte
		witnessed bool
		err       error
	}{
		"two of three":    {m.note(t, s, 9, witness(1), witness(3)), true, nil},
		"one of three":    {m.note(t, s, 9, witness(1)), false, nil},
		"none":            {m.note(t, s, 9), false, nil},
		"another log key": {m.note(t, signer(t, authority, 2), 9), false, proof.ErrCheckpoint},
		"no checkpoint":   {[]byte("nothing"), false, proof.ErrCheckpoint},
	} {
		before, after, witnessed, err := m.day(t, 3, 9, c.note).Check(theDay, p)
		if !errors.Is(err, c.err) || witnessed != c.witnessed || (after.Size == 9) != (c.err == nil) || (before.Size == 3) != (c.err == nil) {
			t.Errorf("%s: %v %v %v %v", name, before, after, witnessed, err)
		}
	}
	if _, _, _, err := m.day(t, 3, 9, m.note(t, s, 9)).Check(theDay, proof.Policy{}); !errors.Is(err, proof.ErrCheckpoint) {
		t.Error("the zero policy:", err)
	}
}

func TestDayStrict(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 5)
	note := string(m.note(t, s, 5))
	good := string(m.day(t, 3, 5, []byte(note)).Marshal())
	lines := strings.Split(good, "\n") // version, date, index, two hashes, empty, two entries, empty, note
	if _, err := proof.ParseDay([]byte(good)); err != nil || len(lines[4]) != 44 || len(lines[6])+1 != proof.DayLine || lines[8] != "" {
		t.Fatal(err)
	}
	with := func(i int, line string) string {
		changed := append([]string{}, lines...)
		changed[i] = line
		return strings.Join(changed, "\n")
	}
	without := func(i int) string {
		return strings.Join(append(append([]string{}, lines[:i]...), lines[i+1:]...), "\n")
	}
	for name, text := range map[string]string{
		"nothing":              "",
		"another version":      with(0, "sigill-day/v2"),
		"no such date":         with(1, "2027-02-30"),
		"a date in short":      with(1, "2027-1-4"),
		"leading zero":         with(2, "03"),
		"signed":               with(2, "+3"),
		"beyond every size":    strings.Replace(without(4), "\n3\n", "\n9007199254740992\n", 1),
		"two hashes for 1":     with(2, "1"),
		"a hash missing":       without(3),
		"stray bits":           with(3, looser(lines[3])),
		"a hash in URL base64": with(3, "_"+lines[3][1:]),
		"a short hash":         with(3, lines[3][:40]),
		"no empty line":        without(5),
		"a short entry":        with(6, lines[6][:64]),
		"an entry of no kind":  with(6, "AQAA"+lines[6][4:]),
		"carriage return":      with(6, lines[6]+"\r"),
		"return for a letter":  with(6, lines[6][:67]+"\r"),
		"all CRLF":             strings.ReplaceAll(good, "\n", "\r\n"),
		"space after":          with(7, lines[7]+" "),
		"no second empty line": without(8),
		"no checkpoint":        strings.TrimSuffix(good, note),
		"cut before it":        strings.TrimSuffix(good, "\n"+note),
		"too large a note":     good + strings.Repeat("x\n", proof.MaxNote/2),
		"larger than a day":    with(6, strings.TrimSuffix(strings.Repeat(lines[6]+"\n", proof.MaxDay/proof.DayLine), "\n")),
	} {
		d, err := proof.ParseDay([]byte(text))
		if !errors.Is(err, proof.ErrDay) || d.Date != "" || d.Entries != nil {
			t.Errorf("%s: %v, %v", name, d.Date, err)
		}
	}
}

// TestDayByteFlip changes every bit and cuts at every byte: nothing else is
// accepted as witnessed.
func TestDayByteFlip(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 9)
	w := witness(1)
	p := policy(t, "log "+s.String()+"\nwitness w "+w.VKey()+"\nquorum w\n")
	good := m.day(t, 3, 5, m.note(t, s, 5, w)).Marshal()
	check := func(text []byte) bool {
		d, err := proof.ParseDay(text)
		if err != nil {
			return false
		}
		before, after, witnessed, err := d.Check(theDay, p)
		if err != nil && (witnessed || before != proof.Checkpoint{} || after != proof.Checkpoint{}) {
			t.Fatal("refused, and yet something came back")
		}
		return witnessed
	}
	if !check(good) {
		t.Fatal("the day as it is")
	}
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			if check(b) {
				t.Fatalf("byte %d, bit %d, can be changed", i, bit)
			}
		}
		if check(good[:i]) {
			t.Fatalf("the day can be cut at %d", i)
		}
	}
	if check(append(bytes.Clone(good), '\n')) {
		t.Fatal("the day can be added to")
	}
}

func FuzzParseDay(f *testing.F) {
	s, m := signer(f, authority, 1), newTree(f, 9)
	f.Add(m.day(f, 3, 9, m.note(f, s, 9, witness(1))).Marshal())
	f.Add(m.day(f, 9, 9, m.note(f, s, 9)).Marshal())
	f.Add(m.day(f, 0, 0, m.note(f, s, 0)).Marshal())
	p := unwitnessed(f, s)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := proof.ParseDay(b)
		if err != nil {
			if !errors.Is(err, proof.ErrDay) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(d.Marshal(), b) {
			t.Fatalf("%q has a second form", b)
		}
		if _, after, _, err := d.Check(d.Date, p); err == nil && after.Size != d.First+uint64(len(d.Entries)) {
			t.Fatalf("%q has another size than its checkpoint", b)
		}
	})
}
