package evidence

import (
	"bytes"
	"fmt"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

// NewFork is the file for two checkpoints of a log that are not of one history. The
// later has at least as many entries; root is the one that its log had at the earlier
// one's size, and hashes are the consistency proof from there to it.
func NewFork(earlier, later []byte, root ident.Digest, hashes []ident.Digest) *Evidence {
	e := &Evidence{Hashes: append([]ident.Digest{root}, hashes...), Kind: Fork, Typ: Typ}
	e.sign(earlier, later)
	return e
}

// NewRollback is the file for a checkpoint, and one with fewer entries that witnesses
// cosigned later.
func NewRollback(larger, smaller []byte) *Evidence {
	e := &Evidence{Kind: Rollback, Typ: Typ}
	e.sign(larger, smaller)
	return e
}

func (e *Evidence) sign(notes ...[]byte) {
	for _, n := range notes {
		e.Checkpoints = append(e.Checkpoints, bundle.SplitLines(string(n)))
	}
}

// checkpoints opens those of a file, of which there must be so many. A line by a key
// that the policy does not name has no place in a file: anyone could change it.
func (e *Evidence) checkpoints(policy proof.Policy, n int) (notes [][]byte, heads []proof.Checkpoint, err error) {
	if len(e.Checkpoints) != n {
		return nil, nil, ErrEvidence
	}
	for _, lines := range e.Checkpoints {
		msg := []byte(bundle.JoinLines(lines))
		cp, err := proof.OpenCheckpoint(msg, policy)
		if err != nil {
			return nil, nil, err
		}
		own, err := policy.Trim(msg)
		if err != nil {
			return nil, nil, err
		}
		if !bytes.Equal(own, msg) {
			return nil, nil, fmt.Errorf("%w: a line by a stranger's key", ErrEvidence)
		}
		notes, heads = append(notes, msg), append(heads, cp)
	}
	return notes, heads, nil
}

// fork: the log signed two checkpoints, and the tree of the later does not begin with
// that of the earlier. It needs nobody's word, and no clock.
func fork(e *Evidence, t *bundle.Trust) (*Finding, error) {
	_, heads, err := e.checkpoints(t.Policy, 2)
	if err != nil {
		return nil, err
	}
	earlier, later := heads[0], heads[1]
	other := proof.Checkpoint{Origin: earlier.Origin, Size: earlier.Size, Root: e.Hashes[0]}
	if earlier.Size == 0 || other == earlier {
		return nil, fmt.Errorf("%w: the checkpoints are of one history", ErrNothing)
	}
	if err := proof.CheckConsistency(other, later, e.Hashes[1:]); err != nil {
		return nil, fmt.Errorf("%w: the later checkpoint may continue the earlier", ErrNothing)
	}
	return &Finding{Before: earlier, After: later}, nil
}

// rollback: the policy's quorum of witnesses cosigned a checkpoint at some time, and
// after it one of fewer entries as the log's newest.
func rollback(e *Evidence, t *bundle.Trust) (*Finding, error) {
	notes, heads, err := e.checkpoints(t.Policy, 2)
	if err != nil {
		return nil, err
	}
	if heads[0].Size <= heads[1].Size || !t.Policy.Witnessed() {
		return nil, ErrNothing
	}
	larger, err := moments(notes[0], t.Policy)
	if err != nil {
		return nil, err
	}
	for _, at := range larger {
		_, before, err := t.Policy.AcceptAt(notes[0], func(c time.Time) bool { return !c.After(at) })
		if err != nil {
			continue
		}
		// An earlier policy that asked for no witness accepts what is as old as it.
		_, after, err := t.Policy.AcceptAt(notes[1], func(c time.Time) bool { return c.After(at) })
		if err == nil && before && after {
			day := ident.DateOf(at)
			return &Finding{From: day, Until: day, Before: heads[0], After: heads[1], Witnessed: true}, nil
		}
	}
	return nil, fmt.Errorf("%w: no quorum of witnesses cosigned the smaller later", proof.ErrUnwitnessed)
}

// moments are the times of a checkpoint's cosignatures.
func moments(note []byte, policy proof.Policy) (at []time.Time, err error) {
	_, _, err = policy.OnItsWord().AcceptAt(note, func(c time.Time) bool {
		at = append(at, c)
		return true
	})
	return at, err
}
