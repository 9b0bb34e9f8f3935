package client_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"sigill/client"
	"sigill/keys/record"
)

// A question is what a client asks, and what it then believes.
type question struct {
	name   string
	ask    func(context.Context) (any, error)
	proved bool     // what is believed rests on signatures and proofs alone
	said   [][]byte // what the server answered, call by call
	truth  any
}

// questions are asked of an honest server once, which is then not there any more.
func questions(f *testing.F) (*hearing, []*question) {
	ctx := f.Context()
	h := newHearing(f, record.SectionDecider)
	reviewer, err := h.Reviewer(1, 1)
	must(err)
	_, second := drafted(ctx, h.Running)
	must(h.author.Dissent(ctx, second, []string{"Beloppet borde vara högre."}))
	director, err := h.Signer("direktor", h.Director)
	must(err)
	admin, err := h.Session("drift")
	must(err)
	seen, err := h.court.Checkpoint(ctx, nil)
	must(err)
	list := []*question{
		{name: "pending", ask: func(ctx context.Context) (any, error) { return reviewer.Pending(ctx) }},
		{name: "a review", ask: func(ctx context.Context) (any, error) {
			reviewer.Seen = nil
			return reviewer.Get(ctx, h.asked.Opening)
		}},
	}
	h.hear(list)
	review, err := reviewer.Get(ctx, h.asked.Opening)
	must(err)
	_, err = reviewer.Vote(ctx, review, client.Judgement{Granted: review.Request.Sections})
	must(err)
	late := []*question{
		{name: "a matter", ask: func(ctx context.Context) (any, error) { return h.author.Get(ctx, h.own) }},
		{name: "openings", ask: func(ctx context.Context) (any, error) { return h.author.Openings(ctx, h.own) }},
		{name: "the inbox", ask: func(ctx context.Context) (any, error) { return director.Inbox(ctx) }},
		{name: "a draft", ask: func(ctx context.Context) (any, error) { return director.Read(ctx, second.Decision) }},
		{name: "a bundle", proved: true, ask: func(ctx context.Context) (any, error) {
			v, _, err := director.Bundle(ctx, h.own.Decision)
			return v, err
		}},
		{name: "an opening", ask: func(ctx context.Context) (any, error) { return h.outcome(ctx) }},
		{name: "openings asked for", ask: func(ctx context.Context) (any, error) { return h.court.List(ctx) }},
		{name: "the order", proved: true, ask: func(ctx context.Context) (any, error) {
			d, _, err := h.court.Delegation(ctx)
			return d, err
		}},
		{name: "the reviewers", proved: true, ask: func(ctx context.Context) (any, error) {
			set, _, err := h.court.ReviewerSet(ctx, 0)
			return set, err
		}},
		{name: "the log", proved: true, ask: func(ctx context.Context) (any, error) { return h.court.Checkpoint(ctx, &seen) }},
		{name: "requesters", ask: func(ctx context.Context) (any, error) { return admin.Board().Requesters(ctx) }},
	}
	h.hear(late)
	must(h.Stop())
	return h, append(list, late...)
}

// hear asks an honest server, and keeps what it says.
func (h *hearing) hear(list []*question) {
	for _, q := range list {
		h.lie = func(reply any) {
			b, err := proto.MarshalOptions{Deterministic: true}.Marshal(reply.(proto.Message))
			must(err)
			q.said = append(q.said, b)
		}
		var err error
		q.truth, err = q.ask(context.Background())
		must(err)
	}
	h.lie = func(any) {}
}

// outcome reads an opening and what was decided of it.
func (h *hearing) outcome(ctx context.Context) (any, error) {
	o, err := h.court.Get(ctx, h.asked.Opening)
	if err != nil {
		return nil, err
	}
	_, votes, err := h.court.Outcome(o)
	if err != nil {
		return nil, err
	}
	cast, err := h.court.Cast(ctx, o)
	return []any{votes, cast}, err
}

// changed is an answer after some edits, eight at most, of three bytes each: what is
// done, where in 256ths of the answer, and with which byte.
func changed(answer, edits []byte) []byte {
	b, edits := append([]byte{}, answer...), edits[:min(len(edits), 8*3)]
	for ; len(edits) >= 3 && len(b) > 0; edits = edits[3:] {
		at := int(edits[1]) * len(b) / 256
		switch v := edits[2]; edits[0] % 6 {
		case 0:
			b[at] = v
		case 1:
			b[at] ^= 1 << (v % 8)
		case 2:
			b = append(b[:at], b[min(len(b), at+1+int(v)):]...)
		case 3:
			b = b[:at]
		case 4:
			b = append(b[:at:at], append([]byte{v}, b[at:]...)...)
		case 5:
			b = append(b, b[at:]...)
		}
	}
	return b
}

// FuzzAnswers: whatever a server answers, no client falls over it; and where what it
// believes is proved, it believes the truth or nothing.
func FuzzAnswers(f *testing.F) {
	h, list := questions(f)
	for i, q := range list {
		for n := range q.said {
			f.Add(uint8(i), uint8(n), []byte{})
			f.Add(uint8(i), uint8(n), []byte{3, 0, 0})
			f.Add(uint8(i), uint8(n), []byte{1, 128, 3})
			f.Add(uint8(i), uint8(n), []byte{5, 0, 0})
		}
	}
	f.Fuzz(func(t *testing.T, which, nth uint8, edits []byte) {
		q := list[int(which)%len(list)]
		n, lied := 0, int(nth)%max(1, len(q.said))
		h.instead = func(reply proto.Message) error {
			if n == len(q.said) {
				return errors.New("nobody asked for more than this")
			}
			answer := q.said[n]
			if n == lied {
				answer = changed(answer, edits)
			}
			n++
			return proto.Unmarshal(answer, reply)
		}
		got, err := q.ask(t.Context())
		switch {
		case len(edits) < 3 && err != nil:
			t.Fatalf("%s: the truth is not believed: %v", q.name, err)
		case err == nil && q.proved && !reflect.DeepEqual(got, q.truth):
			t.Fatalf("%s: believed otherwise", q.name)
		}
	})
}
