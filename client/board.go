package client

import (
	"context"
	"errors"

	"sigill/keys/jws"
	"sigill/keys/order"
	sigillv1 "sigill/proto/sigill/v1"
)

// A Board publishes documents of authority. The caller is an administrator, who
// only carries them: the authority is in the signatures, which are made offline
// with order.Sign by each board key (or by a quorum of reviewers).
type Board struct{ *Session }

// Board is the session's caller as the administrator who carries documents.
func (s *Session) Board() *Board { return &Board{s} }

// PublishReviewerSet publishes a set of reviewers.
func (b *Board) PublishReviewerSet(ctx context.Context, signatures []string) error {
	_, err := b.administration().PublishReviewerSet(ctx, &sigillv1.PublishReviewerSetRequest{RequestId: newRequestID(), Set: document(signatures)})
	return err
}

// PublishDelegationOrder publishes a version of the delegation order.
func (b *Board) PublishDelegationOrder(ctx context.Context, signatures []string) error {
	_, err := b.administration().PublishDelegationOrder(ctx, &sigillv1.PublishDelegationOrderRequest{RequestId: newRequestID(), Order: document(signatures)})
	return err
}

// RegisterRequester registers who may ask for openings.
func (b *Board) RegisterRequester(ctx context.Context, signatures []string) error {
	_, err := b.administration().RegisterRequester(ctx, &sigillv1.RegisterRequesterRequest{RequestId: newRequestID(), Requester: document(signatures)})
	return err
}

// RevokeRequester publishes a revocation.
func (b *Board) RevokeRequester(ctx context.Context, signatures []string) error {
	_, err := b.administration().RevokeRequester(ctx, &sigillv1.RevokeRequesterRequest{RequestId: newRequestID(), Requester: document(signatures)})
	return err
}

func document(signatures []string) *sigillv1.BoardDocument {
	return &sigillv1.BoardDocument{Signatures: signatures}
}

// Requesters lists the registered requesters, each verified by the board's keys.
func (b *Board) Requesters(ctx context.Context) ([]order.Requester, error) {
	var out []order.Requester
	for page := ""; ; {
		r, err := b.administration().ListRequesters(ctx, &sigillv1.ListRequestersRequest{PageToken: page})
		if err != nil {
			return nil, err
		}
		for _, d := range r.GetRequesters() {
			var q order.Requester
			if _, err := b.Trust.Board.Read(d.GetSignatures(), &q); err != nil {
				return nil, unverified(err)
			}
			out = append(out, q)
		}
		if page = r.GetNextPageToken(); page == "" {
			return out, nil
		}
	}
}

// Status tells how the server is, by its own word.
func (b *Board) Status(ctx context.Context) (*sigillv1.GetStatusResponse, error) {
	r, err := b.administration().GetStatus(ctx, &sigillv1.GetStatusRequest{})
	if err != nil {
		return nil, err
	}
	return r, unverified(errors.Join(jws.CheckText(r.GetVersion()), jws.CheckText(r.GetCertificateUntil())))
}

// SignDocument signs a document of authority with each of the keys, one after
// the other; the keys may lie on different machines, and the lists be joined.
func SignDocument(doc order.Document, keys ...*jws.Signer) ([]string, error) {
	var out []string
	for _, k := range keys {
		s, err := order.Sign(k, doc)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
