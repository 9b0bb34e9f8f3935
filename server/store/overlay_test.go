package store_test

import (
	"context"
	"errors"
	"testing"

	"sigill/server/store"
	"sigill/server/store/memory"
)

func overlay(t *testing.T) *store.Overlay {
	t.Helper()
	s := memory.NewDisk(store.Layout{"a": store.Random, "b": store.Random}).Open()
	snapshot, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return store.NewOverlay(snapshot)
}

// The rest of an overlay is proved by the model in storetest.

func TestOverlayRefuses(t *testing.T) {
	o := overlay(t)
	for name, err := range map[string]error{
		"empty key":      o.Put("a", nil, []byte("v")),
		"long key":       o.Put("a", make([]byte, store.MaxKey+1), nil),
		"long value":     o.Put("a", []byte("k"), make([]byte, store.MaxHeld+1)),
		"empty deletion": o.Delete("a", nil),
		"long deletion":  o.Delete("a", make([]byte, store.MaxKey+1)),
	} {
		if !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(o.Changes()) != 0 {
		t.Fatal("a refused change is held")
	}
	_, err := o.Get("attic", []byte("k"))
	if !errors.Is(err, store.ErrUnknownRoom) {
		t.Fatalf("got %v", err)
	}
}

func TestChangesAreSorted(t *testing.T) {
	o := overlay(t)
	for _, room := range []store.Room{"b", "a"} {
		for _, key := range []string{"z", "y", "\x00"} {
			if err := errors.Join(o.Put(room, []byte(key), nil), o.Delete(room, []byte(key+"-"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	changes := o.Changes()
	if len(changes) != 12 {
		t.Fatalf("%d changes", len(changes))
	}
	if err := changes.Check(store.Layout{"a": store.Random, "b": store.Random}); err != nil {
		t.Fatal(err)
	}
}

func TestMergeElsewherePanics(t *testing.T) {
	o := overlay(t)
	defer func() {
		if recover() == nil {
			t.Fatal("merged into an overlay that it does not lie over")
		}
	}()
	o.Merge(store.NewOverlay(store.NewOverlay(o)))
}

// counted counts what is read of it.
type counted struct {
	store.Reader
	reads int
}

func (c *counted) Get(room store.Room, key []byte) ([]byte, error) {
	c.reads++
	return c.Reader.Get(room, key)
}

// That it shows the same state is proved by the model in storetest.
func TestOnceReadsOnce(t *testing.T) {
	below := overlay(t)
	if err := errors.Join(below.Put("a", []byte("short"), []byte("v")), below.Put("a", []byte("long"), make([]byte, 1<<10))); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"short": 1, "absent": 1, "long": 3} {
		c := &counted{Reader: below}
		r := store.Once(c)
		for range 3 {
			v, err := r.Get("a", []byte(key))
			if found := key != "absent"; found != (err == nil) || !found && !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("%s: got %v", key, err)
			}
			if key == "short" && string(v) != "v" {
				t.Fatalf("got %q", v)
			}
			clear(v) // the reader's own
		}
		if c.reads != want {
			t.Errorf("%s: read %d times", key, c.reads)
		}
		if _, err := r.Get("attic", []byte(key)); !errors.Is(err, store.ErrUnknownRoom) {
			t.Errorf("got %v", err)
		}
	}
}
