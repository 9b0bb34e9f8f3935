package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/record"
	"sigill/keys/statement"
)

func (a *app) draft() *cobra.Command {
	return group("draft", "Draft decisions (caseworker)", "  sigill draft new mitt-beslut\n  sigill draft submit mitt-beslut",
		a.draftNew(), a.draftSubmit(), a.draftRevise(), a.draftList(), a.draftShow(), a.draftDissent(), a.draftWithdraw(),
		a.draftOpenings(), a.draftCheck(), a.draftForget())
}

func (a *app) draftNew() *cobra.Command {
	return &cobra.Command{
		Use: "new FOLDER", Short: "Begin a decision: a folder with decision.yaml and its text",
		Long:    "Write a folder with decision.yaml, in which every key is explained, and content.md with the headings that the law asks for.",
		Example: "  sigill draft new mitt-beslut", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			files := map[string][]byte{client.FolderFile: client.FolderTemplate, client.FolderText: client.ContentTemplate}
			for name := range files {
				if err := free(filepath.Join(args[0], name), false); err != nil {
					return err
				}
			}
			if err := os.MkdirAll(args[0], 0o700); err != nil {
				return keyfile.Pathless(err)
			}
			for name, data := range files {
				if err := client.WriteFile(filepath.Join(args[0], name), data, 0o600, false); err != nil {
					return err
				}
			}
			return a.emit(map[string]string{"folder": args[0]}, []string{filepath.Join(args[0], client.FolderFile)}, []string{filepath.Join(args[0], client.FolderText)})
		},
	}
}

// caseworker is the caller with a place for a matter.
func (a *app) caseworker(ctx context.Context) (*client.Caseworker, *client.Home, error) {
	s, me, err := a.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	h, err := a.home()
	if err != nil {
		return nil, nil, err
	}
	if err := s.KnowsLog(ctx); err != nil { // before there is a receipt that nobody can read
		return nil, nil, err
	}
	return s.Caseworker(me), h, nil
}

// owned is the caller with one of their own matters; what changes of it is kept.
func (a *app) owned(ctx context.Context, name string) (*client.Caseworker, string, *client.Own, error) {
	w, h, err := a.caseworker(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	name, own, err := h.Matter(name)
	if err != nil {
		return nil, "", nil, err
	}
	w.Store = func(o *client.Own) error { return h.SaveMatter(name, o) }
	return w, name, own, nil
}

// submitted is what the caseworker is told of a revision.
type submitted struct {
	Matter   string       `json:"matter"`
	Decision ident.ID     `json:"decision"`
	Revision int          `json:"revision"`
	Digest   ident.Digest `json:"digest"`
	Received ident.Date   `json:"received"`
	Logged   ident.Date   `json:"logged_by"`
}

func (a *app) emitRevision(name string, own *client.Own) error {
	n := len(own.Revisions)
	out := submitted{Matter: name, Decision: own.Decision, Revision: n, Digest: own.Revisions[n-1]}
	if n := len(own.Receipts); n > 0 { // none, where the answer was lost and the matter itself told
		var rc statement.Receipt
		if err := jws.Peek(own.Receipts[n-1], &rc); err != nil { // verified by the client
			return err
		}
		out.Received, out.Logged = rc.Received, rc.Due
	}
	return a.emit(out, a.heads("MATTER", "REVISION", "RECEIVED", "LOGGED BY"),
		[]string{name, strconv.Itoa(n), string(out.Received), string(out.Logged)})
}

// missingIn says which file a folder lacks, where there is a folder.
func missingIn(folder string, err error) error {
	if _, stat := os.Stat(folder); stat != nil {
		return err
	}
	if _, stat := os.Stat(filepath.Join(folder, client.FolderFile)); stat != nil {
		return ofFile("decision.yaml", err)
	}
	return ofFile("the text that content names", err)
}

// read reads a decision's folder, and tells the author what may point at them and
// what the notice will say of them.
func (a *app) read(folder string) (client.Text, error) {
	t, err := client.ReadFolder(os.DirFS(folder))
	if errors.Is(err, fs.ErrNotExist) {
		err = missingIn(folder, err)
	}
	if err != nil {
		return t, err
	}
	a.warn(guard.Text{Field: "content", Body: string(t.Content)}, guard.Text{Field: "contact", Body: t.Contact})
	said := a.words.nameShown
	for _, p := range t.Record.OmittedPersons(t.Names) {
		if p.Author {
			said = a.words.nameOmitted
		}
	}
	a.talk("%s", said)
	return t, nil
}

// warn says what may point at somebody, and what to do about it; it stops nothing.
func (a *app) warn(texts ...guard.Text) {
	list := guard.Warn(texts...)
	for _, w := range list {
		a.talk(a.words.warning, w.Field, w.Line, w.Column, a.t(w.Kind.String()))
	}
	if len(list) > 0 {
		a.talk("%s", a.words.warned)
	}
}

func (a *app) showEarlier(list []ident.Digest) error {
	a.talk(a.words.cited, len(list))
	for _, d := range list {
		a.talk("  %s", d)
	}
	return nil
}

func (a *app) draftSubmit() *cobra.Command {
	var another bool
	c := &cobra.Command{
		Use: "submit FOLDER", Short: "Submit a new draft",
		Long: `Submit the decision in FOLDER. A text that names someone whose name is to be left
out is refused before anything is sent, by field, line and column, as is one that
lacks the decision, its reasons or how to appeal. Your key to the matter, the
receipt and the watch secret are kept, encrypted, in the home directory; MATTER is
the random name under which they lie.

Where no answer came (exit code 4) the same command asks again: a draft of the
case that was sent from here and never answered is asked about first, and is
submitted once only. Beside a draft of your own in the case no other is made
unless you give --another.`,
		Example: "  sigill draft submit mitt-beslut", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := a.read(args[0])
			if err != nil {
				return err
			}
			w, h, err := a.caseworker(cmd.Context())
			if err != nil {
				return err
			}
			w.Earlier = a.showEarlier
			w.Settled = func(matter string, taken bool) {
				said := a.words.wasNotTaken
				if taken {
					said = a.words.wasTaken
				}
				a.talk(said, matter)
			}
			done := a.waiting(t.Title)
			name, own, err := h.Submit(cmd.Context(), w, t, another)
			done()
			if err != nil {
				a.talkUnsettled(err, args[0])
				return err
			}
			return a.emitRevision(name, own)
		},
	}
	c.Flags().BoolVar(&another, "another", false, "also beside a draft of your own in the same case")
	return c
}

// talkUnsettled says which matter an unanswered submission is, and how to ask.
func (a *app) talkUnsettled(err error, folder string) {
	if lost := (*client.UnansweredError)(nil); errors.As(err, &lost) {
		a.talk(a.words.unanswered, lost.Matter, strconv.Quote(folder))
	}
}

func (a *app) draftRevise() *cobra.Command {
	return &cobra.Command{
		Use: "revise MATTER FOLDER", Short: "Replace the last revision of a draft",
		Long:    "Replace the last revision of your own draft by the decision in FOLDER, also after it was returned.",
		Example: "  sigill draft revise k3x mitt-beslut", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := a.read(args[1])
			if err != nil {
				return err
			}
			w, name, own, err := a.owned(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			w.Earlier = a.showEarlier
			if err := w.Revise(cmd.Context(), own, t); err != nil {
				if !own.Sent.IsZero() {
					a.talk(a.words.unrevised, name, name)
				}
				return err
			}
			return a.emitRevision(name, own)
		},
	}
}

// ownMatter is a matter in the author's list, which no server has.
type ownMatter struct {
	Matter    string   `json:"matter"`
	Case      string   `json:"case"`
	Decision  ident.ID `json:"decision"`
	Revisions int      `json:"revisions"`
}

func (a *app) draftList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List your own matters",
		Long:    "List the matters whose keys lie in the home directory. The server has no such list. MATTER, or its beginning, names one in other commands.",
		Example: "  sigill draft list", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			h, err := a.home()
			if err != nil {
				return err
			}
			kept, err := h.Kept()
			if err != nil {
				return err
			}
			list := []ownMatter{}
			rows := [][]string{a.heads("MATTER", "CASE", "REVISIONS")}
			for _, own := range kept {
				list = append(list, ownMatter{own.Matter, own.Case, own.Decision, len(own.Revisions)})
				rows = append(rows, []string{own.Matter, own.Case, strconv.Itoa(len(own.Revisions))})
			}
			return a.emit(list, rows...)
		},
	}
}

// shownMatter is an own matter as the server has it.
type shownMatter struct {
	Matter   string       `json:"matter"`
	State    string       `json:"state"`
	Title    string       `json:"title"`
	Number   string       `json:"number,omitempty"`
	Returns  [][]string   `json:"returns,omitempty"`
	Dissents int          `json:"dissents"`
	Names    record.Names `json:"names"`
	Pending  bool         `json:"pending"` // signed, pending witness
}

func (a *app) draftShow() *cobra.Command {
	var out string
	var force bool
	c := &cobra.Command{
		Use: "show MATTER", Short: "Show how a matter of yours stands",
		Long:    "Show how your own matter stands, with the reasons if it was returned. With --bundle it writes the signed decision.",
		Example: "  sigill draft show k3x\n  sigill draft show k3x --bundle decision.sigill", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out != "" {
				if err := free(out, force); err != nil {
					return err
				}
			}
			w, name, own, err := a.owned(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			m, err := w.Get(cmd.Context(), own)
			if err != nil {
				return err
			}
			v := shownMatter{Matter: name, State: state(m.State), Dissents: m.Dissents}
			switch {
			case m.Verdict != nil:
				v.Title, v.Number, v.Names, v.Pending = m.Verdict.Draft.Title, m.Verdict.Number(), m.Verdict.Draft.Names, m.Verdict.Pending
			case m.Draft != nil:
				v.Title, v.Names = m.Draft.Title, m.Draft.Names
			}
			is := a.t(v.State)
			if v.Pending {
				is += ", " + a.t("pending witness")
			}
			rows := [][]string{a.heads("MATTER", "STATE", "NUMBER", "TITLE"), {name, is, v.Number, v.Title}}
			for _, r := range m.Returns {
				v.Returns = append(v.Returns, r.Paragraphs)
				for _, p := range r.Paragraphs {
					rows = append(rows, []string{string(r.Date) + ": " + p})
				}
			}
			if out != "" {
				if m.Verdict == nil {
					return usage("the decision is not signed: --bundle has nothing to write")
				}
				if err := a.output(out, m.Bundle, 0o600, force); err != nil {
					return err
				}
			}
			return a.emit(v, rows...)
		},
	}
	c.Flags().StringVar(&out, "bundle", "", "`file` for the signed decision")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}

func (a *app) draftDissent() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "dissent MATTER --file FILE", Short: "Have your dissent recorded (30 § FL)",
		Long:    "Have a dissent (avvikande mening) recorded, until the decision is dispatched. Nobody can drop it; the party is told that there is one. Empty lines part paragraphs.",
		Example: "  sigill draft dissent k3x --file mening.txt\n  sigill draft dissent k3x --file - < mening.txt", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.paragraphs(file)
			if err != nil {
				return err
			}
			w, name, own, err := a.owned(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := w.Dissent(cmd.Context(), own, text); err != nil {
				return err
			}
			return a.emit(map[string]string{"matter": name, "act": "dissent"}, []string{name, a.t("dissent")})
		},
	}
	c.Flags().StringVar(&file, "file", "", "the text's `file`, - for standard input")
	return c
}

func (a *app) draftWithdraw() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "withdraw MATTER", Short: "Withdraw a draft that is not signed", Long: "End your own draft. It is logged that there was one.",
		Example: "  sigill draft withdraw k3x", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, name, own, err := a.owned(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(yes, fmt.Sprintf(a.words.withdraw, own.Case)); err != nil {
				return err
			}
			if err := w.Withdraw(cmd.Context(), own); err != nil {
				return err
			}
			return a.emit(map[string]string{"matter": name, "act": "withdraw"}, []string{name, a.t("withdrawn")})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// sealOpening is an opening as its author is told of it.
type sealOpening struct {
	Opening   ident.ID         `json:"opening"`
	Date      ident.Date       `json:"date"`
	Requester string           `json:"requester"`
	Ground    string           `json:"ground"`
	Law       string           `json:"law"`
	Reference string           `json:"reference"`
	Granted   []record.Section `json:"granted"`
}

func (a *app) draftOpenings() *cobra.Command {
	return &cobra.Command{
		Use: "openings MATTER", Short: "See who has opened the seal of a decision of yours",
		Long:    "List the openings of the seal, by whom, on which ground and of which parts. One whose notice the law delays is listed when it is due.",
		Example: "  sigill draft openings k3x", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, _, own, err := a.owned(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list, err := w.Openings(cmd.Context(), own)
			if err != nil {
				return err
			}
			out := []sealOpening{}
			rows := [][]string{a.heads("DATE", "REQUESTER", "GROUND", "REFERENCE", "GRANTED")}
			for _, o := range list {
				r := o.Request
				out = append(out, sealOpening{r.Opening, o.Release.Date, o.Requester, string(r.Ground), r.Ground.Law(), r.Reference, o.Release.Granted})
				rows = append(rows, []string{string(o.Release.Date), o.Requester, string(r.Ground), r.Reference, sectionNames(o.Release.Granted)})
			}
			return a.emit(out, rows...)
		},
	}
}

func (a *app) draftForget() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "forget MATTER", Short: "Delete what ties you to a matter",
		Long: `Delete your key to a matter, its receipts and its watch secret from the home
directory. The matter stays; you can no longer revise, dissent, or prove what you
were promised.`,
		Example: "  sigill draft forget k3x", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			h, err := a.home()
			if err != nil {
				return err
			}
			name, own, err := h.Matter(args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(yes, fmt.Sprintf(a.words.forget, own.Case)); err != nil {
				return err
			}
			if err := h.Forget(name); err != nil {
				return err
			}
			return a.emit(map[string]string{"matter": name, "act": "forget"}, []string{name, a.t("forgotten")})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
