package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
)

func sectionNames(list []record.Section) string {
	var out []string
	for _, s := range list {
		out = append(out, s.String())
	}
	return strings.Join(out, ",")
}

// sections reads names as DECIDER,EVIDENCE, in the order of the record.
func sections(list []string) ([]record.Section, error) {
	var out []record.Section
	for _, name := range list {
		var s record.Section
		if err := s.UnmarshalText([]byte(strings.ToUpper(name))); err != nil {
			return nil, usage("the sections are %s", strings.ReplaceAll(sectionNames(record.All()), ",", ", "))
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (a *app) requester(ctx context.Context, keyPath string, needKey bool) (*client.Requester, error) {
	var key *jws.Signer
	if needKey {
		var err error
		if key, err = a.signerKey(keyPath, keyfile.Requester); err != nil {
			return nil, err
		}
	}
	s, _, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	return s.Requester(key), nil
}

// requestFlags are what a request is made of.
type requestFlags struct {
	key, bundle, ground, reference string
	offline, registration          string
	sections                       []string
	days                           int
}

func (a *app) request() *cobra.Command {
	var f requestFlags
	c := &cobra.Command{
		Use: "request --decision BUNDLE --ground GROUND --sections LIST --reference TEXT", Short: "Ask for a seal to be opened (court, supervisor, lawyer)",
		Long: `Ask for parts of a decision's sealed record, on a ground that the law knows:
` + grounds() + `.

The parts are ` + strings.ReplaceAll(sectionNames(record.All()), ",", ", ") + `:
ask for the least that answers. The decision is verified first. The key to which the
answer will be sealed is fresh, and is kept, encrypted, in the home directory
before the request is sent.

Where the authority has no server, --offline writes the request to a file for the
board to countersign, with your registration as the board signed it.`,
		Example: "  sigill request --decision decision.sigill --ground COURT_ORDER --sections DECIDER,EVIDENCE --reference \"T 1234-26\"\n  sigill request list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.sendRequest(cmd.Context(), f)
		},
	}
	a.receiptFlag(c)
	c.Flags().StringVar(&f.bundle, "decision", "", "`file` with the decision")
	c.Flags().StringVar(&f.ground, "ground", "", "the `ground`")
	c.Flags().StringSliceVar(&f.sections, "sections", nil, "the `parts`, with commas")
	c.Flags().StringVar(&f.reference, "reference", "", "your own `reference`, such as a case number; never a name")
	c.Flags().IntVar(&f.days, "days", opening.MaxDays, "how many `days` the request runs")
	c.Flags().StringVar(&f.offline, "offline", "", "`file` for the board to countersign, instead of sending it")
	c.Flags().StringVar(&f.registration, "registration", "", "`file` with your registration as the board signed it, for --offline")
	keyFlag(c, &f.key)
	c.AddCommand(a.requestList(), a.requestShow(), a.requestWithdraw())
	return c
}

func grounds() string {
	var b strings.Builder
	line := 0
	for i, g := range order.Grounds() {
		switch {
		case line > 60:
			b.WriteString(",\n")
			line = 0
		case i > 0:
			b.WriteString(", ")
			line += 2
		}
		b.WriteString(string(g))
		line += len(g)
	}
	return b.String()
}

// sentRequest is what the requester is told.
type sentRequest struct {
	Opening  ident.ID         `json:"opening"`
	Number   string           `json:"number"`
	Expires  ident.Date       `json:"expires"`
	Sections []record.Section `json:"sections"`
	Request  ident.Digest     `json:"request"`
}

func (a *app) sendRequest(ctx context.Context, f requestFlags) error {
	if f.bundle == "" || f.reference == "" || len(f.sections) == 0 {
		return usage("needed are --decision, --ground, --sections and --reference")
	}
	list, err := sections(f.sections)
	if err != nil {
		return err
	}
	ground := order.Ground(strings.ToUpper(f.ground))
	if !ground.Valid() {
		return usage("the grounds are %s", strings.ReplaceAll(grounds(), "\n", " "))
	}
	if f.days < 1 || f.days > opening.MaxDays {
		return usage("--days is 1 to %d", opening.MaxDays)
	}
	v, _, err := a.verified(f.bundle)
	if err != nil {
		return err
	}
	if (f.offline != "") != (f.registration != "") {
		return usage("--offline and --registration belong together")
	}
	if err := free(f.offline, f.offline == ""); err != nil {
		return err
	}
	q, err := a.asker(ctx, f)
	if err != nil {
		return err
	}
	r, err := q.NewRequest(client.Ask{Verdict: v, Ground: ground, Reference: f.reference, Sections: list, Days: f.days})
	if err != nil {
		return err
	}
	h, err := a.home()
	if err != nil {
		return err
	}
	if err := h.SaveRecipient(r); err != nil {
		return fmt.Errorf("keeping the recipient key: %w", err)
	}
	if f.offline != "" {
		err = a.offlineRequest(f, r)
	} else {
		err = q.Send(ctx, r)
	}
	switch {
	case err == nil:
	case f.offline != "" || refused(err):
		return errors.Join(err, h.ForgetRecipient(r.Opening))
	default: // it may have been taken: without the key nobody could open the answer
		a.talk(a.words.requestSent, r.Opening, r.Opening)
		return err
	}
	var req opening.Request
	if err := jws.Peek(r.Request, &req); err != nil {
		return err
	}
	return a.emit(sentRequest{req.Opening, v.Number(), req.Expires, req.Sections, jws.Digest(r.Request)},
		a.heads("OPENING", "NUMBER", "EXPIRES"), []string{string(req.Opening), v.Number(), string(req.Expires)})
}

// asker is the requester, with a server or without.
func (a *app) asker(ctx context.Context, f requestFlags) (*client.Requester, error) {
	if f.offline == "" {
		return a.requester(ctx, f.key, true)
	}
	key, err := a.signerKey(f.key, keyfile.Requester)
	if err != nil {
		return nil, err
	}
	trust, err := a.trust()
	if err != nil {
		return nil, err
	}
	return (&client.Session{Config: client.Config{Trust: trust}}).Requester(key), nil
}

// ownRequest is a request as its requester sees it.
type ownRequest struct {
	Opening   ident.ID         `json:"opening"`
	State     string           `json:"state"`
	Decision  ident.ID         `json:"decision"`
	Ground    order.Ground     `json:"ground"`
	Reference string           `json:"reference"`
	Sections  []record.Section `json:"sections"`
	Expires   ident.Date       `json:"expires"`
	Votes     int32            `json:"votes"`
	Reviewers int32            `json:"reviewers"`
	Refusals  []ownRefusal     `json:"refusals,omitempty"`
}

// ownRefusal is why something was not granted, as a reviewer wrote it.
type ownRefusal struct {
	Basis      opening.Basis `json:"basis"`
	Provision  string        `json:"provision"`
	Paragraphs []string      `json:"paragraphs"`
}

func refusals(votes []opening.Vote) (out []ownRefusal) {
	for _, v := range votes {
		if r := v.Refusal; r != nil {
			out = append(out, ownRefusal{r.Basis, r.Provision, r.Paragraphs})
		}
	}
	return out
}

func (a *app) emitRequests(v any, list []ownRequest) error {
	rows := [][]string{a.heads("OPENING", "STATE", "REFERENCE", "SECTIONS", "EXPIRES", "VOTES")}
	for _, r := range list {
		rows = append(rows, []string{string(r.Opening), a.t(r.State), r.Reference, sectionNames(r.Sections), string(r.Expires),
			fmt.Sprintf(a.t("%d of %d"), r.Votes, r.Reviewers)})
		for _, f := range r.Refusals {
			rows = append(rows, []string{"", string(f.Basis), f.Provision, strings.Join(f.Paragraphs, " ")})
		}
	}
	return a.emit(v, rows...)
}

func (a *app) requestList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List your requests", Long: "List your own requests, by their random ids.", Example: "  sigill request list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := a.requester(cmd.Context(), "", false)
			if err != nil {
				return err
			}
			list, err := q.List(cmd.Context())
			if err != nil {
				return err
			}
			out := []ownRequest{}
			for _, o := range list {
				r, err := readRequest(o)
				if err != nil {
					return err
				}
				out = append(out, r)
			}
			return a.emitRequests(out, out)
		},
	}
}

// opened is what the API says of an opening.
type opened interface {
	GetRequest() string
	GetVotes() int32
	GetReviewers() int32
}

func readRequest[S fmt.Stringer, O interface {
	opened
	GetState() S
}](o O) (ownRequest, error) {
	var req opening.Request
	if err := jws.Peek(o.GetRequest(), &req); err != nil {
		return ownRequest{}, fmt.Errorf("%w: %w", client.ErrVerification, err)
	}
	return ownRequest{req.Opening, state(o.GetState()), req.Decision, req.Ground, req.Reference, req.Sections, req.Expires, o.GetVotes(), o.GetReviewers(), nil}, nil
}

func (a *app) requestShow() *cobra.Command {
	return &cobra.Command{
		Use: "show OPENING", Short: "Show how a request stands", Long: "Show how your own request stands, how many reviewers have voted and, once it has\nended, why something was refused.",
		Example: "  sigill request show mfrggzdfmztwq2lknnwg23tpoa", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			q, err := a.requester(cmd.Context(), "", false)
			if err != nil {
				return err
			}
			o, err := q.Get(cmd.Context(), id)
			if err != nil {
				return err
			}
			r, err := readRequest(o)
			if err != nil {
				return err
			}
			_, votes, err := q.Outcome(o)
			if err != nil {
				return fmt.Errorf("%w: %w", client.ErrVerification, err)
			}
			if votes == nil {
				if votes, err = q.Cast(cmd.Context(), o); err != nil {
					return err
				}
			}
			r.Refusals = refusals(votes)
			return a.emitRequests(r, []ownRequest{r})
		},
	}
}

func (a *app) requestWithdraw() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "withdraw OPENING", Short: "Take an undecided request back", Long: "Take an undecided request back. It is logged that there was one.",
		Example: "  sigill request withdraw mfrggzdfmztwq2lknnwg23tpoa", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(yes, fmt.Sprintf(a.words.takeBack, args[0])); err != nil {
				return err
			}
			q, err := a.requester(cmd.Context(), "", false)
			if err != nil {
				return err
			}
			if err := q.Withdraw(cmd.Context(), id); err != nil {
				return err
			}
			return a.emit(map[string]string{"opening": args[0], "act": "withdraw"}, []string{args[0], a.t("withdrawn")})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) collect() *cobra.Command {
	var out string
	var wait, force bool
	c := &cobra.Command{
		Use: "collect OPENING", Short: "Fetch what was granted (requester)",
		Long:    "Fetch the package of a released opening into FILE, to be opened offline. With --wait it asks until the reviewers have decided.",
		Example: "  sigill collect mfrggzdfmztwq2lknnwg23tpoa --wait", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			if err := free(out, force); err != nil {
				return err
			}
			q, err := a.requester(cmd.Context(), "", false)
			if err != nil {
				return err
			}
			if wait {
				if err := a.waitFor(cmd.Context(), q, id); err != nil {
					return err
				}
			}
			data, err := q.Collect(cmd.Context(), id)
			if err != nil {
				return err
			}
			if err := a.output(out, data, 0o600, force); err != nil || out == "-" {
				return err
			}
			a.talk(a.words.fetched, out)
			return a.emit(map[string]string{"opening": args[0], "package": out}, []string{args[0], out})
		},
	}
	c.Flags().StringVar(&out, "out", "opening.package", "`file` for the package, - for standard output")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the request is decided")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}

// waitFor asks every few seconds, and shows on a terminal how many have voted.
func (a *app) waitFor(ctx context.Context, q *client.Requester, id ident.ID) error {
	_, tty := isTerminal(a.stderr)
	ended, err := q.Wait(ctx, id, 3*time.Second, func(votes, of int) {
		if tty {
			fmt.Fprintf(a.stderr, "\r"+a.words.waitingVotes, votes, of)
		}
	})
	if tty {
		fmt.Fprint(a.stderr, "\r\033[K")
	}
	if err == nil {
		a.talk("%s: %s", id, a.t(state(ended)))
	}
	return err
}
