package server

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sigill/keys/ident"
)

// TestDaily: a job runs at its hour every day; one that fails is tried again within
// the hour until it has worked, and then has its hour as before.
func TestDaily(t *testing.T) {
	for name, c := range map[string]struct {
		missed bool
		fails  int
		want   []string
	}{
		"works":         {false, 0, []string{"23 03:00", "24 03:00"}},
		"fails":         {false, 2, []string{"23 03:00", "23 03:30", "23 04:00", "24 03:00"}},
		"missed":        {true, 0, []string{"22 13:00", "23 03:00", "24 03:00"}},
		"missed, fails": {true, 1, []string{"22 13:00", "22 13:30", "23 03:00", "24 03:00"}},
		"never works":   {false, 1000, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
				s := &Server{config: Config{OwedHour: Hour(3 * time.Hour)}, log: slog.New(slog.DiscardHandler)}
				s.watch = s.newWatch()
				ctx, cancel := context.WithTimeout(t.Context(), 47*time.Hour+45*time.Minute)
				defer cancel()
				var ran []string
				s.daily(ctx, "owed", c.missed, func(_ context.Context, now time.Time) error {
					ran = append(ran, now.In(time.FixedZone("", 3600)).Format("02 15:04"))
					if len(ran) <= c.fails {
						return errors.New("no")
					}
					return nil
				})
				if c.want == nil { // every half hour from the first night, and so at the hour itself
					if len(ran) != 68 || !slices.Contains(ran, "24 03:00") {
						t.Errorf("%d: %q", len(ran), ran)
					}
				} else if !slices.Equal(ran, c.want) {
					t.Errorf("%q, want %q", ran, c.want)
				}
			})
		})
	}
}

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

// TestLastShown: a day's totals are shown when it has been over for an hour in
// Sweden, and those of no other day.
func TestLastShown(t *testing.T) {
	for now, want := range map[string]ident.Date{
		"2026-11-27T22:59:59Z": "2026-11-26",
		"2026-11-27T23:00:00Z": "2026-11-26", // midnight
		"2026-11-27T23:59:59Z": "2026-11-26",
		"2026-11-28T00:00:00Z": "2026-11-27",
		"2026-07-27T22:59:59Z": "2026-07-26", // summer time
		"2026-07-27T23:00:00Z": "2026-07-27",
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := lastShown(at); got != want {
			t.Errorf("%s: %s, want %s", now, got, want)
		}
	}
}
