package server

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/audit"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/translog"
	"sigill/server/workflow"
)

// Files in the data directory.
const (
	storeFile      = "store.db"
	checkpointFile = "checkpoint"
)

// ErrKeys says which key or certificate does not belong to this authority.
var ErrKeys = errors.New("keys and trust file do not belong together")

// layout is every room of the house.
func layout() store.Layout {
	out := audit.Layout()
	out[gate.Room], out[ledger.RoomHead] = store.Random, store.Random
	out[translog.Entries], out[translog.Tiles], out[translog.Days] = store.Ordered, store.Random, store.Ordered
	for room, ordered := range workflow.Rooms() {
		out[room] = store.Random
		if ordered {
			out[room] = store.Ordered
		}
	}
	return out
}

// cipher is the gate as package workflow needs it.
type cipher struct{ *gate.Store }

func (cipher) SealMatter(key [32]byte, place string, plain []byte) []byte {
	return gate.MatterKey(key).Seal(place, plain)
}

func (cipher) OpenMatter(key [32]byte, place string, sealed []byte) ([]byte, error) {
	return gate.MatterKey(key).Open(place, sealed)
}

// Init makes a new store in the configured directory, which it makes too, with
// mode 0700. An existing store is refused and left as it is, but for one that was
// begun and holds nothing yet, which is completed.
func Init(ctx context.Context, c Config) error {
	_, k, err := c.load()
	if err != nil {
		return err
	}
	if err := makeData(c.Data); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	open := bolt.Create
	for _, f := range []string{checkpointFile, storeFile} {
		path := filepath.Join(c.Data, f)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if f != storeFile || !unbegun(ctx, path) {
			return fmt.Errorf("making the store: %s: %w", f, fs.ErrExist)
		}
		open = bolt.Open
	}
	engine, err := open(bolt.Config{Path: filepath.Join(c.Data, storeFile), Layout: layout()})
	if err != nil {
		return err
	}
	s, err := gate.Create(ctx, engine, k.gate)
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	return s.Close()
}

// unbegun reports whether a file is a store that holds nothing, not even its key:
// what an Init leaves that was ended between the two. It changes nothing.
func unbegun(ctx context.Context, path string) bool {
	engine, err := bolt.OpenReadOnly(bolt.Config{Path: path, Layout: layout()})
	if err != nil {
		return false
	}
	defer engine.Close()
	snapshot, err := engine.Snapshot(ctx)
	if err != nil {
		return false
	}
	defer snapshot.Close()
	for room := range layout() {
		for range snapshot.Scan(room, nil, nil) { // a row, or damage
			return false
		}
	}
	return true
}

// makeData makes the directory where there is none, and flushes its name: else a
// power cut could take it away later, with all that it holds.
func makeData(dir string) error {
	_, before := os.Stat(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil || before == nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func openEngine(dir string) (store.Store, error) { return openWith(bolt.Open, dir) }

func openWith(open func(bolt.Config) (*bolt.Store, error), dir string) (store.Store, error) {
	engine, err := open(bolt.Config{Path: filepath.Join(dir, storeFile), Layout: layout()})
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: make it with sigilld init", err)
	}
	if err != nil {
		return nil, err
	}
	return engine, nil
}

// readTrust reads a trust file, or a succession and the trust file in it: whose word
// that is, the store knows.
func readTrust(path string) (*bundle.Trust, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	signed, err := order.ParseSigned(b)
	if err != nil {
		return bundle.ParseTrust(b)
	}
	var s order.Succession
	if err := jws.Peek(signed.Signatures[0], &s); err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	return bundle.ParseTrust(s.Trust)
}

// readSuccession is by which signatures that trust file took another's place, if it did.
func readSuccession(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	signed, err := order.ParseSigned(b)
	if err != nil {
		return nil, nil // a trust file
	}
	return signed.Signatures, nil
}

// trusted holds each provider against the trust file: a login that is accepted
// here and not by a court would seal evidence that nobody can ever open.
func trusted(providers []Provider, by []bundle.Provider) error {
	for _, p := range providers {
		i := slices.IndexFunc(by, func(t bundle.Provider) bool { return t.Issuer == p.Issuer })
		if i < 0 {
			return fmt.Errorf("%w: provider %s: the trust file does not list its issuer", ErrKeys, p.Label)
		}
		for _, m := range []struct {
			key  string
			same bool
		}{
			{"audience", by[i].Audience == p.Audience},
			{"claims.name", slices.Equal(by[i].Name, p.Claims.Name)},
			{"claims.user_id", slices.Equal(by[i].UserID, p.Claims.UserID)},
			{"claims.hsa_id", slices.Equal(by[i].HSAID, p.Claims.HSAID)},
		} {
			if !m.same {
				return fmt.Errorf("%w: provider %s: its %s is not the trust file's", ErrKeys, p.Label, m.key)
			}
		}
	}
	return nil
}

// keys are the server's own, loaded and held against the trust file.
type keys struct {
	institution workflow.Institution
	statements  *jws.Signer      // the log key on receipts and releases
	log         *proof.LogSigner // the log key on checkpoints
	before      []proof.LogKey   // that signed them before it, by the trust file
	succession  []string         // by which the trust file took another's place
	gate        gate.Key
}

// load reads the trust file, and the keys that it goes with.
func (c Config) load() (*bundle.Trust, *keys, error) {
	trust, err := readTrust(c.Trust)
	if err != nil {
		return nil, nil, err
	}
	k, err := loadKeys(c, trust)
	return trust, k, err
}

func loadKeys(c Config, trust *bundle.Trust) (*keys, error) {
	pass, err := c.Keys.passphrase()
	if err != nil {
		return nil, err
	}
	load := func(path string, use keyfile.Use) (keyfile.Key, error) {
		k, err := keyfile.Load(path, pass)
		switch {
		case err != nil:
			return k, fmt.Errorf("%s key: %w", use, err)
		case k.Use() != use || k.Authority() != trust.Authority:
			return k, fmt.Errorf("%w: the %s key is another's", ErrKeys, use)
		}
		return k, nil
	}
	k := &keys{}
	inst, err := load(c.Keys.Institution, keyfile.Institution)
	if err != nil {
		return nil, err
	}
	if err := k.certify(inst, c.Certificates, trust); err != nil {
		return nil, err
	}
	logKey, err := load(c.Keys.Log, keyfile.Log)
	if err != nil {
		return nil, err
	}
	if k.statements, err = logKey.Signer(); err != nil {
		return nil, err
	}
	signer, err := logKey.Crypto()
	if err != nil {
		return nil, err
	}
	if k.log, err = proof.NewLogSigner(trust.Authority, signer); err != nil {
		return nil, err
	}
	if k.succession, err = readSuccession(c.Trust); err != nil {
		return nil, err
	}
	if k.before, err = before(trust, k.log.LogKey); err != nil {
		return nil, err
	}
	gateKey, err := load(c.Keys.Gate, keyfile.Gate)
	if err != nil {
		return nil, err
	}
	seed, err := gateKey.Seed()
	k.gate = gate.Key(seed)
	return k, err
}

// before are the log keys that a trust file has in front of one which it lists. One
// that it lists among those of earlier files alone signs nothing more.
func before(trust *bundle.Trust, key proof.LogKey) ([]proof.LogKey, error) {
	is := func(k proof.LogKey) bool { return k.String() == key.String() }
	if !slices.ContainsFunc(trust.Policy.Now().LogKeys(), is) {
		return nil, fmt.Errorf("%w: the trust file does not list the log key", ErrKeys)
	}
	all := trust.Policy.LogKeys()
	return all[:slices.IndexFunc(all, is)], nil
}

// certify joins the institutional key with its certificate, which the trust file
// must list: else nothing that it signs could be verified.
func (k *keys) certify(key keyfile.Key, path string, trust *bundle.Trust) error {
	chain, err := readChain(path)
	if err != nil {
		return err
	}
	if k.institution.Signer, err = key.Signer(); err != nil {
		return err
	}
	pub, err := jws.NewPublicKey(chain[0].PublicKey)
	if err != nil || !pub.Equal(k.institution.Signer.Public()) {
		return fmt.Errorf("%w: the certificate is not the institutional key's", ErrKeys)
	}
	for _, c := range trust.File.Certificates {
		if ident.Sum(c.Certificate) == ident.Sum(chain[0].Raw) {
			k.institution.Chain = chain
			return nil
		}
	}
	return fmt.Errorf("%w: the trust file does not list the certificate", ErrKeys)
}

func readChain(path string) (chain []*x509.Certificate, err error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("certificate chain: %w", err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%w: the certificate chain holds something else", ErrConfig)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate chain: %w", err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 || strings.TrimSpace(string(rest)) != "" {
		return nil, fmt.Errorf("%w: certificate_chain is no list of PEM certificates", ErrConfig)
	}
	return chain, nil
}

func (k Keys) passphrase() (string, error) {
	if k.PassphraseEnv != "" {
		if p := os.Getenv(k.PassphraseEnv); p != "" {
			return p, nil
		}
		return "", fmt.Errorf("%w: the variable of keys.passphrase_env is empty", ErrConfig)
	}
	if err := private(k.PassphraseFile); err != nil {
		return "", fmt.Errorf("passphrase file: %w", err)
	}
	b, err := os.ReadFile(k.PassphraseFile)
	if err != nil {
		return "", fmt.Errorf("passphrase file: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// private refuses a secret that is not a plain file of mode 0600 or stricter.
func private(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return keyfile.ErrUnsafe
	}
	return nil
}
