package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"syscall"

	"go.etcd.io/bbolt"

	"sigill/server/store"
)

// What the door refuses with, besides fs.ErrExist, fs.ErrNotExist,
// store.ErrCorrupt and store.ErrFull.
var (
	// ErrForeign: the file is no store: empty, short, or another program's.
	ErrForeign = errors.New("store: not a Sigill store")
	// ErrInsecure: the path is not a plain file that its owner alone can use.
	ErrInsecure = errors.New("store: file must be a plain file with mode 0600")
	// ErrLocked: another process holds the file.
	ErrLocked = errors.New("store: in use by another process")
	// ErrNewer: the file has rooms that the layout does not know.
	ErrNewer = errors.New("store: written by another version: it has unknown rooms")
)

// Every file says in a bucket of its own what it is and which one. The NUL
// keeps the name out of the rooms'.
var (
	aboutBucket = []byte("\x00sigill")
	formatKey   = []byte("format")
	formatValue = []byte("sigill store v1")
	instanceKey = []byte("instance")
)

// pageSize is the same on every machine, so that a copy opens on another.
const pageSize = 4096

// Create makes a new store and opens it, as [Draft] says.
func Create(c Config) (*Store, error) {
	if err := c.Layout.Check(); err != nil {
		return nil, err
	}
	if err := create(c); err != nil {
		return nil, fmt.Errorf("creating the store: %w", err)
	}
	return Open(c)
}

func create(c Config) error {
	d, err := NewDraft(c)
	if err != nil {
		return err
	}
	defer d.Drop()
	return d.Finish()
}

func addRooms(tx *bbolt.Tx, layout store.Layout) error {
	for room := range layout {
		if _, err := tx.CreateBucketIfNotExists([]byte(room)); err != nil {
			return err
		}
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Open opens an existing store and never creates one. It takes an exclusive
// lock at once or is ErrLocked.
func Open(c Config) (*Store, error) { return open(c, false) }

// OpenReadOnly opens a copy of a stopped store, changing nothing, beside other
// readers. Rooms that the file does not have are empty.
func OpenReadOnly(c Config) (*Store, error) { return open(c, true) }

func open(c Config, readOnly bool) (*Store, error) {
	if err := c.Layout.Check(); err != nil {
		return nil, err
	}
	file, err := openFile(c.Path, readOnly)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	s := &Store{layout: c.Layout, readOnly: readOnly, reserve: reserve{file: file, max: maxSize}}
	if 0 < c.MaxSize && c.MaxSize < maxSize {
		s.reserve.max = c.MaxSize
	}
	if err := s.start(); err != nil {
		if s.db != nil && !s.wedged {
			_ = guarded(s.db.Close)
		}
		_ = abandon(file) // unless bbolt has closed it
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return s, nil
}

// start brings a locked and checked file to life.
func (s *Store) start() (err error) {
	if s.db, err = openBbolt(s.reserve.file, s.readOnly); err != nil {
		return err
	}
	if err := guarded(func() error { return s.db.View(s.identify) }); err != nil {
		return err
	}
	if !s.readOnly {
		if err := s.reserve.fill(s.db); err != nil {
			return err
		}
		if err := s.admit(); err != nil {
			return err
		}
	}
	return s.advance()
}

// identify reads what the file says about itself.
func (s *Store) identify(tx *bbolt.Tx) error {
	about := tx.Bucket(aboutBucket)
	if about == nil || !bytes.Equal(about.Get(formatKey), formatValue) || len(about.Get(instanceKey)) != len(s.instance) {
		return ErrForeign
	}
	copy(s.instance[:], about.Get(instanceKey))
	return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		if _, known := s.layout[store.Room(name)]; !known && !bytes.Equal(name, aboutBucket) {
			return ErrNewer
		}
		return nil
	})
}

// admit adds the rooms of the layout that the file does not have yet.
func (s *Store) admit() error {
	missing := false
	err := guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			for room := range s.layout {
				missing = missing || tx.Bucket([]byte(room)) == nil
			}
			return nil
		})
	})
	if err != nil || !missing {
		return err
	}
	if err := s.reserve.grow(s.db); err != nil {
		return err
	}
	return guarded(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return addRooms(tx, s.layout) })
	})
}

// openFile opens, locks and checks the file.
func openFile(path string, readOnly bool) (*os.File, error) {
	flag, lock := os.O_RDWR, syscall.LOCK_EX
	if readOnly {
		flag, lock = os.O_RDONLY, syscall.LOCK_SH
	}
	// Without O_NONBLOCK a pipe in the file's place would hang the start.
	file, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%w: it is a link", ErrInsecure)
	}
	if err != nil {
		return nil, err
	}
	if err := checkFile(file, lock); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func checkFile(file *os.File, lock int) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o177 != 0 {
		return ErrInsecure
	}
	if err := syscall.Flock(int(file.Fd()), lock|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrLocked
		}
		return err
	}
	// The size may have changed while another process held the lock.
	if info, err = file.Stat(); err != nil {
		return err
	}
	return checkPages(file, info.Size())
}

// abandon lets go of a file without bbolt's help. Where bbolt's mapping is left
// behind, it would keep the lock.
func abandon(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}

// meta is what checkPages needs of a bbolt meta page.
type meta struct {
	freelist, pages, txid uint64
}

// checkPages reads the two meta pages and the free list as bbolt will, and
// refuses what would make it start a new database (an empty file), fault (a
// truncated one) or run out of memory (a damaged list).
func checkPages(file io.ReaderAt, size int64) error {
	var newest *meta
	found := false
	for page := range int64(2) {
		m, magic, err := readMeta(file, page)
		if err != nil {
			return err
		}
		found = found || magic
		if m == nil {
			continue
		}
		if m.pages > uint64(size)/pageSize {
			return fmt.Errorf("%w: the file has been cut short", store.ErrCorrupt)
		}
		if newest == nil || m.txid > newest.txid {
			newest = m
		}
	}
	switch {
	case newest != nil:
		return checkFreelist(file, newest)
	case found:
		return fmt.Errorf("%w: both meta pages are damaged", store.ErrCorrupt)
	}
	return ErrForeign
}

// readMeta returns nil for a page that is not a valid meta page, and whether
// it begins like one.
//
// A bbolt page is a header (id u64, flags u16, count u16, overflow u32) and its
// content; a meta page holds magic, version, page size, flags (u32 each), root
// page, sequence, free list page, number of pages, transaction (u64 each) and
// the FNV-1a hash of these. All are little-endian on the machines we build for.
func readMeta(file io.ReaderAt, page int64) (m *meta, magic bool, err error) {
	var b [16 + 64]byte
	if n, err := file.ReadAt(b[:], page*pageSize); err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	} else if n < len(b) {
		return nil, false, nil
	}
	c := b[16:]
	le := binary.LittleEndian
	if le.Uint32(c) != 0xED0CDAED {
		return nil, false, nil
	}
	sum := fnv.New64a()
	sum.Write(c[:56])
	if le.Uint64(c[56:]) != sum.Sum64() || le.Uint32(c[4:]) != 2 || le.Uint32(c[8:]) != pageSize {
		return nil, true, nil
	}
	return &meta{freelist: le.Uint64(c[32:]), pages: le.Uint64(c[40:]), txid: le.Uint64(c[48:])}, true, nil
}

// checkFreelist refuses a list that is not ascending page numbers within the
// file. Its place in the file has been checked to exist.
func checkFreelist(file io.ReaderAt, m *meta) error {
	damaged := fmt.Errorf("%w: the free list is damaged", store.ErrCorrupt)
	if m.freelist < 2 || m.freelist >= m.pages {
		return damaged
	}
	le := binary.LittleEndian
	var header [24]byte // and the count, where 16 bits are too few for it
	if _, err := file.ReadAt(header[:], int64(m.freelist)*pageSize); err != nil {
		return err
	}
	count, skip := uint64(le.Uint16(header[10:])), uint64(16)
	if count == 0xFFFF {
		count, skip = le.Uint64(header[16:]), 24
	}
	overflow := uint64(le.Uint32(header[12:]))
	if le.Uint64(header[:]) != m.freelist || le.Uint16(header[8:]) != 0x10 ||
		overflow >= m.pages-m.freelist || count > (overflow+1)*pageSize/8 || skip+8*count > (overflow+1)*pageSize {
		return damaged
	}
	ids := make([]byte, 8*count)
	if _, err := file.ReadAt(ids, int64(m.freelist*pageSize+skip)); err != nil {
		return err
	}
	last := uint64(1)
	for ; len(ids) > 0; ids = ids[8:] {
		id := le.Uint64(ids)
		if id <= last || id >= m.pages {
			return damaged
		}
		last = id
	}
	return nil
}
