package story

import (
	"context"
	"time"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/ident"
)

// promises: the author holds the receipts against the log in the open. The story does
// not last until its entries are due, so it says by when they are.
func (p *play) promises(ctx context.Context) error {
	l, err := tiles.Open(p.Run.Log, p.Run.Trust.Policy, p.Run.Roots)
	if err != nil {
		return err
	}
	own := []client.Kept{{Matter: "own", Own: p.Own}}
	c, err := client.CheckLog(ctx, l, p.Run.Trust, ident.DateOf(time.Now()), own)
	if err != nil {
		return wrong("the log cannot be checked", err)
	}
	var due ident.Date
	for _, pr := range c.Matters[0].Promises {
		if pr.State != client.PromiseOpen && pr.State != client.PromiseKept {
			return wrong("a promise of today is "+string(pr.State), nil)
		}
		due = max(due, pr.Due)
	}
	if d := client.CheckDecision(p.Verdict, own); len(c.Matters[0].Promises) == 0 || d.Revision != len(p.Own.Revisions) {
		return wrong("the decision is not over the author's last draft", nil)
	}
	p.Say("Den som skrev beslutet håller loggen till dess löften: %d kvitton, vars poster ska stå i loggen senast %s, blandade med andras. Beslutet är utkastet, byte för byte.",
		len(c.Matters[0].Promises), due)
	return nil
}
