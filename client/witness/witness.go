package witness

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
)

// A Witness is one that has been taken up. It is safe for concurrent use.
type Witness struct {
	dir      string
	config   Config
	cosigner *proof.Cosigner
	logs     map[string]proof.Policy
	counter  counter
	notify   func(Notice)

	mu     sync.Mutex // of all below, and of the files
	state  state
	found  []Finding
	forgot bool // what it has cosigned
}

// A Notice is what whoever runs the witness should hear of: one of a finding that
// was kept now, and an error.
type Notice struct {
	Found *Finding
	Err   error // ErrClock, ErrWrite or ErrOlder
}

// Open takes a witness up: it reads and locks the directory and then asks for the
// passphrase. Logs are vkeys beside those of witness.yaml. Notify is called
// under the witness's lock, and must not call it.
func Open(dir string, logs []string, passphrase func() (string, error), notify func(Notice)) (*Witness, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	w := &Witness{dir: dir, config: c, notify: notify}
	if w.logs, err = policies(append(append([]string(nil), c.Logs...), logs...)); err != nil {
		return nil, err
	}
	if w.counter, err = lock(dir); err != nil {
		return nil, err
	}
	if err := w.load(passphrase); err != nil {
		return nil, errors.Join(err, w.counter.Close())
	}
	return w, nil
}

func (w *Witness) load(passphrase func() (string, error)) (err error) {
	if w.state, err = readState(w.dir, w.config.VKeys[0]); err != nil {
		return err
	}
	said, err := w.counter.read()
	if err != nil {
		return err
	}
	if w.state.changes < said {
		return ErrOlder
	}
	if w.found, err = readFound(w.dir); err != nil {
		return err
	}
	pass, err := passphrase()
	if err != nil {
		return err
	}
	w.cosigner, err = loadCosigner(w.dir, w.config, pass)
	return err
}

// Close lets go of the directory. No request is answered after it.
func (w *Witness) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.counter.Sync(), w.counter.Close())
}

// An answer is one of C2SP tlog-witness, "add-checkpoint".
type answer struct {
	status int
	typ    string
	body   string
}

const (
	typText = "text/plain; charset=utf-8"
	typSize = "text/x.tlog.size"
)

func refusal(status int, why string) answer { return answer{status, typText, why + "\n"} }

// answers has what is answered in so many words. None repeats what was asked.
var (
	malformed   = refusal(400, "not an add-checkpoint request")
	unreadable  = refusal(400, "not a checkpoint in the form that this log writes")
	oldTooLarge = refusal(400, "the old size is larger than the checkpoint's")
	unsigned    = refusal(403, "not signed by a key of this log that is known here")
	unknown     = refusal(404, "this log is not known here")
	otherStory  = refusal(422, "the checkpoint is not shown to continue what was cosigned here before")
	broken      = refusal(500, "nothing can be cosigned now")
)

// add is the whole protocol.
func (w *Witness) add(body []byte) answer {
	s, err := proof.ParseSubmission(body)
	if err != nil {
		return malformed
	}
	policy, ok := w.logs[string(s.Origin())]
	if !ok {
		return unknown
	}
	cp, err := proof.OpenCheckpoint(s.Checkpoint, policy)
	switch {
	case errors.Is(err, proof.ErrUnsigned):
		return unsigned
	case errors.Is(err, proof.ErrInconsistent): // an empty log that has a root
		return otherStory
	case err != nil:
		return unreadable
	case s.Old > cp.Size:
		return oldTooLarge
	}
	note, err := policy.Trim(s.Checkpoint)
	if err != nil {
		return unreadable
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.state.of(cp.Origin)
	if cp.Size == last.Size && cp.Root != last.Root {
		w.keep(last, cp, note) // whatever the client says about what came before
	}
	if w.remind(last, cp, s.Checkpoint); w.forgot {
		return broken
	}
	if s.Old != last.Size {
		return answer{409, typSize, fmt.Sprintf("%d\n", last.Size)}
	}
	if err := proof.CheckConsistency(last.Checkpoint, cp, s.Hashes); err != nil {
		if cp.Size > last.Size && last.Size > 0 {
			w.keep(last, cp, note)
		}
		return otherStory
	}
	return w.cosign(cp, note)
}

// remind looks for a cosignature of our own that we do not remember: then the whole
// directory has been put back to an older copy, and whatever is cosigned from here on
// may be a second history. The counter says so to whoever starts it again.
func (w *Witness) remind(last cosigned, cp proof.Checkpoint, note []byte) {
	for _, vkey := range w.config.VKeys {
		if _, _, err := proof.OpenCosigned(note, vkey); err != nil || w.forgot || cp.Size < last.Size || cp == last.Checkpoint {
			continue
		}
		w.forgot = true
		w.notify(Notice{Err: errors.Join(ErrOlder, w.counter.set(w.state.changes+1))})
	}
}

// cosign remembers the checkpoint on disk and then in memory, and only then gives
// the cosignatures out.
func (w *Witness) cosign(cp proof.Checkpoint, note []byte) answer {
	now := time.Now().Unix()
	if now < w.state.latest() {
		w.notify(Notice{Err: ErrClock})
		return broken
	}
	lines, err := w.cosigner.Cosign(cp, now)
	if err != nil {
		w.notify(Notice{Err: err})
		return broken
	}
	out := answer{200, typText, strings.Join(lines, "")}
	note = append(note, lines[0]...)
	if string(w.state.of(cp.Origin).note) == string(note) { // asked again within the second
		return out
	}
	next := w.state.with(cosigned{cp, now, note})
	if err := w.write(next); err != nil {
		w.notify(Notice{Err: fmt.Errorf("%w: %w", ErrWrite, keyfile.Pathless(err))})
		return broken
	}
	w.state = next
	return out
}

func (w *Witness) write(s state) error {
	b, err := s.encode()
	if err != nil {
		return err
	}
	if err := replace(w.dir, stateFile, b); err != nil {
		return err
	}
	return w.counter.set(s.changes)
}

// keep remembers a checkpoint that contradicts, or may contradict, the last.
func (w *Witness) keep(last cosigned, cp proof.Checkpoint, note []byte) {
	f := Finding{Day: dayOf(time.Now().Unix()), Fork: cp.Size == last.Size, Last: last.note, Offered: note, Origin: cp.Origin, Root: cp.Root, Size: cp.Size}
	list, fresh := add(w.found, f)
	if !fresh {
		return
	}
	if err := writeFound(w.dir, list); err != nil {
		w.notify(Notice{Err: fmt.Errorf("%w: %w", ErrWrite, keyfile.Pathless(err))})
	} else {
		w.found = list
	}
	w.notify(Notice{Found: &f})
}

func dayOf(at int64) ident.Date { return ident.DateOf(time.Unix(at, 0)) }
