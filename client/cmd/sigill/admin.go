package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/order"
)

func (a *app) admin() *cobra.Command {
	return group("admin", "Carry documents of authority, and see how the server is (administrator)", "  sigill admin status\n  sigill admin publish-order delegation.signed",
		a.adminCarry("publish-set FILE", "Publish a reviewer set", "Publish a reviewer set: the first signed by the board, later ones by a quorum of every group of the one before.",
			"  sigill admin publish-set granskare.signed", (*client.Board).PublishReviewerSet),
		a.adminCarry("publish-order FILE", "Publish a delegation order", "Publish the next version of the delegation order, signed by the board.",
			"  sigill admin publish-order delegation.signed", (*client.Board).PublishDelegationOrder),
		a.adminCarry("register-requester FILE", "Register who may ask for openings", "Register a court, a supervisor or a lawyer, signed by the board.",
			"  sigill admin register-requester domstol.signed", (*client.Board).RegisterRequester),
		a.adminCarry("revoke-requester FILE", "Publish a requester's revocation", "Publish a revocation: the requester's document with \"revoked\", signed by the board.",
			"  sigill admin revoke-requester domstol.signed", (*client.Board).RevokeRequester),
		a.adminRequesters(), a.adminStatus())
}

// adminCarry delivers a signed document: its authority is in the signatures.
func (a *app) adminCarry(use, short, long, example string, send func(*client.Board, context.Context, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.input(args[0])
			if err != nil {
				return err
			}
			signed, err := order.ParseSigned(b)
			if err != nil {
				return err
			}
			doc, err := client.Payload(signed)
			if err != nil {
				return err
			}
			s, _, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			if err := send(s.Board(), cmd.Context(), signed.Signatures); err != nil {
				return err
			}
			return a.emitDocument(args[0], signed, doc)
		},
	}
}

// knownRequester is a registered requester.
type knownRequester struct {
	Requester  ident.ID       `json:"requester"`
	Name       string         `json:"name"`
	Address    string         `json:"address"`
	Thumbprint ident.Digest   `json:"thumbprint"`
	Grounds    []order.Ground `json:"grounds"`
	From       ident.Date     `json:"from"`
	Until      ident.Date     `json:"until,omitempty"`
	Revoked    ident.Date     `json:"revoked,omitempty"`
}

func (a *app) adminRequesters() *cobra.Command {
	return &cobra.Command{
		Use: "requesters", Short: "List registered requesters", Long: "List who may ask for openings, each verified by the board's keys.",
		Example: "  sigill admin requesters", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			list, err := s.Board().Requesters(cmd.Context())
			if err != nil {
				return err
			}
			out := []knownRequester{}
			rows := [][]string{a.heads("REQUESTER", "NAME", "THUMBPRINT", "REVOKED")}
			for _, r := range list {
				key, err := r.Key.Public()
				if err != nil {
					return err
				}
				out = append(out, knownRequester{r.Requester, r.Name, r.Address, key.Thumbprint(), r.Grounds, r.From, r.Until, r.Revoked})
				rows = append(rows, []string{string(r.Requester), r.Name, key.Thumbprint().String(), string(r.Revoked)})
			}
			return a.emit(out, rows...)
		},
	}
}

// serverStatus is how the server is, in figures that point at nobody.
type serverStatus struct {
	Version          string `json:"version"`
	LogSize          uint64 `json:"log_size"`
	ReviewerEpoch    uint32 `json:"reviewer_epoch"`
	Delegation       uint32 `json:"delegation_order_version"`
	CertificateUntil string `json:"certificate_until"`
	PendingDrafts    uint64 `json:"pending_drafts"`
	PendingOpenings  uint64 `json:"pending_openings"`
	Owed             uint64 `json:"owed_entries"`
}

func (a *app) adminStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how the server is", Long: "Show figures that point at nobody: sizes, versions, what awaits somebody, what expires.",
		Example: "  sigill admin status -o json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			r, err := s.Board().Status(cmd.Context())
			if err != nil {
				return err
			}
			out := serverStatus{r.GetVersion(), r.GetLogSize(), r.GetReviewerEpoch(), r.GetDelegationOrderVersion(), r.GetCertificateUntil(),
				r.GetPendingDrafts(), r.GetPendingOpenings(), r.GetOwedEntries()}
			n := func(v uint64) string { return strconv.FormatUint(v, 10) }
			return a.emit(out, []string{a.t("version"), out.Version}, []string{a.t("log size"), n(out.LogSize)}, []string{a.t("reviewer epoch"), n(uint64(out.ReviewerEpoch))},
				[]string{a.t("delegation order"), n(uint64(out.Delegation))}, []string{a.t("certificate until"), out.CertificateUntil},
				[]string{a.t("pending drafts"), n(out.PendingDrafts)}, []string{a.t("pending openings"), n(out.PendingOpenings)}, []string{a.t("owed entries"), n(out.Owed)})
		},
	}
}
