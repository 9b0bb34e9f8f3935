package rpc_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sync/errgroup"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
)

// TestG17_streamsAtOnce: of 10,000 calls at once on a connection as many run as may,
// and others are served meanwhile; one that ends makes room for one.
func TestG17_streamsAtOnce(t *testing.T) {
	const all, most = 10_000, 128
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	r := w.raw()
	limit := uint32(0)
	r.must(r.until(func(f http2.Frame) bool {
		s, ok := f.(*http2.SettingsFrame)
		if ok && !s.IsAck() {
			limit, _ = s.Value(http2.SettingMaxConcurrentStreams)
		}
		return ok && !s.IsAck()
	}))
	var floods errgroup.Group
	floods.Go(func() error {
		for i := range all {
			block := r.fields(getProof)
			if err := r.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block, EndHeaders: true}); err != nil {
				return err
			}
		}
		return r.WritePing(false, [8]byte{1})
	})
	turned, open := 0, map[uint32]bool{}
	for i := range all {
		open[uint32(2*i+1)] = true
	}
	r.must(r.until(func(f http2.Frame) bool {
		if s, ok := f.(*http2.RSTStreamFrame); ok {
			if s.ErrCode != http2.ErrCodeRefusedStream || !open[s.StreamID] {
				t.Errorf("call %d: %v", s.StreamID, s.ErrCode)
			}
			turned++
			delete(open, s.StreamID)
		}
		p, ok := f.(*http2.PingFrame)
		return ok && p.IsAck() && turned >= all-most
	}))
	r.must(floods.Wait())
	if limit != most || turned != all-most || len(open) != most {
		t.Errorf("a limit of %d; %d refused, %d open", limit, turned, len(open))
	}
	look.nothing("while they are open")
	w.served()
	// One of them ends, and one more may begin.
	r.send(1, framed(noProof()), true)
	r.ended(1)
	next := uint32(2*all + 1)
	r.open(next, getProof)
	r.send(next, framed(noProof()), true)
	r.ended(next)
	look.nothing("afterwards")
}

// ended returns when a call has been answered, with a status.
func (r *raw) ended(id uint32) {
	r.t.Helper()
	r.must(r.until(func(f http2.Frame) bool {
		if s, ok := f.(*http2.RSTStreamFrame); ok && s.StreamID == id {
			r.t.Fatal("reset: ", s.ErrCode)
		}
		h, ok := f.(*http2.MetaHeadersFrame)
		return ok && h.StreamID == id && h.StreamEnded()
	}))
}

// TestG18_rapidReset: 20,000 calls are begun and given up at once. The server stays,
// serves others meanwhile and keeps no goroutine of them.
func TestG18_rapidReset(t *testing.T) {
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	w.served()
	before := runtime.NumGoroutine()
	r := w.raw()
	body := framed(noProof())
	var floods errgroup.Group
	floods.Go(func() error {
		for i := range 20_000 {
			id := uint32(2*i + 1)
			block := r.fields(getProof)
			if err := r.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true}); err != nil {
				return err
			}
			if err := r.WriteData(id, true, body); err != nil {
				return err
			}
			if err := r.WriteRSTStream(id, http2.ErrCodeCancel); err != nil {
				return err
			}
		}
		return r.WritePing(false, [8]byte{1})
	})
	floods.Go(func() error {
		return r.until(func(f http2.Frame) bool { p, ok := f.(*http2.PingFrame); return ok && p.IsAck() })
	})
	for range 10 {
		w.served()
	}
	r.must(floods.Wait())
	var peak runtime.MemStats
	if runtime.ReadMemStats(&peak); peak.HeapInuse > 512<<20 {
		t.Errorf("%d MiB are in use", peak.HeapInuse>>20)
	}
	r.conn.Close()
	// Others are served until what the calls began has ended.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for runtime.NumGoroutine() > before+8 {
		if _, err := sigillv1.NewVerificationServiceClient(w.cc).GetCheckpoint(ctx, &sigillv1.GetCheckpointRequest{}); err != nil {
			t.Fatalf("%d goroutines were %d: %v", runtime.NumGoroutine(), before, err)
		}
	}
	look.nothing("afterwards")
}
