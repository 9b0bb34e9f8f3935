package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
)

const (
	dayVersion = "sigill-day/v1"

	// MaxDay is the most bytes of a day's text: fewer than 2^20 entries.
	MaxDay = 64 << 20
	// DayLine is the length of an entry's line in a day.
	DayLine = 68 + 1
)

var dayBase64 = base64.StdEncoding.Strict()

// A Day is all that the log got in one day, and what shows that nothing is left
// out: who looks for an own entry asks for whole days, and nobody learns which
// entry it was. The date is the log's own word. That no entry lies between two
// days is seen from them: what [Day.Check] gives as the state before one day is
// the state after the day before.
type Day struct {
	Date       ident.Date
	First      uint64         // index of the first entry: the log's size when the day began
	Frontier   []ident.Digest // roots of the full subtrees of the entries before First, left to right
	Entries    []Entry
	Checkpoint []byte // the last one published that day or, if there was none, before it
}

// Head is the day's text before its entries, for who writes a day piece by
// piece: head, [AppendDayLine] for each entry, a line feed, the checkpoint.
func (d Day) Head() []byte {
	b := fmt.Appendf(nil, "%s\n%s\n%d\n", dayVersion, d.Date, d.First)
	for _, h := range d.Frontier {
		b = append(dayBase64.AppendEncode(b, h[:]), '\n')
	}
	return append(b, '\n')
}

// AppendDayLine appends an entry's line in a day.
func AppendDayLine(b, entry []byte) []byte { return append(dayBase64.AppendEncode(b, entry), '\n') }

// Marshal is the day's text, UTF-8.
func (d Day) Marshal() []byte {
	b := d.Head()
	for _, e := range d.Entries {
		b = AppendDayLine(b, e.Marshal())
	}
	b = append(b, '\n')
	return append(b, d.Checkpoint...)
}

// ParseDay reads a day's text in its one form. It checks no signature and no
// hash: use [Day.Check].
func ParseDay(text []byte) (Day, error) {
	if len(text) > MaxDay {
		return Day{}, fmt.Errorf("%w: over %d bytes", ErrDay, MaxDay)
	}
	head, rest, found := bytes.Cut(text, []byte("\n\n"))
	lines := bytes.Split(head, []byte("\n"))
	if !found || len(lines) < 3 || len(lines) > 3+maxHashes || string(lines[0]) != dayVersion {
		return Day{}, ErrDay
	}
	date, err := ident.ParseDate(string(lines[1]))
	if err != nil {
		return Day{}, fmt.Errorf("%w: %w", ErrDay, err)
	}
	first, err := strconv.ParseUint(string(lines[2]), 10, 64)
	if err != nil || strconv.FormatUint(first, 10) != string(lines[2]) {
		return Day{}, fmt.Errorf("%w: index of the first entry", ErrDay)
	}
	d := Day{Date: date, First: first}
	if len(lines)-3 != bits.OnesCount64(first) {
		return Day{}, fmt.Errorf("%w: not as many hashes as the index has", ErrDay)
	}
	for _, line := range lines[3:] {
		h, err := dayBytes(line, len(ident.Digest{}))
		if err != nil {
			return Day{}, err
		}
		d.Frontier = append(d.Frontier, ident.Digest(h))
	}
	if d.Entries, rest, err = dayEntries(rest); err != nil {
		return Day{}, err
	}
	if len(rest) == 0 || len(rest) > MaxNote || first > MaxSize-uint64(len(d.Entries)) {
		return Day{}, ErrDay
	}
	d.Checkpoint = bytes.Clone(rest)
	return d, nil
}

// dayEntries reads lines up to an empty one, and returns what follows it.
func dayEntries(text []byte) (entries []Entry, rest []byte, err error) {
	for {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		switch {
		case !found:
			return nil, nil, ErrDay
		case len(line) == 0:
			return entries, rest, nil
		}
		b, err := dayBytes(line, EntrySize)
		if err != nil {
			return nil, nil, err
		}
		e, err := ParseEntry(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrDay, err)
		}
		entries, text = append(entries, e), rest
	}
}

// dayBytes decodes a line of exactly n bytes. The library skips carriage
// returns; a line of the right length has no room for one.
func dayBytes(line []byte, n int) ([]byte, error) {
	if len(line) != dayBase64.EncodedLen(n) {
		return nil, fmt.Errorf("%w: length of a line", ErrDay)
	}
	b := make([]byte, dayBase64.DecodedLen(len(line)))
	if got, err := dayBase64.Decode(b, line); err != nil || got != n {
		return nil, fmt.Errorf("%w: base64", ErrDay)
	}
	return b[:n], nil
}

// Check checks that the day is the one that was asked for, that a log of the
// policy signed its checkpoint, and that frontier and entries are all that is
// under it. It returns the states of the log before and after the day, and
// whether the policy's quorum of witnesses signed too: if not, the day may be
// held against a later checkpoint that they signed. When it fails, with [ErrDay]
// or [ErrCheckpoint], it returns nothing.
func (d Day) Check(date ident.Date, policy Policy) (before, after Checkpoint, witnessed bool, err error) {
	if d.Date != date || len(d.Frontier) != bits.OnesCount64(d.First) {
		return Checkpoint{}, Checkpoint{}, false, fmt.Errorf("%w: another day's", ErrDay)
	}
	after, witnessed, err = policy.Accept(d.Checkpoint)
	if errors.Is(err, ErrUnwitnessed) {
		after, err = OpenCheckpoint(d.Checkpoint, policy)
	}
	if err != nil {
		return Checkpoint{}, Checkpoint{}, false, err
	}
	peaks := treeHashes(d.Frontier)
	before = Checkpoint{Origin: after.Origin, Size: d.First, Root: Root(peaks)}
	for i, e := range d.Entries {
		peaks = AppendLeaf(peaks, d.First+uint64(i), tlog.Hash(e.LeafHash()))
	}
	if after.Size != d.First+uint64(len(d.Entries)) || after.Root != Root(peaks) {
		return Checkpoint{}, Checkpoint{}, false, fmt.Errorf("%w: hashes", ErrDay)
	}
	return before, after, witnessed, nil
}

// AppendLeaf adds an entry to the full subtrees that the size entries before it fall
// into, whose roots peaks holds from left to right.
func AppendLeaf(peaks []tlog.Hash, size uint64, leaf tlog.Hash) []tlog.Hash {
	for ; size&1 == 1; size >>= 1 {
		last := len(peaks) - 1
		leaf, peaks = tlog.NodeHash(peaks[last], leaf), peaks[:last]
	}
	return append(peaks, leaf)
}

// Root is the RFC 6962 hash of a tree from the roots of the full subtrees that
// its entries fall into, left to right. It costs at most 52 hashes.
func Root(peaks []tlog.Hash) ident.Digest {
	if len(peaks) == 0 {
		return ident.Sum("")
	}
	last := len(peaks) - 1
	h := peaks[last]
	for last--; last >= 0; last-- {
		h = tlog.NodeHash(peaks[last], h)
	}
	return ident.Digest(h)
}
