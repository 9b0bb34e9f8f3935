package ledger

import (
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/check"
	"sigill/server/translog"
)

// A Log is the log as one state of the store has it.
type Log struct {
	Head
	tree translog.Tree
}

// Days are the first and the last that have a row.
type Days = translog.Span

// LogAt reads the log under the checkpoint that stands beside it, which [Log.Check]
// verifies. A store that has none yet has an empty log, with no note.
func LogAt(r Reader) (*Log, error) {
	head := Head{Root: ident.Sum("")}
	note, err := r.Get(RoomHead, headKey)
	if err == nil {
		head, err = ParseHead(note)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	tree, err := translog.Load(r, head.Size, head.Root)
	return &Log{head, tree}, err
}

// Entry is the entry at an index.
func (l *Log) Entry(r Reader, index uint64) (proof.Entry, error) { return l.tree.Entry(r, index) }

// Holds says that a checkpoint is a head that this log has, or had.
func (l *Log) Holds(r Reader, cp proof.Checkpoint) error { return l.tree.Holds(r, cp) }

// Proof is a C2SP tlog-proof at the log's own head.
func (l *Log) Proof(r Reader, index uint64) (string, error) {
	hashes, err := l.tree.ProveInclusion(r, index, l.Size)
	if err != nil {
		return "", fmt.Errorf("proving inclusion: %w", err)
	}
	return string(proof.Proof{Index: index, Hashes: hashes, Checkpoint: l.Note}.Marshal()), nil
}

// Check checks the rooms of the log and of its heads. Each is called with every entry.
// It returns the days that have a row.
func (l *Log) Check(r Reader, w *check.Walk, policy proof.Policy, each func(index uint64, e proof.Entry)) (Days, error) {
	err := w.Rows(r, RoomHead, func(key, value []byte) {
		open := policy.OnItsWord()
		switch string(key) {
		case string(publishedKey):
			open = policy
		case string(headKey):
		default:
			w.Found(RoomHead, "a row of no known kind")
			return
		}
		cp, _, err := open.Accept(value)
		if err == nil {
			err = l.Holds(r, cp)
		}
		if err != nil {
			w.Found(RoomHead, "a checkpoint that the log's key, or its witnesses, have not signed, or that is none of this log")
		}
	})
	if err != nil {
		return Days{}, err
	}
	if err := l.tree.Check(r, w, each); err != nil {
		return Days{}, err
	}
	return l.tree.CheckDays(r, w, policy)
}
