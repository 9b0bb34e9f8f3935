// Package guard answers one question: does this content name someone whose
// name is omitted? The author's client asks it before sending, the server asks
// it again as the first of all stages.
//
// Use [Check] first, with what must not be said and where it must not stand;
// [CheckMedia] says whether the bytes are text that can be judged at all;
// [Warn] is for writers who have no terms to search for (returns, refusals).
// See SPEC.md, "The guard". guard_test.go
// proves every kind below; corpus_test.go holds bars over 340 documents.
//
// # Found
//
//   - The full name in either order, with middle names left out or added, with
//     particles (von, af, de), with hyphens and spaces exchanged or dropped,
//     each half of a double name for the whole, and each with genitive -s.
//   - An initial and the last name (A. Lindberg, A-K Lindberg, Lindberg, A.),
//     the first name and an initial (Anna L.), the usual account and mailbox
//     names (anna.lindberg, alindberg, annlin01), å, ä, ö written a, o or
//     aa, ae, oe.
//   - The last name alone, also with -ska, if it has five letters or more and is
//     no ordinary word or place, unless somebody else's first name stands before
//     it there or earlier in the text, or it is a company's (Lindberg Bygg AB).
//   - A last name that is also a word (Lind, Berg, Sten) or shorter, and a first
//     name, where the context says a caseworker: after a title, a label or a
//     closing phrase, before a title, after a slash at the end of a line, alone
//     on the last line. Such a last name also with a word that only a person can
//     have (Lind bedömer, enligt Lind, Linds bedömning), unless it is a town.
//   - E-mail address, also with (at), its local part; phone numbers in any
//     grouping with +46, 0046 or 0; user ids and HSA ids as whole words.
//   - All of this under case, NFC, NFD, full width, homoglyphs, digits for
//     letters, soft hyphens, invisible characters, letter-spacing, line breaks
//     with and without hyphen, Markdown emphasis, links and escapes, HTML
//     tags and entities, percent-encoding and \u escapes, four layers deep.
//
// # Not found
//
// Initials alone (AL; [Warn] has a pattern), nicknames, other spellings
// (Lindkvist for Lindqvist), style; a last name that
// is a word or has four letters or fewer, and a first name, without context; the
// same in small letters after a first name that is a function word (hans berg);
// such a last name with an initial after it and no full stop (Gran L); account
// names of a last name with fewer than six letters without @ or digits; a last
// name alone broken by a space without a hyphen; a name spread over two fields;
// numbers in words; an extension alone; reversed text; base64 and other
// encodings; images. Somebody else with the same last name is an alarm where
// nothing in the text says that it is somebody else, somebody else with the same
// first name where a title stands beside it.
//
// # Measured
//
// Of 382 traces of 41 stated kinds in the corpus none is missed, nor of 8,153
// that forms and disguises make in its clean documents. Of 33 beyond what is
// stated, as under "Not found", two are found; two namesakes beside a title are
// taken for the author. None of 178 clean documents is alarmed at by the terms of
// any of 90 people. [Warn] finds all 20 patterns in 46 returns and refusals, and
// nothing else. FuzzPlanted lays disguises over one another between any texts.
//
// Those who wrote the rules wrote the documents. Of the last thirty, read by
// the guard as it had become, two traces of 42 passed, of no stated kind, and no
// clean text of fifteen was alarmed at; of the thirty before, six of 36 and two
// of sixteen, mended since.
package guard

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"
)

// MaxFindings is the most that [Check] and [Warn] return for one call: who
// mends a hundred places asks again.
const MaxFindings = 100

// Kind says what was found.
type Kind uint8

// The kinds of terms.
const (
	Name Kind = iota + 1
	Email
	Phone
	UserID
	HSAID
)

// String returns the kind as one lower-case word, for error details.
func (k Kind) String() string {
	words := [...]string{"unknown", "name", "email", "phone", "user_id", "hsa_id"}
	if int(k) >= len(words) {
		return words[0]
	}
	return words[k]
}

// Terms is what must not be said. Names are display names ("Anna-Karin Öberg
// Lindström" or "Öberg Lindström, Anna-Karin"), the rest claims of a token.
// Empty terms, and terms too short to mean anyone, match nothing.
type Terms struct {
	Names   []string
	Emails  []string
	Phones  []string
	UserIDs []string
	HSAIDs  []string
}

// Text is one place to search. Field is the caller's name for it ("content",
// "statement.title"), copied into findings, so it must be no user's text.
type Text struct{ Field, Body string }

// Finding says that a text names somebody, and where: never who.
type Finding struct {
	Kind   Kind
	Field  string
	Line   int // from 1, lines end with \n
	Column int // from 1, in characters (Unicode code points) of the text as given
}

// String is the finding in words fit for an error: "content, line 3, column 9: name".
func (f Finding) String() string {
	return fmt.Sprintf("%s, line %d, column %d: %s", f.Field, f.Line, f.Column, f.Kind)
}

// Check returns where texts name someone of terms, in the order of the texts
// and of places in them, at most [MaxFindings]; nothing means clean. One
// that begins within another is left out. It is a pure
// function, safe for concurrent use, linear in the length of the texts.
func Check(terms Terms, texts ...Text) []Finding {
	m := compile(terms)
	if m.empty() {
		return nil
	}
	var out []Finding
	var v view
	for _, t := range texts {
		var spans []span
		v.read(t.Body, func() { spans = m.search(&v, spans) })
		at := ruler{body: t.Body, line: 1, column: 1}
		for _, s := range outermost(spans) {
			if len(out) == MaxFindings {
				return out
			}
			at.moveTo(s.from)
			out = append(out, Finding{Kind: s.kind, Field: t.Field, Line: at.line, Column: at.column})
		}
	}
	return out
}

// span is a found place, in bytes of the text as given.
type span struct {
	kind     Kind
	from, to int
}

// outermost sorts spans and drops those that begin within one that is kept; of
// two equal ones the address or id stays, not the name in it.
func outermost(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(a.from-b.from, b.to-a.to, int(b.kind)-int(a.kind))
	})
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.from < out[n-1].to {
			continue
		}
		out = append(out, s)
	}
	return out
}

// ruler counts lines and columns forward through a text.
type ruler struct {
	body         string
	pos          int
	line, column int
}

// moveTo goes on to byte offset off, never back.
func (r *ruler) moveTo(off int) {
	for r.pos < off {
		c, n := utf8.DecodeRuneInString(r.body[r.pos:])
		r.pos += n
		r.column++
		if c == '\n' {
			r.line++
			r.column = 1
		}
	}
}
