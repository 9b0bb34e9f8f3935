package server_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"go.etcd.io/bbolt"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sigill/keys/proof"
	"sigill/server"
)

// A wire keeps what a user is sent, but for the author, whose own all of it is: of that
// a [line] keeps the sizes.
type wire struct {
	p    *play
	user string
}

// A call is what is seen of one call, in an order of its own: gRPC's readers do not
// wait for each other.
type call struct {
	mu     sync.Mutex
	method string
	kept   map[string]recording
}

type callKey struct{}

func (w *wire) TagRPC(ctx context.Context, in *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, callKey{}, &call{method: path.Base(in.FullMethodName), kept: map[string]recording{}})
}

func (w *wire) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (w *wire) HandleConn(context.Context, stats.ConnStats)                       {}

// HandleRPC is called by gRPC for each thing that is sent or arrives.
func (w *wire) HandleRPC(ctx context.Context, s stats.RPCStats) {
	c := ctx.Value(callKey{}).(*call)
	c.mu.Lock()
	defer c.mu.Unlock()
	author := w.user == w.p.author
	keep := func(kind string, value []byte, as proto.Message) {
		user := w.user
		if author {
			user = "author"
		}
		c.kept[kind] = append(c.kept[kind], seen{place: user + " " + c.method + " " + kind, value: value, as: as})
	}
	switch s := s.(type) {
	case *stats.InHeader:
		keep("header", pairs(s.Header), nil)
	case *stats.InTrailer:
		keep("trailer", pairs(s.Trailer), nil)
	case *stats.InPayload:
		if author {
			return
		}
		m := proto.Clone(s.Payload.(proto.Message))
		keep("answer", marshal(m), m)
	case *stats.End:
		keep("status", marshal(status.Convert(s.Error).Proto()), nil)
		for _, kind := range []string{"header", "answer", "trailer", "status"} {
			w.p.keep(c.kept[kind]...)
		}
	}
}

func marshal(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // what cannot be kept is not compared
	}
	return b
}

func pairs(md metadata.MD) []byte {
	var out []string
	for name, values := range md {
		out = append(out, fmt.Sprintf("%s: %q\n", name, values))
	}
	sort.Strings(out)
	return []byte(strings.Join(out, ""))
}

// atRest keeps what has been printed and what lies in the store: files and their
// sizes, the pages of the store's file, and each row.
func (p *play) atRest() {
	p.t.Helper()
	for i, line := range strings.Split(p.log.String(), "\n") {
		p.keep(seen{place: fmt.Sprintf("log line %d", i), value: []byte(line)})
	}
	data := p.stage.config.Data
	entries, err := os.ReadDir(data)
	p.must(err)
	for _, e := range entries {
		info, err := e.Info()
		p.must(err)
		p.keep(seen{place: "file " + e.Name(), value: fmt.Append(nil, info.Size(), info.Mode())})
	}
	last, err := os.ReadFile(filepath.Join(data, "checkpoint"))
	p.must(err)
	p.keep(seen{place: "checkpoint", value: last})
	p.file("", p.stage.config)
	p.backup()
}

// told keeps what the witness was asked.
func (p *play) told() {
	w := p.stage.witness
	w.mu.Lock()
	defer w.mu.Unlock()
	for pair := range slices.Chunk(w.heard, 2) {
		p.keep(seen{place: "witness header", value: pair[0]})
		asked, err := proof.ParseSubmission(pair[1])
		p.must(err)
		p.keep(seen{place: "witness old", value: fmt.Append(nil, asked.Old)}, seen{place: "witness checkpoint", value: asked.Checkpoint})
		for _, h := range asked.Hashes {
			p.keep(seen{place: "witness hash", value: h[:]})
		}
	}
}

// backup keeps what lies in a backup, and in a store that is restored from it.
func (p *play) backup() {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "backup")
	m, err := server.Backup(p.ctx, p.stage.config, path)
	p.must(err)
	p.keep(seen{place: "manifest", value: fmt.Append(nil, m.Made, m.Size, m.Rows)}, seen{place: "manifest checkpoint", value: []byte(m.Checkpoint)})
	info, err := os.Stat(path)
	p.must(err)
	p.keep(seen{place: "backup: size", value: fmt.Append(nil, info.Size(), info.Mode())})
	p.pages("backup: ", path)
	c := p.stage.config
	c.Data = filepath.Join(p.t.TempDir(), "data")
	_, err = server.Restore(p.ctx, c, path)
	p.must(err)
	p.file("restored: ", c)
}

// file keeps the rows of a store's file, and how they lie there.
func (p *play) file(prefix string, c server.Config) {
	p.t.Helper()
	p.pages(prefix, filepath.Join(c.Data, "store.db"))
	rows, err := server.Rows(context.Background(), c)
	p.must(err)
	slices.SortStableFunc(rows, func(a, b server.Row) int {
		if a.Room == "entry" && b.Room == "entry" { // by digests, which differ: by index
			return slices.Compare(a.Value, b.Value)
		}
		return strings.Compare(a.Room, b.Room)
	})
	for _, r := range rows {
		place := prefix + "row of " + r.Room
		if r.Room == "matter" || r.Room == "decision" {
			place += " " + string(r.Key[len(r.Key)-1:])
		}
		p.keep(seen{place: place, key: string(r.Key), value: r.Value},
			seen{place: place + ": size", key: string(r.Key), value: fmt.Append(nil, r.Size)})
	}
}

// pages keeps how each room lies in the store's file. Where a page lies, bbolt decides
// by the order of a Go map; where it splits pages follows the order of rows, which in two
// rooms is that of digests.
func (p *play) pages(prefix, file string) {
	p.t.Helper()
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true})
	p.must(err)
	defer db.Close()
	p.must(db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == "entry" || string(name) == "request" {
				return nil
			}
			p.keep(seen{place: prefix + "pages of " + string(name), value: fmt.Appendf(nil, "%+v", b.Stats())})
			return nil
		})
	}))
}
