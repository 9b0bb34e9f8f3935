package server_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

// checks: the author holds all receipts against the days that are over. Everything was
// kept, and the seal was opened once. What would be shown to strangers if something had
// not been is seen by others as well.
func (p *play) checks(own, withdrawn *client.Own) {
	p.t.Helper()
	dir := p.t.TempDir()
	p.must(os.Mkdir(filepath.Join(dir, "day"), 0o700))
	days := map[int]proof.Day{}
	for _, day := range []int{-1, 0, 1} {
		text := p.get("checking", p.dayPath(day))
		p.must(os.WriteFile(filepath.Join(dir, filepath.FromSlash(p.dayPath(day))), text, 0o600))
		d, err := proof.ParseDay(text)
		p.must(err)
		days[day] = d
	}
	l, err := tiles.Open(dir, p.stage.Trust.Policy, nil)
	p.must(err)
	today := ident.DateOf(p.stage.dawn).AddDays(2)
	c, err := client.CheckLog(p.ctx, l, p.stage.Trust, today, []client.Kept{{Matter: "own", Own: own}, {Matter: "withdrawn", Own: withdrawn}})
	p.must(err)
	var entries, events []proof.Kind
	for _, m := range c.Matters {
		for _, pr := range m.Promises {
			if pr.State != client.PromiseKept || pr.Entry == nil || pr.Entry.Day != days[1].Date {
				p.t.Errorf("a promise is %s: %+v", pr.State, pr)
				continue
			}
			entries = append(entries, pr.Entry.Kind)
		}
		for _, e := range m.Events {
			events = append(events, e.Kind)
		}
	}
	slices.Sort(entries)
	if want := []proof.Kind{proof.Withdrawn, proof.AuthorAct, proof.AuthorAct, proof.AuthorAct, proof.AuthorAct}; !slices.Equal(entries, want) {
		p.t.Errorf("kept are %v, want %v", entries, want)
	}
	if want := []proof.Kind{proof.Returned, proof.Decision, proof.Dispatched, proof.Withdrawn}; !slices.Equal(events, want) {
		p.t.Errorf("the tags tell of %v, want %v", events, want)
	}
	if len(c.Matters[0].Notices) != 1 || len(c.Matters[1].Notices) != 0 {
		p.t.Errorf("notices: %+v", c.Matters)
	}

	// A log that stood still after the act, which it did not, and a witness who says so.
	texts := [][]byte{days[-1].Marshal()}
	note := days[-1].Checkpoint[:bytes.LastIndex(days[-1].Checkpoint, []byte("— "+p.stage.witness.name))]
	for day := range 9 {
		still := proof.Day{Date: days[0].Date.AddDays(day), First: days[0].First, Frontier: days[0].Frontier}
		still.Checkpoint = fmt.Appendf(nil, "%s%s\n", note, p.stage.witness.sign(string(note), still.Date.AddDays(1).Start()))
		texts = append(texts, still.Marshal())
	}
	file, err := evidence.NewPromise(own.Receipts[0], texts...).Marshal()
	p.must(err)
	f, err := evidence.Verify(file, p.stage.Trust)
	if err != nil || !f.Witnessed {
		p.t.Errorf("evidence: %v, %+v", err, f)
	}
	p.keep(seen{place: "evidence", value: file})
}
