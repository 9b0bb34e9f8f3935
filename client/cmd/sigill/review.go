package main

import (
	"context"
	"crypto/hpke"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
)

func (a *app) review() *cobra.Command {
	return group("review", "Judge requests to open seals (reviewer)", "  sigill review list\n  sigill review approve mfrggzdfmztwq2lknnwg23tpoa --sections DECIDER",
		a.reviewList(), a.reviewShow(), a.reviewApprove(), a.reviewRefuse(), a.reviewPin(), a.reviewPins(), a.reviewReseal())
}

// reviewer is the caller by their two keys; what they saw of the log is kept.
type reviewer struct {
	*client.Reviewer
	home *client.Home
}

// reviewerKeys are where a reviewer's two keys lie.
type reviewerKeys struct{ sign, open string }

func (k *reviewerKeys) flags(c *cobra.Command) {
	keyFlag(c, &k.sign)
	c.Flags().StringVar(&k.open, "hpke", "", "key `file` that opens shares (default: --key with -hpke in its name)")
}

// reviewerKeys loads both keys of a reviewer.
func (a *app) reviewerKeys(k reviewerKeys) (*jws.Signer, hpke.PrivateKey, error) {
	sign, err := a.signerKey(k.sign, keyfile.ReviewerSign)
	if err != nil {
		return nil, nil, err
	}
	path := k.open
	if path == "" {
		path = second(keyPath(k.sign))
	}
	other, err := a.key(path, keyfile.ReviewerHPKE)
	if err != nil {
		return nil, nil, err
	}
	open, err := other.HPKE()
	return sign, open, err
}

func (a *app) reviewer(ctx context.Context, k reviewerKeys) (*reviewer, error) {
	sign, open, err := a.reviewerKeys(k)
	if err != nil {
		return nil, err
	}
	s, _, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	h, err := a.home()
	if err != nil {
		return nil, err
	}
	pinned, err := h.Pinned()
	if err != nil {
		return nil, err
	}
	v := s.Reviewer(sign, open, pinned)
	v.Seen, err = h.Seen(s.Trust.Authority)
	return &reviewer{v, h}, err
}

// get fetches and checks a request, and keeps the checkpoint that it stands in.
func (v *reviewer) get(ctx context.Context, id ident.ID) (*client.Review, error) {
	w, err := v.Get(ctx, id)
	if v.Seen != nil {
		err = errors.Join(err, v.home.SaveSeen(v.Trust.Authority, v.Seen))
	}
	return w, err
}

// pendingReview is a request in the list: unchecked.
type pendingReview struct {
	Opening   ident.ID         `json:"opening"`
	Ground    order.Ground     `json:"ground"`
	Reference string           `json:"reference"`
	Sections  []record.Section `json:"sections"`
	Expires   ident.Date       `json:"expires"`
}

func (a *app) reviewList() *cobra.Command {
	var keys reviewerKeys
	c := &cobra.Command{
		Use: "list", Short: "List requests that await your vote",
		Long:    "List the undecided requests on which you have not voted. Nothing in the list has been checked yet: \"sigill review show\" does.",
		Example: "  sigill review list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := a.reviewer(cmd.Context(), keys)
			if err != nil {
				return err
			}
			list, err := v.Pending(cmd.Context())
			if err != nil {
				return err
			}
			out := []pendingReview{}
			rows := [][]string{a.heads("OPENING", "GROUND", "REFERENCE", "SECTIONS", "EXPIRES")}
			for _, r := range list {
				out = append(out, pendingReview{r.Opening, r.Ground, r.Reference, r.Sections, r.Expires})
				rows = append(rows, []string{string(r.Opening), string(r.Ground), r.Reference, sectionNames(r.Sections), string(r.Expires)})
			}
			return a.emit(out, rows...)
		},
	}
	keys.flags(c)
	return c
}

// checkedReview is a request that the client has checked.
type checkedReview struct {
	Opening   ident.ID         `json:"opening"`
	Requester string           `json:"requester"`
	Address   string           `json:"address"`
	Ground    order.Ground     `json:"ground"`
	Law       string           `json:"law"`
	Duty      bool             `json:"duty"` // only authenticity and scope are judged
	Reference string           `json:"reference"`
	Sections  []record.Section `json:"sections"`
	Expires   ident.Date       `json:"expires"`
	Number    string           `json:"number"`
	Title     string           `json:"title"`
	Type      string           `json:"type"`
	Dissent   bool             `json:"dissent"`
	Earlier   map[string]int   `json:"earlier"` // requests on the decision before this one, by state: the server's word
	Size      uint64           `json:"checkpoint_size"`
	Witnessed bool             `json:"witnessed"`
}

func (a *app) reviewShow() *cobra.Command {
	var keys reviewerKeys
	c := &cobra.Command{
		Use: "show OPENING", Short: "Check a request and show it",
		Long: `Check a request: the requester is registered by the board, not revoked, and pinned
by you; the request is signed, fresh and in the log; the decision and its seal
verify. Nothing is decrypted.`,
		Example: "  sigill review show mfrggzdfmztwq2lknnwg23tpoa", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, w, err := a.readReview(cmd.Context(), keys, args[0])
			if err != nil {
				return err
			}
			r := w.Request
			out := checkedReview{Opening: r.Opening, Requester: w.Requester.Name, Address: w.Requester.Address, Ground: r.Ground, Law: r.Ground.Law(),
				Duty: r.Ground.Force() == order.Duty, Reference: r.Reference, Sections: r.Sections, Expires: r.Expires, Number: w.Verdict.Number(),
				Title: w.Verdict.Draft.Title, Type: w.Verdict.Draft.Type, Dissent: w.Dissent, Size: w.Checkpoint.Size, Witnessed: v.Trust.Policy.Witnessed(), Earlier: map[string]int{}}
			for s, n := range w.Earlier {
				out.Earlier[state(s)] = n
			}
			witnessed := "obevittnad"
			if out.Witnessed {
				witnessed = "bevittnad"
			}
			return a.emit(out, []string{a.t("requester"), out.Requester + ", " + out.Address}, []string{a.t("ground"), string(out.Ground) + " (" + out.Law + ")"},
				[]string{a.t("force"), a.force(r.Ground)}, []string{a.t("reference"), out.Reference}, []string{a.t("sections"), sectionNames(out.Sections)},
				[]string{a.t("expires"), string(out.Expires)}, []string{a.t("decision"), out.Number + ", " + out.Type + ", " + out.Title},
				[]string{a.t("dissent"), a.yes(out.Dissent)}, []string{a.t("earlier requests"), a.counts(out.Earlier)}, []string{a.t("log size"), strconv.FormatUint(out.Size, 10) + ", " + witnessed})
		},
	}
	keys.flags(c)
	return c
}

// counts writes numbers by name, in the order of the names.
func (a *app) counts(of map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list = append(list, strconv.Itoa(of[name])+" "+a.t(name))
	}
	if len(list) == 0 {
		return "0"
	}
	return strings.Join(list, ", ")
}

func (a *app) readReview(ctx context.Context, keys reviewerKeys, arg string) (*reviewer, *client.Review, error) {
	id, err := parseID(arg)
	if err != nil {
		return nil, nil, err
	}
	v, err := a.reviewer(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	w, err := v.get(ctx, id)
	return v, w, err
}

// refusalFlags are why something is not granted.
type refusalFlags struct{ basis, provision, file string }

func (f *refusalFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.basis, "basis", "", "AUTHENTICITY, SCOPE, SECRECY, NOT_HELD or FORWARDED: the `basis` on which a part is not granted")
	c.Flags().StringVar(&f.provision, "provision", "", "the legal `provision` of the refusal")
	c.Flags().StringVar(&f.file, "file", "", "the reason's `file`, - for standard input")
}

func (a *app) refusal(f refusalFlags) (*opening.Refusal, error) {
	if f == (refusalFlags{}) {
		return nil, nil
	}
	if f.basis == "" || f.provision == "" {
		return nil, usage("a refusal needs --basis, --provision and --file")
	}
	basis := opening.Basis(strings.ToUpper(f.basis))
	if !slices.Contains(opening.Bases(), basis) {
		return nil, usage("--basis is one of %s", strings.Trim(strings.ReplaceAll(fmt.Sprint(opening.Bases()), " ", ", "), "[]"))
	}
	text, err := a.reason(f.file)
	if err != nil {
		return nil, err
	}
	return &opening.Refusal{Basis: basis, Paragraphs: text, Provision: f.provision}, nil
}

// castVote is what the reviewer is told.
type castVote struct {
	Opening ident.ID         `json:"opening"`
	Granted []record.Section `json:"granted"`
	State   string           `json:"state"`
}

// approveFlags are what an approval says beside the refusal of the rest.
type approveFlags struct {
	refusalFlags
	keys                   reviewerKeys
	sections               []string
	reservation, date, law string
}

func (a *app) reviewApprove() *cobra.Command {
	var f approveFlags
	c := &cobra.Command{
		Use: "approve OPENING", Short: "Grant parts of a record",
		Long: `Vote once and for all to grant the parts that were asked for, or with --sections
fewer of them; what is not granted needs a refusal. Only now, and only after the
checks of "sigill review show", your own shares are fetched (which is logged),
opened, and those of the granted parts sealed to the requester. You see no name.`,
		Example: "  sigill review approve mfrggzdfmztwq2lknnwg23tpoa\n" +
			"  sigill review approve mfrggzdfmztwq2lknnwg23tpoa --sections DECIDER --basis SCOPE --provision \"20 § FPL\" --file skal.txt",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.approve(cmd.Context(), args[0], f) },
	}
	f.keys.flags(c)
	f.refusalFlags.flags(c)
	a.receiptFlag(c)
	c.Flags().StringSliceVar(&f.sections, "sections", nil, "the `parts` to grant, with commas (default: all that were asked for)")
	c.Flags().StringVar(&f.reservation, "reservation", "", "a `reservation` (förbehåll) under which it is given")
	c.Flags().StringVar(&f.date, "notice-not-before", "", "`date` until which the author is not told, where the law allows it")
	c.Flags().StringVar(&f.law, "notice-provision", "", "the `provision` for that")
	return c
}

func (a *app) approve(ctx context.Context, arg string, f approveFlags) error {
	granted, err := sections(f.sections)
	if err != nil {
		return err
	}
	j := client.Judgement{Granted: granted, Reservation: f.reservation}
	if f.date != "" {
		date, err := ident.ParseDate(f.date)
		if err != nil {
			return err
		}
		j.NotBefore = &opening.Delay{Date: date, Provision: f.law}
	}
	if j.Refusal, err = a.refusal(f.refusalFlags); err != nil {
		return err
	}
	v, w, err := a.readReview(ctx, f.keys, arg)
	if err != nil {
		return err
	}
	if j.Granted, err = within(granted, w.Request.Sections, w.Dissent); err != nil {
		return err
	}
	return a.vote(ctx, v, w, j)
}

// within is what is granted of what was asked for: all of it where nothing is said.
func within(granted, asked []record.Section, dissent bool) ([]record.Section, error) {
	if len(granted) == 0 {
		granted = asked
	}
	if slices.Contains(granted, record.SectionDissentAuthor) && !dissent {
		return nil, usage("nobody dissented, so DISSENT_AUTHOR cannot be granted: name the others in --sections, and say why with --basis, --provision and --file")
	}
	for _, s := range granted {
		if !slices.Contains(asked, s) {
			return nil, usage("only what was asked for can be granted: %s", sectionNames(asked))
		}
	}
	return granted, nil
}

func (a *app) vote(ctx context.Context, v *reviewer, w *client.Review, j client.Judgement) error {
	ended, err := v.Vote(ctx, w, j)
	if err != nil {
		return err
	}
	out := castVote{w.Request.Opening, j.Granted, state(ended)}
	if out.Granted == nil {
		out.Granted = []record.Section{}
	}
	return a.emit(out, a.heads("OPENING", "STATE", "GRANTED"), []string{string(out.Opening), a.t(out.State), sectionNames(out.Granted)})
}

func (a *app) reviewRefuse() *cobra.Command {
	var keys reviewerKeys
	var f refusalFlags
	c := &cobra.Command{
		Use: "refuse OPENING --basis BASIS --provision TEXT --file FILE", Short: "Refuse a request as a whole",
		Long:    "Vote once and for all to grant nothing, with the provision and the reason that a formal refusal needs. Under a duty to give only authenticity and scope can be questioned.",
		Example: "  sigill review refuse mfrggzdfmztwq2lknnwg23tpoa --basis AUTHENTICITY --provision \"6 kap. 3 § OSL\" --file skal.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.refusal(f)
			if err != nil {
				return err
			}
			if r == nil {
				return usage("a refusal needs --basis, --provision and --file")
			}
			v, w, err := a.readReview(cmd.Context(), keys, args[0])
			if err != nil {
				return err
			}
			return a.vote(cmd.Context(), v, w, client.Judgement{Refusal: r})
		},
	}
	keys.flags(c)
	f.flags(c)
	a.receiptFlag(c)
	return c
}

func (a *app) reviewPin() *cobra.Command {
	var remove bool
	c := &cobra.Command{
		Use: "pin REQUESTER THUMBPRINT", Short: "Trust a requester's key that you have checked",
		Long: `Remember the thumbprint of a requester's key, which you got from the requester by a
way of your own: never from this system. Requests by another key are refused.
With --remove the requester is no longer trusted.`,
		Example: "  sigill review pin mfrggzdfmztwq2lknnwg23tpoa n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			if remove == (len(args) == 2) {
				return usage("give a thumbprint, or --remove")
			}
			var d ident.Digest
			if !remove {
				if d, err = ident.ParseDigest(args[1]); err != nil {
					return err
				}
			}
			h, err := a.home()
			if err != nil {
				return err
			}
			if err := h.Pin(id, d); err != nil {
				return err
			}
			return a.emitPins(h)
		},
	}
	c.Flags().BoolVar(&remove, "remove", false, "trust the requester no longer")
	return c
}

func (a *app) reviewPins() *cobra.Command {
	return &cobra.Command{
		Use: "pins", Short: "List the requesters that you trust", Long: "List the requesters whose keys you have checked, by id and thumbprint.",
		Example: "  sigill review pins", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			h, err := a.home()
			if err != nil {
				return err
			}
			return a.emitPins(h)
		},
	}
}

func (a *app) emitPins(h *client.Home) error {
	all, err := h.Pinned()
	if err != nil {
		return err
	}
	rows := [][]string{a.heads("REQUESTER", "THUMBPRINT")}
	for id, d := range all {
		rows = append(rows, []string{string(id), d.String()})
	}
	sortRows(rows[1:])
	return a.emit(all, rows...)
}
