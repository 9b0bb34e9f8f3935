package proof

import (
	"bytes"
	"fmt"

	tlogproof "github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
)

const (
	maxHashes = 64 // over the height of the largest tree, 53

	// MaxProof is the most bytes of a proof's text.
	MaxProof = MaxNote + 4<<10
)

// A Proof is a C2SP tlog-proof (c2sp.org/tlog-proof@v1): where an entry stands
// and what shows that it stands there. Extra data is never present.
type Proof struct {
	Index      uint64         // of the entry, from 0
	Hashes     []ident.Digest // RFC 6962 audit path, from the leaf's sibling upwards
	Checkpoint []byte         // the signed note, as it was published
}

// Marshal is the proof's text, UTF-8.
func (p Proof) Marshal() []byte {
	hashes := make([][32]byte, len(p.Hashes))
	for i, h := range p.Hashes {
		hashes[i] = h
	}
	return tlogproof.TLogProof{Index: p.Index, Hashes: hashes, Checkpoint: p.Checkpoint}.Marshal()
}

// ParseProof reads a proof's text in its one form. It checks no signature and
// no hash: use [CheckInclusion].
func ParseProof(text []byte) (Proof, error) {
	if len(text) > MaxProof {
		return Proof{}, fmt.Errorf("%w: over %d bytes", ErrProof, MaxProof)
	}
	var t tlogproof.TLogProof
	if err := t.Unmarshal(text); err != nil {
		return Proof{}, ErrProof
	}
	if t.Index >= MaxSize || len(t.Hashes) > maxHashes || len(t.Checkpoint) == 0 {
		return Proof{}, ErrProof
	}
	p := Proof{Index: t.Index, Checkpoint: t.Checkpoint}
	for _, h := range t.Hashes {
		p.Hashes = append(p.Hashes, h)
	}
	// The library reads extra data, carriage returns, loose base64 and leading
	// zeros.
	if !bytes.Equal(p.Marshal(), text) {
		return Proof{}, fmt.Errorf("%w: not in its one form", ErrProof)
	}
	return p, nil
}

// CheckInclusion checks that the entry stands in the log of the policy's
// authority: the proof leads from it to the root of a checkpoint that
// [Policy.Accept] takes. It returns the entry's index and that checkpoint, and
// nothing when it fails: with [ErrUnwitnessed] for now, with [ErrProof] or
// [ErrCheckpoint] for good.
func CheckInclusion(proofText []byte, entry Entry, policy Policy) (index uint64, cp Checkpoint, err error) {
	index, cp, _, err = CheckWitnessed(proofText, entry, policy)
	return index, cp, err
}

// CheckWitnessed is [CheckInclusion] that also says, as [Policy.Accept] does, whether
// witnesses vouch for the checkpoint: by an earlier policy perhaps none had to.
func CheckWitnessed(proofText []byte, entry Entry, policy Policy) (index uint64, cp Checkpoint, witnessed bool, err error) {
	if err := entry.Valid(); err != nil {
		return 0, Checkpoint{}, false, err
	}
	p, err := ParseProof(proofText)
	if err != nil {
		return 0, Checkpoint{}, false, err
	}
	cp, witnessed, err = policy.Accept(p.Checkpoint)
	if err != nil {
		return 0, Checkpoint{}, false, err
	}
	err = tlog.CheckRecord(treeHashes(p.Hashes), int64(cp.Size), tlog.Hash(cp.Root), int64(p.Index), tlog.Hash(entry.LeafHash()))
	if err != nil {
		return 0, Checkpoint{}, false, fmt.Errorf("%w: hashes", ErrProof)
	}
	return p.Index, cp, witnessed, nil
}
