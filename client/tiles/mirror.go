package tiles

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

// A Copied says what a mirror has after it was brought up to date.
type Copied struct {
	Head
	Entries uint64 // that are new
	Days    int    // that are new
}

// A tile is a file that is the same for ever.
type tile struct {
	path string
	data []byte
}

// Mirror copies the log into a directory, as files under its paths, and makes the
// directory if it is not there. All is checked before it is written, each file is
// written as a whole, and the checkpoint comes last: a mirror is at any time a log
// as it was, and one that was interrupted goes on where it can. Of days it copies
// those before today, from the newest that it has. A log that is not the one in
// the directory, grown, is proof.ErrInconsistent, and nothing is written.
func (l *Log) Mirror(ctx context.Context, dir string, today ident.Date) (c Copied, err error) {
	to := folder(dir)
	have, err := (&Log{to, l.policy}).Checkpoint(ctx)
	if errors.Is(err, ErrAbsent) {
		have, err = Head{}, nil
	}
	if err != nil {
		return Copied{}, fmt.Errorf("the mirror's own checkpoint: %w", err)
	}
	if c.Head, err = l.Checkpoint(ctx); err != nil {
		return Copied{}, err
	}
	v := l.At(ctx, c.Head)
	if have.Note != nil {
		if err := v.Extends(have.Checkpoint); err != nil {
			return Copied{}, err
		}
	}
	v = (&Log{resumed{to, l.source}, l.policy}).At(ctx, c.Head)
	var seen []tile // with the bundle that they are read for
	v.saw = func(t tlog.Tile, data []byte) { seen = append(seen, tile{proof.TilePath(t.L, uint64(t.N), t.W), data}) }
	for index := have.Size / width; index*width < v.Size; index++ {
		raw, err := v.bundle(index)
		if err != nil {
			return Copied{}, err
		}
		entries, err := parsed(raw, index*width)
		if err != nil {
			return Copied{}, err
		}
		seen = append(seen, tile{proof.TilePath(proof.EntriesLevel, index, len(entries)), raw})
		for _, t := range seen {
			if err := to.add(t.path, t.data); err != nil {
				return Copied{}, err
			}
		}
		seen = nil
	}
	c.Entries = v.Size - have.Size
	if c.Days, err = l.At(ctx, c.Head).mirrorDays(to, today); err != nil {
		return Copied{}, err
	}
	if err := to.write("checkpoint", c.Note); err != nil {
		return Copied{}, err
	}
	return c, to.drop(have.Size, v.Size)
}

// maxLate is by how many days a source may be behind, as another mirror is.
const maxLate = 40

// mirrorDays copies the days before today that the directory does not have, oldest
// first, so that those it has follow on each other.
func (v *View) mirrorDays(to folder, today ident.Date) (n int, err error) {
	missing, err := v.missingDays(to, today)
	if err != nil {
		return 0, err
	}
	for _, d := range slices.Backward(missing) {
		text, err := v.log.source.read(v.ctx, dayPath(d), proof.MaxDay)
		if err != nil {
			return n, err
		}
		_, before, after, err := checkDay(text, d, v.log.policy)
		if err != nil {
			return n, err
		}
		if after.Size > v.Size {
			return n, nil // it ended meanwhile: the next time
		}
		if err := errors.Join(v.Extends(before), v.Extends(after.Checkpoint)); err != nil {
			return n, err
		}
		if err := to.write(dayPath(d), text); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// missingDays are the days that the source has after the newest in the directory,
// the newest first.
func (v *View) missingDays(to folder, today ident.Date) (missing []ident.Date, err error) {
	late := 0 // days that the source does not have yet
	for d := today.AddDays(-1); late < maxLate; d = d.AddDays(-1) {
		here, err := to.has(v.ctx, dayPath(d))
		if err != nil || here {
			return missing, err
		}
		there, err := v.log.source.has(v.ctx, dayPath(d))
		switch {
		case err != nil || !there && len(missing) > 0:
			return missing, err
		case there:
			missing = append(missing, d)
		default:
			late++
		}
	}
	return nil, nil
}

// add writes a file that is the same for ever, unless it is there.
func (f folder) add(path string, data []byte) error {
	if here, err := f.has(context.Background(), path); here || err != nil {
		return err
	}
	return f.write(path, data)
}

// write puts a whole file in its place.
func (f folder) write(path string, data []byte) error {
	at := filepath.Join(string(f), filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(at), ".new-*")
	if err != nil {
		return err
	}
	_, err = draft.Write(data)
	err = errors.Join(err, draft.Chmod(0o644), draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), at)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	return nil
}

// drop removes what was at the right edge at the older size and is wider now.
func (f folder) drop(older, newer uint64) error {
	for level := proof.EntriesLevel; ; level++ {
		shift := max(0, level) * proof.TileHeight
		was, is := older>>shift, newer>>shift
		if was == 0 && level >= 0 {
			return nil
		}
		if n := int(was % width); n > 0 && was != is {
			path := proof.TilePath(level, was/width, n)
			if err := os.Remove(filepath.Join(string(f), filepath.FromSlash(path))); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			folder, _, _ := strings.Cut(path, ".p/")
			_ = os.Remove(filepath.Join(string(f), filepath.FromSlash(folder+".p"))) // if nothing is left in it
		}
	}
}
