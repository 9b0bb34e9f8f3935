package rpc_test

import (
	"testing"

	"google.golang.org/grpc/mem"

	"sigill/server/rpc"
)

// TestUseBuffers: a padded author's request, the longest message and what lies
// between take about what they need; and who asks again changes nothing.
func TestUseBuffers(t *testing.T) {
	rpc.UseBuffers()
	pool := mem.DefaultBufferPool()
	for size, most := range map[int]int{32<<10 + 100: 40 << 10, 60 << 10: 64 << 10, 200 << 10: 256 << 10, 2 << 20: 2<<20 + 64<<10} {
		b := pool.Get(size)
		if len(*b) != size || cap(*b) > most {
			t.Errorf("%d bytes lie in %d, want at most %d", size, cap(*b), most)
		}
		pool.Put(b)
	}
	if rpc.UseBuffers(); mem.DefaultBufferPool() != pool {
		t.Error("called again, it makes other buffers")
	}
}
