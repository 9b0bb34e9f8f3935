package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/record"
)

// openedSeal is what is said where no person is to be shown.
type openedSeal struct {
	Opening ident.ID         `json:"opening"`
	Number  string           `json:"number"`
	Outcome opening.Outcome  `json:"outcome"`
	Granted []record.Section `json:"granted"`
	Files   []string         `json:"files"`
}

// openFlags are how a package is opened, or an extract.
type openFlags struct {
	recipient, out, request string
	votes                   []string
	show, force, offline    bool
}

func (a *app) open() *cobra.Command {
	var f openFlags
	c := &cobra.Command{
		Use: "open PACKAGE", Short: "Open what was granted, offline (requester)",
		Long: `Verify a package against the trust file and open it with the request's recipient
key, without any server. All is checked before anything is shown. The opening
protocol is written as NAME.json and NAME.txt, with mode 0600.

What names a person is printed only on a terminal, or with --show. Exit code 3 if
anything does not hold, 5 if the package is for another key.

Where the authority has no server, --offline opens what "sigilld extract" took out
with the countersigned request and the votes of "sigill review reseal".`,
		Example: "  sigill open opening.package --trust trust.json\n  sigill open opening.package --out beslut-B-2026-004711\n" +
			"  sigill open --offline beslut.extract --request begaran.signed --vote rost1.json --vote rost2.json",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if f.offline {
				return a.openOffline(args[0], f)
			}
			if f.request != "" || len(f.votes) > 0 {
				return usage("--request and --vote are for --offline")
			}
			return a.openOnline(args[0], f)
		},
	}
	c.Flags().StringVar(&f.recipient, "recipient", "", "`file` with the recipient key, if it is not in the home directory")
	c.Flags().StringVar(&f.out, "out", "", "`name` of the protocol's files, without .json and .txt")
	c.Flags().BoolVar(&f.show, "show", false, "print it wherever standard output goes")
	c.Flags().BoolVar(&f.force, "force", false, "replace existing files")
	c.Flags().BoolVar(&f.offline, "offline", false, "PACKAGE is an extract; there is no server")
	c.Flags().StringVar(&f.request, "request", "", "`file` with the countersigned request, for --offline")
	c.Flags().StringSliceVar(&f.votes, "vote", nil, "`file` with a reviewer's vote, for --offline")
	return c
}

// protocolName is what the protocol's files are called if nothing else is said.
func protocolName(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + "-protocol"
}

func (a *app) openOnline(path string, f openFlags) error {
	base := f.out
	if base == "" {
		base = protocolName(path)
	}
	files := []string{base + ".json", base + ".txt"}
	for _, file := range files {
		if err := free(file, f.force); err != nil {
			return err
		}
	}
	p, err := a.openPackage(path, f.recipient)
	if err != nil {
		return err
	}
	if err := a.writeProtocol(p, files, f.force); err != nil {
		return err
	}
	return a.shown(p, files, f.show)
}

func (a *app) openPackage(path, recipient string) (*disclosure.Protocol, error) {
	trust, err := a.trust()
	if err != nil {
		return nil, err
	}
	pkg, err := a.input(path)
	if err != nil {
		return nil, err
	}
	r, err := a.recipient(pkg, recipient)
	if err != nil {
		return nil, err
	}
	key, err := r.Private()
	if err != nil {
		return nil, err
	}
	return disclosure.Open(pkg, trust, key)
}

// recipient finds the key of the request that the package answers.
func (a *app) recipient(pkg []byte, path string) (*client.Recipient, error) {
	p, err := opening.ParsePackage(pkg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", disclosure.ErrVerification, err)
	}
	var req opening.Request
	if err := jws.Peek(p.Request, &req); err != nil {
		return nil, fmt.Errorf("%w: %w", disclosure.ErrVerification, err)
	}
	return a.recipientOf(req.Opening, path)
}

// writeProtocol writes both files, or leaves neither where none was before.
func (a *app) writeProtocol(p *disclosure.Protocol, files []string, force bool) error {
	data, err := p.Marshal()
	if err != nil {
		return err
	}
	if err := a.output(files[0], append(data, '\n'), 0o600, force); err != nil {
		return err
	}
	if err = a.output(files[1], []byte(p.Text(a.lang)), 0o600, force); err != nil && !force {
		os.Remove(files[0]) // one without the other would be in the way of the next try
	}
	return err
}

// shown prints the protocol where it may be seen, and where not, that it is there.
func (a *app) shown(p *disclosure.Protocol, files []string, show bool) error {
	a.talk(a.words.opened, files[0], files[1])
	if n := len(p.Contradictions); n > 0 {
		a.talk(a.words.contradiction, n)
	}
	if _, tty := isTerminal(a.stdout); !tty && !show {
		a.talk("%s", a.words.notShown)
		return a.emit(openedSeal{p.Opening, p.Decision.Number, p.Outcome, p.Granted, files},
			a.heads("NUMBER", "OUTCOME", "GRANTED"), []string{p.Decision.Number, string(p.Outcome), sectionNames(p.Granted)})
	}
	if a.format == "json" {
		return a.emit(p)
	}
	_, err := fmt.Fprint(a.stdout, p.Text(a.lang))
	return err
}
