package rpc

import (
	"context"

	"sigill/keys/ident"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// drafting is what a caseworker's client calls.
type drafting struct {
	sigillv1.UnsafeDraftingServiceServer
	office *workflow.Office
}

func submission(statement string, content []byte, in *sigillv1.SealInput) workflow.Submission {
	r := in.GetRecord()
	return workflow.Submission{
		Statement: statement, Content: content, Seed: [32]byte(in.GetSeed()), Authorship: in.GetAuthorship(),
		Record: [...][]byte{r.GetDecider(), r.GetPresenter(), r.GetParticipants(), r.GetDissentAuthor(),
			r.GetBiasDeclaration(), r.GetAssessment()},
	}
}

func sealProof(c *workflow.Caller, a *workflow.DraftAnswer) *sigillv1.SealProof {
	return &sigillv1.SealProof{Head: a.Head, ProviderKey: a.Key, ProviderKeysIndex: a.KeysIndex, Provider: c.Provider}
}

func (d drafting) SubmitDraft(ctx context.Context, req *sigillv1.SubmitDraftRequest) (*sigillv1.SubmitDraftResponse, error) {
	in := submission(req.GetStatement(), req.GetContent(), req.GetSeal())
	in.WatchSecret = [32]byte(req.GetWatchSecret())
	c := callerOf(ctx)
	a, err := d.office.SubmitDraft(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return &sigillv1.SubmitDraftResponse{Receipt: a.Receipt, Seal: sealProof(c, a)}, nil
}

func (d drafting) ReviseDraft(ctx context.Context, req *sigillv1.ReviseDraftRequest) (*sigillv1.ReviseDraftResponse, error) {
	c := callerOf(ctx)
	a, err := d.office.ReviseDraft(ctx, c, submission(req.GetStatement(), req.GetContent(), req.GetSeal()))
	if err != nil {
		return nil, err
	}
	return &sigillv1.ReviseDraftResponse{Receipt: a.Receipt, Seal: sealProof(c, a)}, nil
}

func (d drafting) AttachDissent(ctx context.Context, req *sigillv1.AttachDissentRequest) (*sigillv1.AttachDissentResponse, error) {
	receipt, err := d.office.AttachDissent(ctx, callerOf(ctx), req.GetStatement())
	if err != nil {
		return nil, err
	}
	return &sigillv1.AttachDissentResponse{Receipt: receipt}, nil
}

func (d drafting) WithdrawDraft(ctx context.Context, req *sigillv1.WithdrawDraftRequest) (*sigillv1.WithdrawDraftResponse, error) {
	receipt, err := d.office.WithdrawDraft(ctx, callerOf(ctx), req.GetStatement())
	if err != nil {
		return nil, err
	}
	return &sigillv1.WithdrawDraftResponse{Receipt: receipt}, nil
}

func (d drafting) GetDraft(ctx context.Context, req *sigillv1.GetDraftRequest) (*sigillv1.GetDraftResponse, error) {
	v, err := d.office.GetDraft(ctx, callerOf(ctx), ident.ID(req.GetDecisionId()))
	if err != nil {
		return nil, err
	}
	return filled(&sigillv1.GetDraftResponse{State: sigillv1.DecisionState(v.State), Statement: v.Statement, Content: v.Content,
		Returns: v.Returns, Dissents: v.Dissents, Bundle: v.Bundle}), nil
}

func (d drafting) ListSealOpenings(ctx context.Context, req *sigillv1.ListSealOpeningsRequest) (*sigillv1.ListSealOpeningsResponse, error) {
	list, err := d.office.ListSealOpenings(ctx, callerOf(ctx), ident.ID(req.GetDecisionId()))
	if err != nil {
		return nil, err
	}
	out := &sigillv1.ListSealOpeningsResponse{}
	for _, o := range list {
		out.Openings = append(out.Openings, &sigillv1.SealOpening{Request: o.Request, Requester: o.Requester,
			Release: o.Release, Logged: logged(&o.Logged)})
	}
	return filled(out), nil
}
