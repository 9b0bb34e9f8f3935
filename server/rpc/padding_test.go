package rpc

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"sigill/keys/token"
	sigillv1 "sigill/proto/sigill/v1"
)

func withValues(values ...string) context.Context {
	return metadata.NewIncomingContext(context.Background(), metadata.Pairs(values...))
}

// TestPadding: every size but the one is refused, which has a step and those that the
// content takes with its tag and length.
func TestPadding(t *testing.T) {
	id := make([]byte, 16)
	for content, steps := range map[int]int{0: 1, 1: 2, 127: 2, 128: 2, 32764: 2, 32765: 3, 1 << 20: 34} {
		accepted, field := 0, 0
		if content > 0 {
			field = 1 + protowire.SizeBytes(content)
		}
		for n := steps<<15 - field - 2000; n < steps<<15-field; n++ {
			m := &sigillv1.SubmitDraftRequest{RequestId: id, Statement: "s", Content: make([]byte, content), Padding: make([]byte, n)}
			if padded(withValues(mdAuthorization, "DPoP x", mdProof, "y"), m) == nil {
				accepted++
				// 16 and 2 of the id, 3 of the statement, the padding's tag and length, and two
				// values of 5 and 1 bytes in Huffman code
				if size := 18 + 3 + 1 + protowire.SizeBytes(n) + field + 6 + 2; size != steps<<15 {
					t.Fatalf("%d bytes pass", size)
				}
			}
		}
		if accepted != 1 {
			t.Errorf("content of %d bytes: %d sizes pass", content, accepted)
		}
	}
}

// TestG08_dropped: what the contract does not know is gone at every depth,
// and what it knows stays.
func TestG08_dropped(t *testing.T) {
	more := protowire.AppendString(protowire.AppendTag(nil, 999, protowire.BytesType), "berghult")
	record := &sigillv1.RecordInput{Decider: []byte("{}")}
	doc := &sigillv1.BoardDocument{Signatures: []string{"a.b.c"}}
	draft := &sigillv1.SubmitDraftRequest{Statement: "s", Seal: &sigillv1.SealInput{Record: record}}
	list := &sigillv1.ListRequestersResponse{Requesters: []*sigillv1.BoardDocument{{}, doc}}
	for _, m := range []proto.Message{record, doc, draft, draft.Seal, list} {
		m.ProtoReflect().SetUnknown(more)
	}
	for _, m := range []proto.Message{draft, list} {
		dropUnknown(m.ProtoReflect())
		b, err := proto.Marshal(m)
		if err != nil || strings.Contains(string(b), "berghult") {
			t.Errorf("%T: %q %v", m, b, err)
		}
	}
	if draft.Statement != "s" || string(record.Decider) != "{}" || doc.Signatures[0] != "a.b.c" {
		t.Error("too much is gone")
	}
}

// TestPaddingShort: where one byte more would need a longer length, the size is one byte
// below the step; nowhere else.
func TestPaddingShort(t *testing.T) {
	for _, c := range []struct {
		rest, padding int // bytes on the wire of all else, and the padding
		ok            bool
	}{
		{32768 - 129, 127, true},  // 129 bytes with tag and length
		{32768 - 130, 127, true},  // 130 cannot be reached
		{32768 - 130, 128, false}, // 131
		{32768 - 131, 127, false}, // two short
		{32768 - 131, 128, true},  //
		{32768 - 200, 196, false}, // one short, without need
		{32768 - 16386, 16383, true},
		{32768 - 16387, 16383, true}, // a length of three bytes from 16,384 on
		{32768 - 16387, 16384, false},
		{32768 - 16388, 16384, true},
		{32768, 0, true},
		{32765, 0, false},
	} {
		m := &sigillv1.WithdrawDraftRequest{Padding: make([]byte, c.padding)}
		value := strings.Repeat("~", c.rest) // which Huffman's code would make longer
		for token.RequestSize([]string{value}, 0) > c.rest {
			value = value[1:]
		}
		err := padded(withValues(mdAuthorization, value), m)
		if (err == nil) != c.ok {
			t.Errorf("%d and %d: %v", c.rest, c.padding, err)
		}
	}
}

// TestFilled: an answer of any length comes to whole steps, or is a byte short where
// the padding's own length would take one more.
func TestFilled(t *testing.T) {
	for n := range 3 << 15 {
		if n > 40 && n%4096 > 8 && n%4096 < 4080 && n%16384 > 40 {
			continue
		}
		size := proto.Size(filled(&sigillv1.GetBundleResponse{Bundle: make([]byte, n)}))
		if short := size % (32 << 10); short != 0 && short != 32<<10-1 || size < n || size > n+(32<<10)+20 {
			t.Fatalf("%d bytes become %d", n, size)
		}
	}
}
