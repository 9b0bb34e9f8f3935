package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/statement"
)

// receiptFlag lets who acts keep what proves that the log took the act.
func (a *app) receiptFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.actFile, "receipt", "", "`file` for what proves that the log took this")
}

// acting has the session keep the proof of what is done, if that was asked for.
func (a *app) acting(c *client.Config) error {
	if a.actFile == "" {
		return nil
	}
	c.Acted = func(act *bundle.Act) error {
		data, err := act.Marshal()
		if err != nil {
			return err
		}
		return a.output(a.actFile, data, 0o600, false)
	}
	return free(a.actFile, false)
}

// loggedAct is what an act's file shows.
type loggedAct struct {
	Valid     bool                 `json:"valid"`
	Act       string               `json:"act"`
	Decision  ident.ID             `json:"decision"`
	Date      ident.Date           `json:"date,omitempty"`
	Statement ident.Digest         `json:"statement"`
	Kind      string               `json:"kind"` // of the entry
	Log       statement.Checkpoint `json:"checkpoint"`
	Index     uint64               `json:"index"`
	Witnessed bool                 `json:"witnessed"`
}

// actNames are the acts by the typs of their statements.
var actNames = map[string]string{statement.TypReturn: "returned", statement.TypAbstention: "abstained", statement.TypDispatch: "dispatched", opening.TypRequest: "request to open", opening.TypVote: "vote"}

func (a *app) emitAct(v *bundle.LoggedAct) error {
	out := loggedAct{true, v.Typ, v.Decision, v.Date, v.Digest, v.Log.Kind.String(),
		statement.Checkpoint{Root: v.Checkpoint.Root, Size: int64(v.Checkpoint.Size)}, v.Index, v.Witnessed}
	witnessed := a.yes(out.Witnessed)
	if !out.Witnessed {
		witnessed += " (obevittnad)"
	}
	act := a.t(actNames[v.Typ])
	if v.Date != "" {
		act += ", " + string(v.Date)
	}
	return a.emit(out, []string{a.t("valid"), a.yes(true)}, []string{a.t("act"), act}, []string{a.t("decision"), string(v.Decision)},
		[]string{a.t("digest"), v.Digest.String()}, []string{a.t("log"), fmt.Sprintf(a.t("entry %d of %d"), out.Index, out.Log.Size) + " (" + out.Kind + ")"},
		[]string{a.t("witnessed"), witnessed})
}

func (a *app) verifyAct(data []byte, trust *bundle.Trust) error {
	act, err := bundle.ParseAct(data)
	if err != nil {
		return fmt.Errorf("%w: %w", errVerify, err)
	}
	v, err := act.Verify(trust)
	if err != nil {
		return fmt.Errorf("%w: %w", errVerify, err)
	}
	return a.emitAct(v)
}

func (a *app) logProve() *cobra.Command {
	return &cobra.Command{
		Use: "prove FILE", Short: "Have the log's witnesses in what proves an act of yours",
		Long: `Give what --receipt kept of a return, an abstention, a dispatch, a request or a vote
the proof under the newest published checkpoint, which the log's witnesses have
cosigned, and write it to the same file. Whoever has the trust file then verifies it offline:
sigill verify FILE. No login is needed; the server learns that somebody asks for the
entry. Until it is published the server says no (exit code 2).`,
		Example: "  sigill return mfrggzdfmztwq2lknnwg23tpoa --file skal.txt --receipt kvitto.json\n  sigill log prove kvitto.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			trust, err := a.trust()
			if err != nil {
				return err
			}
			data, err := a.input(args[0])
			if err != nil {
				return err
			}
			act, err := bundle.ParseAct(data)
			if err != nil {
				return fmt.Errorf("%w: %w", errVerify, err)
			}
			v, err := a.prove(cmd.Context(), trust, act)
			if err != nil {
				return err
			}
			if data, err = act.Marshal(); err != nil {
				return err
			}
			if err := a.output(args[0], data, 0o600, true); err != nil {
				return err
			}
			return a.emitAct(v)
		},
	}
}

func (a *app) prove(ctx context.Context, trust *bundle.Trust, act *bundle.Act) (_ *bundle.LoggedAct, err error) {
	c := client.Config{Trust: trust}
	if err := a.reach(&c); err != nil {
		return nil, err
	}
	s, err := client.Dial(c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Prove(ctx, act)
}
