package monitor

import (
	"fmt"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/client/witness"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/keys/jws"
	"sigill/keys/proof"
)

// compare holds what others were shown against what is shown here: a log that keeps two
// histories has to show both.
func (l *look) compare(what string) error {
	if other := l.others[what]; other != nil {
		h, err := other.Checkpoint(l.ctx)
		if err != nil {
			return err
		}
		return l.against(h, other)
	}
	b, err := client.ReadFile(what, evidence.MaxSize)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCompare, err)
	}
	found := false
	for _, note := range notes(b) {
		cp, err := proof.OpenCheckpoint(note, l.Trust.Policy)
		if err != nil {
			continue // another log's, in a witness's memory
		}
		found = true
		if err := l.against(tiles.Head{Checkpoint: cp, Note: note}, nil); err != nil {
			return err
		}
	}
	if !found {
		return ErrCompare
	}
	return nil
}

// against holds a checkpoint against the log that is given out. Of the two, the larger
// proves that it continues the smaller, or that it does not: from the source that has it.
func (l *look) against(h tiles.Head, from *tiles.Log) (err error) {
	if h.Note, err = l.Trust.Policy.Trim(h.Note); err != nil {
		return err
	}
	switch {
	case l.view == nil: // which has been said
	case h.Size <= l.view.Size:
		_, err = l.joins(h, l.view)
	case from != nil:
		_, err = l.joins(l.view.Head, from.At(l.ctx, h))
	default:
		l.see(Ahead, h.Size)
	}
	return err
}

// notes are the checkpoints in a file: one as it is, a proof's, a decision's or another
// act's, those that a witness or a monitor remembers, those of evidence.
func notes(b []byte) (out [][]byte) {
	text := b
	if v, err := bundle.Parse(b); err == nil {
		text = []byte(bundle.JoinLines(v.Proof))
	} else if v, err := bundle.ParseAct(b); err == nil {
		text = []byte(bundle.JoinLines(v.Proof))
	}
	if p, err := proof.ParseProof(text); err == nil {
		return [][]byte{p.Checkpoint}
	}
	if e, err := evidence.Parse(b); err == nil {
		for _, lines := range e.Checkpoints {
			out = append(out, []byte(bundle.JoinLines(lines)))
		}
		return out
	}
	var s stateDoc
	if jws.Decode(b, &s) == nil && s.Typ == typState {
		return [][]byte{s.Checkpoint}
	}
	if list := witness.Notes(b); list != nil {
		return list
	}
	return [][]byte{b}
}
