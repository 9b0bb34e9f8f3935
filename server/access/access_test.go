package access_test

import (
	"strings"
	"testing"

	"sigill/keys/token"
	"sigill/server/access"
)

var roles = []token.Role{token.Caseworker, token.Signer, token.Registrar, token.Requester, token.Reviewer,
	token.Administrator, token.Auditor, "", "archivist", "Signer", "signer "}

// want is the contract's table ("RPCs"), written a second time.
var want = map[string]map[token.Role]string{
	"DraftingService": {token.Caseworker: "SubmitDraft ReviseDraft AttachDissent WithdrawDraft GetDraft ListSealOpenings"},
	"SigningService": {token.Signer: "ListInbox WatchInbox GetInboxDraft CosignDecision ReturnDraft AbstainFromDecision DispatchDecision",
		token.Registrar: "DispatchDecision"},
	"OpeningService": {token.Requester: "RequestOpening GetOpening ListOpenings CollectOpening WithdrawOpening"},
	"ReviewService":  {token.Reviewer: "ListReviews GetReview FetchShare ApproveOpening RefuseOpening"},
	"VerificationService": {token.Caseworker: "GetBundle", token.Signer: "GetBundle", token.Registrar: "GetBundle",
		"public": "GetCheckpoint GetTrust GetDelegationOrder GetReviewerSet GetProof"},
	"AdministrationService": {token.Administrator: "PublishReviewerSet PublishDelegationOrder RegisterRequester RevokeRequester ListRequesters GetStatus"},
}

// TestTable: each role may call what the contract gives it, and nothing else.
func TestTable(t *testing.T) {
	may, public := map[string]map[token.Role]bool{}, map[string]bool{}
	for service, by := range want {
		for role, methods := range by {
			for _, m := range strings.Fields(methods) {
				path := "/sigill.v1." + service + "/" + m
				if may[path] == nil {
					may[path] = map[token.Role]bool{}
				}
				may[path][role] = true
				public[path] = role == "public"
			}
		}
	}
	if len(may) != 35 {
		t.Fatal(len(may), "methods")
	}
	for path := range may {
		if access.Authors(path) != may[path][token.Caseworker] {
			t.Error(path, "for authors")
		}
		if !access.Known(path) || access.Public(path) != public[path] {
			t.Error(path, "unknown, or public where it is not")
		}
		for _, r := range roles {
			if access.May(path, r) != may[path][r] {
				t.Error(path, "for", r)
			}
		}
	}
}

// TestUnknown: a method that is not in the table is nobody's, also one that looks
// like one that is.
func TestUnknown(t *testing.T) {
	for _, path := range []string{"", "/", "/sigill.v1.", "DraftingService/SubmitDraft", "/sigill.v1.DraftingService/submitDraft",
		"/sigill.v1.DraftingService/SubmitDraft/", "//sigill.v1.DraftingService/SubmitDraft", "/sigill.v2.DraftingService/SubmitDraft",
		"/sigill.v1.VerificationService/GetTrust ", "/sigill.v1.AuditService/ListEvents", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"} {
		if access.Known(path) || access.Public(path) {
			t.Error("known:", path)
		}
		for _, r := range roles {
			if access.May(path, r) || access.Authors(path) {
				t.Error(path, "for", r)
			}
		}
	}
}
