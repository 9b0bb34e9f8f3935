package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// verdict is what a verified decision says.
type verdict struct {
	Valid     bool                 `json:"valid"`
	Number    string               `json:"number"`
	Date      ident.Date           `json:"date"`
	Authority ident.Authority      `json:"authority"`
	Name      string               `json:"authority_name"`
	Decision  ident.ID             `json:"decision"`
	Statement ident.Digest         `json:"statement"`
	Case      string               `json:"case"`
	Title     string               `json:"title"`
	Type      string               `json:"type"`
	Mode      record.Mode          `json:"mode"`
	Item      string               `json:"item"`
	Signer    string               `json:"signer"`
	Names     record.Names         `json:"names"`
	Corrects  *statement.Cite      `json:"corrects,omitempty"`
	Amends    *statement.Cite      `json:"amends,omitempty"`
	Content   ident.Digest         `json:"content"`
	Log       statement.Checkpoint `json:"checkpoint"`
	Index     uint64               `json:"index"`
	Witnessed bool                 `json:"witnessed"`
}

func (a *app) verify() *cobra.Command {
	var content string
	c := &cobra.Command{
		Use: "verify FILE --trust FILE", Short: "Verify a decision, a receipt, evidence or a succession, offline",
		Long: `Verify a decision against the authority's trust file, without any server: the
institutional certificate, every signature, the delegation order, the text, and
the decision's place in the log. With --content the text is also compared with a
file. Nothing here says who wrote it. Exit code 3 if anything does not hold.

What --receipt kept of a return, an abstention, a dispatch, a request or a vote is
verified too: that the log has exactly it, once sigill log prove has got the witnesses' word.

Of the succession by which another trust file takes the place of yours it is verified
that your board signed it and that nothing is left out by which something was verified,
and what it changes is shown. "sigill adopt" takes it over.

An evidence file is verified in the same way, without the log itself: it says what
the authority's log did not do of what it had signed. Exit code 6 if that is proven,
3 if it is not, 4 if witnesses may yet make it so.`,
		Example: "  sigill verify decision.sigill --trust trust.json\n  sigill verify decision.sigill --trust trust.json --content beslut.md\n  sigill verify evidence.json --trust trust.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			trust, err := a.trust()
			if err != nil {
				return err
			}
			data, err := a.input(args[0])
			if err != nil {
				return err
			}
			if content != "" && (evidence.Is(data) || bundle.IsAct(data) || isSuccession(data)) {
				return usage("--content is for a decision")
			}
			if evidence.Is(data) {
				return a.verifyEvidence(data, trust)
			}
			if bundle.IsAct(data) {
				return a.verifyAct(data, trust)
			}
			if isSuccession(data) {
				return a.follows(data, trust)
			}
			if _, err := bundle.Parse(data); err != nil {
				return &kindError{kindOf(data)}
			}
			v, err := verifiedBy(data, trust)
			if err != nil {
				return err
			}
			if content != "" {
				b, err := a.input(content)
				if err != nil {
					return err
				}
				if !bytes.Equal(client.NormalText(b), v.Content) { // a content is read so before it is signed
					return fmt.Errorf("%w: the file is not the decision's text", errVerify)
				}
			}
			d := &v.Decision
			out := verdict{Valid: true, Number: v.Number(), Date: d.Date, Authority: d.Authority, Name: trust.Name, Decision: d.Decision,
				Statement: v.Digest, Case: v.Draft.Case, Title: v.Draft.Title, Type: v.Draft.Type, Mode: d.Mode, Item: d.Item,
				Signer: v.Approval.Signer.Title, Names: v.Draft.Names, Corrects: d.Corrects, Amends: d.Amends, Content: v.Draft.Content.Digest,
				Log: statement.Checkpoint{Root: v.Checkpoint.Root, Size: int64(v.Checkpoint.Size)}, Index: v.Index, Witnessed: v.Witnessed}
			witnessed := a.yes(out.Witnessed)
			if !out.Witnessed {
				witnessed += " (obevittnad)"
			}
			return a.emit(out, []string{a.t("valid"), a.yes(true)}, []string{a.t("number"), out.Number}, []string{a.t("date"), string(out.Date)},
				[]string{a.t("authority"), trust.Name + " (" + string(out.Authority) + ")"}, []string{a.t("case"), out.Case}, []string{a.t("title"), out.Title},
				[]string{a.t("mode"), a.mode(out.Mode)}, []string{a.t("signed by"), out.Signer}, []string{a.t("decision"), string(out.Decision)},
				[]string{a.t("statement"), out.Statement.String()}, []string{a.t("log"), fmt.Sprintf(a.t("entry %d of %d"), out.Index, out.Log.Size)},
				[]string{a.t("witnessed"), witnessed})
		},
	}
	c.Flags().StringVar(&content, "content", "", "`file` to compare with the decision's text")
	return c
}

// mode is a decision mode, with what it says of who decided.
func (a *app) mode(m record.Mode) string {
	who := a.t("the board or a committee decided; the signer dispatched the extract")
	switch m {
	case record.ExecutiveDecides:
		who = a.t("the signer decided")
	case record.DelegateDecides:
		who = a.t("a delegate decided; the signer countersigned")
	}
	return string(m) + " (" + who + ")"
}

// verified reads a bundle and verifies it against the trust file.
func (a *app) verified(path string) (*bundle.Verdict, *bundle.Trust, error) {
	trust, err := a.trust()
	if err != nil {
		return nil, nil, err
	}
	b, err := a.input(path)
	if err != nil {
		return nil, nil, err
	}
	v, err := verifiedBy(b, trust)
	return v, trust, err
}

func verifiedBy(data []byte, trust *bundle.Trust) (*bundle.Verdict, error) {
	v, err := bundle.Verify(data, trust)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errVerify, err)
	}
	return v, nil
}
