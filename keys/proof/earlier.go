package proof

import (
	"errors"
	"slices"
)

// An earlier policy is believed of the log's first size entries alone.
type earlier struct {
	Policy
	size uint64
}

// After is the policy with one that it took the place of: what that accepted of a log
// of at most size entries is still accepted. Whoever has the old policy's keys by then,
// or a quorum of its witnesses, can say nothing of what was logged later. Earlier ones
// are added in the order in which they were in force. [ErrPolicy] if it is another
// authority's.
func (p Policy) After(before Policy, size uint64) (Policy, error) {
	if before.authority != p.authority {
		return Policy{}, ErrPolicy
	}
	p.earlier = append(slices.Clone(p.earlier), earlier{before, size})
	return p, nil
}

// Now is the policy without those before it: for what is new.
func (p Policy) Now() Policy {
	p.earlier = nil
	return p
}

// try judges a checkpoint by the policy and then, newest first, by those before it.
// If none accepts it, the first word counts, unless an earlier one finds it
// unwitnessed, which is more than unsigned.
func (p Policy) try(judge func(Policy) (Checkpoint, error)) error {
	_, err := judge(p)
	for _, e := range slices.Backward(p.earlier) {
		if err == nil {
			return nil
		}
		cp, why := judge(e.Policy)
		switch {
		case cp.Size > e.size:
		case why == nil || errors.Is(why, ErrUnwitnessed) && errors.Is(err, ErrUnsigned):
			err = why
		}
	}
	return err
}
