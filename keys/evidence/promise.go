package evidence

import (
	"fmt"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
)

// NewPromise is the file for a receipt and days that follow on each other, in their
// texts: from the day before the receipt's, or the log's first, to one after the
// day by which its entry was to stand, whose checkpoint was cosigned then.
func NewPromise(receipt string, days ...[]byte) *Evidence {
	e := &Evidence{Kind: Promise, Receipt: receipt, Typ: Typ}
	for _, d := range days {
		e.Days = append(e.Days, bundle.SplitLines(string(d)))
	}
	return e
}

// promise: the log signed that an entry would stand in it by a day, and the entry
// is not among those that it got.
//
// The days' own dates are not signed, so whoever holds a receipt could cut them to
// end before the entry came, or to begin after. What bounds them is the witnesses:
// the quorum saw the log as it was at the beginning before the act was received,
// and as it is at the end when the day was over.
func promise(e *Evidence, t *bundle.Trust) (*Finding, error) {
	rc := &statement.Receipt{}
	key, _, err := jws.ReadBy(e.Receipt, t.LogKey, rc)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if rc.Authority != t.Authority {
		return nil, bundle.ErrAuthority
	}
	days, before, after, err := e.days(t.Policy)
	if err != nil {
		return nil, err
	}
	first, last := days[0], days[len(days)-1]
	if _, err := t.LogKeyAt(key.Thumbprint(), first.First); err != nil { // that key promises nothing any more
		return nil, fmt.Errorf("receipt: %w", err)
	}
	received, over := rc.Received.Start(), rc.Due.AddDays(1).Start()
	begins := first.First == 0 || first.Date.Before(rc.Received)
	if !begins || !rc.Due.Before(last.Date) {
		return nil, fmt.Errorf("%w: the days are not all that the promise is about", ErrNothing)
	}
	for _, d := range days {
		for _, entry := range d.Entries {
			if entry.Digest == rc.Entry {
				return nil, fmt.Errorf("%w: the promised entry is there", ErrNothing)
			}
		}
	}
	witnessed := true
	if first.First > 0 {
		if witnessed, err = seen(first, t.Policy, func(at time.Time) bool { return at.Before(received) }); err != nil {
			return nil, err
		}
	}
	by, err := seen(last, t.Policy, func(at time.Time) bool { return !at.Before(over) })
	if err != nil {
		return nil, err
	}
	return &Finding{From: rc.Received, Until: rc.Due, Before: before, After: after, Witnessed: witnessed && by, Receipt: rc}, nil
}

// seen: the policy's quorum cosigned the day's checkpoint at times that count; or an
// earlier policy asked for no witness, and there is no clock.
func seen(d proof.Day, policy proof.Policy, counts func(time.Time) bool) (witnessed bool, err error) {
	_, witnessed, err = policy.AcceptAt(d.Checkpoint, counts)
	return witnessed, err
}
