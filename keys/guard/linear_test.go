package guard_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sigill/keys/guard"
)

// small and large are two sizes of the same text, in bytes.
const (
	small  = 2 << 10
	growth = 16
	large  = growth * small
)

// TestLinear: ten people and texts made to be slow. A text of sixteen times the
// size costs sixteen times as much where the cost is linear, 256 times where it
// is quadratic; the bar is between. What is compared is the least of several
// measures of this thread's own CPU time, to which other programs add nothing.
func TestLinear(t *testing.T) {
	terms := anna
	for i := range 10 {
		terms.Names = append(terms.Names, fmt.Sprintf("Anna%c-Lena Berg%c Lindström", 'a'+i, 'a'+i))
	}
	for _, unit := range []string{
		"Anna Lindber ", "Berg ", "a", "](", "<a", "[", "&amp;", "%25", "A. ", "Anna A. B. C. ", "070-174 06 0 ", "\u200b", "**", "a\u0308", "handläggare i på för ", "aA",
		"Nämnden har utrett barnets behov av stöd och bedömer att insatsen bör beviljas.\n", "&#38;#38;#38;", "\\u005cu", "[x](", "An ",
		"%FF", "%E2", "%C3%28", "=FF", "%25FF", "%41%FF", "a*", "a**", "Anna-\n", "(a", "Per Berg. Berg ",
	} {
		text := strings.Repeat(unit, large/len(unit))
		least := cost(terms, text[:small], 5)
		most := cost(terms, text, 2)
		t.Logf("%-20q %8v %8v, times %.1f", unit, least.Round(time.Microsecond), most.Round(time.Microsecond), float64(most)/float64(least))
		if most > 4*growth*least {
			t.Errorf("%q repeated: %d bytes cost %v, %d bytes %v", unit, small, least, large, most)
		}
	}
}

// cost is the least CPU time that Check and Warn take together, of some measures.
func cost(terms guard.Terms, body string, measures int) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	text := guard.Text{Field: "content", Body: body}
	least := time.Duration(1<<63 - 1)
	for range measures {
		start := threadTime()
		guard.Check(terms, text)
		guard.Warn(text)
		least = min(least, threadTime()-start)
	}
	return least
}

// threadTime is the CPU time that this thread has used.
func threadTime() time.Duration {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Nano())
}
