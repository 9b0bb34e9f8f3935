package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
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

func (a *app) open() *cobra.Command {
	var recipient, out string
	var show, force bool
	c := &cobra.Command{
		Use: "open PACKAGE", Short: "Open what was granted, offline (requester)",
		Long: `Verify a package against the trust file and open it with the request's recipient
key, without any server. All is checked before anything is shown. The opening
protocol is written as NAME.json and NAME.txt, with mode 0600.

What names a person is printed only on a terminal, or with --show. Exit code 3 if
anything does not hold, 5 if the package is for another key.`,
		Example: "  sigill open opening.package --trust trust.json\n  sigill open opening.package --out beslut-B-2026-004711", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			base := out
			if base == "" {
				base = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + "-protocol"
			}
			files := []string{base + ".json", base + ".txt"}
			for _, f := range files {
				if err := free(f, force); err != nil {
					return err
				}
			}
			p, err := a.openPackage(args[0], recipient)
			if err != nil {
				return err
			}
			if err := a.writeProtocol(p, files, force); err != nil {
				return err
			}
			return a.shown(p, files, show)
		},
	}
	c.Flags().StringVar(&recipient, "recipient", "", "`file` with the recipient key, if it is not in the home directory")
	c.Flags().StringVar(&out, "out", "", "`name` of the protocol's files, without .json and .txt")
	c.Flags().BoolVar(&show, "show", false, "print it wherever standard output goes")
	c.Flags().BoolVar(&force, "force", false, "replace existing files")
	return c
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
	if path != "" {
		pass, err := a.passphrase()
		if err != nil {
			return nil, err
		}
		r, err := keyfile.LoadSealed[client.Recipient](path, pass, client.TypRecipient)
		return &r, err
	}
	p, err := opening.ParsePackage(pkg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", disclosure.ErrVerification, err)
	}
	var req opening.Request
	if err := jws.Peek(p.Request, &req); err != nil {
		return nil, fmt.Errorf("%w: %w", disclosure.ErrVerification, err)
	}
	h, err := a.home()
	if err != nil {
		return nil, err
	}
	r, err := h.Recipient(req.Opening)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the home directory holds none for this request", disclosure.ErrNotForKey)
	}
	return r, err
}

func (a *app) writeProtocol(p *disclosure.Protocol, files []string, force bool) error {
	data, err := p.Marshal()
	if err != nil {
		return err
	}
	if err := a.output(files[0], append(data, '\n'), 0o600, force); err != nil {
		return err
	}
	return a.output(files[1], []byte(p.Text(a.lang)), 0o600, force)
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
			[]string{"NUMBER", "OUTCOME", "GRANTED"}, []string{p.Decision.Number, string(p.Outcome), sectionNames(p.Granted)})
	}
	if a.format == "json" {
		return a.emit(p)
	}
	_, err := fmt.Fprint(a.stdout, p.Text(a.lang))
	return err
}
