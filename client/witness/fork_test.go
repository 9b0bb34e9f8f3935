package witness_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sigill/client/witness"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

// found are the findings that Read shows, each with both its notes checked.
func (p *post) found() (out []string) {
	p.Helper()
	s, err := witness.Read(p.dir)
	if err != nil {
		p.Fatal(err)
	}
	policy, err := proof.UnwitnessedPolicy(log(p, 0).signer.LogKey)
	if err != nil {
		p.Fatal(err)
	}
	for _, f := range s.Found {
		offered, err := proof.OpenCheckpoint(f.Offered, policy)
		if err != nil || offered.Origin != f.Origin || offered.Size != f.Size || offered.Root != f.Root {
			p.Errorf("what was offered: %v, %v", offered, err)
		}
		last, err := proof.OpenCheckpoint(f.Last, policy)
		if err != nil {
			p.Errorf("what was cosigned: %v", err)
		}
		if own, _, err := proof.OpenCosigned(f.Last, s.VKeys[0]); err != nil || own != last {
			p.Errorf("what was cosigned is not: %v, %v", own, err)
		}
		if f.Fork != (last.Size == offered.Size && last.Root != offered.Root) {
			p.Errorf("%v and %v are called a fork: %v", last, offered, f.Fork)
		}
		out = append(out, fmt.Sprintf("%d %d %v", last.Size, offered.Size, f.Fork))
	}
	return out
}

// TestL01_fork: of another history nothing is cosigned, at the same size or grown, by
// whatever way it is asked; and what proves it is kept.
func TestL01_fork(t *testing.T) {
	p, l, f := newPost(t), log(t, 9), forked(t, 12)
	p.cosigns(l.ask(t, 0, 5))
	remembered := p.remembered()
	grown := f.ask(t, 5, 9) // consistent within the other history
	for _, c := range []struct {
		what   string
		ask    proof.Submission
		status int
		answer string
		found  []string
		told   string
	}{
		{"the same size, but another old", f.ask(t, 3, 5), 409, "5\n", []string{"5 5 true"}, "found 229999-0008 5 true"},
		{"the same size", f.ask(t, 5, 5), 422, otherStory, []string{"5 5 true"}, ""},
		{"from nothing", f.ask(t, 0, 9), 409, "5\n", []string{"5 5 true"}, ""},
		{"grown", grown, 422, otherStory, []string{"5 5 true", "5 9 false"}, "found 229999-0008 9 false"},
		{"grown again", grown, 422, otherStory, []string{"5 5 true", "5 9 false"}, ""},
		{"grown further", f.ask(t, 5, 12), 422, otherStory, []string{"5 5 true", "5 9 false", "5 12 false"}, "found 229999-0008 12 false"},
		{"smaller", f.ask(t, 3, 4), 409, "5\n", []string{"5 5 true", "5 9 false", "5 12 false"}, ""},
	} {
		rec := p.send(c.ask.Marshal())
		if rec.Code != c.status || rec.Body.String() != c.answer {
			t.Errorf("%s: %d %s", c.what, rec.Code, rec.Body)
		}
		if got := p.found(); fmt.Sprint(got) != fmt.Sprint(c.found) {
			t.Errorf("%s: found %q, want %q", c.what, got, c.found)
		}
		if told := p.told(); told != c.told {
			t.Errorf("%s: told %q, want %q", c.what, told, c.told)
		}
		if p.remembered() != remembered {
			t.Fatalf("%s: it remembers something else", c.what)
		}
	}
	// The right history goes on, also after a restart; at size 9 the other one is
	// now proved to be another.
	p.cosigns(l.ask(t, 5, 9))
	p.close()
	p.open()
	if rec := p.send(f.ask(t, 5, 9).Marshal()); rec.Code != 409 || rec.Body.String() != "9\n" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if got := fmt.Sprint(p.found()); got != "[5 5 true 9 9 true 5 12 false]" || p.told() != "found 229999-0008 9 true" {
		t.Errorf("found %s", got)
	}
	p.is(l, 9)
}

// TestFindingsAreBounded: junk that anybody can send fills the list, and a fork that is
// proved still finds room.
func TestFindingsAreBounded(t *testing.T) {
	n := witness.MaxFindings + 20
	p, l, f := newPost(t), log(t, n+2), forked(t, n+2)
	p.cosigns(l.ask(t, 0, 2))
	for size := 3; size <= n; size++ {
		junk := l.ask(t, 2, size)
		junk.Hashes = append(junk.Hashes, ident.Digest{})
		if rec := p.send(junk.Marshal()); rec.Code != 422 {
			t.Fatalf("%d: %d %s", size, rec.Code, rec.Body)
		}
	}
	if got := p.found(); len(got) != witness.MaxFindings || got[0] != "2 3 false" || got[99] != "2 102 false" {
		t.Fatalf("%d findings, the last %s", len(got), got[len(got)-1])
	}
	if told := strings.Count(p.told(), "\n") + 1; told != witness.MaxFindings {
		t.Errorf("told of %d", told)
	}
	p.cosigns(l.ask(t, 2, n+1))
	if rec := p.send(f.ask(t, n+1, n+1).Marshal()); rec.Code != 422 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	got := p.found()
	if len(got) != witness.MaxFindings || got[98] != "2 101 false" || got[99] != fmt.Sprintf("%d %d true", n+1, n+1) {
		t.Errorf("%d findings, the last %q", len(got), got[97:])
	}
	p.close()
	p.open()
	p.is(l, n+1)
}

// TestL01_clients: many clients, over HTTP, each driving one of two histories as far as
// it can: one history is cosigned.
func TestL01_clients(t *testing.T) {
	const clients, entries = 32, 16
	p := newPost(t)
	server := httptest.NewServer(p.w)
	defer server.Close()
	histories := []*history{log(t, entries), forked(t, entries)}
	var mu sync.Mutex
	cosigned := map[int]map[ident.Digest]bool{}
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			mine, old := c%2, 0
			for size := 3 + c%5; size <= entries && old < size; {
				resp, err := http.Post(server.URL+"/add-checkpoint", "", bytes.NewReader(histories[mine].ask(t, old, size).Marshal()))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					t.Error(err)
					return
				}
				switch resp.StatusCode {
				case 200:
					mu.Lock()
					if cosigned[size] == nil {
						cosigned[size] = map[ident.Digest]bool{}
					}
					cosigned[size][histories[mine].root(t, size)] = true
					mu.Unlock()
					old, size = size, size+1+c%3
				case 409:
					if old, err = strconv.Atoi(strings.TrimSpace(string(body))); err != nil {
						t.Error(err)
						return
					}
					size = max(size, old+1)
				case 422:
					size++ // another size will not do either
				default:
					t.Errorf("%d %s", resp.StatusCode, body)
					return
				}
			}
		})
	}
	wg.Wait()
	won, n := -1, 0
	for size, roots := range cosigned {
		for i, h := range histories {
			if roots[h.root(t, size)] {
				n++
				if won >= 0 && won != i {
					t.Fatalf("both histories are cosigned: %v", cosigned)
				}
				won = i
			}
		}
	}
	if n < 2 {
		t.Fatalf("only %d sizes were cosigned", n)
	}
}

// TestL02_behind: a log that has been put back to an older copy is told how far it was,
// and nothing that it then writes instead is cosigned.
func TestL02_behind(t *testing.T) {
	p, l, again := newPost(t), log(t, 9), newHistory(t, authority, 1, 12, 6, "again")
	p.cosigns(l.ask(t, 0, 6))
	p.cosigns(l.ask(t, 6, 9))
	p.refuses("older", l.ask(t, 5, 6).Marshal(), 409, size, "9\n")
	p.refuses("the same again", l.ask(t, 6, 6).Marshal(), 409, size, "9\n")
	p.refuses("begun anew", again.ask(t, 6, 7).Marshal(), 409, size, "9\n")
	p.refuses("gone past", again.ask(t, 6, 12).Marshal(), 409, size, "9\n")
	if rec := p.send(again.ask(t, 9, 12).Marshal()); rec.Code != 422 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	p.is(l, 9)
}

// TestL02_putBack: a witness whose memory has been put back to an older copy, or taken
// away, does not start, and does not touch it.
func TestL02_putBack(t *testing.T) {
	p, l := newPost(t), log(t, 9)
	state := filepath.Join(p.dir, "state.json")
	empty, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	p.cosigns(l.ask(t, 0, 5))
	older, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	p.cosigns(l.ask(t, 5, 9))
	newest, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	p.close()
	for what, b := range map[string][]byte{"empty": empty, "older": older} {
		if err := os.WriteFile(state, b, 0o600); err != nil {
			t.Fatal(err)
		}
		p.starts(what, witness.ErrOlder)
	}
	if err := os.Remove(state); err != nil {
		t.Fatal(err)
	}
	p.starts("gone", witness.ErrState)
	if err := os.WriteFile(state, newest, 0o600); err != nil {
		t.Fatal(err)
	}
	p.open()
	p.is(l, 9)
	p.refuses("as before", l.ask(t, 5, 9).Marshal(), 409, size, "9\n")
}

// TestL02_forgotten: where the whole directory has been put back, the witness does not
// know, until it is shown a cosignature of its own that it has forgotten. Then it ends for good.
func TestL02_forgotten(t *testing.T) {
	for key := range 2 { // either key's line will do
		p, l := newPost(t), log(t, 9)
		p.cosigns(l.ask(t, 0, 5))
		older := t.TempDir()
		copied := func(to, from string) {
			t.Helper()
			for _, file := range []string{"state.json", "count"} {
				b, err := os.ReadFile(filepath.Join(from, file))
				if err == nil {
					err = os.WriteFile(filepath.Join(to, file), b, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		copied(older, p.dir)
		shown := func(old, size int, lines ...string) []byte {
			ask := l.ask(t, old, size)
			ask.Checkpoint = append(ask.Checkpoint, strings.Join(lines, "")...)
			return ask.Marshal()
		}
		of := func(old, size int) string {
			return strings.SplitAfter(p.send(l.ask(t, old, size).Marshal()).Body.String(), "\n")[key]
		}
		atFive := of(5, 5)
		atNine := of(5, 9)
		// Its own lines are nothing that it minds while it remembers them.
		p.refuses("an earlier one", shown(9, 5, atFive), 400, text, oldTooLarge)
		p.refuses("an earlier one", shown(0, 5, atFive), 409, size, "9\n")
		if rec := p.send(shown(9, 9, atNine)); rec.Code != 200 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		p.close()
		copied(p.dir, older)
		p.open()
		p.refuses("a line that is not its own", shown(9, 9, strings.Replace(atNine, "A", "B", 1)), 409, size, "5\n")
		if rec := p.send(shown(5, 9, atNine)); rec.Code != 500 || rec.Body.String() != broken {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		if told := p.told(); told != witness.ErrOlder.Error() {
			t.Errorf("told %q", told)
		}
		p.is(l, 5)
		p.refuses("the same", shown(5, 9, atNine), 500, text, broken)
		p.refuses("without the line", shown(5, 9), 500, text, broken)
		p.refuses("another log", newHistory(t, other, 2, 5, 5, "").ask(t, 0, 5).Marshal(), 500, text, broken)
		p.close()
		p.starts("again", witness.ErrOlder)
	}
}
