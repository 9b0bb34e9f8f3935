package ident

import (
	"sync"
	"time"
	_ "time/tzdata" // the same calendar on a machine without a zone database
)

// A Date is a calendar day in Europe/Stockholm, written YYYY-MM-DD. Whatever
// could point at a person is a Date, not a time.
type Date string

const dateForm = "2006-01-02"

var stockholm = sync.OnceValue(func() *time.Location {
	loc, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		panic("ident: the embedded zone database lacks Europe/Stockholm")
	}
	return loc
})

// Stockholm is the zone that all dates and hours are in.
func Stockholm() *time.Location { return stockholm() }

// DateOf is the day in Sweden at t, whatever zone the machine is set to.
func DateOf(t time.Time) Date { return Date(t.In(stockholm()).Format(dateForm)) }

// ParseDate accepts an existing day from 1970 to 9999 in its one text form.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateForm, s)
	if err != nil || t.Year() < 1970 || t.Format(dateForm) != s {
		return "", ErrDate
	}
	return Date(s), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDate(string(text))
	return err
}

func (d Date) utc() time.Time {
	t, _ := time.Parse(dateForm, string(d))
	return t
}

// Start is the moment at which the day begins in Sweden.
func (d Date) Start() time.Time {
	t, _ := time.ParseInLocation(dateForm, string(d), stockholm())
	return t
}

// Year is the day's year.
func (d Date) Year() int { return d.utc().Year() }

// AddDays is the day n days later.
func (d Date) AddDays(n int) Date { return Date(d.utc().AddDate(0, 0, n).Format(dateForm)) }

// Days counts the days since 1970-01-01, as log entries' tags write them.
func (d Date) Days() uint32 { return uint32(d.utc().Unix() / 86400) }

// DateFromDays is the inverse of [Date.Days].
func DateFromDays(n uint32) Date { return Date("1970-01-01").AddDays(int(n)) }

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d < e }

// Within reports whether d lies from from to until, both included; an empty
// until has no end.
func (d Date) Within(from, until Date) bool { return from <= d && (until == "" || d <= until) }
