package proof

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"sigill/keys/ident"
)

const (
	// MaxSubmittedHashes is how many lines of proof a witness reads (C2SP).
	MaxSubmittedHashes = 63

	// MaxSubmission is the most bytes of a submission.
	MaxSubmission = MaxNote + 4<<10
)

// A Submission is what a witness is asked with (C2SP tlog-witness,
// add-checkpoint): a checkpoint, and the consistency proof from the tree that
// the witness cosigned last, of Old entries.
type Submission struct {
	Old        uint64         // entries, at most MaxSize; 0 for none yet
	Hashes     []ident.Digest // RFC 6962 consistency proof
	Checkpoint []byte         // the signed note
}

// Marshal is the request's body.
func (s Submission) Marshal() []byte {
	b := fmt.Appendf(nil, "old %d\n", s.Old)
	for _, h := range s.Hashes {
		b = append(base64.StdEncoding.AppendEncode(b, h[:]), '\n')
	}
	return append(append(b, '\n'), s.Checkpoint...)
}

// ParseSubmission reads a request's body in its one form. The checkpoint is
// there, and what is in it is for [OpenCheckpoint] to say.
func ParseSubmission(body []byte) (Submission, error) {
	if len(body) > MaxSubmission {
		return Submission{}, fmt.Errorf("%w: over %d bytes", ErrSubmission, MaxSubmission)
	}
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok || len(checkpoint) == 0 || len(checkpoint) > MaxNote {
		return Submission{}, ErrSubmission
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) > 1+MaxSubmittedHashes {
		return Submission{}, fmt.Errorf("%w: over %d hashes", ErrSubmission, MaxSubmittedHashes)
	}
	old, err := strconv.ParseUint(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil || old > MaxSize {
		return Submission{}, ErrSubmission
	}
	s := Submission{Old: old, Checkpoint: checkpoint}
	for _, line := range lines[1:] {
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return Submission{}, ErrSubmission
		}
		h, err := ident.DigestFromBytes(b)
		if err != nil {
			return Submission{}, ErrSubmission
		}
		s.Hashes = append(s.Hashes, h)
	}
	// Leading zeros, no "old", carriage returns and loose base64 were read.
	if !bytes.Equal(s.Marshal(), body) {
		return Submission{}, fmt.Errorf("%w: not in its one form", ErrSubmission)
	}
	return s, nil
}

// Origin is the first line of the submitted checkpoint, before anything of it
// is checked: it says by which log's keys to check it.
func (s Submission) Origin() ident.Authority {
	line, _, _ := bytes.Cut(s.Checkpoint, []byte("\n"))
	return ident.Authority(line)
}
