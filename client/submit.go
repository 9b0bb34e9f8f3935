package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"google.golang.org/protobuf/proto"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
)

// A Pending is a first revision that was sent and never answered, whole: asked
// again byte for byte under its request id it can be taken once only. It holds
// what the record says and the login's token, and goes with the answer.
type Pending struct {
	ACR      string       `json:"acr,omitempty"`
	AuthTime int64        `json:"auth_time,omitempty"`
	Day      *jws.JWK     `json:"day,omitempty"`
	Request  ident.Bytes  `json:"request"` // a SubmitDraftRequest
	Text     ident.Digest `json:"text"`    // of what the author wrote
	Token    string       `json:"token"`
}

// An UnansweredError says that it cannot be told whether the draft that is kept
// under Matter was taken. The same submission again finds out.
type UnansweredError struct {
	Matter string
	Err    error
}

func (e *UnansweredError) Error() string {
	return fmt.Sprintf("it cannot be told whether the draft %s was taken: %v", e.Matter, e.Err)
}

// Unwrap is why it cannot be told.
func (e *UnansweredError) Unwrap() error { return e.Err }

// An AnotherError names the matters in the home that are drafts of the same case.
// No draft was taken beside them.
type AnotherError struct{ Matters []string }

func (e *AnotherError) Error() string {
	return "there are drafts of your own in this case: " + strings.Join(e.Matters, ", ")
}

// Submit drafts a new decision and keeps it in the home, under a matter's name. It
// is safe to say again when no answer came: drafts of the case that were sent from
// here and never answered are asked about first, by the same bytes and request id,
// and if this very text was among them and is taken, that is the answer; while one
// is still unanswered nothing new is sent ([UnansweredError]). Beside drafts of
// one's own in the case no other is made ([AnotherError]) unless another is asked
// for: two of them would become two decisions. w's Store is not used; its Settled,
// if it is set, is told how each unanswered draft turned out.
func (h *Home) Submit(ctx context.Context, w *Caseworker, t Text, another bool) (string, *Own, error) {
	c := *w
	if name, own, err := h.settle(ctx, &c, t); name != "" || err != nil {
		return name, own, err
	}
	if !another { // the server tells of drafts when their hour comes, and not before
		mine, err := h.mine(t.Case)
		if err != nil {
			return "", nil, err
		}
		if len(mine) > 0 {
			return "", nil, &AnotherError{mine}
		}
	}
	name := h.NewMatter()
	c.Store = func(o *Own) error { return h.SaveMatter(name, o) }
	own, err := c.Submit(ctx, t)
	switch {
	case err == nil:
		return name, own, nil
	case own == nil:
		return "", nil, errors.Join(err, h.drop(name))
	case len(own.Revisions) == 0:
		return name, own, &UnansweredError{name, err}
	}
	return name, own, err
}

// settle asks again about drafts of the case that were never answered. It returns
// the matter of t itself, if that is one and was taken.
func (h *Home) settle(ctx context.Context, w *Caseworker, t Text) (string, *Own, error) {
	names, err := h.unanswered()
	if err != nil {
		return "", nil, err
	}
	text, err := t.digest()
	if err != nil {
		return "", nil, err
	}
	for _, name := range names {
		_, own, err := h.Matter(name)
		if err != nil {
			return "", nil, err
		}
		if own.Case != statement.NormalCase(t.Case) || own.Sent.IsZero() {
			continue
		}
		same := own.Pending != nil && own.Pending.Text == text
		w.Store = func(o *Own) error { return h.SaveMatter(name, o) }
		taken, err := w.askAgain(ctx, own)
		switch {
		case err != nil && len(own.Revisions) > 0 && own.Sent.IsZero():
			return name, own, err // taken, and what came with the answer does not verify
		case err != nil:
			return name, own, &UnansweredError{name, err}
		case !taken && len(own.Revisions) == 0:
			if err := h.drop(name); err != nil {
				return "", nil, err
			}
		}
		if w.Settled != nil {
			w.Settled(name, taken)
		}
		if taken && same {
			return name, own, nil
		}
	}
	return "", nil, nil
}

// mine finds the matters of this home that are drafts of a case.
func (h *Home) mine(reference string) ([]string, error) {
	names, err := h.Matters()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		_, own, err := h.Matter(name)
		if err != nil {
			return nil, err
		}
		if own.Case == statement.NormalCase(reference) && len(own.Revisions) > 0 {
			out = append(out, name)
		}
	}
	return out, nil
}

// drop forgets a matter of which nothing was taken; it may not have been kept.
func (h *Home) drop(name string) error {
	if err := h.Forget(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// digest tells one text from another.
func (t Text) digest() (ident.Digest, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return ident.Digest{}, fmt.Errorf("text: %w", err)
	}
	return ident.Sum(b), nil
}

// first is a first revision as it is sent, and what is kept to send it again.
func (w *Caseworker) first(own *Own, r *revision, in *sigillv1.SealInput) (*sigillv1.SubmitDraftRequest, *Pending, error) {
	req := &sigillv1.SubmitDraftRequest{RequestId: newRequestID(), Statement: r.compact, Content: r.text.Content, Seal: in, WatchSecret: own.Watch}
	b, err := proto.Marshal(req)
	if err != nil {
		return nil, nil, err
	}
	text, err := r.text.digest()
	it := w.evidence(own, r)
	return req, &Pending{ACR: it.ACR, AuthTime: it.AuthTime, Day: it.DayKey, Request: b, Text: text, Token: it.Token}, err
}

// askAgain sends a first revision once more, as it was, and reports whether it is
// taken. A no is believed only with the server's word that the matter is not
// there: by itself it may be about this call, as of another day's login.
func (w *Caseworker) askAgain(ctx context.Context, own *Own) (bool, error) {
	sent := own.Sent
	if own.Pending == nil { // a later revision
		err := w.settle(ctx, own)
		return err == nil && own.last() == sent, err
	}
	req := &sigillv1.SubmitDraftRequest{}
	if err := proto.Unmarshal(own.Pending.Request, req); err != nil || jws.Digest(req.GetStatement()) != sent {
		return false, fmt.Errorf("%w: not an author's own file", ErrConfig)
	}
	authored, err := w.author(ctx, own, false)
	if err != nil {
		return false, err
	}
	out, err := w.drafting().SubmitDraft(authored, req)
	if err == nil {
		return true, w.answered(ctx, own, req, out)
	}
	if e := (*Error)(nil); !errors.As(err, &e) || !e.Tells() {
		return false, err
	}
	err = w.settle(ctx, own)
	return err == nil && own.last() == sent, err
}

// answered keeps and checks the answer to a first revision that was asked again.
func (w *Caseworker) answered(ctx context.Context, own *Own, req *sigillv1.SubmitDraftRequest, out *sigillv1.SubmitDraftResponse) error {
	then := *own.Pending
	r := &revision{compact: req.GetStatement(), digest: own.Sent}
	own.took(r.digest)
	own.Receipts = append(own.Receipts, out.GetReceipt())
	if err := w.keep(own); err != nil {
		return err
	}
	rc, err := w.checkReceipt(own, out.GetReceipt(), r.digest)
	if err != nil {
		return err
	}
	if _, err := jws.ReadEmbedded(r.compact, &r.draft); err != nil {
		return err
	}
	if r.key, err = own.signer(); err != nil {
		return err
	}
	set, epoch, err := w.ReviewerSet(ctx, r.draft.Set.Epoch)
	if err != nil {
		return err
	}
	if r.set = set; epoch != r.draft.Set {
		return unverified(fmt.Errorf("another reviewer set than the draft cites"))
	}
	in := req.GetSeal().GetRecord()
	copy(r.seed[:], req.GetSeal().GetSeed())
	if r.plain, err = record.Lay(r.seed, [record.Stated][]byte{in.GetDecider(), in.GetPresenter(), in.GetParticipants(),
		in.GetDissentAuthor(), in.GetBiasDeclaration(), in.GetAssessment()}); err != nil {
		return err
	}
	it := record.EvidenceItem{Type: record.EvidenceAccessToken, Label: record.LabelBearer, Token: then.Token, Nonce: own.Nonce,
		ACR: then.ACR, AuthTime: then.AuthTime}
	if then.Day != nil {
		it.Label, it.DayKey, it.Authorship = record.LabelDPoP, then.Day, req.GetSeal().GetAuthorship()
	}
	// The login that the server sealed is that of the try which it took.
	if err = w.checkSeal(own, r, out.GetSeal(), rc.Received, it); errors.Is(err, ErrSeal) {
		it.Token, it.ACR, it.AuthTime = w.Me.Token, w.Me.ACR, w.Me.AuthTime
		err = w.checkSeal(own, r, out.GetSeal(), rc.Received, it)
	}
	return unverified(err)
}

// took notes that the server has a revision.
func (o *Own) took(d ident.Digest) {
	o.Revisions = append(o.Revisions, d)
	o.unsend()
}

// unsend notes that nothing that was sent is unanswered.
func (o *Own) unsend() { o.Sent, o.Pending = ident.Digest{}, nil }
