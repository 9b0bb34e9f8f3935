package server

import (
	"context"
	"io"
	"log/slog"
	"slices"
)

// NewLog makes the server's log: JSON lines with the fields that are allowed and
// no others. Whatever a later hand adds to a log call stays out of the log until
// it stands here too.
func NewLog(w io.Writer) *slog.Logger {
	return slog.New(allow{slog.NewJSONHandler(w, nil)})
}

// allowed are the fields of a log line, beside time, level and message. None
// holds what a caller sent; error is the server's own failure at a job of its
// own, whose text says what was being done and no value.
var allowed = []string{"method", "code", "took", "provider", "index", "address", "version", "job", "size", "error"}

// allow is a handler that drops fields.
type allow struct{ next slog.Handler }

func (a allow) Enabled(ctx context.Context, l slog.Level) bool { return a.next.Enabled(ctx, l) }

func (a allow) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, 0)
	r.Attrs(func(at slog.Attr) bool {
		if keep(at) {
			out.AddAttrs(at)
		}
		return true
	})
	return a.next.Handle(ctx, out)
}

func keep(at slog.Attr) bool { return slices.Contains(allowed, at.Key) }

func (a allow) WithAttrs(attrs []slog.Attr) slog.Handler {
	return allow{a.next.WithAttrs(slices.DeleteFunc(slices.Clone(attrs), func(at slog.Attr) bool { return !keep(at) }))}
}

// WithGroup keeps lines flat: a group would hide its fields from the list.
func (a allow) WithGroup(string) slog.Handler { return a }
