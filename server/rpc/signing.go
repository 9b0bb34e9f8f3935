package rpc

import (
	"context"

	"google.golang.org/grpc"

	"sigill/keys/ident"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// signing is what a director's signing client and a registrar call.
type signing struct {
	sigillv1.UnsafeSigningServiceServer
	office *workflow.Office
}

func (s signing) ListInbox(ctx context.Context, req *sigillv1.ListInboxRequest) (*sigillv1.ListInboxResponse, error) {
	items, next, err := s.office.ListInbox(ctx, callerOf(ctx), int(req.GetPageSize()), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &sigillv1.ListInboxResponse{NextPageToken: next}
	for _, it := range items {
		out.Items = append(out.Items, &sigillv1.InboxItem{DecisionId: string(it.ID), Statement: it.Statement})
	}
	return out, nil
}

func (s signing) WatchInbox(_ *sigillv1.WatchInboxRequest, stream grpc.ServerStreamingServer[sigillv1.WatchInboxResponse]) error {
	ctx := stream.Context()
	return s.office.WatchInbox(ctx, callerOf(ctx), func(ids []ident.ID) error {
		out := &sigillv1.WatchInboxResponse{}
		for _, id := range ids {
			out.DecisionIds = append(out.DecisionIds, string(id))
		}
		return stream.Send(out)
	})
}

func (s signing) GetInboxDraft(ctx context.Context, req *sigillv1.GetInboxDraftRequest) (*sigillv1.GetInboxDraftResponse, error) {
	v, err := s.office.GetInboxDraft(ctx, callerOf(ctx), ident.ID(req.GetDecisionId()))
	if err != nil {
		return nil, err
	}
	return &sigillv1.GetInboxDraftResponse{Statement: v.Statement, Content: v.Content, SealHead: v.Head, Dissents: v.Dissents,
		Returns: v.Returns, SmallSet: v.SmallSet}, nil
}

func (s signing) CosignDecision(ctx context.Context, req *sigillv1.CosignDecisionRequest) (*sigillv1.CosignDecisionResponse, error) {
	bundle, err := s.office.CosignDecision(ctx, callerOf(ctx), req.GetApproval())
	if err != nil {
		return nil, err
	}
	return &sigillv1.CosignDecisionResponse{Bundle: bundle}, nil
}

func (s signing) ReturnDraft(ctx context.Context, req *sigillv1.ReturnDraftRequest) (*sigillv1.ReturnDraftResponse, error) {
	l, err := s.office.ReturnDraft(ctx, callerOf(ctx), req.GetStatement())
	if err != nil {
		return nil, err
	}
	return &sigillv1.ReturnDraftResponse{Logged: logged(l)}, nil
}

func (s signing) AbstainFromDecision(ctx context.Context, req *sigillv1.AbstainFromDecisionRequest) (*sigillv1.AbstainFromDecisionResponse, error) {
	l, err := s.office.AbstainFromDecision(ctx, callerOf(ctx), req.GetStatement())
	if err != nil {
		return nil, err
	}
	return &sigillv1.AbstainFromDecisionResponse{Logged: logged(l)}, nil
}

func (s signing) DispatchDecision(ctx context.Context, req *sigillv1.DispatchDecisionRequest) (*sigillv1.DispatchDecisionResponse, error) {
	l, err := s.office.DispatchDecision(ctx, callerOf(ctx), req.GetStatement())
	if err != nil {
		return nil, err
	}
	return &sigillv1.DispatchDecisionResponse{Logged: logged(l)}, nil
}
