// Package tiles reads a log that is given out, from an http(s) URL or from a
// directory with the same paths, and believes nothing of it but what a log of the
// policy has signed: every entry, tile and day is held against a signed
// checkpoint before it is returned.
//
// Use [Open], then [Log.Checkpoint], and with what it returns [Log.Entries],
// [Log.Day] and [Log.Extends]. [Log.Mirror] copies a log into a directory, which
// is then a source like any other.
//
// Files are read whole and have a limit; a read has one of time. Whoever gives a
// log out learns which tiles are read: who looks for an own entry reads days, and
// all of them. proto/SPEC.md, "Over HTTP", has the paths; TestL03_reader proves
// that damage is seen.
package tiles

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

// Errors of this package, beside those of keys/proof.
var (
	// ErrSource: neither a directory nor an http(s) URL.
	ErrSource = errors.New("not a log's address")
	// ErrUnreachable: the source did not answer, or cannot.
	ErrUnreachable = errors.New("the log cannot be reached")
	// ErrAbsent: the source has no such file.
	ErrAbsent = errors.New("not in the log")
	// ErrDamaged: what was read is not what the log signed. It is worth keeping.
	ErrDamaged = errors.New("the log gave out something else than it signed")
)

const (
	width       = 1 << proof.TileHeight
	bundleEntry = 2 + proof.EntrySize
)

// A Log is a log at its source. It may be used by several goroutines.
type Log struct {
	source source
	policy proof.Policy
}

// Open names a log's source. Nothing is read yet. roots are who signs the TLS
// certificate; nil: whom this machine trusts.
func Open(from string, policy proof.Policy, roots *x509.CertPool) (*Log, error) {
	u, err := url.Parse(from)
	switch {
	case from == "":
		return nil, ErrSource
	case err == nil && (u.Scheme == "http" || u.Scheme == "https"):
		if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, ErrSource
		}
		return &Log{newSite(from, roots), policy}, nil
	case err == nil && u.Host != "", err != nil && strings.Contains(from, "://"):
		return nil, ErrSource
	}
	return &Log{folder(from), policy}, nil
}

// A Head is a checkpoint that a log of the policy signed.
type Head struct {
	proof.Checkpoint
	Note      []byte
	Witnessed bool // by the policy's quorum
}

func head(note []byte, policy proof.Policy) (Head, error) {
	_, witnessed, err := policy.Accept(note)
	if err != nil && !errors.Is(err, proof.ErrUnwitnessed) {
		return Head{}, err
	}
	cp, err := proof.OpenCheckpoint(note, policy)
	return Head{cp, note, witnessed}, err
}

// Checkpoint reads the newest. Errors: of the source, and proof.ErrCheckpoint.
func (l *Log) Checkpoint(ctx context.Context) (Head, error) {
	note, err := l.source.read(ctx, "checkpoint", proof.MaxNote)
	if err != nil {
		return Head{}, err
	}
	return head(note, l.policy)
}

// A View is a log under one checkpoint. It is for one goroutine.
type View struct {
	log    *Log
	ctx    context.Context
	hashes tlog.HashReader
	kept   map[tlog.Tile][]byte // above the lowest level, where each stands over 65,536 entries, and the right edge
	saw    func(tlog.Tile, []byte)
	Head
}

// At is the log under a checkpoint; ctx is that of all its reads.
func (l *Log) At(ctx context.Context, h Head) *View {
	v := &View{log: l, ctx: ctx, Head: h, kept: map[tlog.Tile][]byte{}}
	v.hashes = tlog.TileHashReader(tlog.Tree{N: int64(h.Size), Hash: tlog.Hash(h.Root)}, v)
	return v
}

// Height implements tlog.TileReader.
func (v *View) Height() int { return proof.TileHeight }

// ReadTiles implements tlog.TileReader.
func (v *View) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, t := range tiles {
		b, ok := v.kept[t]
		if !ok {
			if b, err = v.log.part(v.ctx, t, tlog.HashSize); err != nil {
				return nil, err
			}
		}
		data = append(data, b)
	}
	return data, nil
}

// SaveTiles implements tlog.TileReader: these fit the checkpoint.
func (v *View) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, t := range tiles {
		if _, ok := v.kept[t]; ok {
			continue
		}
		if t.L > 0 || t.W < width {
			v.kept[t] = data[i]
		}
		if v.saw != nil {
			v.saw(t, data[i])
		}
	}
}

// part reads a tile or a bundle whose pieces have one size. A log that has grown
// need not keep what was not full: the full one begins with it.
func (l *Log) part(ctx context.Context, t tlog.Tile, piece int) ([]byte, error) {
	b, err := l.source.read(ctx, proof.TilePath(t.L, uint64(t.N), t.W), t.W*piece)
	if errors.Is(err, ErrAbsent) && t.W < width {
		if b, err = l.source.read(ctx, proof.TilePath(t.L, uint64(t.N), width), width*piece); err == nil {
			b = b[:min(len(b), t.W*piece)]
		}
	}
	if errors.Is(err, ErrAbsent) {
		err = fmt.Errorf("%w: a file is missing", ErrDamaged)
	}
	if err == nil && len(b) != t.W*piece {
		err = fmt.Errorf("%w: a file is cut", ErrDamaged)
	}
	return b, err
}

// read gives hashes that fit the checkpoint.
func (v *View) read(indexes []int64) ([]tlog.Hash, error) {
	hashes, err := v.hashes.ReadHashes(indexes)
	if err != nil && !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w: tiles that do not fit the checkpoint", ErrDamaged)
	}
	return hashes, err
}

// bundle reads the bundle at an index as far as the checkpoint has it, and holds
// it against the tiles.
func (v *View) bundle(index uint64) (raw []byte, err error) {
	first := index * width
	t := tlog.Tile{H: proof.TileHeight, L: proof.EntriesLevel, N: int64(index), W: int(min(width, v.Size-first))}
	raw, err = v.log.part(v.ctx, t, bundleEntry)
	if err != nil {
		return nil, err
	}
	var indexes []int64
	for i := range t.W {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(first)+int64(i)))
	}
	leaves, err := v.read(indexes)
	if err != nil {
		return nil, err
	}
	for i := range t.W {
		b := raw[i*bundleEntry:][:bundleEntry]
		if int(binary.BigEndian.Uint16(b)) != proof.EntrySize || tlog.RecordHash(b[2:]) != leaves[i] {
			return nil, damaged(first + uint64(i))
		}
	}
	return raw, nil
}

func damaged(entry uint64) error { return fmt.Errorf("%w: entry %d", ErrDamaged, entry) }

// parsed is what a bundle holds, whose first entry has an index.
func parsed(raw []byte, first uint64) (entries []proof.Entry, err error) {
	for i := range len(raw) / bundleEntry {
		e, err := proof.ParseEntry(raw[i*bundleEntry+2:][:proof.EntrySize])
		if err != nil {
			return nil, damaged(first + uint64(i))
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Each gives the bytes of the entries with from <= index < to <= Size, in their order
// and a bundle at a time. They are what the log signed, whether or not they are
// entries of a known kind. An error of yield's ends it.
func (v *View) Each(from, to uint64, yield func(index uint64, entry []byte) error) error {
	if from > to || to > v.Size {
		return ErrAbsent
	}
	for at := from; at < to; {
		raw, err := v.bundle(at / width)
		if err != nil {
			return err
		}
		begin := at / width * width
		for ; at < min(to, begin+width); at++ {
			if err := yield(at, raw[int(at-begin)*bundleEntry+2:][:proof.EntrySize]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Entries returns the entries with from <= index < to <= Size.
func (v *View) Entries(from, to uint64) ([]proof.Entry, error) {
	var out []proof.Entry
	err := v.Each(from, to, func(index uint64, entry []byte) error {
		e, err := proof.ParseEntry(entry)
		if err != nil {
			return damaged(index)
		}
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Extends checks that the log of an earlier checkpoint is the beginning of this
// one's, or fails with proof.ErrInconsistent: then both are to be kept.
func (v *View) Extends(older proof.Checkpoint) error {
	if older.Origin != v.Origin || older.Size > v.Size {
		return proof.ErrInconsistent
	}
	root, err := v.rootAt(older.Size)
	if err == nil && root != older.Root {
		err = proof.ErrInconsistent
	}
	return err
}

// Prove gives the root that the log had at a size from 1 to this one's, and the RFC
// 6962 consistency proof from there to this checkpoint.
func (v *View) Prove(size uint64) (root ident.Digest, hashes []ident.Digest, err error) {
	if size == 0 || size > v.Size {
		return ident.Digest{}, nil, ErrAbsent
	}
	if root, err = v.rootAt(size); err != nil || size == v.Size {
		return root, nil, err
	}
	list, err := tlog.ProveTree(int64(v.Size), int64(size), tlog.HashReaderFunc(v.read))
	return root, digests(list), err
}

// Frontier gives the roots of the full subtrees that the entries before a size fall
// into, left to right, as a day has them.
func (v *View) Frontier(size uint64) ([]ident.Digest, error) {
	if size > v.Size {
		return nil, ErrAbsent
	}
	var indexes []int64
	for left, at := size, uint64(0); left > 0; {
		level := bits.Len64(left) - 1
		indexes = append(indexes, tlog.StoredHashIndex(level, int64(at>>level)))
		at, left = at+(1<<level), left-(1<<level)
	}
	if len(indexes) == 0 {
		return nil, nil
	}
	list, err := v.read(indexes)
	return digests(list), err
}

func digests(list []tlog.Hash) (out []ident.Digest) {
	for _, h := range list {
		out = append(out, ident.Digest(h))
	}
	return out
}

// rootAt is the root that the log had at a size, at most this one's.
func (v *View) rootAt(size uint64) (ident.Digest, error) {
	switch size {
	case 0:
		return ident.Sum(""), nil
	case v.Size:
		return v.Root, nil
	}
	root, err := tlog.TreeHash(int64(size), tlog.HashReaderFunc(v.read))
	return ident.Digest(root), err
}

// Day reads a whole day and checks it alone. Errors: ErrAbsent for one that is not
// over or not the log's, ErrDamaged, proof.ErrCheckpoint.
func (l *Log) Day(ctx context.Context, date ident.Date) (d proof.Day, before proof.Checkpoint, after Head, err error) {
	text, err := l.source.read(ctx, dayPath(date), proof.MaxDay)
	if err != nil {
		return proof.Day{}, proof.Checkpoint{}, Head{}, err
	}
	return checkDay(text, date, l.policy)
}

func checkDay(text []byte, date ident.Date, policy proof.Policy) (d proof.Day, before proof.Checkpoint, after Head, err error) {
	if d, err = proof.ParseDay(text); err == nil {
		after.Note = bytes.Clone(d.Checkpoint)
		before, after.Checkpoint, after.Witnessed, err = d.Check(date, policy)
	}
	if errors.Is(err, proof.ErrDay) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return proof.Day{}, proof.Checkpoint{}, Head{}, err
	}
	return d, before, after, nil
}

func dayPath(d ident.Date) string { return "day/" + string(d) }
