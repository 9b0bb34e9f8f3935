package rpc

import (
	"context"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// administration is what the authority's administrator calls; what is carried
// has its authority in its signatures.
type administration struct {
	sigillv1.UnsafeAdministrationServiceServer
	office *workflow.Office
}

func (a administration) PublishReviewerSet(ctx context.Context, req *sigillv1.PublishReviewerSetRequest) (*sigillv1.PublishReviewerSetResponse, error) {
	l, err := a.office.PublishReviewerSet(ctx, callerOf(ctx), req.GetSet().GetSignatures())
	if err != nil {
		return nil, err
	}
	return &sigillv1.PublishReviewerSetResponse{Logged: logged(l)}, nil
}

func (a administration) PublishDelegationOrder(ctx context.Context, req *sigillv1.PublishDelegationOrderRequest) (*sigillv1.PublishDelegationOrderResponse, error) {
	l, err := a.office.PublishDelegationOrder(ctx, callerOf(ctx), req.GetOrder().GetSignatures())
	if err != nil {
		return nil, err
	}
	return &sigillv1.PublishDelegationOrderResponse{Logged: logged(l)}, nil
}

func (a administration) RegisterRequester(ctx context.Context, req *sigillv1.RegisterRequesterRequest) (*sigillv1.RegisterRequesterResponse, error) {
	l, err := a.office.RegisterRequester(ctx, callerOf(ctx), req.GetRequester().GetSignatures())
	if err != nil {
		return nil, err
	}
	return &sigillv1.RegisterRequesterResponse{Logged: logged(l)}, nil
}

func (a administration) RevokeRequester(ctx context.Context, req *sigillv1.RevokeRequesterRequest) (*sigillv1.RevokeRequesterResponse, error) {
	l, err := a.office.RevokeRequester(ctx, callerOf(ctx), req.GetRequester().GetSignatures())
	if err != nil {
		return nil, err
	}
	return &sigillv1.RevokeRequesterResponse{Logged: logged(l)}, nil
}

func (a administration) ListRequesters(ctx context.Context, req *sigillv1.ListRequestersRequest) (*sigillv1.ListRequestersResponse, error) {
	docs, next, err := a.office.ListRequesters(ctx, callerOf(ctx), int(req.GetPageSize()), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &sigillv1.ListRequestersResponse{NextPageToken: next}
	for _, d := range docs {
		out.Requesters = append(out.Requesters, document(d))
	}
	return out, nil
}

func (a administration) GetStatus(ctx context.Context, _ *sigillv1.GetStatusRequest) (*sigillv1.GetStatusResponse, error) {
	s, err := a.office.GetStatus(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &sigillv1.GetStatusResponse{Version: s.Version, LogSize: s.LogSize, ReviewerEpoch: uint32(s.Epoch),
		DelegationOrderVersion: uint32(s.Order), CertificateUntil: string(s.CertificateUntil),
		PendingDrafts: s.Drafts, PendingOpenings: s.Openings, OwedEntries: s.Owed}, nil
}
