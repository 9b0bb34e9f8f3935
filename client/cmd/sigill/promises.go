package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/keys/statement"
)

// What a check of the log may end with, beside what it prints.
var (
	errBroken     = errors.New("the log did not do what it signed")
	errReceipt    = fmt.Errorf("%w: a receipt that is kept here is none by this log for its matter", errVerify)
	errOtherDraft = fmt.Errorf("%w: a decision bears the identifier of your matter, over another draft", errVerify)
	errUnproved   = errors.New("an entry is overdue, and the days that were read prove nothing yet")
)

// checkedLog is what a log says of the author's own matters.
type checkedLog struct {
	Authority  ident.Authority       `json:"authority"`
	From       ident.Date            `json:"from,omitempty"`
	Until      ident.Date            `json:"until,omitempty"`
	Checkpoint *statement.Checkpoint `json:"checkpoint,omitempty"` // with which the last day ended
	Witnessed  bool                  `json:"witnessed"`
	Matters    []checkedMatter       `json:"matters"`
	Decisions  []checkedDecision     `json:"decisions"`
}

type checkedMatter struct {
	Matter   string           `json:"matter"`
	Decision ident.ID         `json:"decision"`
	Promises []checkedPromise `json:"promises"`
	Events   []loggedEntry    `json:"events"`
	Openings []loggedEntry    `json:"openings"`
}

type checkedPromise struct {
	Revision int                 `json:"revision,omitempty"`
	Received ident.Date          `json:"received,omitempty"`
	Due      ident.Date          `json:"due,omitempty"`
	State    client.PromiseState `json:"state"`
	Entry    *loggedEntry        `json:"entry,omitempty"`
	Evidence string              `json:"evidence,omitempty"` // the file
}

type loggedEntry struct {
	Day    ident.Date `json:"day"`
	Index  uint64     `json:"index"`
	Kind   string     `json:"kind"`
	Number string     `json:"number,omitempty"`
}

type checkedDecision struct {
	Number    string         `json:"number"`
	Decision  ident.ID       `json:"decision"`
	Matter    string         `json:"matter,omitempty"`
	Revision  int            `json:"revision,omitempty"`
	AsDrafted bool           `json:"as_drafted"`
	Earlier   []ident.Digest `json:"earlier"`
	Cited     []citedDraft   `json:"cited"`
	Uncited   []string       `json:"uncited"`
}

type citedDraft struct {
	Matter   string `json:"matter"`
	Revision int    `json:"revision"`
}

func (a *app) draftCheck() *cobra.Command {
	var bundles []string
	var dir string
	c := &cobra.Command{
		Use: "check SOURCE", Short: "See whether the log has kept what it promised you",
		Long: `Hold the receipts of all your matters against the log, from where it is given out, a
URL or a copy: whether what was promised stands there, on which day and under which
index; what else bears the tag of your matters (signed, returned, withdrawn,
dispatched); and whether a seal was opened. You need no login, and the authority's
server is not asked about any matter.

Whole days are read and nothing else, from the first of the month in which your
oldest receipt falls, to yesterday; where there are none, the checkpoint. So whoever
gives the log out learns that month, and the network from where you read. Of a copy
(sigill log mirror) nobody learns anything. "sigill draft forget" ends what is looked
for.

With --bundle, once for each decision, it also says whether the draft in it is yours
to the byte, and which of your drafts of the case it cites (sigill draft show MATTER
--bundle FILE gets that of your own).

A promise whose day is over and whose entry is not there is broken. Then a file is
written, under --evidence, that proves it to anyone who has the trust file: sigill
verify FILE. It names the decision, and so tells whoever gets it that you drafted.

Exit codes: 6 a promise is broken; 3 a receipt or decision is not what it should be;
4 an entry is overdue, and what was read does not prove it yet.`,
		Example: "  sigill draft check https://sigill.example:8444 --trust trust.json\n  sigill draft check kopia --bundle decision.sigill --evidence bevis",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			trust, err := a.trust()
			if err != nil {
				return err
			}
			var verdicts []*bundle.Verdict
			for _, file := range bundles {
				v, _, err := a.verified(file)
				if err != nil {
					return ofFile("decision", err)
				}
				verdicts = append(verdicts, v)
			}
			out, own, err := a.checkLog(cmd.Context(), trust, args[0], dir)
			if err != nil {
				return err
			}
			for _, v := range verdicts {
				out.Decisions = append(out.Decisions, checkedOf(v, own))
			}
			if err := a.emit(out, a.checkRows(out)...); err != nil {
				return err
			}
			return a.tellCheck(out)
		},
	}
	c.Flags().StringArrayVar(&bundles, "bundle", nil, "`file` with a signed decision to hold your drafts against; may be given again")
	c.Flags().StringVar(&dir, "evidence", ".", "`directory` for what proves that a promise is broken")
	return c
}

// checkLog holds the author's matters against a log, and writes down what it proves.
func (a *app) checkLog(ctx context.Context, trust *bundle.Trust, source, dir string) (checkedLog, []client.Kept, error) {
	none := checkedLog{}
	var c client.Config
	if err := a.roots(&c); err != nil {
		return none, nil, err
	}
	l, err := tiles.Open(source, trust.Policy, c.Roots)
	if err != nil {
		return none, nil, err
	}
	h, err := a.home()
	if err != nil {
		return none, nil, err
	}
	own, err := h.Kept()
	if err != nil {
		return none, nil, err
	}
	got, err := client.CheckLog(ctx, l, trust, ident.DateOf(time.Now()), own)
	if err != nil {
		return none, nil, keyfile.Pathless(err)
	}
	out := checkedLog{Authority: trust.Authority, From: got.From, Until: got.Until, Witnessed: got.Witnessed, Matters: []checkedMatter{}, Decisions: []checkedDecision{}}
	if got.Until != "" {
		out.Checkpoint = &statement.Checkpoint{Root: got.Checkpoint.Root, Size: int64(got.Checkpoint.Size)}
	}
	for _, m := range got.Matters {
		cm := checkedMatter{m.Matter, m.Decision, []checkedPromise{}, loggedEntries(m.Events), loggedEntries(m.Notices)}
		for _, p := range m.Promises {
			cp := checkedPromise{Revision: p.Revision, Received: p.Received, Due: p.Due, State: p.State}
			if p.Entry != nil {
				cp.Entry = &loggedEntries([]client.Logged{*p.Entry})[0]
			}
			if p.Evidence != nil {
				if cp.Evidence, err = keepEvidence(dir, p.Evidence); err != nil {
					return none, nil, err
				}
			}
			cm.Promises = append(cm.Promises, cp)
		}
		out.Matters = append(out.Matters, cm)
	}
	return out, own, nil
}

func loggedEntries(list []client.Logged) []loggedEntry {
	out := make([]loggedEntry, len(list))
	for i, l := range list {
		out[i] = loggedEntry{l.Day, l.Index, l.Kind.String(), l.Number}
	}
	return out
}

// keepEvidence writes evidence under a name that says nothing and is the same each
// time, so that it is written once.
func keepEvidence(dir string, data []byte) (string, error) {
	digest := ident.Sum(data)
	path := filepath.Join(dir, "evidence-"+string(ident.IDFromBytes([16]byte(digest[:])))+".json")
	err := client.WriteFile(path, data, 0o600, false)
	if errors.Is(err, client.ErrExists) {
		err = nil
	}
	return path, err
}

func checkedOf(v *bundle.Verdict, own []client.Kept) checkedDecision {
	c := client.CheckDecision(v, own)
	out := checkedDecision{Number: v.Number(), Decision: v.Decision.Decision, Matter: c.Matter, Revision: c.Revision, AsDrafted: c.Revision > 0,
		Earlier: append([]ident.Digest{}, v.Draft.Earlier...), Cited: []citedDraft{}, Uncited: append([]string{}, c.Uncited...)}
	for _, d := range c.Cited {
		out.Cited = append(out.Cited, citedDraft(d))
	}
	return out
}

// said are the states of promises, and the kinds of entries that bear a matter's tag.
var said = map[string]string{
	string(client.PromiseKept): "kept", string(client.PromiseLate): "late", string(client.PromiseOpen): "not due yet",
	string(client.PromiseUnproved): "overdue", string(client.PromiseBroken): "broken", string(client.PromiseInvalid): "no valid receipt",
	proof.Decision.String(): "signed", proof.Returned.String(): "returned", proof.Withdrawn.String(): "withdrawn", proof.Dispatched.String(): "dispatched",
	proof.Erasure.String(): "erased", proof.NumberVoid.String(): "number voided", proof.OpeningNotice.String(): "seal opened",
}

func (a *app) checkRows(c checkedLog) [][]string {
	rows := [][]string{{a.t("days read"), string(c.From) + " – " + string(c.Until)}}
	if c.From == "" {
		rows[0][1] = a.t("none: no receipt here, or no whole day in the log yet")
	}
	rows = append(rows, a.heads("MATTER", "WHAT", "LOGGED BY", "STATE", "DAY", "ENTRY"))
	for _, m := range c.Matters {
		for _, p := range m.Promises {
			what := a.t("another act")
			if p.Revision > 0 {
				what = fmt.Sprintf(a.t("revision %d"), p.Revision)
			}
			row := []string{m.Matter, what, string(p.Due), a.t(said[string(p.State)])}
			if p.Entry != nil {
				row = append(row, string(p.Entry.Day), strconv.FormatUint(p.Entry.Index, 10))
			}
			rows = append(rows, row)
		}
		for _, e := range append(m.Events, m.Openings...) {
			what := a.t(said[e.Kind])
			if e.Number != "" {
				what += " " + e.Number
			}
			rows = append(rows, []string{m.Matter, what, "", a.t("logged"), string(e.Day), strconv.FormatUint(e.Index, 10)})
		}
	}
	for _, d := range c.Decisions {
		switch {
		case d.AsDrafted:
			rows = append(rows, []string{d.Number, fmt.Sprintf(a.t("your draft to the byte: %s, revision %d"), d.Matter, d.Revision)})
		case d.Matter != "":
			rows = append(rows, []string{d.Number, fmt.Sprintf(a.t("NOT your draft: %s"), d.Matter)})
		}
		for _, cited := range d.Cited {
			rows = append(rows, []string{d.Number, fmt.Sprintf(a.t("cites your earlier draft: %s, revision %d"), cited.Matter, cited.Revision)})
		}
		for _, matter := range d.Uncited {
			rows = append(rows, []string{d.Number, fmt.Sprintf(a.t("does not cite your draft: %s (it came later, or signers had not been shown it)"), matter)})
		}
	}
	return rows
}

// tellCheck says what to do about what was found; the gravest decides the exit code.
func (a *app) tellCheck(c checkedLog) error {
	states := map[client.PromiseState]bool{}
	for _, m := range c.Matters {
		for _, p := range m.Promises {
			states[p.State] = true
			if p.Evidence != "" {
				a.talk(a.words.evidenceKept, p.Evidence)
			}
		}
		if len(m.Openings) > 0 {
			a.talk(a.words.sealOpened, m.Matter, m.Matter)
		}
	}
	if c.From != "" && !c.Witnessed {
		a.talk("%s", a.words.unwitnessedDays)
	}
	other := false
	for _, d := range c.Decisions {
		other = other || d.Matter != "" && !d.AsDrafted
	}
	switch {
	case states[client.PromiseBroken], states[client.PromiseLate]:
		return errBroken
	case other:
		return errOtherDraft
	case states[client.PromiseInvalid]:
		return errReceipt
	case states[client.PromiseUnproved]:
		return errUnproved
	}
	return nil
}

// finding is what an evidence file proves.
type finding struct {
	Proven    bool                 `json:"proven"`
	Kind      evidence.Kind        `json:"kind"`
	Authority ident.Authority      `json:"authority"`
	Name      string               `json:"authority_name"`
	From      ident.Date           `json:"from,omitempty"`
	Until     ident.Date           `json:"until,omitempty"`
	Before    statement.Checkpoint `json:"before"`
	After     statement.Checkpoint `json:"after"`
	Witnessed bool                 `json:"witnessed"`
	Receipt   *statement.Receipt   `json:"receipt,omitempty"`
	Last      proof.Number         `json:"last,omitzero"`
	Number    proof.Number         `json:"number,omitzero"`
}

// verifyEvidence says what an evidence file proves, if it does: then the log is at
// fault, which no exit code of a valid decision says.
func (a *app) verifyEvidence(data []byte, trust *bundle.Trust) error {
	f, err := evidence.Verify(data, trust)
	if err != nil {
		return fmt.Errorf("%w: %w", errVerify, err)
	}
	at := func(c proof.Checkpoint) statement.Checkpoint {
		return statement.Checkpoint{Root: c.Root, Size: int64(c.Size)}
	}
	out := finding{true, f.Kind, f.Authority, trust.Name, f.From, f.Until, at(f.Before), at(f.After), f.Witnessed, f.Receipt, f.Last, f.Number}
	rows := [][]string{{a.t("proven"), a.proven(f, trust)}, {a.t("authority"), trust.Name + " (" + string(f.Authority) + ")"},
		{a.t("log"), fmt.Sprintf(a.t("entries %d to %d"), f.Before.Size, f.After.Size)}}
	switch {
	case f.Witnessed:
		rows = append(rows, []string{a.t("witnessed"), a.words.datesWitnessed})
	case f.From != "":
		rows = append(rows, []string{a.t("witnessed"), a.words.datesUnwitnessed})
	}
	err = a.emit(out, rows...)
	return errors.Join(err, errBroken)
}

// proven says what an evidence file proves, in a sentence.
func (a *app) proven(f *evidence.Finding, trust *bundle.Trust) string {
	number := func(n proof.Number) string { return statement.FormatNumber(int(n.Year), int64(n.Number)) }
	args := map[evidence.Kind][]any{
		evidence.Promise:  {f.From, f.Until},
		evidence.Fork:     {f.Before.Size, f.After.Size},
		evidence.Rollback: {f.Before.Size, f.From, f.After.Size},
		evidence.Numbers:  {number(f.Number), number(f.Last)},
		evidence.Entry:    {f.Before.Size},
	}[f.Kind]
	text := a.words.proven[f.Kind]
	if f.Kind == evidence.Numbers && f.Last == (proof.Number{}) {
		text, args = a.words.provenFirst, args[:1]
	}
	return fmt.Sprintf(text, append([]any{trust.Name}, args...)...)
}
