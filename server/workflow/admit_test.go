package workflow_test

import (
	"strings"
	"testing"

	"sigill/keys/token"
	"sigill/server/workflow"
)

// TestAdmitNamesNoDrafter: a caller whose token lacks the role is not named on a call
// that authors make. No matter has been looked at, and it may be an author whose role
// comes back: account, method and minute would say who worked when.
func TestAdmitNamesNoDrafter(t *testing.T) {
	h := newHouse(t)
	for _, method := range []string{"DraftingService/SubmitDraft", "DraftingService/ReviseDraft", "DraftingService/AttachDissent", "DraftingService/WithdrawDraft",
		"DraftingService/GetDraft", "DraftingService/ListSealOpenings", "VerificationService/GetBundle"} {
		for _, role := range []token.Role{"", token.Requester} {
			c := h.caller("Åsa Öberg", role, method)
			h.refuses(workflow.ErrPermission, workflow.ReasonRole, byDay, func() error { return h.Admit(ctx, c) })
		}
	}
	for _, method := range []string{"SigningService/ListInbox", "ReviewService/ListReviews", "AdministrationService/GetStatus"} {
		c := h.caller("Åsa Öberg", token.Caseworker, method)
		h.refuses(workflow.ErrPermission, workflow.ReasonRole, byName, func() error { return h.Admit(ctx, c) })
	}
}

// TestOneTrailRow: each of an author's acts leaves one row of the trail.
func TestOneTrailRow(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	rows := func() (n int) {
		for key := range h.rows() {
			if strings.HasPrefix(key, "trail-author/") {
				n++
			}
		}
		return n
	}
	must(a.submit())
	if n := rows(); n != 1 {
		t.Fatalf("a submission left %d rows", n)
	}
	must(a.submit())
	if n := rows(); n != 2 {
		t.Fatalf("a revision left %d rows", n-1)
	}
}
