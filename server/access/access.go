// Package access is who may do what: one row for each call, by role. It is pure
// and knows nothing of matters: whose draft, which signer and which epoch are
// questions for workflow, asked inside the methods that touch the data.
//
// [May] answers for a method by its full gRPC path. TestEveryMethod in
// server/rpc holds the table against the service descriptors.
package access

import (
	"slices"

	"sigill/keys/token"
)

const prefix = "/sigill.v1."

// table lists the roles that may call a method; a public method has none.
var table = map[string][]token.Role{
	"DraftingService/SubmitDraft":      {token.Caseworker},
	"DraftingService/ReviseDraft":      {token.Caseworker},
	"DraftingService/AttachDissent":    {token.Caseworker},
	"DraftingService/WithdrawDraft":    {token.Caseworker},
	"DraftingService/GetDraft":         {token.Caseworker},
	"DraftingService/ListSealOpenings": {token.Caseworker},

	"SigningService/ListInbox":           {token.Signer},
	"SigningService/WatchInbox":          {token.Signer},
	"SigningService/GetInboxDraft":       {token.Signer},
	"SigningService/CosignDecision":      {token.Signer},
	"SigningService/ReturnDraft":         {token.Signer},
	"SigningService/AbstainFromDecision": {token.Signer},
	"SigningService/DispatchDecision":    {token.Signer, token.Registrar},

	"OpeningService/RequestOpening":  {token.Requester},
	"OpeningService/GetOpening":      {token.Requester},
	"OpeningService/ListOpenings":    {token.Requester},
	"OpeningService/CollectOpening":  {token.Requester},
	"OpeningService/WithdrawOpening": {token.Requester},

	"ReviewService/ListReviews":    {token.Reviewer},
	"ReviewService/GetReview":      {token.Reviewer},
	"ReviewService/FetchShare":     {token.Reviewer},
	"ReviewService/ApproveOpening": {token.Reviewer},
	"ReviewService/RefuseOpening":  {token.Reviewer},

	"VerificationService/GetCheckpoint":      nil,
	"VerificationService/GetTrust":           nil,
	"VerificationService/GetDelegationOrder": nil,
	"VerificationService/GetReviewerSet":     nil,
	"VerificationService/GetProof":           nil,
	"VerificationService/GetBundle":          {token.Caseworker, token.Signer, token.Registrar},

	"AdministrationService/PublishReviewerSet":     {token.Administrator},
	"AdministrationService/PublishDelegationOrder": {token.Administrator},
	"AdministrationService/RegisterRequester":      {token.Administrator},
	"AdministrationService/RevokeRequester":        {token.Administrator},
	"AdministrationService/ListRequesters":         {token.Administrator},
	"AdministrationService/GetStatus":              {token.Administrator},
}

// Known reports whether the table has the method.
func Known(method string) bool {
	_, ok := lookup(method)
	return ok
}

// Public reports whether a method takes no token.
func Public(method string) bool {
	roles, ok := lookup(method)
	return ok && roles == nil
}

// May reports whether a role may call a method. Unknown methods are nobody's.
func May(method string, role token.Role) bool {
	roles, ok := lookup(method)
	return ok && slices.Contains(roles, role)
}

// Role reports whether there is a role that may call anything.
func Role(role token.Role) bool {
	for _, roles := range table {
		if slices.Contains(roles, role) {
			return true
		}
	}
	return false
}

// Authors reports whether authors call a method. Nobody who does is to be named or
// timed for it, before they are known not to be the author: this is the one place
// that says which methods these are.
func Authors(method string) bool { return May(method, token.Caseworker) }

// AuthorMethods are the methods that authors call, in order.
func AuthorMethods() []string {
	var out []string
	for name := range table {
		if Authors(prefix + name) {
			out = append(out, prefix+name)
		}
	}
	slices.Sort(out)
	return out
}

func lookup(method string) ([]token.Role, bool) {
	if len(method) <= len(prefix) || method[:len(prefix)] != prefix {
		return nil, false
	}
	roles, ok := table[method[len(prefix):]]
	return roles, ok
}
