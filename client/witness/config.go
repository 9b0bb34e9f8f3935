package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"

	"sigill/keys/keyfile"
	"sigill/keys/proof"
)

// What lies in a witness's directory.
const (
	configFile = "witness.yaml"
	keyFile    = "witness.age"
	mldsaFile  = "witness-mldsa.age"
	stateFile  = "state.json"
	countFile  = "count"
	foundFile  = "found.json"
	draft      = ".new" // of a file that is being replaced
)

// A Config is what witness.yaml says. Only the logs are for people to change.
type Config struct {
	Name  string   `yaml:"name"`
	VKeys []string `yaml:"vkeys"`
	Logs  []string `yaml:"logs"`
}

const configHead = `# What this witness is called, and its public keys: Ed25519, then ML-DSA-44.
# Under logs, in place of [], stand the keys of the logs that it watches:
#   - 229999-0008+f3c40b3a+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
`

// Lines are what the authority puts into the policy of its trust file: it names
// one of the keys as its witness, or a group of both.
func (c Config) Lines(url string) []string {
	return []string{"witness " + c.Name + " " + c.VKeys[0] + " " + url, "witness " + c.Name + "/ml-dsa " + c.VKeys[1] + " " + url}
}

// Create makes a witness: its directory, with two fresh keys under the
// passphrase, no logs, and nothing remembered. It is there as a whole or not at
// all; something in its place is [ErrExists].
func Create(dir, name, passphrase string, o keyfile.Options) (Config, error) {
	if _, err := os.Lstat(dir); err == nil {
		return Config{}, ErrExists
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Config{}, keyfile.Pathless(err)
	}
	keys := map[string]keyfile.Key{}
	for file, use := range map[string]keyfile.Use{keyFile: keyfile.Witness, mldsaFile: keyfile.WitnessMLDSA} {
		k, err := keyfile.Generate(use, "")
		if err != nil {
			return Config{}, err
		}
		keys[file] = k
	}
	cosigner, err := newCosigner(name, keys[keyFile], keys[mldsaFile])
	if err != nil {
		return Config{}, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".sigill-*") // mode 0700
	if err != nil {
		return Config{}, keyfile.Pathless(err)
	}
	defer os.RemoveAll(temp)
	for file, key := range keys {
		if err := keyfile.Save(filepath.Join(temp, file), passphrase, key, o); err != nil {
			return Config{}, err
		}
	}
	c := Config{Name: name, VKeys: cosigner.VKeys(), Logs: []string{}}
	text, err := yaml.Marshal(c)
	if err != nil {
		return Config{}, err
	}
	state, err := state{}.encode()
	if err != nil {
		return Config{}, err
	}
	for file, data := range map[string][]byte{configFile: append([]byte(configHead), text...), stateFile: state, countFile: count(0)} {
		if err := replace(temp, file, data); err != nil {
			return Config{}, keyfile.Pathless(err)
		}
	}
	if err := os.Rename(temp, dir); err != nil {
		return Config{}, keyfile.Pathless(err)
	}
	return c, keyfile.Pathless(syncDir(filepath.Dir(filepath.Clean(dir))))
}

func newCosigner(name string, key, mldsa keyfile.Key) (*proof.Cosigner, error) {
	if key.Use() != keyfile.Witness || mldsa.Use() != keyfile.WitnessMLDSA {
		return nil, ErrKeys
	}
	signer, err := key.Crypto()
	if err != nil {
		return nil, err
	}
	seed, err := mldsa.Seed()
	if err != nil {
		return nil, err
	}
	return proof.NewCosigner(name, signer, seed)
}

// loadCosigner opens the keys that the configuration names.
func loadCosigner(dir string, c Config, passphrase string) (*proof.Cosigner, error) {
	key, err := keyfile.Load(filepath.Join(dir, keyFile), passphrase)
	if err != nil {
		return nil, err
	}
	mldsa, err := keyfile.Load(filepath.Join(dir, mldsaFile), passphrase)
	if err != nil {
		return nil, err
	}
	cosigner, err := newCosigner(c.Name, key, mldsa)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(cosigner.VKeys(), c.VKeys) {
		return nil, ErrKeys
	}
	return cosigner, nil
}

func readConfig(dir string) (Config, error) {
	b, err := read(dir, configFile)
	if err != nil {
		return Config{}, err
	}
	var c Config
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return Config{}, ErrConfig
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: more than one document", ErrConfig)
	}
	if c.Name == "" || len(c.VKeys) != 2 {
		return Config{}, fmt.Errorf("%w: it needs a name and two vkeys", ErrConfig)
	}
	return c, nil
}

// policies are the logs by what they are called, each with all its keys.
func policies(vkeys []string) (map[string]proof.Policy, error) {
	lines := map[string][]string{}
	for _, vkey := range vkeys {
		k, err := proof.ParseLogKey(vkey)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(lines[k.Name()], "log "+vkey) {
			lines[k.Name()] = append(lines[k.Name()], "log "+vkey)
		}
	}
	if len(lines) == 0 {
		return nil, ErrLogs
	}
	out := map[string]proof.Policy{}
	for name, list := range lines {
		p, err := proof.ParsePolicy([]byte(strings.Join(list, "\n") + "\nquorum none\n"))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLogs, err)
		}
		out[name] = p
	}
	return out, nil
}

// maxFile is more than any file of a witness holds.
const maxFile = 16 << 20

// read reads a file of the directory that nobody else can read or write.
func read(dir, name string) ([]byte, error) {
	f, err := openFile(dir, name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	if len(b) > maxFile {
		return nil, ErrState
	}
	return b, nil
}

func openFile(dir, name string, flag int) (*os.File, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !owned(info) {
		return nil, ErrPlace
	}
	// Without O_NONBLOCK a pipe in the file's place would hang the start.
	f, err := os.OpenFile(filepath.Join(dir, name), flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EISDIR) {
		return nil, ErrPlace
	}
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || !owned(info) {
		return nil, errors.Join(ErrPlace, f.Close())
	}
	return f, nil
}

func owned(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// replace puts a whole new file in the place of the old one, on disk when it
// returns. A failure before that leaves no draft.
func replace(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+draft, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+draft))
	}
	return syncDir(dir)
}

// syncDir makes what a directory lists durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
