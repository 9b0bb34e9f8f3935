package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/opening"
	"sigill/keys/order"
)

// countersigned reads an extract and the request that the board has signed.
func (a *app) countersigned(extract, request string) (*opening.Extract, *order.Signed, error) {
	b, err := a.input(extract)
	if err != nil {
		return nil, nil, err
	}
	x, err := opening.ParseExtract(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errVerify, err)
	}
	if b, err = a.input(request); err != nil {
		return nil, nil, err
	}
	signed, err := order.ParseSigned(b)
	return x, signed, err
}

// offlineRequest writes a request for the board to countersign; nothing is sent.
func (a *app) offlineRequest(f requestFlags, r *client.Recipient) error {
	b, err := a.input(f.registration)
	if err != nil {
		return err
	}
	registration, err := order.ParseSigned(b)
	if err != nil {
		return err
	}
	trust, err := a.trust()
	if err != nil {
		return err
	}
	doc := &opening.Countersigned{Authority: trust.Authority, Date: ident.DateOf(time.Now()), Registration: registration.Signatures, Request: r.Request}
	if err := doc.Check(); err != nil {
		return err
	}
	data, err := (&client.Unsigned{Request: doc}).Marshal()
	if err != nil {
		return err
	}
	return a.output(f.offline, data, 0o644, false)
}

// resealFlags are what an offline vote is made of.
type resealFlags struct {
	approveFlags
	offline, force        bool
	extract, request, out string
}

func (a *app) reviewReseal() *cobra.Command {
	var f resealFlags
	c := &cobra.Command{
		Use: "reseal --offline --extract FILE --request FILE --out FILE", Short: "Vote without a server",
		Long: `Vote where the authority has no server: on an extract that "sigilld extract" took
from a copy of the stopped store, and a request that the board has countersigned
("sigill request --offline", then "sigill board sign"). The checks are those of
"sigill review show", with the board in place of the log. The vote, with your
shares of the granted parts sealed to the requester, goes to FILE.

Nothing is logged. The vote names the last checkpoint in the copy and must be
logged when the log stands again; --offline says that you know it.`,
		Example: "  sigill review reseal --offline --extract beslut.extract --request begaran.signed --out rost.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !f.offline || f.extract == "" || f.request == "" || f.out == "" {
				return usage("needed are --offline, --extract, --request and --out")
			}
			return a.reseal(f)
		},
	}
	f.keys.flags(c)
	f.refusalFlags.flags(c)
	c.Flags().BoolVar(&f.offline, "offline", false, "there is no server, and nothing is logged")
	c.Flags().StringVar(&f.extract, "extract", "", "`file` of sigilld extract")
	c.Flags().StringVar(&f.request, "request", "", "`file` with the request that the board has countersigned")
	c.Flags().StringSliceVar(&f.sections, "sections", nil, "the `parts` to grant, with commas (default: all that were asked for)")
	c.Flags().StringVar(&f.out, "out", "", "`file` for the vote")
	c.Flags().BoolVar(&f.force, "force", false, "replace an existing file")
	return c
}

func (a *app) reseal(f resealFlags) error {
	if err := free(f.out, f.force); err != nil {
		return err
	}
	granted, err := sections(f.sections)
	if err != nil {
		return err
	}
	j := client.Judgement{Granted: granted}
	if j.Refusal, err = a.refusal(f.refusalFlags); err != nil {
		return err
	}
	x, signed, err := a.countersigned(f.extract, f.request)
	if err != nil {
		return err
	}
	v := &client.OfflineReviewer{}
	if v.Trust, err = a.trust(); err != nil {
		return err
	}
	if v.Sign, v.Open, err = a.reviewerKeys(f.keys); err != nil {
		return err
	}
	h, err := a.home()
	if err != nil {
		return err
	}
	if v.Pinned, err = h.Pinned(); err != nil {
		return err
	}
	w, err := v.Read(signed.Signatures, x, ident.DateOf(time.Now()))
	if err != nil {
		return err
	}
	if j.Granted, err = within(granted, w.Request.Sections, w.Dissent); err != nil {
		return err
	}
	vote, err := v.Vote(w, j)
	if err != nil {
		return err
	}
	data, err := vote.Marshal()
	if err != nil {
		return err
	}
	if err := a.output(f.out, data, 0o600, f.force); err != nil {
		return err
	}
	a.talk("%s", a.words.notLogged)
	return a.emit(castVote{w.Request.Opening, j.Granted, "offline"}, a.heads("OPENING", "STATE", "GRANTED"),
		[]string{string(w.Request.Opening), a.t("offline"), sectionNames(j.Granted)})
}

// openOffline opens an extract with the votes of a quorum.
func (a *app) openOffline(extract string, f openFlags) error {
	base := f.out
	if base == "" {
		base = protocolName(extract)
	}
	file := base + ".json"
	if err := free(file, f.force); err != nil {
		return err
	}
	if f.request == "" || len(f.votes) == 0 {
		return usage("needed are --request and a --vote of each reviewer")
	}
	e, err := a.establish(extract, f)
	if err != nil {
		return err
	}
	data, err := e.Marshal()
	if err != nil {
		return err
	}
	if err := a.output(file, append(data, '\n'), 0o600, f.force); err != nil {
		return err
	}
	a.talk(a.words.established, file)
	a.talk("%s", a.words.notLogged)
	if _, tty := isTerminal(a.stdout); tty || f.show {
		return (&app{stdout: a.stdout, format: "json"}).emit(e)
	}
	a.talk("%s", a.words.notShown)
	return a.emit(openedSeal{e.Opening, e.Number, e.Outcome, e.Granted, []string{file}},
		a.heads("NUMBER", "OUTCOME", "GRANTED"), []string{e.Number, string(e.Outcome), sectionNames(e.Granted)})
}

func (a *app) establish(extract string, f openFlags) (*disclosure.Established, error) {
	trust, err := a.trust()
	if err != nil {
		return nil, err
	}
	x, signed, err := a.countersigned(extract, f.request)
	if err != nil {
		return nil, err
	}
	var votes []*opening.OfflineVote
	for _, path := range f.votes {
		b, err := a.input(path)
		if err != nil {
			return nil, err
		}
		v, err := opening.ParseOfflineVote(b)
		if err != nil {
			return nil, fmt.Errorf("%w: vote: %w", errVerify, err)
		}
		votes = append(votes, v)
	}
	c, err := disclosure.ReadCountersigned(signed.Signatures, x, trust)
	if err != nil {
		return nil, err
	}
	r, err := a.recipientOf(c.Request.Opening, f.recipient)
	if err != nil {
		return nil, err
	}
	key, err := r.Private()
	if err != nil {
		return nil, err
	}
	return c.Open(x, votes, key)
}

// recipientOf finds the key of a request: in a file, or in the home directory.
func (a *app) recipientOf(id ident.ID, path string) (*client.Recipient, error) {
	if path != "" {
		pass, err := a.passphrase()
		if err != nil {
			return nil, err
		}
		r, err := keyfile.LoadSealed[client.Recipient](path, pass, client.TypRecipient)
		return &r, err
	}
	h, err := a.home()
	if err != nil {
		return nil, err
	}
	r, err := h.Recipient(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the home directory holds none for this request", disclosure.ErrNotForKey)
	}
	return r, err
}
