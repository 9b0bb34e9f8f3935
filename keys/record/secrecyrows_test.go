package record_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigill/keys/record"
)

// Rows E15 and E16: what is stored of a record says neither how long a name is nor,
// to whoever guesses, what it is.

var alphabet = []rune(`abcdefghijklmnopqrstuvwxyzåäöéüÅÄÖÉ-' "\&<>/.łßøžđ李ʼ😀`)

func randomText(r *rand.Rand, n int) string {
	out := make([]rune, n)
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(out)
}

// A thousand authors with names of 1 to 120 characters, and
// whatever else the record says, give sections of one length each, and the
// name comes back as it was.
func TestE15_oneLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	shortest, longest := 1<<20, 0
	for i := range 1000 {
		mode := modes[i%len(modes)]
		rec := lawful(mode)
		a := author()
		a.Name = randomText(r, 1+i%120)
		rec.DissentAuthor.Person = a
		if rec.Decider.Person != nil {
			rec.Decider.Person = &a
		} else {
			rec.Presenter.Person = &a
		}
		rec.Participants.Persons[1].Name = randomText(r, 1+r.IntN(120))
		if err := rec.Check(mode, allShown); err != nil {
			t.Fatal(err)
		}
		sections := encode(t, rec)
		shortest, longest = min(shortest, len(sections[3])), max(longest, len(sections[3]))
		seed := record.Seed{byte(i), byte(i >> 8)}
		plain, err := record.Lay(seed, sections)
		if err != nil {
			t.Fatal(err)
		}
		e := evidence()
		e.Items[0].Token = strings.Repeat("a", 1+r.IntN(8<<10))
		evidence, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := plain.SetEvidence(seed, evidence); err != nil {
			t.Fatal(err)
		}
		for j, s := range record.All() {
			if len(plain[j]) != s.Size() {
				t.Fatalf("identity %d: %s has %d bytes", i, s, len(plain[j]))
			}
		}
		back, err := record.Unpad(record.SectionDissentAuthor, plain[record.SectionDissentAuthor-1])
		if err != nil {
			t.Fatal(err)
		}
		var read struct{ Person struct{ Name string } } // by encoding/json, as a stranger would
		if err := json.Unmarshal(back, &read); err != nil || read.Person.Name != a.Name {
			t.Fatalf("identity %d: %v", i, err)
		}
	}
	if longest-shortest < 150 {
		t.Errorf("the sections' texts have %d to %d bytes: padding was hardly tried", shortest, longest)
	}
}

// Who knows everything about a section but the
// number in it, and the blinds of all other sections, cannot tell the number
// from its commitment; with the section's own blind it is found at once.
func TestE16_numberInASection(t *testing.T) {
	seed := record.Seed{7, 7, 7}
	s := record.SectionPresenter
	say := func(n int) []byte { return fmt.Appendf(nil, `{"person":{"name":"%05d"}}`, n) }
	const secret, candidates = 4711, 10000
	plain, err := record.Pad(s, seed.Blind(s), say(secret))
	if err != nil {
		t.Fatal(err)
	}
	target := record.Commit(s, plain)
	search := func(blind [32]byte) (found []int) {
		guess, err := record.Pad(s, blind, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range candidates {
			text := say(n)
			guess[33] = byte(len(text))
			copy(guess[34:], text)
			if record.Commit(s, guess) == target {
				found = append(found, n)
			}
		}
		return found
	}
	if found := search(seed.Blind(s)); !slices.Equal(found, []int{secret}) {
		t.Fatalf("with the blind: %d; the search itself is wrong", found)
	}
	blinds := map[string][32]byte{"none": {}, "seed": seed, "another seed's": record.Seed{8}.Blind(s)}
	for _, other := range record.All() {
		if other != s {
			blinds[other.String()] = seed.Blind(other)
		}
	}
	for whose, blind := range blinds {
		if found := search(blind); len(found) > 0 {
			t.Errorf("found with the blind of %s", whose)
		}
	}
}

// Ten million personal numbers, a thousand for each day of 27 years, against the
// commitments that are stored of a decision: each under the author commitment, whose
// every byte but the nonce is known. One of them is the author's, and is found at
// once with the nonce, which lies in the seal.
func TestE16_personalNumbers(t *testing.T) {
	const issuer, secret, workers = "https://idp.example", "197309030420", 4
	born := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	nonce := record.Nonce(record.Seed{7}.Blind(record.SectionEvidence))
	person := author()
	person.Subject, person.UserID = secret, secret
	rec := lawful(record.DelegateDecides)
	rec.Decider.Person, rec.DissentAuthor.Person = &person, person
	plain, err := record.Lay(record.Seed{7}, encode(t, rec))
	if err != nil {
		t.Fatal(err)
	}
	stored := map[[32]byte]bool{record.AuthorCommitment(nonce, issuer, secret): true}
	for _, d := range plain.Stated() {
		stored[d] = true
	}
	var first [256]bool // a table, since ten million look-ups take their time
	for d := range stored {
		first[d[0]] = true
	}
	// search tries every number of some days under a nonce, and counts what it hits.
	search := func(nonce record.Nonce, days int) (hits, tried int64) {
		var found, done atomic.Int64
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				in := []byte("sigill author v1\x00\x20" + string(nonce[:]) + "\x00" + string(rune(len(issuer))) + issuer + "\x00\x0c" + secret)
				if sha256.Sum256(in) != record.AuthorCommitment(nonce, issuer, secret) {
					t.Error("not the commitment's form")
				}
				number := in[len(in)-len(secret):]
				for day := w; day < days; day += workers {
					born.AddDate(0, 0, day).AppendFormat(number[:0], "20060102")
					for n := range 1000 { // the check digit tells nothing apart
						number[8], number[9], number[10], number[11] = byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10), '0'
						if d := sha256.Sum256(in); first[d[0]] && stored[d] {
							found.Add(1)
						}
					}
					done.Add(1000)
				}
			})
		}
		all.Wait()
		return found.Load(), done.Load()
	}
	if hits, tried := search(record.Nonce{}, 10_000); hits != 0 || tried != 10_000_000 {
		t.Errorf("%d hits of %d", hits, tried)
	}
	if hits, _ := search(nonce, 1500); hits != 1 {
		t.Errorf("with the nonce: %d hits; the search itself is wrong", hits)
	}
}
