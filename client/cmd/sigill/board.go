package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/order"
)

func (a *app) board() *cobra.Command {
	trust := group("trust", "Make and show the trust file", "  sigill board trust make trust.yaml --out trust.json", a.trustMake(), a.trustShow())
	return group("board", "Sign documents of authority, offline (board, reviewers)", "  sigill board sign delegation.yaml --key ledamot1.age --out delegation.1",
		a.boardSign(), a.boardJoin(), a.boardShow(), trust)
}

// signedDocument is what is said of a document of authority.
type signedDocument struct {
	File       string         `json:"file,omitempty"`
	Typ        string         `json:"typ"`
	Digest     ident.Digest   `json:"digest"`
	Signatures []ident.Digest `json:"signatures"` // thumbprints that the headers name
	Document   order.Document `json:"document"`
}

func (a *app) emitDocument(file string, s *order.Signed, doc order.Document) error {
	digest, err := order.Digest(doc)
	if err != nil {
		return err
	}
	out := signedDocument{File: file, Typ: doc.Typ(), Digest: digest, Document: doc}
	if out.Signatures, err = s.Keys(); err != nil {
		return err
	}
	rows := [][]string{{a.t("document"), out.Typ}, {a.t("digest"), digest.String()}}
	for _, k := range out.Signatures {
		rows = append(rows, []string{a.t("signed by"), k.String()})
	}
	return a.emit(out, rows...)
}

func (a *app) boardSign() *cobra.Command {
	var key, out string
	var force, asReviewer bool
	c := &cobra.Command{
		Use: "sign DOCUMENT --key FILE --out FILE", Short: "Sign a document of authority with one key",
		Long: `Sign a document with one board key, or with --reviewer as one of a quorum that
signs the reviewer set after its own. DOCUMENT is YAML, or the file of "sigill
request --offline", or one that somebody else has signed already: the same payload
then gets one more signature.

In YAML, "document" is delegation-order, reviewer-set, requester (also for a
revocation, which has "revoked") or succession, which sigill board trust make --help
shows, and the members are those of proto/SPEC.md.
Where a key stands, the path of a key file may stand, beside which its public
half lies.`,
		Example: "  sigill board sign delegation.yaml --key ledamot1.age --out delegation.signed\n" +
			"  sigill board sign delegation.signed --key ledamot2.age --out delegation.signed --force",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usage("no output: give --out")
			}
			if err := free(out, force); err != nil {
				return err
			}
			signed, doc, err := a.readSigned(args[0])
			if err != nil {
				return err
			}
			use := keyfile.Board
			if asReviewer {
				use = keyfile.ReviewerSign
			}
			k, err := a.signerKey(key, use)
			if err != nil {
				return err
			}
			s, err := order.Sign(k, doc)
			if err != nil {
				return err
			}
			if err := signed.Add(s); err != nil {
				return err
			}
			return a.writeSigned(out, signed, doc, force)
		},
	}
	keyFlag(c, &key)
	c.Flags().StringVar(&out, "out", "", "`file` for the signed document")
	c.Flags().BoolVar(&asReviewer, "reviewer", false, "sign with a reviewer's key instead of a board key")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}

// readSigned reads a document's text, or what others have signed.
func (a *app) readSigned(path string) (*order.Signed, order.Document, error) {
	b, err := a.input(path)
	if err != nil {
		return nil, nil, err
	}
	if signed, err := order.ParseSigned(b); err == nil {
		doc, err := client.Payload(signed)
		return signed, doc, err
	}
	if request, err := client.ParseUnsigned(b); err == nil {
		return &order.Signed{}, request, nil
	}
	doc, err := client.ReadDocument(path)
	return &order.Signed{}, doc, err
}

func (a *app) writeSigned(out string, signed *order.Signed, doc order.Document, force bool) error {
	b, err := signed.Marshal()
	if err != nil {
		return err
	}
	if err := a.output(out, b, 0o644, force); err != nil {
		return err
	}
	return a.emitDocument(out, signed, doc)
}

func (a *app) boardJoin() *cobra.Command {
	var out string
	var force bool
	c := &cobra.Command{
		Use: "join FILE FILE... --out FILE", Short: "Put signatures over one document together",
		Long:    "Put together what several have signed on machines of their own. All must have signed the same payload, each once.",
		Example: "  sigill board join delegation.1 delegation.2 --out delegation.signed", Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usage("no output: give --out")
			}
			if err := free(out, force); err != nil {
				return err
			}
			all := &order.Signed{}
			for _, path := range args {
				b, err := a.input(path)
				if err != nil {
					return err
				}
				s, err := order.ParseSigned(b)
				if err != nil {
					return err
				}
				if err := all.Add(s.Signatures...); err != nil {
					return err
				}
			}
			doc, err := client.Payload(all)
			if err != nil {
				return err
			}
			return a.writeSigned(out, all, doc, force)
		},
	}
	c.Flags().StringVar(&out, "out", "", "`file` for the signed document")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}

func (a *app) boardShow() *cobra.Command {
	return &cobra.Command{
		Use: "show FILE", Short: "Show a document of authority, signed or not",
		Long:    "Show what a document says, with the digest that the next version cites and by which it is compared. Signatures are listed, not verified: the trust file says whose count.",
		Example: "  sigill board show delegation.signed -o json", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			signed, doc, err := a.readSigned(args[0])
			if err != nil {
				return err
			}
			return a.emitDocument(args[0], signed, doc)
		},
	}
}

func (a *app) trustMake() *cobra.Command {
	var out string
	var force bool
	c := &cobra.Command{
		Use: "make TEXT --out FILE", Short: "Make a trust file",
		Long: `Make a trust file from a text in YAML:

    authority: 212000-0449
    name: Exempelstads socialnämnd
    board: {need: 2, keys: [ledamot1.age, ledamot2.age, ledamot3.age]}
    certificates:
      - {file: institution.pem, from: 2026-11-01}
    log: log.age
    providers:
      - {issuer: https://idp.example, audience: https://sigill.example, name: [name]}

Keys are paths of key files, beside which the public halves lie. Instead of log,
policy may list the lines of a witness policy (C2SP tlog-policy). Give the trust
file out by a way of its own, never from the server that it is to check.

Later on another log key, other witnesses or board members, a certificate renewed:

    after: {trust: trust.json, size: 60000}
    log: log-2.age
    certificates:
      - {file: institution-2.pem, from: 2028-10-01}
      - {file: institution.pem, logged_before: 48211}

What is not said stays. A certificate with logged_before is revoked: its seals count on
decisions with a place in the log before that one alone. Whom the file before believed
goes on to be believed of checkpoints of at most size entries: more than the log can
have when the server takes the new file, and at most 100,000 more than it has then.

Another board needs, in after, the files of all that the one before it has signed:

    after: {trust: trust.json, size: 60000, documents: [documents.txt]}
    board: {need: 2, keys: [ledamot4.age, ledamot5.age]}

"sigilld documents" writes that file. Of those the board of before goes on to be believed,
and of nothing that its keys sign later. The server takes no trust file that leaves one out.

The board of before then signs the succession, which all take over with "sigill adopt",
and the server with "trust: FILE":

    document: succession
    authority: 212000-0449
    date: 2028-09-15
    from: trust.json
    trust: trust-2.json`,
		Example: "  sigill board trust make trust.yaml --out trust.json", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usage("no output: give --out")
			}
			f, err := client.ReadTrustText(args[0])
			if errors.Is(err, bundle.ErrTrust) {
				return fmt.Errorf("%w: %s", errTrustText, strings.TrimPrefix(err.Error(), bundle.ErrTrust.Error()+": "))
			}
			if err != nil {
				return err
			}
			b, err := f.Marshal()
			if err != nil {
				return err
			}
			if err := a.output(out, b, 0o644, force); err != nil || out == "-" {
				return err
			}
			return a.emitTrust(b)
		},
	}
	c.Flags().StringVar(&out, "out", "", "`file` for the trust file, - for standard output")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}

func (a *app) trustShow() *cobra.Command {
	return &cobra.Command{
		Use: "show FILE", Short: "Show a trust file", Long: "Show whom a trust file believes. Compare the digest by another way before you use it.",
		Example: "  sigill board trust show trust.json", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := a.input(args[0])
			if err != nil {
				return err
			}
			return a.emitTrust(b)
		},
	}
}

// shownTrust is a trust file with its digest.
type shownTrust struct {
	Digest ident.Digest      `json:"digest"`
	Trust  *bundle.TrustFile `json:"trust"`
}

func (a *app) emitTrust(b []byte) error {
	t, err := bundle.ParseTrust(b)
	if err != nil {
		return err
	}
	digest := ident.Sum(b)
	rows := [][]string{{a.t("digest"), inGroups(digest.String())}, {a.t("authority"), t.Name + " (" + string(t.Authority) + ")"},
		{a.t("board"), fmt.Sprintf(a.t("%d of %d keys"), t.Board.Need, len(t.Board.Keys))}}
	for _, k := range t.Board.Keys {
		rows = append(rows, []string{a.t("board key"), k.Thumbprint().String()})
	}
	for _, c := range t.File.Certificates {
		rows = append(rows, []string{a.t("certificate"), ident.Sum(c.Certificate).String() + ", " + string(c.From) + "–" + string(c.Until)})
	}
	for _, k := range t.Policy.LogKeys() {
		rows = append(rows, []string{a.t("log"), k.String()})
	}
	for _, p := range t.File.Providers {
		rows = append(rows, []string{a.t("provider"), p.Issuer})
	}
	rows = append(rows, []string{a.t("witnesses"), a.yes(t.Policy.Witnessed())})
	return a.emit(shownTrust{digest, &t.File}, rows...)
}

// sortRows orders a table's rows by their first column.
func sortRows(rows [][]string) {
	slices.SortFunc(rows, func(x, y []string) int { return slices.Compare(x, y) })
}
