package keyfile

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"filippo.io/age"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// Errors of files. None names a path: a home directory may be a person's name,
// and whoever gave the path knows it. A missing file is [fs.ErrNotExist].
var (
	// ErrCannotOpen is the one answer to a wrong passphrase, a damaged file and
	// a file of another kind.
	ErrCannotOpen = errors.New("cannot be opened: wrong passphrase, or damaged, or another kind of file")
	ErrUnsafe     = errors.New("not safe: the file must be your own regular file with mode 0600, in a directory of yours that only you can write to")
	ErrExists     = errors.New("the file exists")
	ErrPassphrase = errors.New("the passphrase is empty")
	ErrTooLong    = errors.New("longer than a key file may be")
)

const (
	// MaxSize is the longest file that is written or read, in bytes.
	MaxSize = 4 << 20
	// DefaultWorkFactor makes one guess cost about a second and 256 MiB.
	DefaultWorkFactor = 18
	// maxWorkFactor bounds what a planted file can make a reader spend.
	maxWorkFactor = 20
)

// Options of writing. The zero value is what people's keys are written with.
type Options struct {
	// WorkFactor is the binary logarithm of scrypt's N, 1 to 20; zero stands
	// for [DefaultWorkFactor]. Lower ones are for tests and demonstrations.
	WorkFactor int
	// Force replaces an existing file.
	Force bool
}

// Save writes key to path, sealed under the passphrase, and its public half to
// path + ".pub.json" if the key's use is one that is registered with others.
// Both are on disk when Save returns, or neither is; only where both are
// replaced by force can an error leave the new public half beside the old key.
// Existing files are refused with [ErrExists] unless forced, unsafe places with
// [ErrUnsafe].
func Save(path, passphrase string, key Key, o Options) error {
	if _, err := checked(key); err != nil { // as the zero Key
		return fmt.Errorf("key file: %w", err)
	}
	plain, err := key.encode()
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	var public []byte
	if key.use.shown() {
		p, err := key.Public()
		if err != nil {
			return fmt.Errorf("key file: public half: %w", err)
		}
		if public, err = jws.Canonical(p); err != nil {
			return fmt.Errorf("key file: public half: %w", err)
		}
	}
	return save(path, passphrase, plain, public, o)
}

// Load reads what [Save] wrote.
func Load(path, passphrase string) (Key, error) {
	plain, err := open(path, passphrase)
	if err != nil {
		return Key{}, fmt.Errorf("key file: %w", err)
	}
	k, err := decode(plain)
	if err != nil {
		return Key{}, fmt.Errorf("key file: %w", ErrCannotOpen)
	}
	return k, nil
}

// Safe is the error with which [Load] would refuse the place of a key file, whatever
// is in it.
func Safe(path string) error {
	if _, err := read(path, 0o077); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return nil
}

// LoadPublic reads the public half that lies beside the key at path, which may
// itself be elsewhere. It says whose key it is only if the place is trusted.
func LoadPublic(path string) (Public, error) {
	data, err := read(path+".pub.json", 0o022)
	if err != nil {
		return Public{}, fmt.Errorf("public key file: %w", err)
	}
	var p Public
	if err := jws.Decode(data, &p); err != nil {
		return Public{}, fmt.Errorf("public key file: %w", err)
	}
	if err := p.check(); err != nil {
		return Public{}, fmt.Errorf("public key file: %w", err)
	}
	return p, nil
}

// sealed is any document under the same roof.
type sealed[T any] struct {
	Payload T      `json:"payload"`
	Typ     string `json:"typ"`
}

// SaveSealed writes v, a value that [jws.Canonical] takes, as a document of typ,
// with the guarantees of [Save].
func SaveSealed[T any](path, passphrase, typ string, v T, o Options) error {
	plain, err := jws.Canonical(sealed[T]{v, typ})
	if err != nil {
		return fmt.Errorf("sealed file: %w", err)
	}
	return save(path, passphrase, plain, nil, o)
}

// LoadSealed reads what [SaveSealed] wrote with the same typ.
func LoadSealed[T any](path, passphrase, typ string) (T, error) {
	var none T
	plain, err := open(path, passphrase)
	if err != nil {
		return none, fmt.Errorf("sealed file: %w", err)
	}
	var d sealed[T]
	if err := jws.Decode(plain, &d); err != nil || d.Typ != typ {
		return none, fmt.Errorf("sealed file: %w", ErrCannotOpen)
	}
	return d.Payload, nil
}

func open(path, passphrase string) ([]byte, error) {
	if passphrase == "" {
		return nil, ErrPassphrase
	}
	data, err := read(path, 0o077)
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(data), id)
	if err != nil {
		return nil, ErrCannotOpen
	}
	plain, err := io.ReadAll(r) // at an error nothing of what came before it is used
	if err != nil {
		return nil, ErrCannotOpen
	}
	return plain, nil
}

func seal(passphrase string, plain []byte, o Options) ([]byte, error) {
	factor := o.WorkFactor
	if factor == 0 {
		factor = DefaultWorkFactor
	}
	if factor < 1 || factor > maxWorkFactor {
		return nil, fmt.Errorf("work factor %d is not within 1 to %d", factor, maxWorkFactor)
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	to.SetWorkFactor(factor)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() > MaxSize {
		return nil, ErrTooLong
	}
	return b.Bytes(), nil
}

// place opens the directory of path if only the caller can write to it.
func place(path string) (*os.Root, string, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, "", Pathless(err)
	}
	info, err := root.Stat(".")
	if err == nil && (info.Mode().Perm()&0o022 != 0 || !owned(info)) {
		err = ErrUnsafe
	}
	if err != nil {
		root.Close()
		return nil, "", Pathless(err)
	}
	return root, filepath.Base(path), nil
}

func owned(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// Pathless takes the path out of an error of the operating system: whoever gave it
// knows it, and a directory's name may be a person's.
func Pathless(err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		return pathErr.Err
	case errors.As(err, &linkErr):
		return linkErr.Err
	}
	return err
}

// read reads a regular file of the caller's that has none of the mode bits in
// forbidden. The file that was looked at is the one that is read.
func read(path string, forbidden fs.FileMode) ([]byte, error) {
	root, name, err := place(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	named, err := root.Lstat(name)
	if err != nil {
		return nil, Pathless(err)
	}
	if !named.Mode().IsRegular() || !owned(named) {
		return nil, ErrUnsafe
	}
	f, err := root.OpenFile(name, os.O_RDONLY|NoAtime, 0)
	if err != nil {
		return nil, Pathless(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, Pathless(err)
	}
	if !os.SameFile(named, info) || info.Mode().Perm()&forbidden != 0 || !owned(info) {
		return nil, ErrUnsafe
	}
	if info.Size() > MaxSize {
		return nil, ErrTooLong
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxSize))
	return b, Pathless(err)
}

// save writes the sealed file and, if there is one, its public half. Both are
// complete under other names before either gets its own.
func save(path, passphrase string, plain, public []byte, o Options) error {
	box, err := seal(passphrase, plain, o)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	root, name, err := place(path)
	if err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	defer root.Close()
	w := writing{root: root, force: o.Force}
	if public != nil {
		err = w.stage(name+".pub.json", public, 0o644)
	}
	if err == nil {
		err = w.stage(name, box, 0o600)
	}
	if err == nil {
		err = w.publish()
	}
	if err != nil {
		return w.undo(err)
	}
	return nil
}

// writing is a set of files that appear together. Their times say on which day
// they were written: the second of it, beside a draft's day, would name an author.
type writing struct {
	root   *os.Root
	force  bool
	staged []struct{ temp, name string }
	shown  []string // names that did not exist before
}

func (w *writing) stage(name string, data []byte, mode fs.FileMode) error {
	var r [8]byte
	rand.Read(r[:])
	temp := "." + hex.EncodeToString(r[:]) + ".tmp"
	f, err := w.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Pathless(err)
	}
	w.staged = append(w.staged, struct{ temp, name string }{temp, name})
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode) // whatever the umask
	}
	if err == nil {
		day := ident.DateOf(time.Now()).Start()
		err = w.root.Chtimes(temp, day, day)
	}
	if err == nil {
		err = f.Sync()
	}
	return Pathless(errors.Join(err, f.Close()))
}

func (w *writing) publish() error {
	for _, s := range w.staged {
		if w.force {
			if err := w.root.Rename(s.temp, s.name); err != nil {
				return Pathless(err)
			}
			continue
		}
		// a link, unlike a rename, never replaces what is there
		if err := w.root.Link(s.temp, s.name); err != nil {
			return Pathless(err)
		}
		w.shown = append(w.shown, s.name)
		if err := w.root.Remove(s.temp); err != nil {
			return Pathless(err)
		}
	}
	dir, err := w.root.Open(".")
	if err != nil {
		return Pathless(err)
	}
	return Pathless(errors.Join(dir.Sync(), dir.Close()))
}

// undo removes, after an error, all that was not there before.
func (w *writing) undo(err error) error {
	for _, s := range w.staged {
		w.root.Remove(s.temp)
	}
	for _, name := range w.shown {
		w.root.Remove(name)
	}
	if errors.Is(err, fs.ErrExist) {
		err = ErrExists
	}
	return fmt.Errorf("writing: %w", err)
}
