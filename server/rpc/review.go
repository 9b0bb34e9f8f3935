package rpc

import (
	"context"
	"maps"
	"slices"

	"sigill/keys/ident"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// review is what a reviewer's client calls.
type review struct {
	sigillv1.UnsafeReviewServiceServer
	office *workflow.Office
}

func (r review) ListReviews(ctx context.Context, req *sigillv1.ListReviewsRequest) (*sigillv1.ListReviewsResponse, error) {
	items, next, err := r.office.ListReviews(ctx, callerOf(ctx), int(req.GetPageSize()), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &sigillv1.ListReviewsResponse{NextPageToken: next}
	for _, it := range items {
		out.Reviews = append(out.Reviews, &sigillv1.ReviewItem{OpeningId: string(it.ID), Request: it.Request, Voted: it.Voted})
	}
	return out, nil
}

func (r review) GetReview(ctx context.Context, req *sigillv1.GetReviewRequest) (*sigillv1.GetReviewResponse, error) {
	v, err := r.office.GetReview(ctx, callerOf(ctx), ident.ID(req.GetOpeningId()), req.GetOldSize())
	if err != nil {
		return nil, err
	}
	out := &sigillv1.GetReviewResponse{Request: v.Request, Requester: document(v.Requester), Logged: logged(&v.Logged),
		Consistency: hashes(v.Consistency), Bundle: v.Bundle, SealHead: v.Head, Dissent: len(v.Dissents) > 0, Dissents: v.Dissents}
	for _, state := range slices.Sorted(maps.Keys(v.Earlier)) {
		out.Earlier = append(out.Earlier, &sigillv1.EarlierOpenings{State: sigillv1.OpeningState(state), Count: int32(v.Earlier[state])})
	}
	return out, nil
}

func (r review) FetchShare(ctx context.Context, req *sigillv1.FetchShareRequest) (*sigillv1.FetchShareResponse, error) {
	wrapping, l, err := r.office.FetchShare(ctx, callerOf(ctx), ident.ID(req.GetOpeningId()))
	if err != nil {
		return nil, err
	}
	return &sigillv1.FetchShareResponse{Wrapping: wrapping, Logged: logged(l)}, nil
}

func (r review) ApproveOpening(ctx context.Context, req *sigillv1.ApproveOpeningRequest) (*sigillv1.ApproveOpeningResponse, error) {
	v, err := r.office.ApproveOpening(ctx, callerOf(ctx), req.GetVote(), req.GetVector())
	if err != nil {
		return nil, err
	}
	return &sigillv1.ApproveOpeningResponse{State: sigillv1.OpeningState(v.State), Logged: logged(v.Logged)}, nil
}

func (r review) RefuseOpening(ctx context.Context, req *sigillv1.RefuseOpeningRequest) (*sigillv1.RefuseOpeningResponse, error) {
	v, err := r.office.RefuseOpening(ctx, callerOf(ctx), req.GetVote())
	if err != nil {
		return nil, err
	}
	return &sigillv1.RefuseOpeningResponse{State: sigillv1.OpeningState(v.State), Logged: logged(v.Logged)}, nil
}
