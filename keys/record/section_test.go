package record_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
)

func TestSizes(t *testing.T) {
	want := map[string]int{"DECIDER": 1024, "PRESENTER": 1024, "PARTICIPANTS": 2048, "DISSENT_AUTHOR": 1024,
		"BIAS_DECLARATION": 2048, "ASSESSMENT": 1024, "EVIDENCE": 12288}
	for _, s := range record.All() {
		if s.Size() != want[s.String()] || s.Room() != s.Size()-34 {
			t.Errorf("%s: %d bytes, room for %d", s, s.Size(), s.Room())
		}
	}
	if len(record.All()) != 7 || record.SectionEvidence != 7 {
		t.Error("there are seven sections, and EVIDENCE is the last")
	}
}

func TestSectionNames(t *testing.T) {
	for _, s := range record.All() {
		text, err := s.MarshalText()
		var back record.Section
		if err != nil || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%s: %q, %v", s, text, err)
		}
	}
	for _, s := range []record.Section{0, 8, 255} {
		if _, err := s.MarshalText(); s.Valid() || !errors.Is(err, record.ErrSection) || s.String() != "UNKNOWN" {
			t.Errorf("section %d has a name", uint8(s))
		}
	}
	for _, text := range []string{"", "decider", "UNKNOWN", "DECIDER ", "1"} {
		s := record.SectionAssessment
		if err := s.UnmarshalText([]byte(text)); !errors.Is(err, record.ErrSection) || s != record.SectionAssessment {
			t.Errorf("%q: %v, %s", text, err, s)
		}
	}
}

// TestScope: each set of sections has one list and one bitmap.
func TestScope(t *testing.T) {
	for sc := record.Scope(0); sc < 128; sc++ {
		list := sc.List()
		got, err := record.ScopeOf(list)
		if err != nil || got != sc || list == nil {
			t.Fatalf("scope %d: %v is %d, %v", sc, list, got, err)
		}
		names := []string{}
		for _, s := range record.All() {
			if sc.Has(s) != (sc>>(s-1)&1 == 1) || sc.Has(s) != slices.Contains(list, s) {
				t.Fatalf("scope %d: %s", sc, s)
			}
			if sc.Has(s) {
				names = append(names, s.String())
			}
		}
		if sc.String() != strings.Join(names, ", ") {
			t.Fatalf("scope %d is %q", sc, sc)
		}
	}
	for _, list := range [][]record.Section{{0}, {8}, {255}, {1, 1}, {2, 1}, {1, 8}, {0, 1}, {3, 5, 4}} {
		if sc, err := record.ScopeOf(list); !errors.Is(err, record.ErrSection) || sc != 0 {
			t.Errorf("%d: %d, %v", list, sc, err)
		}
	}
	if record.Scope(127).Has(0) || record.Scope(127).Has(8) {
		t.Error("a scope has what is no section")
	}
}

func TestPad(t *testing.T) {
	blind := [32]byte{1, 31: 2}
	for _, s := range record.All() {
		for _, n := range []int{0, 1, s.Room() - 1, s.Room()} {
			text := bytes.Repeat([]byte("x"), n)
			plain, err := record.Pad(s, blind, text)
			if err != nil || len(plain) != s.Size() || [32]byte(plain) != blind {
				t.Fatalf("%s, %d bytes: %d, %v", s, n, len(plain), err)
			}
			if got, err := record.Unpad(s, plain); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%s, %d bytes: %v", s, n, err)
			}
		}
		if out, err := record.Pad(s, blind, make([]byte, s.Room()+1)); !errors.Is(err, record.ErrFit) || out != nil {
			t.Errorf("%s: one byte too many: %v", s, err)
		}
	}
	for _, s := range []record.Section{0, 8} {
		if out, err := record.Pad(s, blind, nil); !errors.Is(err, record.ErrSection) || out != nil {
			t.Errorf("pad for section %d: %v", s, err)
		}
		if out, err := record.Unpad(s, make([]byte, 1024)); !errors.Is(err, record.ErrSection) || out != nil {
			t.Errorf("unpad for section %d: %v", s, err)
		}
	}
}

func TestUnpadRefuses(t *testing.T) {
	s := record.SectionAssessment
	good, err := record.Pad(s, [32]byte{9}, []byte(`{"omitted":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"nothing":            func([]byte) []byte { return nil },
		"cut":                func(b []byte) []byte { return b[:len(b)-1] },
		"longer":             func(b []byte) []byte { return append(b, 0) },
		"another section's":  func(b []byte) []byte { return append(b, make([]byte, 1024)...) },
		"the last byte set":  func(b []byte) []byte { b[len(b)-1] = 1; return b },
		"a byte past JSON":   func(b []byte) []byte { b[34+14] = ' '; return b },
		"a shorter length":   func(b []byte) []byte { b[33]--; return b },
		"a length past room": func(b []byte) []byte { b[32], b[33] = 3, 0xdf; return b }, // 991 = room + 1
		"the longest length": func(b []byte) []byte { b[32], b[33] = 0xff, 0xff; return b },
	} {
		if out, err := record.Unpad(s, change(bytes.Clone(good))); !errors.Is(err, record.ErrPadding) || out != nil {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

// TestLay refuses as a whole.
func TestLay(t *testing.T) {
	sections := encode(t, lawful(record.BoardDecides))
	plain, err := record.Lay(record.Seed{1}, sections)
	if err != nil || plain[record.SectionEvidence-1] != nil {
		t.Fatalf("EVIDENCE is laid before it is known: %v", err)
	}
	sections[2] = make([]byte, record.SectionParticipants.Room()+1)
	plain, err = record.Lay(record.Seed{1}, sections)
	if !errors.Is(err, record.ErrFit) || !slices.EqualFunc(plain[:], make([][]byte, 7), bytes.Equal) {
		t.Errorf("%v, and something was laid", err)
	}
	if err := plain.SetEvidence(record.Seed{1}, make([]byte, record.SectionEvidence.Room()+1)); !errors.Is(err, record.ErrFit) || plain[6] != nil {
		t.Errorf("evidence that does not fit: %v", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *record.Record)
		want   error
	}{
		"no list": {func(r *record.Record) { r.Assessment.Omitted = nil }, jws.ErrNull},
		"control": {func(r *record.Record) { r.Decider.Item = "\x00" }, jws.ErrCharacter},
		"room": {func(r *record.Record) {
			for i := range 12 {
				r.Assessment.Omitted = append(r.Assessment.Omitted, omitted(record.RoleParticipant, i+1))
			}
		}, record.ErrFit},
	} {
		r := lawful(record.DelegateDecides)
		c.change(r)
		out, err := r.Encode()
		if !errors.Is(err, c.want) || !slices.EqualFunc(out[:], make([][]byte, 6), bytes.Equal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		s    record.Section
		json string
		want error
	}{
		"nothing":         {1, ``, jws.ErrNotCanonical},
		"null":            {1, `null`, jws.ErrNull},
		"a space":         {1, `{"item":"1", "kind":"BOARD"}`, jws.ErrNotCanonical},
		"another order":   {1, `{"kind":"BOARD","item":"1"}`, jws.ErrNotCanonical},
		"twice":           {1, `{"item":"2","item":"1","kind":"BOARD"}`, jws.ErrNotCanonical},
		"unknown member":  {2, `{"persons":[]}`, jws.ErrNotCanonical},
		"an empty member": {1, `{"board":"","item":"1","kind":"BOARD"}`, jws.ErrNotCanonical},
		"escaped":         {1, `{"item":"\u0031","kind":"BOARD"}`, jws.ErrNotCanonical},
		"a fraction":      {5, `{"declarations":[{"ordinal":1.5,"role":"DECIDER"}]}`, jws.ErrNotCanonical},
		"no such day":     {6, `{"omitted":[{"assessor":"a","date":"2026-02-30","ground":"THREAT","ordinal":1,"reference":"r","review":"2027-01-01","role":"DECIDER"}]}`, jws.ErrNotCanonical},
		"more after it":   {2, `{}{}`, jws.ErrNotCanonical},
		"too long":        {2, `{"person":{"name":"` + strings.Repeat("n", 990) + `","stated":true,"title":"t"}}`, record.ErrFit},
		"bidirectional":   {1, "{\"item\":\"\u202e\",\"kind\":\"BOARD\"}", jws.ErrCharacter},
	} {
		sections := encode(t, lawful(record.BoardDecides))
		sections[c.s-1] = []byte(c.json)
		r, err := record.Parse(sections)
		if !errors.Is(err, c.want) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
		if part, err := record.Decode(c.s, []byte(c.json)); c.want != record.ErrFit && (!errors.Is(err, c.want) || part != nil) {
			t.Errorf("%s, alone: %v", name, err)
		}
	}
	for _, s := range []record.Section{0, record.SectionEvidence, 8} {
		if part, err := record.Decode(s, []byte(`{}`)); !errors.Is(err, record.ErrSection) || part != nil {
			t.Errorf("section %d alone: %v", s, err)
		}
	}
}

// TestEvidence: only one whole login, bound exactly where its label says.
func TestEvidence(t *testing.T) {
	bearer := func(it *record.EvidenceItem) {
		it.Label, it.Authorship, it.DayKey = record.LabelBearer, "", nil
	}
	for name, c := range map[string]struct {
		change func(it *record.EvidenceItem)
		want   error
	}{
		"bound":                   {func(*record.EvidenceItem) {}, nil},
		"bearer":                  {bearer, nil},
		"first provider entry":    {func(it *record.EvidenceItem) { it.KeysIndex = 0 }, nil},
		"another type":            {func(it *record.EvidenceItem) { it.Type = "word" }, jws.ErrValue},
		"short nonce":             {func(it *record.EvidenceItem) { it.Nonce = it.Nonce[1:] }, jws.ErrValue},
		"negative index":          {func(it *record.EvidenceItem) { it.KeysIndex = -1 }, jws.ErrValue},
		"another label":           {func(it *record.EvidenceItem) { it.Label = "DPOP" }, jws.ErrValue},
		"bound without a key":     {func(it *record.EvidenceItem) { it.DayKey = nil }, jws.ErrValue},
		"bound, nothing signed":   {func(it *record.EvidenceItem) { it.Authorship = "" }, jws.ErrValue},
		"bearer with a key":       {func(it *record.EvidenceItem) { k := it.DayKey; bearer(it); it.DayKey = k }, jws.ErrValue},
		"bearer with a signature": {func(it *record.EvidenceItem) { bearer(it); it.Authorship = "e.e.c" }, jws.ErrValue},
		"no token":                {func(it *record.EvidenceItem) { it.Token = "" }, jws.ErrMissing},
		"no provider's key":       {func(it *record.EvidenceItem) { it.Key = "" }, jws.ErrMissing},
		"no provider":             {func(it *record.EvidenceItem) { it.Provider = "" }, jws.ErrMissing},
		"no day":                  {func(it *record.EvidenceItem) { it.Received = "" }, jws.ErrMissing},
		"too long":                {func(it *record.EvidenceItem) { it.Token = strings.Repeat("a", 12<<10) }, record.ErrFit},
	} {
		e := evidence()
		c.change(&e.Items[0])
		out, err := e.Encode()
		if !errors.Is(err, c.want) || (out == nil) != (c.want != nil) {
			t.Errorf("%s: encoding: %v", name, err)
		}
		loose, err := jws.Canonical(e) // as a server without the checks would write it
		if err != nil {
			t.Fatal(err)
		}
		if back, err := record.ParseEvidence(loose); c.want == jws.ErrValue && (!errors.Is(err, c.want) || back != nil) {
			t.Errorf("%s: parsing: %v", name, err)
		} else if c.want == nil && err != nil {
			t.Errorf("%s: parsing: %v", name, err)
		}
	}
	for name, items := range map[string][]record.EvidenceItem{"none": {}, "two": {evidence().Items[0], evidence().Items[0]}} {
		e := &record.Evidence{Items: items}
		if out, err := e.Encode(); !errors.Is(err, jws.ErrCount) || out != nil {
			t.Errorf("%s: %v", name, err)
		}
		loose, err := jws.Canonical(e)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := record.ParseEvidence(loose); !errors.Is(err, jws.ErrCount) || back != nil {
			t.Errorf("%s: parsing: %v", name, err)
		}
	}
}

// TestBlinds: each section and each seed has its own, none of them the seed.
func TestBlinds(t *testing.T) {
	seen := map[[32]byte]bool{}
	for i := range 10 {
		seed := record.Seed{byte(i)}
		seen[seed] = true
		for _, s := range record.All() {
			seen[seed.Blind(s)] = true
		}
	}
	if len(seen) != 10*8 {
		t.Errorf("%d of 80 seeds and blinds differ", len(seen))
	}
	if record.Commit(1, nil) == ident.Sum("") {
		t.Error("a commitment is a bare hash")
	}
}
