// Package monitor follows one authority's log from outside, with what anyone has: the
// authority's trust file, and a place where the log is given out. It remembers the
// last checkpoint that it saw, and has read and counted every entry before it.
//
// [Open] takes up a [Monitor], [Monitor.Look] looks once, [Monitor.Watch] goes on
// looking. What one look says is a [Look]. What it finds is a [Finding]; where a
// stranger can check it, an evidence file is written beside the state
// (keys/evidence), and what else it says is its word alone.
//
// It moves on only along the history that it knows: a checkpoint that does not
// continue it is kept and never followed. Findings that are kept are said at every
// look until whoever runs the monitor takes the state file away; the next look begins
// with the log's first entry, and no longer knows what the log was.
//
// State, output and evidence hold public bytes of the log alone. Memory does not grow
// with the log. proto/SPEC.md, "Monitor", has the rules and the files;
// TestL04_twoHistories, TestHistories, TestNumbers and TestNotices prove them.
package monitor

import "errors"

// Errors of this machine, beside those of client/tiles for a source's address. What is
// wrong with the log is a [Finding].
var (
	// ErrState: the state file is damaged, or of another log than the trust file's.
	ErrState = errors.New("the monitor's state is damaged, or that of another log")
	// ErrLocked: another process follows the log with this state.
	ErrLocked = errors.New("another monitor uses the state")
	// ErrCompare: what was given to compare holds no checkpoint of this log.
	ErrCompare = errors.New("no checkpoint that this log has signed")
)

// What can be found. Those above the line are kept, those under it are said as long as
// they are so.
const (
	Fork      = "fork"      // two signed checkpoints are of two histories; at: entries of the earlier
	Rollback  = "rollback"  // the log has become smaller; at: entries that it had
	Gap       = "gap"       // a decision number is left out; at: index of the one after it
	Duplicate = "duplicate" // a number that was given, or is behind one that was; at: index
	Entry     = "entry"     // something that is no entry; at: index
	Openings  = "openings"  // an opening ended or was told of that nobody asked for; at: index
	Notice    = "notice"    // a notice did not come in time; at: its day, since 1970

	Stall       = "stall"       // no witness has seen the log for too long; at: since when, in seconds
	Damaged     = "damaged"     // what was given out is not what is signed
	Signature   = "signature"   // the checkpoint is not by the log's key
	Succeeded   = "succeeded"   // the log has more trust files than the one that is used; at: how many came after the first
	Ahead       = "ahead"       // what was compared is larger than the log that is given out; at: its entries
	Unreachable = "unreachable" // no answer, or no log there
)
