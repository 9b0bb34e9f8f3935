// Package witness watches logs for their owners' sake and everybody else's: a C2SP
// tlog-witness that another municipality, IVO or a union runs beside an
// authority that it does not answer to. It cosigns a log's checkpoint when that
// continues everything it has cosigned before, and never two histories of one log.
// It sees sizes, roots and signatures, and so nothing of any matter.
//
// [Create] makes a directory with two keys and an empty memory, [Open] takes it up,
// and a [Witness] is an [http.Handler]; [Serve] puts it on a listener. [Read] says
// what one has cosigned and found, without its passphrase. The logs that it
// knows are named by their vkeys, in witness.yaml or by the caller.
//
// What it remembers is one file, the last checkpoint of each log with its own
// cosignature, replaced whole and on disk before any cosignature leaves: after a
// crash it may remember more than it has said, never less. A second file in which only a
// counter moves tells when an older copy of the first has been put back; while
// it is held locked, no second witness uses the directory. Requests are taken
// one at a time. A checkpoint that shows, or may show, a second history is
// kept with the one it contradicts.
//
// Bytes and answers are in proto/SPEC.md, "Witness"; TestAnswers, TestL01_fork,
// TestL01_clients, TestL01_eachCall and TestByteFlip prove them, and TestTessera
// that a stranger's client takes them.
package witness

import "errors"

// Why a witness does not start, or refuses with 500. None repeats what was read.
var (
	// ErrExists: there is something in the place of a new witness.
	ErrExists = errors.New("there is something in that place already")
	// ErrPlace: others could read or change what lies in the directory.
	ErrPlace = errors.New("the witness's directory must be your own with mode 0700, its files plain ones with mode 0600")
	// ErrConfig: witness.yaml cannot be followed.
	ErrConfig = errors.New("witness.yaml is not in order")
	// ErrKeys: the key files hold other keys than witness.yaml names.
	ErrKeys = errors.New("the key files do not hold the keys that witness.yaml names")
	// ErrLogs: no log to watch, or more than 32 keys of one.
	ErrLogs = errors.New("no log to watch, or too many keys of one")
	// ErrLocked: another process uses the directory.
	ErrLocked = errors.New("another witness uses the directory")
	// ErrState: what it remembers is missing or damaged.
	ErrState = errors.New("what the witness remembers is missing or damaged")
	// ErrOlder: what it remembers is older than what it has cosigned.
	ErrOlder = errors.New("what the witness remembers is older than what it has cosigned")
	// ErrFound: the file of what it found is damaged.
	ErrFound = errors.New("the file of what the witness found is damaged")
	// ErrClock: this machine's clock is before the last cosignature's time.
	ErrClock = errors.New("the clock has gone back before the last cosignature")
	// ErrWrite: what it must remember could not be written.
	ErrWrite = errors.New("what the witness must remember could not be written")
)
