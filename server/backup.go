package server

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"time"

	"sigill/keys/ident"
	"sigill/server/control"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/bolt"
)

// backupWithin is how long a backup may hold its snapshot: until then the store reuses
// no page that the snapshot shows, and grows by all that is written meanwhile.
const backupWithin = 2 * time.Hour

// typBackup is the typ of a backup's manifest.
const typBackup = "sigill-backup"

// ErrBackup: not a backup, or not as it was made.
var ErrBackup = errors.New("not a whole backup of this authority")

// A Manifest is what a backup says of itself, under the store's own key. The log's key
// has signed the checkpoint.
type Manifest struct {
	Typ        string          `json:"typ"`
	Authority  ident.Authority `json:"authority"`
	Made       time.Time       `json:"made"` // to the minute
	Size       uint64          `json:"size"` // of the log
	Root       ident.Digest    `json:"root"`
	Checkpoint string          `json:"checkpoint"`
	Rows       uint64          `json:"rows"`
	Digest     ident.Digest    `json:"digest"` // over all rows
}

// Backup writes a new file with one state of the store, from the running server or, if
// none runs, from the store itself. Where it fails it leaves nothing.
func Backup(ctx context.Context, c Config, dest string) (_ *Manifest, err error) {
	d, err := bolt.NewDraft(bolt.Config{Path: dest, Layout: layout()})
	if err != nil {
		return nil, fmt.Errorf("beginning the backup: %w", err)
	}
	defer d.Drop()
	var m *Manifest
	in, err := control.Ask(ctx, c.Data, "backup", nil)
	switch {
	case errors.Is(err, control.ErrNobody):
		m, err = c.backupStopped(ctx, d.Put)
	case err == nil:
		defer in.Close()
		m, err = receive(in, d.Put)
	}
	if err == nil {
		err = d.Finish()
	}
	if err != nil {
		return nil, fmt.Errorf("writing the backup: %w", err)
	}
	return m, nil
}

func (c Config) backupStopped(ctx context.Context, put putRow) (_ *Manifest, err error) {
	trust, k, err := c.load()
	if err != nil {
		return nil, err
	}
	s, l, err := c.readStopped(ctx, k)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := whole(ctx, s); err != nil {
		return nil, err
	}
	return copyState(ctx, s, l, trust.Authority, put)
}

// readStopped opens the store that no server has open, to read it, and its ledger. The
// caller closes the store.
func (c Config) readStopped(ctx context.Context, k *keys) (*gate.Store, *ledger.Ledger, error) {
	engine, err := openWith(bolt.OpenReadOnly, c.Data)
	if err != nil {
		return nil, nil, err
	}
	s, err := gate.Open(ctx, engine, k.gate)
	if err != nil {
		return nil, nil, errors.Join(err, engine.Close())
	}
	l, err := ledger.Open(ctx, s, k.log, false, k.before...)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, l, nil
}

// sendBackup answers with the rows, and then the manifest again, in clear: with the
// file alone whoever asked has not verified what came.
func (s *Server) sendBackup(ctx context.Context, _ url.Values, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, backupWithin)
	defer cancel()
	out, row := bufio.NewWriterSize(w, 64<<10), []byte(nil)
	m, err := copyState(ctx, s.store, s.ledger, s.trust.Authority, func(room store.Room, key, value []byte) error {
		row = appendRow(row[:0], room, key, value)
		_, err := out.Write(row)
		return err
	})
	if err == nil {
		err = out.WriteByte(0) // no room's name
	}
	if err == nil {
		err = json.NewEncoder(out).Encode(m)
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	s.log.Info("backup", "size", m.Size, "rows", m.Rows)
	return nil
}

// A putRow takes a row as the engine has it.
type putRow func(room store.Room, key, value []byte) error

// copyState puts all rows of one state and its manifest.
func copyState(ctx context.Context, s *gate.Store, l *ledger.Ledger, a ident.Authority, put putRow) (*Manifest, error) {
	m, sum := &Manifest{Typ: typBackup, Authority: a, Made: time.Now().UTC().Truncate(time.Minute)}, newRowSum()
	err := s.Copy(ctx, layout(), func(room store.Room, key, value []byte) error {
		sum.add(room, key, value)
		return put(room, key, value)
	}, func(r store.Reader) ([]byte, error) {
		head, err := l.HeadOf(r)
		if err != nil {
			return nil, err
		}
		m.Size, m.Root, m.Checkpoint = head.Size, head.Root, string(head.Note)
		m.Rows, m.Digest = sum.rows, sum.digest()
		return json.Marshal(m)
	})
	return m, err
}

// receive takes what [Server.sendBackup] sends.
func receive(from io.Reader, put putRow) (*Manifest, error) {
	in, sum := bufio.NewReaderSize(from, 64<<10), newRowSum()
	for {
		room, key, value, err := readRow(in)
		if err != nil {
			return nil, err
		}
		if room == "" {
			break
		}
		if !gate.IsMark(room, key) {
			sum.add(room, key, value)
		}
		if err := put(room, key, value); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(text)
	if err == nil && (m.Rows != sum.rows || m.Digest != sum.digest()) {
		err = ErrBackup
	}
	return m, err
}

// appendRow is a row as it is sent and summed: lengths before room (u8), key (u16) and
// value (u32).
func appendRow(b []byte, room store.Room, key, value []byte) []byte {
	b = append(append(b, byte(len(room))), room...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(key))), key...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// readRow reads a row; the end has no room.
func readRow(in *bufio.Reader) (room store.Room, key, value []byte, err error) {
	part := func(size, limit int) []byte {
		var n [4]byte
		if err != nil {
			return nil
		}
		if _, err = io.ReadFull(in, n[4-size:]); err != nil {
			return nil
		}
		length := int(binary.BigEndian.Uint32(n[:]))
		if length > limit {
			err = ErrBackup
			return nil
		}
		b := make([]byte, length)
		_, err = io.ReadFull(in, b)
		return b
	}
	if room = store.Room(part(1, 255)); room == "" {
		return "", nil, nil, err
	}
	key = part(2, store.MaxKey)
	value = part(4, store.MaxValue)
	return room, key, value, err
}

// A rowSum is SHA-256 over rows.
type rowSum struct {
	hash.Hash
	rows uint64
	row  []byte
}

func newRowSum() *rowSum { return &rowSum{Hash: sha256.New()} }

func (s *rowSum) add(room store.Room, key, value []byte) {
	s.row = appendRow(s.row[:0], room, key, value)
	s.Write(s.row)
	s.rows++
}

func (s *rowSum) digest() ident.Digest { return ident.Digest(s.Sum(nil)) }

// ErrRestored: the store in the data directory is a backup that has been put in place.
var ErrRestored = errors.New("the store was restored from a backup: first take up again what was published after it, with sigilld recover")

// whole refuses a store that is a copy.
func whole(ctx context.Context, s *gate.Store) error {
	_, err := s.Mark(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = ErrRestored
	}
	return err
}

// manifest reads what a copy says of itself.
func manifest(ctx context.Context, s *gate.Store, a ident.Authority) (*Manifest, error) {
	text, err := s.Mark(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrBackup
	}
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(text)
	if err == nil && m.Authority != a {
		err = ErrBackup
	}
	return m, err
}

func parseManifest(text []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil || m.Typ != typBackup {
		return nil, ErrBackup
	}
	return m, nil
}
