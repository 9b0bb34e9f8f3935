package main

import (
	"errors"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/order"
)

// adopted is what a succession, or several, make of a trust file.
type adopted struct {
	Valid   bool            `json:"valid"`
	File    string          `json:"file,omitempty"`
	From    ident.Digest    `json:"from"`
	Digest  ident.Digest    `json:"digest"`
	Date    ident.Date      `json:"date,omitempty"`
	Changes []bundle.Change `json:"changes"`
}

func (a *app) adopt() *cobra.Command {
	return &cobra.Command{
		Use: "adopt [SUCCESSION...]", Short: "Put the trust file that the board has signed in the place of yours",
		Long: `Follow the successions of the trust file, and put the last one in its place: other
log keys, witnesses or board members, a certificate renewed or revoked. Each must be
signed by the board that the trust file before it names, so that none needs to be
compared by another way; decisions from before verify by the new one too.

SUCCESSION is a file that the board gives out, in any order if there are several.
Without one the server is asked; it can give none that the board has not signed. What
changes is shown. Nothing is written if something does not follow (exit code 3), or
if nothing is new.`,
		Example: "  sigill adopt trust-2.signed --trust trust.json\n  sigill adopt",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			trust, err := a.trust()
			if err != nil {
				return err
			}
			chain, err := a.successors(cmd, trust, args)
			if err != nil {
				return err
			}
			out := adopted{Valid: true, From: trust.Digest, Digest: trust.Digest, Changes: []bundle.Change{}}
			if len(chain) > 0 {
				last := chain[len(chain)-1]
				out.File, out.Digest, out.Date = a.trustPath(), last.Next.Digest, last.Date
				out.Changes = append(out.Changes, trust.Changes(last.Next)...)
				if err := a.output(out.File, last.Trust, 0o644, true); err != nil {
					return err
				}
			}
			return a.emitAdopted(out)
		},
	}
}

// successors are those that follow a trust file, of files or of the server's.
func (a *app) successors(cmd *cobra.Command, trust *bundle.Trust, files []string) ([]*client.Successor, error) {
	if len(files) > 0 {
		texts := make([][]byte, len(files))
		for i, f := range files {
			b, err := a.input(f)
			if err != nil {
				return nil, err
			}
			texts[i] = b
		}
		return client.Successors(trust, texts)
	}
	var chain []*client.Successor
	for {
		s, err := a.public(trust)
		if err != nil {
			return nil, err
		}
		next, err := s.Successor(cmd.Context())
		if err = errors.Join(err, s.Close()); err != nil || next == nil {
			return chain, err
		}
		chain, trust = append(chain, next), next.Next
	}
}

// changed is what a change of trust is called.
var changed = map[bundle.Changed]string{
	bundle.NewName: "authority", bundle.NewLogKey: "new log key", bundle.OldLogKey: "log key that signs no more", bundle.NewPolicy: "witnesses",
	bundle.NewCertificate: "new certificate", bundle.RevokedCertificate: "revoked certificate", bundle.NewBoardKey: "new board key",
	bundle.OldBoardKey: "board key that signs no more", bundle.NewNeed: "board", bundle.NewProvider: "new provider",
	bundle.NewBound: "earlier keys hold until log size",
}

func (a *app) emitAdopted(out adopted) error {
	rows := [][]string{{a.t("valid"), a.yes(out.Valid)}, {a.t("digest"), inGroups(out.Digest.String())}}
	if out.File != "" {
		rows = append(rows, []string{a.t("written to"), out.File})
	}
	if out.Date != "" {
		rows = append(rows, []string{a.t("date"), string(out.Date)})
	}
	for _, c := range out.Changes {
		rows = append(rows, []string{a.t(changed[c.What]), c.Which})
	}
	if len(out.Changes) == 0 {
		rows = append(rows, []string{a.t("changes"), a.t("none")})
	}
	return a.emit(out, rows...)
}

// follows verifies a succession against the trust file, and says what it changes.
func (a *app) follows(data []byte, trust *bundle.Trust) error {
	s, err := client.ReadSuccessor(data, trust)
	if err != nil {
		return err
	}
	return a.emitAdopted(adopted{Valid: true, From: trust.Digest, Digest: s.Next.Digest, Date: s.Date, Changes: trust.Changes(s.Next)})
}

// isSuccession says whether a file is a signed succession.
func isSuccession(data []byte) bool {
	signed, err := order.ParseSigned(data)
	if err != nil {
		return false
	}
	doc, err := client.Payload(signed)
	_, is := doc.(*order.Succession)
	return err == nil && is
}
