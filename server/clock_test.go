package server

import (
	"testing"
	"time"
)

// TestNextHour: the hour is what clocks in Sweden show, also on the days when
// they are changed, and never now.
func TestNextHour(t *testing.T) {
	for _, c := range []struct{ now, hour, next string }{
		{"2026-11-22T01:59:00Z", "03:00", "2026-11-22T02:00:00Z"},
		{"2026-11-22T02:00:00Z", "03:00", "2026-11-23T02:00:00Z"},
		{"2026-03-28T12:00:00Z", "03:30", "2026-03-29T01:30:00Z"}, // summer time begins
		{"2026-10-24T12:00:00Z", "03:30", "2026-10-25T02:30:00Z"}, // and ends
		{"2026-12-31T23:30:00Z", "00:15", "2027-01-01T23:15:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		clock, err := time.Parse("15:04", c.hour)
		if err != nil {
			t.Fatal(err)
		}
		h := Hour(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
		if next := nextHour(now, h).UTC().Format(time.RFC3339); next != c.next {
			t.Errorf("after %s at %s: %s, want %s", c.now, c.hour, next, c.next)
		}
	}
}
