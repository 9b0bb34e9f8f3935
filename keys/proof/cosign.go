package proof

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// MaxCosignatures is the most bytes of a witness's answer.
const MaxCosignatures = 16 << 10

// Cosign adds to a checkpoint what a witness answered to it: signature lines
// (C2SP tlog-witness), of which those by the keys of the witnesses that were asked
// are taken. It returns the checkpoint with them behind the lines that it had, and
// whose they are, or fails with [ErrCosignature]: for an answer that is no list of
// signature lines, for a line by one of these keys that does not verify, is there
// already, or has a time of 0 or after latest, and for one without any line by them.
func (p Policy) Cosign(msg, answer []byte, asked []Witness, latest time.Time) ([]byte, []Witness, error) {
	keys := verifiers{}
	for _, w := range asked {
		keys[w.key] = p.known[w.key]
	}
	out := bytes.Clone(msg)
	if len(answer) == 0 || len(answer) > MaxCosignatures || answer[len(answer)-1] != '\n' {
		return nil, nil, fmt.Errorf("%w: size, or no newline at the end", ErrCosignature)
	}
	for line := range strings.Lines(string(answer)) {
		k, ok := lineKey(line)
		if !ok {
			return nil, nil, fmt.Errorf("%w: something else than signature lines", ErrCosignature)
		}
		if _, ok := keys[k]; ok {
			out = append(out, line...)
		}
	}
	_, before, err := openNote(msg, p.known, always)
	if err != nil {
		return nil, nil, err
	}
	_, after, err := openNote(out, p.known, always)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: it does not verify", ErrCosignature)
	}
	n, err := note.Open(out, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: none by this witness", ErrCosignature)
	}
	for _, s := range n.Sigs {
		if t, err := cosignature.CoSigV1Timestamp(s); err != nil || t.After(latest) {
			return nil, nil, fmt.Errorf("%w: its time has not come", ErrCosignature)
		}
	}
	by := slices.DeleteFunc(slices.Clone(asked), func(w Witness) bool { return before[w.key] || !after[w.key] })
	if len(by) == 0 {
		return nil, nil, fmt.Errorf("%w: none by this witness", ErrCosignature)
	}
	return out, by, nil
}
