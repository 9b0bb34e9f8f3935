package vectors

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// A Cosigner is a witness's key, written from C2SP tlog-cosignature alone: what it signs
// has whatever time it is told. It implements note.Signer.
type Cosigner struct {
	Label string
	Key   ed25519.PrivateKey
	Time  uint64 // seconds since 1970
}

// Public is the key with its type, as a vkey holds it.
func (c Cosigner) Public() []byte {
	return append([]byte{4}, c.Key.Public().(ed25519.PublicKey)...)
}

// Name implements note.Signer.
func (c Cosigner) Name() string { return c.Label }

// KeyHash implements note.Signer.
func (c Cosigner) KeyHash() uint32 {
	h := sha256.Sum256(append([]byte(c.Label+"\n"), c.Public()...))
	return binary.BigEndian.Uint32(h[:])
}

// Sign implements note.Signer.
func (c Cosigner) Sign(msg []byte) ([]byte, error) {
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", c.Time, msg)
	return append(binary.BigEndian.AppendUint64(nil, c.Time), ed25519.Sign(c.Key, []byte(signed))...), nil
}

// VKey is the verifier key.
func (c Cosigner) VKey() string {
	return fmt.Sprintf("%s+%08x+%s", c.Label, c.KeyHash(), base64.StdEncoding.EncodeToString(c.Public()))
}
