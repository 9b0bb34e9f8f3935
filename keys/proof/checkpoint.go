package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/transparency-dev/formats/log"
	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
)

const (
	// MaxNote is the most bytes of a checkpoint with its signatures; 32
	// witnesses with ML-DSA-44 fit.
	MaxNote = 128 << 10

	// MaxSize is the largest tree: sizes also stand in JSON, as exact numbers.
	MaxSize = 1<<53 - 1
)

// A Checkpoint is the state of a log that was signed: size and root say exactly
// which entries it had, in which order.
type Checkpoint struct {
	Origin ident.Authority
	Size   uint64       // entries, at most MaxSize
	Root   ident.Digest // RFC 6962 tree hash
}

func (c Checkpoint) valid() error {
	if _, err := ident.ParseAuthority(string(c.Origin)); err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if c.Size > MaxSize {
		return fmt.Errorf("%w: size over 2^53 − 1", ErrCheckpoint)
	}
	if c.Size == 0 && c.Root != sha256.Sum256(nil) {
		return fmt.Errorf("%w: an empty log has another root: %w", ErrCheckpoint, ErrInconsistent)
	}
	return nil
}

func (c Checkpoint) text() string {
	return string(log.Checkpoint{Origin: string(c.Origin), Size: c.Size, Hash: c.Root[:]}.Marshal())
}

// parseCheckpoint reads a note's text: origin, size and root, and nothing else.
// C2SP lets a log add extension lines, and advises against it; ours writes
// none, and an accepted one would be room for what no monitor checks.
func parseCheckpoint(text string) (Checkpoint, error) {
	var l log.Checkpoint
	if _, err := l.Unmarshal([]byte(text)); err != nil {
		return Checkpoint{}, ErrCheckpoint
	}
	root, err := ident.DigestFromBytes(l.Hash)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c := Checkpoint{Origin: ident.Authority(l.Origin), Size: l.Size, Root: root}
	if c.text() != text {
		return Checkpoint{}, fmt.Errorf("%w: not in its one form", ErrCheckpoint)
	}
	return c, c.valid()
}

// OpenCheckpoint checks that a log of the policy signed the checkpoint, and
// leaves witnesses aside: for what is not witnessed yet. To rely on a
// checkpoint, use [Policy.Accept].
func OpenCheckpoint(msg []byte, policy Policy) (cp Checkpoint, err error) {
	err = policy.try(func(p Policy) (_ Checkpoint, err error) {
		cp, _, err = openNote(msg, p.logs, always)
		return cp, err
	})
	if err != nil {
		return Checkpoint{}, err
	}
	return cp, nil
}

// Accept checks that a log of the policy signed the checkpoint and that the
// quorum of its witnesses did too, or fails with [ErrUnwitnessed]. Under a
// policy with quorum none witnessed is false: whoever shows the checkpoint says
// so (obevittnad). A signature line by a known key that does not verify, stands
// there twice or carries time 0 fails the whole checkpoint with
// [ErrCheckpoint]; lines by unknown keys are ignored (C2SP signed-note).
// Whether a cosignature's time lies in the future is for who has a clock.
func (p Policy) Accept(msg []byte) (cp Checkpoint, witnessed bool, err error) {
	return p.AcceptAt(msg, always)
}

// AcceptAt is [Policy.Accept] by the cosignatures alone whose time counts. What a
// log got is signed by it, and when is not: that a state of it was there before a
// time, or was still its newest after one, is known by the clocks of its witnesses.
func (p Policy) AcceptAt(msg []byte, counts func(time.Time) bool) (cp Checkpoint, witnessed bool, err error) {
	err = p.try(func(p Policy) (_ Checkpoint, err error) {
		var signed map[keyName]bool
		cp, signed, err = openNote(msg, p.known, counts)
		if witnessed = p.quorum != nil; err == nil && witnessed && !p.quorum.satisfied(signed) {
			err = ErrUnwitnessed
		}
		return cp, err
	})
	if err != nil {
		return Checkpoint{}, false, err
	}
	return cp, witnessed, nil
}

func always(time.Time) bool { return true }

// A keyName tells keys of a note apart, as signature lines do.
type keyName struct {
	name string
	id   uint32
}

// verifiers are the keys of a policy; it implements [note.Verifiers].
type verifiers map[keyName]note.Verifier

func (v verifiers) Verifier(name string, id uint32) (note.Verifier, error) {
	if k, ok := v[keyName{name, id}]; ok {
		return k, nil
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: id}
}

// openNote parses the checkpoint and returns which of the known keys signed it, at
// a time that counts if it is a witness's; a log that bears its origin's name is
// among them.
func openNote(msg []byte, known verifiers, counts func(time.Time) bool) (Checkpoint, map[keyName]bool, error) {
	if len(msg) > MaxNote {
		return Checkpoint{}, nil, fmt.Errorf("%w: over %d bytes", ErrCheckpoint, MaxNote)
	}
	n, err := note.Open(msg, known)
	if err != nil {
		// The library's error would repeat names from the note.
		none, wrong := (*note.UnverifiedNoteError)(nil), (*note.InvalidSignatureError)(nil)
		if errors.As(err, &none) || errors.As(err, &wrong) {
			return Checkpoint{}, nil, fmt.Errorf("%w: %w", ErrCheckpoint, ErrUnsigned)
		}
		return Checkpoint{}, nil, fmt.Errorf("%w: signatures", ErrCheckpoint)
	}
	cp, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if err := oneForm(msg, known); err != nil {
		return Checkpoint{}, nil, err
	}
	signed, byLog := map[keyName]bool{}, false
	for _, s := range n.Sigs {
		k := keyName{s.Name, s.Hash}
		if logKey, ok := known[k].(LogKey); ok {
			byLog = byLog || logKey.authority == cp.Origin
			signed[k] = true
		} else if t, err := cosignature.CoSigV1Timestamp(s); err != nil || t.Unix() <= 0 {
			return Checkpoint{}, nil, fmt.Errorf("%w: time of a cosignature", ErrCheckpoint)
		} else {
			signed[k] = counts(t)
		}
	}
	if !byLog {
		return Checkpoint{}, nil, fmt.Errorf("%w: %w", ErrCheckpoint, ErrUnsigned)
	}
	return cp, signed, nil
}

// oneForm refuses, for signature lines by known keys, what [note.Open] lets
// through: a second line by the same key, which it skips unverified, and base64
// with stray bits. Otherwise anyone could give a checkpoint a second form.
func oneForm(msg []byte, known verifiers) error {
	seen := map[keyName]bool{}
	lines := string(msg[bytes.LastIndex(msg, []byte("\n\n"))+2:])
	for line := range strings.Lines(lines) {
		k, ok := lineKey(line)
		if _, ours := known[k]; !ours && k != (keyName{}) {
			continue
		}
		if !ok || seen[k] {
			return fmt.Errorf("%w: a signature line not in its one form", ErrCheckpoint)
		}
		seen[k] = true
	}
	return nil
}

// lineKey is the key that a signature line names, and whether the line is in its one
// form. What is no signature line names none.
func lineKey(line string) (k keyName, ok bool) {
	text, ended := strings.CutSuffix(line, "\n")
	text, begun := strings.CutPrefix(text, "— ")
	name, sig64, _ := strings.Cut(text, " ")
	loose, err := base64.StdEncoding.DecodeString(sig64)
	if err != nil || len(loose) < 4 || !ended || !begun || name == "" {
		return keyName{}, false
	}
	return keyName{name, binary.BigEndian.Uint32(loose)}, base64.StdEncoding.EncodeToString(loose) == sig64
}

// CheckConsistency checks by an RFC 6962 consistency proof that everything in
// the older checkpoint's tree stands at the same place in the newer one's. Two
// checkpoints of one size must be equal; before an empty log came anything.
// Every other outcome is [ErrInconsistent].
func CheckConsistency(older, newer Checkpoint, hashes []ident.Digest) error {
	if older.Origin != newer.Origin || older.Size > newer.Size || newer.Size > MaxSize {
		return ErrInconsistent
	}
	if older.Size == 0 {
		if len(hashes) > 0 || older.valid() != nil || newer.valid() != nil {
			return ErrInconsistent
		}
		return nil
	}
	err := tlog.CheckTree(treeHashes(hashes), int64(newer.Size), tlog.Hash(newer.Root), int64(older.Size), tlog.Hash(older.Root))
	if err != nil {
		return ErrInconsistent
	}
	return nil
}

func treeHashes(hashes []ident.Digest) []tlog.Hash {
	out := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = tlog.Hash(h)
	}
	return out
}
