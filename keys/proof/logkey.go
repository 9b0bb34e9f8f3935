package proof

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

const algEd25519 = 1 // C2SP signed-note, "Signature types"

// A LogKey is the public key that an authority's log signs checkpoints with: an
// Ed25519 key named by the organisation number, which is also the origin line.
type LogKey struct {
	authority ident.Authority
	public    ed25519.PublicKey
}

// NewLogKey names a public key. Points that are not canonical or of small order
// are refused: under those, a signature would prove nothing.
func NewLogKey(authority ident.Authority, public ed25519.PublicKey) (LogKey, error) {
	a, err := ident.ParseAuthority(string(authority))
	if err != nil {
		return LogKey{}, fmt.Errorf("%w: %w", ErrLogKey, err)
	}
	if _, err := jws.NewPublicKey(public); err != nil {
		return LogKey{}, fmt.Errorf("%w: %w", ErrLogKey, err)
	}
	return LogKey{authority: a, public: public}, nil
}

// ParseLogKey reads a C2SP vkey, in its one form:
// NNNNNN-NNNN+<key id, 8 lower-case hex digits>+<base64 of 0x01 ‖ public key>.
func ParseLogKey(vkey string) (LogKey, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	_, key64, _ := strings.Cut(rest, "+")
	b, err := base64.StdEncoding.DecodeString(key64)
	if err != nil || len(b) != 1+ed25519.PublicKeySize || b[0] != algEd25519 {
		return LogKey{}, ErrLogKey
	}
	k, err := NewLogKey(ident.Authority(name), b[1:])
	if err != nil {
		return LogKey{}, err
	}
	if k.String() != vkey {
		return LogKey{}, ErrLogKey
	}
	return k, nil
}

// Authority is the organisation number that names the key and the log.
func (k LogKey) Authority() ident.Authority { return k.authority }

// Public is the bare key, as receipts and releases are verified with it.
func (k LogKey) Public() ed25519.PublicKey { return k.public }

// String is the vkey.
func (k LogKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.Name(), k.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, k.public...)))
}

// Name implements [note.Verifier].
func (k LogKey) Name() string { return string(k.authority) }

// KeyHash implements [note.Verifier]: the C2SP key id, the first four bytes of
// SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key).
func (k LogKey) KeyHash() uint32 { return keyID(k.Name(), algEd25519, k.public) }

func keyID(name string, alg byte, public []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{'\n', alg})
	h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// Verify implements [note.Verifier].
func (k LogKey) Verify(msg, sig []byte) bool {
	return len(k.public) == ed25519.PublicKeySize && ed25519.Verify(k.public, msg, sig)
}

// A LogSigner signs checkpoints with a log key that may lie in a token. It is
// safe for concurrent use if the signer is.
type LogSigner struct {
	LogKey
	signer crypto.Signer
}

// NewLogSigner takes an Ed25519 key, as a file or a token holds it.
func NewLogSigner(authority ident.Authority, signer crypto.Signer) (*LogSigner, error) {
	public, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, ErrLogKey
	}
	k, err := NewLogKey(authority, public)
	if err != nil {
		return nil, err
	}
	return &LogSigner{LogKey: k, signer: signer}, nil
}

// Sign implements [note.Signer].
func (s *LogSigner) Sign(msg []byte) ([]byte, error) {
	sig, err := s.signer.Sign(rand.Reader, msg, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing with the log key: %w", err)
	}
	if len(sig) != ed25519.SignatureSize {
		return nil, errors.New("signing with the log key: not an Ed25519 signature")
	}
	return sig, nil
}

// Checkpoint signs the root of the tree of size entries as a C2SP checkpoint.
func (s *LogSigner) Checkpoint(size uint64, root ident.Digest) ([]byte, error) {
	cp := Checkpoint{Origin: s.authority, Size: size, Root: root}
	if err := cp.valid(); err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: cp.text()}, s)
}
