package rpc

import (
	"context"

	"sigill/keys/ident"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// opening is what a court's or supervisor's client calls.
type opening struct {
	sigillv1.UnsafeOpeningServiceServer
	office *workflow.Office
}

func openingView(v *workflow.OpeningView) *sigillv1.Opening {
	return &sigillv1.Opening{OpeningId: string(v.ID), State: sigillv1.OpeningState(v.State), Request: v.Request,
		Logged: logged(&v.Logged), Votes: int32(v.Votes), Reviewers: int32(v.Reviewers), Release: v.Release, Ballots: v.Ballots}
}

func (o opening) RequestOpening(ctx context.Context, req *sigillv1.RequestOpeningRequest) (*sigillv1.RequestOpeningResponse, error) {
	l, err := o.office.RequestOpening(ctx, callerOf(ctx), req.GetRequest())
	if err != nil {
		return nil, err
	}
	return &sigillv1.RequestOpeningResponse{Logged: logged(l)}, nil
}

func (o opening) GetOpening(ctx context.Context, req *sigillv1.GetOpeningRequest) (*sigillv1.GetOpeningResponse, error) {
	v, err := o.office.GetOpening(ctx, callerOf(ctx), ident.ID(req.GetOpeningId()))
	if err != nil {
		return nil, err
	}
	return &sigillv1.GetOpeningResponse{Opening: openingView(v)}, nil
}

func (o opening) ListOpenings(ctx context.Context, req *sigillv1.ListOpeningsRequest) (*sigillv1.ListOpeningsResponse, error) {
	views, next, err := o.office.ListOpenings(ctx, callerOf(ctx), int(req.GetPageSize()), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &sigillv1.ListOpeningsResponse{NextPageToken: next}
	for i := range views {
		out.Openings = append(out.Openings, openingView(&views[i]))
	}
	return out, nil
}

func (o opening) CollectOpening(ctx context.Context, req *sigillv1.CollectOpeningRequest) (*sigillv1.CollectOpeningResponse, error) {
	pkg, err := o.office.CollectOpening(ctx, callerOf(ctx), ident.ID(req.GetOpeningId()))
	if err != nil {
		return nil, err
	}
	return &sigillv1.CollectOpeningResponse{Package: pkg}, nil
}

func (o opening) WithdrawOpening(ctx context.Context, req *sigillv1.WithdrawOpeningRequest) (*sigillv1.WithdrawOpeningResponse, error) {
	l, err := o.office.WithdrawOpening(ctx, callerOf(ctx), ident.ID(req.GetOpeningId()))
	if err != nil {
		return nil, err
	}
	return &sigillv1.WithdrawOpeningResponse{Logged: logged(l)}, nil
}
