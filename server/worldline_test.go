package server_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"

	"golang.org/x/net/http2"
)

// A line is an author's connection as the network sees it: how many bytes go each way in
// each call, headers and data, as they are written (RFC 9113, section 4). What is sent
// for the connection's sake is left out: how often it is depends on the reader's pace.
type line struct {
	net.Conn
	out, in way
}

func (p *play) newLine(c net.Conn) *line {
	l := &line{Conn: c, out: way{skip: len(http2.ClientPreface)}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, l)
	return l
}

func (l *line) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	l.out.passes(b[:n])
	return n, err
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.in.passes(b[:n])
	return n, err
}

// A way is one direction of a line.
type way struct {
	mu    sync.Mutex
	skip  int // bytes until the next frame
	head  []byte
	sizes map[uint32]int // by stream
}

func (w *way) passes(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(b) > 0 {
		n := min(w.skip, len(b))
		w.skip, b = w.skip-n, b[n:]
		n = min(9-len(w.head), len(b))
		w.head, b = append(w.head, b[:n]...), b[n:]
		if len(w.head) < 9 {
			continue
		}
		w.skip = int(w.head[0])<<16 | int(w.head[1])<<8 | int(w.head[2])
		switch http2.FrameType(w.head[3]) {
		case http2.FrameHeaders, http2.FrameContinuation, http2.FrameData:
			if w.sizes == nil {
				w.sizes = map[uint32]int{}
			}
			w.sizes[binary.BigEndian.Uint32(w.head[5:])] += 9 + w.skip
		}
		w.head = w.head[:0]
	}
}

// overheard keeps the sizes of what an author's connections carried.
func (p *play) overheard() {
	for i, l := range p.lines {
		for name, w := range []*way{&l.out, &l.in} {
			w.mu.Lock()
			for _, stream := range slices.Sorted(maps.Keys(w.sizes)) {
				p.keep(seen{place: fmt.Sprintf("line %d, call %d, %s", i, stream, []string{"out", "in"}[name]), value: make([]byte, w.sizes[stream])})
			}
			w.mu.Unlock()
		}
	}
}
