package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/record"
)

// signer is the caller by a director's key; what they saw of the log is kept.
type signer struct {
	*client.Signer
	home *client.Home
}

func (a *app) signer(ctx context.Context, keyPath string) (*signer, error) {
	key, err := a.signerKey(keyPath, keyfile.Director)
	if err != nil {
		return nil, err
	}
	s, me, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	h, err := a.home()
	if err != nil {
		return nil, err
	}
	g := s.Signer(key, me.Name)
	g.Store = h.SaveApproval
	if g.Seen, err = h.Seen(s.Trust.Authority); err != nil {
		return nil, err
	}
	return &signer{g, h}, nil
}

// seen keeps the last checkpoint, whatever came of the call.
func (g *signer) seen(err error) error {
	if g.Seen == nil {
		return err
	}
	return errors.Join(err, g.home.SaveSeen(g.Trust.Authority, g.Seen))
}

func keyFlag(c *cobra.Command, key *string) {
	c.Flags().StringVar(key, "key", "", "your key `file` (SIGILL_KEY)")
}

// waitingDraft is a line of the inbox.
type waitingDraft struct {
	Decision ident.ID    `json:"decision"`
	Title    string      `json:"title"`
	Type     string      `json:"type"`
	Case     string      `json:"case"`
	Mode     record.Mode `json:"mode"`
	Urgent   bool        `json:"urgent"`
}

func (a *app) inbox() *cobra.Command {
	var key string
	var watch bool
	c := &cobra.Command{
		Use: "inbox", Short: "List what awaits your signature (director)",
		Long:    "List the drafts that await your signature, in the order of their random ids. With --watch, ids are printed as drafts are shown, until you interrupt.",
		Example: "  sigill inbox\n  sigill inbox --watch", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g, err := a.signer(cmd.Context(), key)
			if err != nil {
				return err
			}
			if watch {
				return g.Watch(cmd.Context(), func(ids []ident.ID) error {
					for _, id := range ids {
						if err := a.emit(waitingDraft{Decision: id}, []string{string(id)}); err != nil {
							return err
						}
					}
					return nil
				})
			}
			list, err := g.Inbox(cmd.Context())
			if err != nil {
				return err
			}
			out := []waitingDraft{}
			rows := [][]string{a.heads("DECISION", "TYPE", "CASE", "TITLE")}
			for _, w := range list {
				d := w.Draft
				out = append(out, waitingDraft{d.Decision, d.Title, d.Type, d.Case, d.Mode, d.Urgent})
				rows = append(rows, []string{string(d.Decision), d.Type, d.Case, d.Title})
			}
			return a.emit(out, rows...)
		},
	}
	keyFlag(c, &key)
	c.Flags().BoolVar(&watch, "watch", false, "go on until interrupted")
	return c
}

func (a *app) show() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "show DECISION", Short: "Read a draft before you sign it (director)",
		Long: `Show a draft that awaits your signature, after checking that its author signed
exactly this text and that its seal is the one that the draft names: the matter,
the proposal, reasons, provisions, dissent, bias, assessment, and how the notice
will say who decided. The digest is for comparing by another way.`,
		Example: "  sigill show mfrggzdfmztwq2lknnwg23tpoa", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			g, err := a.signer(cmd.Context(), key)
			if err != nil {
				return err
			}
			c, err := g.Read(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.screen(c)
		},
	}
	keyFlag(c, &key)
	return c
}

// signedDecision is what the director is told after signing.
type signedDecision struct {
	Decision  ident.ID     `json:"decision"`
	Number    string       `json:"number"`
	Date      ident.Date   `json:"date"`
	Digest    ident.Digest `json:"digest"`
	Index     uint64       `json:"index"`
	Witnessed bool         `json:"witnessed"`
	Pending   bool         `json:"pending"` // signed, pending witness
	Bundle    string       `json:"bundle"`
}

func (a *app) sign() *cobra.Command {
	var key, out string
	var yes, force bool
	c := &cobra.Command{
		Use: "sign DECISION", Short: "Sign and seal a decision (director)",
		Long: `Sign a draft as it stands, after the checks of "sigill show". What your signature
means is said before you confirm it: you decide, you countersign, or you dispatch
what a board decided. By signing you declare to be unbiased.

The approval is kept in the home directory before it is sent: after a lost answer
the same command gets the same decision. The verified decision is written to FILE.`,
		Example: "  sigill sign mfrggzdfmztwq2lknnwg23tpoa\n  sigill sign --yes --out beslut.sigill mfrggzdfmztwq2lknnwg23tpoa",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			if err := free(out, force); err != nil {
				return err
			}
			g, err := a.signer(cmd.Context(), key)
			if err != nil {
				return err
			}
			v, data, err := a.signDecision(cmd.Context(), g, id, yes)
			if err := g.seen(err); err != nil {
				return err
			}
			if err := a.output(out, data, 0o644, force); err != nil {
				return err
			}
			if out == "-" {
				return nil
			}
			a.talk(a.words.signed, v.Number(), out)
			if v.Pending {
				a.talk(a.words.pending, id)
			}
			return a.emit(signedDecision{id, v.Number(), v.Decision.Date, v.Digest, v.Index, v.Witnessed, v.Pending, out},
				a.heads("NUMBER", "DATE", "DIGEST"), []string{v.Number(), string(v.Decision.Date), v.Digest.String()})
		},
	}
	keyFlag(c, &key)
	c.Flags().StringVar(&out, "out", "decision.sigill", "`file` for the decision, - for standard output")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}

// signDecision sends a kept approval again, if there is one, and signs otherwise.
// An approval that the server refused is not kept: what stands then is read anew.
func (a *app) signDecision(ctx context.Context, g *signer, id ident.ID, yes bool) (*bundle.Verdict, []byte, error) {
	approval, err := g.home.Approval(id)
	if err != nil {
		return nil, nil, err
	}
	if approval != "" {
		v, data, err := g.Send(ctx, approval)
		if !refused(err) {
			return v, data, err
		}
		if err := g.home.ForgetApproval(id); err != nil {
			return nil, nil, err
		}
	}
	c, err := g.Read(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if c.Unfit != nil {
		return nil, nil, c.Unfit
	}
	if a.format == "table" && !yes {
		if err := a.screenTo(a.stderr, c); err != nil {
			return nil, nil, err
		}
	}
	a.talk("%s", a.meaning(c.Draft.Mode))
	if c.SmallSet {
		a.talk("%s", a.words.smallSet)
	}
	if err := a.confirm(yes, a.words.question); err != nil {
		return nil, nil, err
	}
	defer a.waiting(a.words.sending)()
	v, data, err := g.Sign(ctx, c)
	if refused(err) {
		if approval, e := g.home.Approval(id); e == nil && approval != "" {
			err = errors.Join(err, g.home.ForgetApproval(id))
		}
	}
	return v, data, err
}

// refused reports whether the server said no, so that nothing can come of it.
func refused(err error) bool {
	e := (*client.Error)(nil)
	return errors.As(err, &e) && e.Tells()
}

// meaning is what a signature says under a mode.
func (a *app) meaning(m record.Mode) string {
	switch m {
	case record.ExecutiveDecides:
		return a.words.decides
	case record.DelegateDecides:
		return a.words.countersigns
	}
	return a.words.seals
}

func (a *app) returns() *cobra.Command {
	var key, file string
	c := &cobra.Command{
		Use: "return DECISION --file FILE", Short: "Send a draft back with a reason (director)",
		Long:    "Send a draft back to its author with a reason, which is for the two of you and goes when the decision is signed. Empty lines part paragraphs.",
		Example: "  sigill return mfrggzdfmztwq2lknnwg23tpoa --file skal.txt", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			text, err := a.reason(file)
			if err != nil {
				return err
			}
			g, c, err := a.readCase(cmd.Context(), key, id)
			if err != nil {
				return err
			}
			if err := g.Return(cmd.Context(), c, text); err != nil {
				return err
			}
			return a.emit(map[string]string{"decision": args[0], "act": "return"}, []string{args[0], a.t("returned")})
		},
	}
	keyFlag(c, &key)
	a.receiptFlag(c)
	c.Flags().StringVar(&file, "file", "", "the reason's `file`, - for standard input")
	return c
}

func (a *app) readCase(ctx context.Context, key string, id ident.ID) (*signer, *client.Case, error) {
	g, err := a.signer(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	c, err := g.Read(ctx, id)
	return g, c, err
}

func (a *app) abstain() *cobra.Command {
	var key string
	var yes bool
	c := &cobra.Command{
		Use: "abstain DECISION", Short: "Leave a matter to a deputy for bias (director)",
		Long:    "Abstain from a matter for bias (16–18 §§ FL). It then awaits a deputy's signature. Why is not said.",
		Example: "  sigill abstain mfrggzdfmztwq2lknnwg23tpoa", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			g, c, err := a.readCase(cmd.Context(), key, id)
			if err != nil {
				return err
			}
			if err := a.confirm(yes, a.words.abstain); err != nil {
				return err
			}
			if err := g.Abstain(cmd.Context(), c); err != nil {
				return err
			}
			return a.emit(map[string]string{"decision": args[0], "act": "abstain"}, []string{args[0], a.t("abstained")})
		},
	}
	keyFlag(c, &key)
	a.receiptFlag(c)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) dispatch() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "dispatch BUNDLE", Short: "Record that a decision's notice went out (director, registrar)",
		Long:    "Verify the decision in BUNDLE and record that its notice was dispatched, with every dissent cited. After that no dissent is taken.",
		Example: "  sigill dispatch decision.sigill --key registrator.age", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, _, err := a.verified(args[0])
			if err != nil {
				return err
			}
			g, err := a.signer(cmd.Context(), key)
			if err != nil {
				return err
			}
			if err := g.seen(g.Dispatch(cmd.Context(), v)); err != nil {
				return err
			}
			return a.emit(map[string]string{"number": v.Number(), "act": "dispatch"}, []string{v.Number(), a.t("dispatched")})
		},
	}
	keyFlag(c, &key)
	a.receiptFlag(c)
	return c
}

// fetched is a signed decision that has been written to a file.
type fetched struct {
	Number  string `json:"number"`
	Bundle  string `json:"bundle"`
	Pending bool   `json:"pending"` // signed, pending witness
}

func (a *app) fetch() *cobra.Command {
	var key, out string
	var force bool
	c := &cobra.Command{
		Use: "fetch DECISION --out FILE", Short: "Fetch a signed decision (director, registrar)",
		Long:    "Fetch a signed decision, verify it and write its bundle to FILE.",
		Example: "  sigill fetch mfrggzdfmztwq2lknnwg23tpoa --out decision.sigill", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			if err := free(out, force); err != nil {
				return err
			}
			g, err := a.signer(cmd.Context(), key)
			if err != nil {
				return err
			}
			v, data, err := g.Bundle(cmd.Context(), id)
			if err != nil {
				return err
			}
			if err := a.output(out, data, 0o644, force); err != nil || out == "-" {
				return err
			}
			if v.Pending {
				a.talk(a.words.pending, id)
			}
			return a.emit(fetched{v.Number(), out, v.Pending}, []string{v.Number(), out})
		},
	}
	keyFlag(c, &key)
	c.Flags().StringVar(&out, "out", "decision.sigill", "`file` for the decision, - for standard output")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}
