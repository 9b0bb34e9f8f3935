package proof

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// TileHeight is that of C2SP tlog-tiles: 256 hashes or entries.
	TileHeight = 8
	// EntriesLevel stands for entry bundles where a tile's level is asked for.
	EntriesLevel = -1
)

// x/mod writes the height into the path, and data for entries.
const libraryTile, libraryEntries = "tile/8/", "tile/8/data/"

// TilePath is where C2SP tlog-tiles has a tile, or a bundle of entries, of 1 to
// 256.
func TilePath(level int, index uint64, n int) string {
	path := tlog.Tile{H: TileHeight, L: level, N: int64(index), W: n}.Path()
	if level == EntriesLevel {
		return "tile/entries/" + strings.TrimPrefix(path, libraryEntries)
	}
	return "tile/" + strings.TrimPrefix(path, libraryTile)
}

// ParseTilePath reads a path in its one form.
func ParseTilePath(path string) (tlog.Tile, error) {
	rest, found := strings.CutPrefix(path, "tile/")
	if !found {
		return tlog.Tile{}, ErrTile
	}
	text := libraryTile + rest
	if index, entries := strings.CutPrefix(rest, "entries/"); entries {
		text = libraryEntries + index
	}
	t, err := tlog.ParseTilePath(text)
	if err != nil || TilePath(t.L, uint64(t.N), t.W) != path {
		return tlog.Tile{}, fmt.Errorf("%w: not in its one form", ErrTile)
	}
	return t, nil
}
