package proof

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"

	"filippo.io/mldsa"
	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

const (
	algCosignature = 4 // C2SP signed-note: Ed25519 cosignature/v1
	algMLDSA44     = 6
)

// witnessName keeps witnesses apart from logs, which are named by a number, and
// from the words of a policy: it has a dot.
var witnessName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+(/[a-z0-9][a-z0-9._-]*)*$`)

// maxWitnessName fits the byte that an ML-DSA-44 cosignature has for its length.
const maxWitnessName = 100

// A Cosigner signs checkpoints as a witness (C2SP tlog-cosignature), with an
// Ed25519 and an ML-DSA-44 key of one name: a policy takes the one, the other
// or both. It is safe for concurrent use if the Ed25519 signer is, and remembers
// nothing: that there is one history is for who calls it.
type Cosigner struct {
	name   string
	public []byte // of the Ed25519 key, with its type
	signer crypto.Signer
	mldsa  *cosignature.SubtreeSigner
	vkeys  []string
}

// NewCosigner names the keys of a witness: a domain name, and a path under it if
// that is wanted, in lower case. Seed is that of the ML-DSA-44 key.
func NewCosigner(name string, signer crypto.Signer, seed [32]byte) (*Cosigner, error) {
	if len(name) > maxWitnessName || !witnessName.MatchString(name) {
		return nil, ErrWitnessName
	}
	public, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, ErrWitnessKey
	}
	pq, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed[:])
	if err != nil {
		return nil, ErrWitnessKey
	}
	// The library takes keys as text, and does not read the id in it.
	text := "PRIVATE+KEY+" + name + "+00000000+" + base64.StdEncoding.EncodeToString(append([]byte{algMLDSA44}, seed[:]...))
	m, err := cosignature.NewMLDSASigner(text)
	if err != nil {
		return nil, ErrWitnessKey
	}
	c := &Cosigner{name: name, public: append([]byte{algCosignature}, public...), signer: signer, mldsa: m}
	vkey := func(id uint32, public []byte) string {
		return fmt.Sprintf("%s+%08x+%s", name, id, base64.StdEncoding.EncodeToString(public))
	}
	c.vkeys = []string{vkey(c.id(), c.public), vkey(m.KeyHash(), append([]byte{algMLDSA44}, pq.PublicKey().Bytes()...))}
	return c, nil
}

func (c *Cosigner) id() uint32 { return keyID(c.name, c.public[0], c.public[1:]) }

// VKeys are the public keys, as a policy lists them: Ed25519, then ML-DSA-44.
func (c *Cosigner) VKeys() []string { return slices.Clone(c.vkeys) }

// Cosign says that at a time, in seconds and after 1970, the checkpoint was the
// log's newest that its witness had seen, and continued all that it had seen
// before. It returns a signature line for each key, in the order of [Cosigner.VKeys].
func (c *Cosigner) Cosign(cp Checkpoint, at int64) ([]string, error) {
	if err := cp.valid(); err != nil {
		return nil, err
	}
	if at <= 0 {
		return nil, fmt.Errorf("%w: time of a cosignature", ErrCheckpoint)
	}
	sig, err := c.signer.Sign(rand.Reader, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, cp.text()), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing with the witness key: %w", err)
	}
	ed := append(binary.BigEndian.AppendUint64(nil, uint64(at)), sig...)
	pq, err := c.mldsa.SignSubtree(uint64(at), string(cp.Origin), 0, cp.Size, cp.Root[:])
	if err != nil {
		return nil, fmt.Errorf("signing with the witness key: %w", err)
	}
	line := func(id uint32, sig []byte) string {
		return "— " + c.name + " " + base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, id), sig...)) + "\n"
	}
	return []string{line(c.id(), ed), line(c.mldsa.KeyHash(), pq)}, nil
}

// OpenCosigned checks that the witness with a vkey cosigned the checkpoint, and
// says when, in seconds. The log's own signature is left aside: this is for who
// relies on that witness alone, as a witness does on itself.
func OpenCosigned(msg []byte, vkey string) (cp Checkpoint, at int64, err error) {
	v, _, err := witnessKey(vkey)
	if err != nil {
		return Checkpoint{}, 0, ErrWitnessKey
	}
	if len(msg) > MaxNote {
		return Checkpoint{}, 0, fmt.Errorf("%w: over %d bytes", ErrCheckpoint, MaxNote)
	}
	known := verifiers{{v.Name(), v.KeyHash()}: v}
	n, err := note.Open(msg, known)
	if err != nil {
		return Checkpoint{}, 0, fmt.Errorf("%w: signatures", ErrCheckpoint)
	}
	if cp, err = parseCheckpoint(n.Text); err == nil {
		err = oneForm(msg, known)
	}
	if err != nil {
		return Checkpoint{}, 0, err
	}
	t, err := cosignature.CoSigV1Timestamp(n.Sigs[0])
	if err != nil || t.Unix() <= 0 {
		return Checkpoint{}, 0, fmt.Errorf("%w: time of a cosignature", ErrCheckpoint)
	}
	return cp, t.Unix(), nil
}

// Trim is a checkpoint with the signature lines by the policy's keys alone, after
// the same checks as [OpenCheckpoint]: what strangers have added is left out.
func (p Policy) Trim(msg []byte) ([]byte, error) {
	var known verifiers
	err := p.try(func(p Policy) (cp Checkpoint, err error) {
		known = p.known
		cp, _, err = openNote(msg, known, always)
		return cp, err
	})
	if err != nil {
		return nil, err
	}
	n, err := note.Open(msg, known)
	if err != nil {
		return nil, fmt.Errorf("%w: signatures", ErrCheckpoint)
	}
	n.UnverifiedSigs = nil
	return note.Sign(n)
}
