package jws_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/vectors"
)

var hard = []string{
	"", " ", "å ä ö Å Ä Ö", "a\u030a", `"`, `\`, `\\"`, `\u0041`, "/", "\ufffd", "<>&", "</script>",
	"😀", "👩‍⚖️", "\U0010ffff", "\ufeff", "\u00ad", "\u200b", "ſ", "İ", "null", "1e3", "\ue000", "\ud7ff", "'`",
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(hard), rapid.String().Filter(func(s string) bool { return jws.CheckText(s) == nil }))
}

func inners() *rapid.Generator[inner] {
	return rapid.Custom(func(t *rapid.T) inner {
		return inner{texts().Draw(t, "name"), rapid.SliceOfN(texts(), 0, 4).Draw(t, "words")}
	})
}

func samples() *rapid.Generator[sample] {
	return rapid.Custom(func(t *rapid.T) sample {
		s := newSample()
		s.Count = rapid.OneOf(rapid.SampledFrom([]int64{0, -1, 1<<53 - 1, -(1<<53 - 1)}), rapid.Int64Range(-(1<<53-1), 1<<53-1)).Draw(t, "count")
		s.Shown = rapid.Bool().Draw(t, "shown")
		s.Small = rapid.Uint16().Draw(t, "small")
		s.Text = texts().Draw(t, "text") + texts().Draw(t, "more")
		s.List = rapid.SliceOfN(inners(), 0, 4).Draw(t, "list")
		if rapid.Bool().Draw(t, "has inner") {
			i := inners().Draw(t, "inner")
			s.Inner = &i
		}
		for _, w := range rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "cites") {
			s.Cites = append(s.Cites, ident.Sum(w))
		}
		if rapid.Bool().Draw(t, "bare") {
			s.Date, s.Digest = "", ident.Digest{}
		}
		return s
	})
}

// TestCanonicalAgainstLibrary holds our bytes against an implementation of
// RFC 8785 by other hands, which is given the same value as Go writes it by
// default, with its HTML escapes.
func TestCanonicalAgainstLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := samples().Draw(t, "sample")
		ours, err := jws.Canonical(s)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := json.MarshalIndent(s, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := jcs.Transform(plain)
		if err != nil {
			t.Fatal(err)
		}
		if string(ours) != string(theirs) {
			t.Fatalf("ours   %s\ntheirs %s", ours, theirs)
		}
		var back sample
		if err := jws.Decode(ours, &back); err != nil || !reflect.DeepEqual(back, s) {
			t.Fatalf("read back: %v\n%+v\n%+v", err, back, s)
		}
	})
}

const good = `{"authority":"202100-0001","count":7,"id":"aaaqeayeaudaocajbifqydiob4","list":[],"shown":true,"text":"a/é"}`

// TestDecodeRefuses: every text but the canonical one is refused, and what was
// in the value before is still there.
func TestDecodeRefuses(t *testing.T) {
	var s sample
	if err := jws.Decode([]byte(good), &s); err != nil || s.Text != "a/é" || vectors.Canonical(t, s) != good {
		t.Fatalf("the good form: %v", err)
	}
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the good form", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	count := func(n string) string { return swap(`"count":7`, `"count":`+n) }
	text := func(s string) string { return swap(`a/é`, s) }
	cases := map[string]struct {
		in   string
		want error
	}{
		"empty":                 {"", jws.ErrNotCanonical},
		"null":                  {"null", jws.ErrNull},
		"an array":              {"[]", jws.ErrNotCanonical},
		"nothing in it":         {"{}", jws.ErrNotCanonical},
		"unknown member":        {swap(`"shown"`, `"more":1,"shown"`), jws.ErrNotCanonical},
		"empty-named member":    {swap(`{`, `{"":1,`), jws.ErrNotCanonical},
		"duplicate, same":       {swap(`"count":7`, `"count":7,"count":7`), jws.ErrNotCanonical},
		"duplicate, other":      {swap(`"count":7`, `"count":8,"count":7`), jws.ErrNotCanonical},
		"duplicate by case":     {swap(`"count":7`, `"COUNT":8,"count":7`), jws.ErrNotCanonical},
		"case variant":          {swap(`"count"`, `"Count"`), jws.ErrNotCanonical},
		"long s for s":          {swap(`"shown"`, `"ſhown"`), jws.ErrNotCanonical},
		"escape in a name":      {swap(`"count"`, `"c\u006funt"`), jws.ErrNotCanonical},
		"out of order":          {`{"count":7,"authority":"202100-0001",` + good[len(`{"authority":"202100-0001","count":7,`):], jws.ErrNotCanonical},
		"member missing":        {swap(`"count":7,`, ``), jws.ErrNotCanonical},
		"optional but empty":    {swap(`"id"`, `"date":"","id"`), jws.ErrNotCanonical},
		"optional empty list":   {swap(`"count"`, `"cites":[],"count"`), jws.ErrNotCanonical},
		"optional null":         {swap(`"count"`, `"cites":null,"count"`), jws.ErrNotCanonical},
		"null list":             {swap(`"list":[]`, `"list":null`), jws.ErrNull},
		"null text":             {swap(`"a/é"`, `null`), jws.ErrNotCanonical},
		"null in a list":        {swap(`[]`, `[null]`), jws.ErrNull},
		"space inside":          {swap(`:7`, `: 7`), jws.ErrNotCanonical},
		"space before":          {" " + good, jws.ErrNotCanonical},
		"line feed after":       {good + "\n", jws.ErrNotCanonical},
		"trailing object":       {good + "{}", jws.ErrNotCanonical},
		"trailing brace":        {good + "}", jws.ErrNotCanonical},
		"cut":                   {good[:len(good)-1], jws.ErrNotCanonical},
		"byte order mark":       {"\ufeff" + good, jws.ErrNotCanonical},
		"float":                 {count("7.0"), jws.ErrNotCanonical},
		"exponent":              {count("1e3"), jws.ErrNotCanonical},
		"minus zero":            {count("-0"), jws.ErrNotCanonical},
		"leading zero":          {count("07"), jws.ErrNotCanonical},
		"plus":                  {count("+7"), jws.ErrNotCanonical},
		"number as text":        {count(`"7"`), jws.ErrNotCanonical},
		"2^53":                  {count("9007199254740992"), jws.ErrNumber},
		"-2^53":                 {count("-9007199254740992"), jws.ErrNumber},
		"2^64":                  {count("18446744073709551616"), jws.ErrNotCanonical},
		"too small a field":     {swap(`"text"`, `"small":65536,"text"`), jws.ErrNotCanonical},
		"bool as number":        {swap(`true`, `1`), jws.ErrNotCanonical},
		"escaped letter":        {text(`\u0061/é`), jws.ErrNotCanonical},
		"escaped solidus":       {text(`a\/é`), jws.ErrNotCanonical},
		"escaped umlaut":        {text(`a/\u00e9`), jws.ErrNotCanonical},
		"escaped quote as hex":  {text(`\u0022`), jws.ErrNotCanonical},
		"escaped <":             {text(`\u003c`), jws.ErrNotCanonical},
		"surrogate pair":        {text(`\ud83d\ude00`), jws.ErrNotCanonical},
		"lone surrogate":        {text(`\ud83d`), jws.ErrNotCanonical},
		"escaped U+FFFD":        {text(`\ufffd`), jws.ErrNotCanonical},
		"raw bad UTF-8":         {text("\xff"), jws.ErrNotCanonical},
		"raw surrogate":         {text("\xed\xa0\x80"), jws.ErrNotCanonical},
		"overlong":              {text("\xc1\xa1"), jws.ErrNotCanonical},
		"raw line feed":         {text("\n"), jws.ErrNotCanonical},
		"escaped line feed":     {text(`\n`), jws.ErrCharacter},
		"escaped NUL":           {text(`\u0000`), jws.ErrCharacter},
		"escaped tab":           {text(`\t`), jws.ErrCharacter},
		"cut in an escape":      {good[:len(good)-2] + `\`, jws.ErrNotCanonical},
		"cut in a hex escape":   {good[:len(good)-2] + `\u00`, jws.ErrNotCanonical},
		"no hex":                {text(`\u00g0`), jws.ErrNotCanonical},
		"escaped nothing":       {text(`\x`), jws.ErrNotCanonical},
		"minus":                 {count("-"), jws.ErrNotCanonical},
		"no number":             {count(""), jws.ErrNotCanonical},
		"a comma first":         {swap(`{`, `{,`), jws.ErrNotCanonical},
		"commas only":           {swap(`[]`, `[,]`), jws.ErrNotCanonical},
		"no comma":              {swap(`,"count"`, `"count"`), jws.ErrNotCanonical},
		"delete":                {text("\u007f"), jws.ErrCharacter},
		"next line":             {text("\u0085"), jws.ErrCharacter},
		"U+2028":                {text("\u2028"), jws.ErrCharacter},
		"U+2028 escaped":        {text(`\u2028`), jws.ErrCharacter},
		"U+2029":                {text("\u2029"), jws.ErrCharacter},
		"right-to-left over":    {text("\u202e"), jws.ErrCharacter},
		"isolate":               {text("\u2066"), jws.ErrCharacter},
		"left-to-right mark":    {text("\u200e"), jws.ErrCharacter},
		"arabic letter mark":    {text("\u061c"), jws.ErrCharacter},
		"nested 20,000 deep":    {swap(`[]`, strings.Repeat("[", 20000)+strings.Repeat("]", 20000)), jws.ErrNotCanonical},
		"objects 20,000 deep":   {strings.Repeat(`{"inner":`, 20000), jws.ErrNotCanonical},
		"a comment":             {swap(`:7`, `:7/**/`), jws.ErrNotCanonical},
		"trailing comma":        {swap(`"a/é"}`, `"a/é",}`), jws.ErrNotCanonical},
		"digest with spare bit": {swap(`"count"`, `"cites":["`+strings.Repeat("A", 42)+`B"],"count"`), jws.ErrNotCanonical},
		"id in upper case":      {swap(`aaaq`, `AAAQ`), jws.ErrNotCanonical},
	}
	for name, c := range cases {
		before := newSample()
		err := jws.Decode([]byte(c.in), &before)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if !reflect.DeepEqual(before, newSample()) {
			t.Errorf("%s: refused, and yet something was written", name)
		}
	}
}

// What was in the value before never shows through what is read.
func TestDecodeReplaces(t *testing.T) {
	s := newSample()
	if err := jws.Decode([]byte(good), &s); err != nil {
		t.Fatal(err)
	}
	if vectors.Canonical(t, s) != good || s.Date != "" || len(s.List) != 0 {
		t.Errorf("left over from before: %+v", s)
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sample)
		want   error
	}{
		"no list":      {func(s *sample) { s.List = nil }, jws.ErrNull},
		"2^53":         {func(s *sample) { s.Count = 1 << 53 }, jws.ErrNumber},
		"-2^53":        {func(s *sample) { s.Count = -1 << 53 }, jws.ErrNumber},
		"bad UTF-8":    {func(s *sample) { s.Text = "a\xff" }, jws.ErrCharacter},
		"line feed":    {func(s *sample) { s.List[0].Words[1] = "a\nb" }, jws.ErrCharacter},
		"no words":     {func(s *sample) { s.List[0].Words = nil }, jws.ErrNull},
		"bidi inside":  {func(s *sample) { s.Inner = &inner{"a\u202eb", []string{}} }, jws.ErrCharacter},
		"in a pointer": {func(s *sample) { s.Inner = &inner{"a", nil} }, jws.ErrNull},
	} {
		s := newSample()
		c.change(&s)
		if b, err := jws.Canonical(s); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if b, err := jws.Canonical((*sample)(nil)); !errors.Is(err, jws.ErrNull) || b != nil {
		t.Errorf("nil: %q, %v", b, err)
	}
}

type ownJSON struct{}

func (ownJSON) MarshalJSON() ([]byte, error) { return []byte(`1.5`), nil }

// Types with no canonical form are faults of the program, found at first use.
func TestFaultyTypesPanic(t *testing.T) {
	for name, v := range map[string]any{
		"out of order": struct {
			B string `json:"b"`
			A string `json:"a"`
		}{},
		"no name":  struct{ A string }{},
		"embedded": struct{ inner }{},
		"a map": struct {
			A map[string]string `json:"a"`
		}{map[string]string{}},
		"a float": struct {
			A float64 `json:"a"`
		}{},
		"anything": struct {
			A any `json:"a"`
		}{"a"},
		"own JSON": struct {
			A ownJSON `json:"a"`
		}{},
		"raw JSON": struct {
			A json.RawMessage `json:"a"`
		}{json.RawMessage(`1e3`)},
		"bytes": struct {
			A []byte `json:"a"`
		}{[]byte("a")},
		"number as text": struct {
			A int `json:"a,string"`
		}{},
		"never omitted": struct {
			A ident.Digest `json:"a,omitempty"`
		}{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			jws.Canonical(v)
		}()
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(vectors.Canonical(f, newSample())))
	f.Add([]byte(strings.Replace(good, "[]", `[{"name":"\"\\","words":["😀"]}]`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s sample
		if err := jws.Decode(data, &s); err != nil {
			if !reflect.DeepEqual(s, sample{}) {
				t.Fatalf("refused, and yet something was written: %+v", s)
			}
			return
		}
		if vectors.Canonical(t, s) != string(data) {
			t.Fatalf("%s was accepted and is written %s", data, vectors.Canonical(t, s))
		}
		if theirs, err := jcs.Transform(data); err != nil || string(theirs) != string(data) {
			t.Fatalf("%s was accepted; another implementation writes %s (%v)", data, theirs, err)
		}
	})
}
