package rpc

import (
	"context"

	"sigill/keys/ident"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// verification is what anyone may ask, and the one call that gives a decision
// to those who may have it.
type verification struct {
	sigillv1.UnsafeVerificationServiceServer
	office *workflow.Office
}

// logged is a log entry with its proof, as every service gives it.
func logged(l *workflow.Logged) *sigillv1.Logged {
	return &sigillv1.Logged{Preimage: l.Preimage, Proof: l.Proof, Tag: l.Tag[:]}
}

func document(signatures []string) *sigillv1.BoardDocument {
	return &sigillv1.BoardDocument{Signatures: signatures}
}

func hashes(list []ident.Digest) [][]byte {
	var out [][]byte
	for _, d := range list {
		out = append(out, d[:])
	}
	return out
}

func (v verification) GetCheckpoint(ctx context.Context, req *sigillv1.GetCheckpointRequest) (*sigillv1.GetCheckpointResponse, error) {
	note, consistency, err := v.office.GetCheckpoint(ctx, req.GetOldSize())
	if err != nil {
		return nil, err
	}
	return &sigillv1.GetCheckpointResponse{Checkpoint: note, Consistency: hashes(consistency)}, nil
}

func (v verification) GetTrust(ctx context.Context, req *sigillv1.GetTrustRequest) (*sigillv1.GetTrustResponse, error) {
	var have ident.Digest
	copy(have[:], req.GetHave()) // 32 bytes or none
	trust, next, l, err := v.office.GetTrust(ctx, have)
	if err != nil {
		return nil, err
	}
	out := &sigillv1.GetTrustResponse{Trust: trust}
	if next != nil {
		out.Next, out.Logged = document(next), logged(l)
	}
	return out, nil
}

func (v verification) GetDelegationOrder(ctx context.Context, req *sigillv1.GetDelegationOrderRequest) (*sigillv1.GetDelegationOrderResponse, error) {
	doc, l, err := v.office.GetDelegationOrder(ctx, req.GetVersion())
	if err != nil {
		return nil, err
	}
	return &sigillv1.GetDelegationOrderResponse{Order: document(doc), Logged: logged(l)}, nil
}

func (v verification) GetReviewerSet(ctx context.Context, req *sigillv1.GetReviewerSetRequest) (*sigillv1.GetReviewerSetResponse, error) {
	doc, l, err := v.office.GetReviewerSet(ctx, req.GetEpoch())
	if err != nil {
		return nil, err
	}
	return &sigillv1.GetReviewerSetResponse{Set: document(doc), Logged: logged(l)}, nil
}

func (v verification) GetProof(ctx context.Context, req *sigillv1.GetProofRequest) (*sigillv1.GetProofResponse, error) {
	text, err := v.office.GetProof(ctx, ident.Digest(req.GetDigest()))
	if err != nil {
		return nil, err
	}
	return &sigillv1.GetProofResponse{Proof: text}, nil
}

func (v verification) GetBundle(ctx context.Context, req *sigillv1.GetBundleRequest) (*sigillv1.GetBundleResponse, error) {
	bundle, err := v.office.GetBundle(ctx, callerOf(ctx), ident.ID(req.GetDecisionId()))
	if err != nil {
		return nil, err
	}
	return filled(&sigillv1.GetBundleResponse{Bundle: bundle}), nil
}
