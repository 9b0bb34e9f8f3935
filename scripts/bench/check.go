package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"sigill/scripts/authority"
)

// checked is how long sigilld takes to check a stopped store of n decisions, and how long
// bare hashing, decryption and verifying of as much.
func checked(ctx context.Context, a *authority.Authority, binary string, n int, bytes int64) ([]row, error) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, binary, "check", "--config", filepath.Join(a.Dir, authority.ConfigFile))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("checking the store: %w: %s", err, out)
	}
	took := time.Since(began)
	bare, err := bareCheck(n, bytes)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprint(n)
	return []row{{"store", name, "check_per_s", float64(n) / took.Seconds()}, {"store", name, "check_of_bare", bare.Seconds() / took.Seconds()}}, nil
}

var errBare = errors.New("the bare check verifies nothing")

// bareCheck verifies, for each decision, the institution's signature and those of the
// director, the author and the receipt, and hashes and decrypts all bytes once.
func bareCheck(n int, bytes int64) (time.Duration, error) {
	seal, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return 0, err
	}
	digest := sha256.Sum256([]byte("a statement"))
	sealed, err := ecdsa.SignASN1(rand.Reader, seal, digest[:])
	if err != nil {
		return 0, err
	}
	signed := ed25519.Sign(key, digest[:])
	block, err := aes.NewCipher(digest[:])
	if err != nil {
		return 0, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return 0, err
	}
	nonce, piece := make([]byte, gcm.NonceSize()), make([]byte, 4096)
	closed := gcm.Seal(nil, nonce, piece, nil)
	began := time.Now()
	for range n {
		ok := ecdsa.VerifyASN1(&seal.PublicKey, digest[:], sealed)
		for range 3 {
			ok = ok && ed25519.Verify(public, digest[:], signed)
		}
		if !ok {
			return 0, errBare
		}
	}
	for done := int64(0); done < bytes; done += int64(len(piece)) {
		_ = sha256.Sum256(piece)
		if piece, err = gcm.Open(piece[:0], nonce, closed, nil); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
