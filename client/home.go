package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/statement"
)

// A Home is the directory in which a person's client keeps what it must remember
// from one run to the next. What could tie its owner to a decision is sealed
// under the owner's passphrase and lies under a random name; in clear are only
// the pinned requesters and the last checkpoint seen. Times of files and rooms say
// on which day something was done here, not when. It is one person's and one
// process uses it at a time.
type Home struct {
	dir  string
	pass func() (string, error)
	opts keyfile.Options
}

// ErrHome says that a directory is no safe home.
var ErrHome = errors.New("the home directory must be your own, with mode 0700, and no symbolic link")

// OpenHome makes the directory if it is not there. Pass gives the passphrase when
// something sealed is read or written; of opts only the work factor counts.
func OpenHome(dir string, pass func() (string, error), opts keyfile.Options) (*Home, error) {
	if err := os.MkdirAll(dir, 0o700); errors.Is(err, syscall.ENOTDIR) {
		return nil, ErrHome
	} else if err != nil {
		return nil, fmt.Errorf("home directory: %w", keyfile.Pathless(err))
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("home directory: %w", keyfile.Pathless(err))
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return nil, ErrHome
	}
	h := &Home{dir: dir, pass: pass, opts: keyfile.Options{WorkFactor: opts.WorkFactor, Force: true}}
	if at := info.ModTime(); !at.Equal(ident.DateOf(at).Start()) { // made just now, or put into by others
		return h, h.done("", nil)
	}
	return h, nil
}

// done ends a change in a room, or with "" in the home itself: directories are
// marked by what is done in them.
func (h *Home) done(room string, err error) error {
	if err == nil && room != "" {
		err = dayOnly(filepath.Join(h.dir, room))
	}
	if err == nil {
		err = dayOnly(h.dir)
	}
	return keyfile.Pathless(err)
}

func save[T any](h *Home, room, name, typ string, v T) error {
	if err := os.MkdirAll(filepath.Join(h.dir, room), 0o700); err != nil {
		return keyfile.Pathless(err)
	}
	pass, err := h.pass()
	if err != nil {
		return err
	}
	return h.done(room, keyfile.SaveSealed(filepath.Join(h.dir, room, name), pass, typ, v, h.opts))
}

func load[T any](h *Home, room, name, typ string) (v T, err error) {
	path := filepath.Join(h.dir, room, name)
	if _, err := os.Lstat(path); err != nil {
		return v, keyfile.Pathless(err)
	}
	pass, err := h.pass()
	if err != nil {
		return v, err
	}
	return keyfile.LoadSealed[T](path, pass, typ)
}

// Rooms of the home.
const (
	roomMatters    = "matters"
	roomUnanswered = "unanswered"
	roomApprovals  = "approvals"
	roomOpenings   = "openings"
)

// Matters lists the names under which the author's own matters lie: random, and
// saying nothing of what is in them.
func (h *Home) Matters() ([]string, error) {
	list, err := entries(filepath.Join(h.dir, roomMatters))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	var out []string
	for _, e := range list {
		if _, err := ident.ParseID(e.Name()); err == nil {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// ErrNoMatter says that nothing lies under a name here.
var ErrNoMatter = errors.New("no matter of yours has that name")

// Matter reads an own matter by its name, or by as much of it as is enough.
func (h *Home) Matter(name string) (string, *Own, error) {
	names, err := h.Matters()
	if err != nil {
		return "", nil, err
	}
	names = slices.DeleteFunc(names, func(s string) bool { return name == "" || !strings.HasPrefix(s, name) })
	if len(names) != 1 {
		return "", nil, ErrNoMatter
	}
	own, err := load[Own](h, roomMatters, names[0], TypOwn)
	if err != nil {
		return "", nil, err
	}
	return names[0], &own, nil
}

// A Kept is an own matter with the name under which it lies.
type Kept struct {
	Matter string
	*Own
}

// Kept are all own matters.
func (h *Home) Kept() ([]Kept, error) {
	names, err := h.Matters()
	if err != nil {
		return nil, err
	}
	out := make([]Kept, len(names))
	for i, name := range names {
		if out[i].Matter, out[i].Own, err = h.Matter(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// NewMatter draws a name for an own matter.
func (h *Home) NewMatter() string { return string(ident.NewID()) }

// SaveMatter keeps an own matter under a name. While something of it is unanswered
// the name lies in a room of its own as well, empty, so that those matters are
// found without opening all: it is there before it is true and goes after.
func (h *Home) SaveMatter(name string, own *Own) error {
	if own.Sent.IsZero() {
		if err := save(h, roomMatters, name, TypOwn, *own); err != nil {
			return err
		}
		return h.answered(name)
	}
	room := filepath.Join(h.dir, roomUnanswered)
	if err := os.MkdirAll(room, 0o700); err != nil {
		return keyfile.Pathless(err)
	}
	if err := h.done(roomUnanswered, WriteFile(filepath.Join(room, name), nil, 0o600, true)); err != nil {
		return err
	}
	return save(h, roomMatters, name, TypOwn, *own)
}

// answered takes a name out of the room of what is unanswered, if it is there.
func (h *Home) answered(name string) error {
	err := os.Remove(filepath.Join(h.dir, roomUnanswered, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return h.done(roomUnanswered, err)
}

// unanswered lists the matters that may have something unanswered.
func (h *Home) unanswered() ([]string, error) {
	names, err := h.Matters()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		switch _, err := os.Lstat(filepath.Join(h.dir, roomUnanswered, name)); {
		case err == nil:
			out = append(out, name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, keyfile.Pathless(err)
		}
	}
	return out, nil
}

// Forget deletes an own matter: nothing here ties its owner to it any more.
func (h *Home) Forget(name string) error {
	return errors.Join(h.forget(roomMatters, name), h.answered(name))
}

func (h *Home) forget(room, name string) error {
	return h.done(room, os.Remove(filepath.Join(h.dir, room, name)))
}

// kept is an approval as it lies in the home.
type kept struct {
	Approval string `json:"approval"`
}

const typKept = "sigill-kept-approval"

// SaveApproval keeps an approval before it is sent.
func (h *Home) SaveApproval(id ident.ID, approval string) error {
	return save(h, roomApprovals, string(id), typKept, kept{approval})
}

// Approval is the approval that was kept for a decision, or "".
func (h *Home) Approval(id ident.ID) (string, error) {
	k, err := load[kept](h, roomApprovals, string(id), typKept)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return k.Approval, err
}

// ForgetApproval deletes an approval that was refused.
func (h *Home) ForgetApproval(id ident.ID) error {
	return h.forget(roomApprovals, string(id))
}

// SaveRecipient keeps the key to which a request's answer will be sealed.
func (h *Home) SaveRecipient(r *Recipient) error {
	return save(h, roomOpenings, string(r.Opening), TypRecipient, *r)
}

// Recipient finds the key of a request, or fs.ErrNotExist.
func (h *Home) Recipient(id ident.ID) (*Recipient, error) {
	r, err := load[Recipient](h, roomOpenings, string(id), TypRecipient)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// ForgetRecipient deletes the key of a request that was not taken.
func (h *Home) ForgetRecipient(id ident.ID) error {
	return h.forget(roomOpenings, string(id))
}

// Day makes or loads the day key of a day. Keys of earlier days are deleted: a
// day's logins are tied to each other by it, and nothing else should be.
func (h *Home) Day(today ident.Date) (*jws.Signer, error) {
	path := filepath.Join(h.dir, dayPrefix+string(today))
	pass, err := h.pass()
	if err != nil {
		return nil, err
	}
	key, err := keyfile.Load(path, pass)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = keyfile.Generate(keyfile.Day, ""); err != nil {
			return nil, err
		}
		err = h.done("", keyfile.Save(path, pass, key, h.opts))
	}
	if err != nil {
		return nil, err
	}
	for _, d := range h.days() {
		if d.Before(today) {
			if err := h.forget("", dayPrefix+string(d)); err != nil {
				return nil, err
			}
		}
	}
	return key.Signer()
}

const dayPrefix = "day-"

func (h *Home) days() (out []ident.Date) {
	list, err := entries(h.dir)
	if err != nil {
		return nil
	}
	for _, e := range list {
		if name, ok := strings.CutPrefix(e.Name(), dayPrefix); ok {
			if d, err := ident.ParseDate(name); err == nil {
				out = append(out, d)
			}
		}
	}
	return out
}

// ErrDayKey says that a token is bound to a key that is not here.
var ErrDayKey = errors.New("the token is bound to another day key: get one for the key that `sigill keys day` shows")

// DayFor finds the day key that a token is bound to.
func (h *Home) DayFor(jkt ident.Digest) (*jws.Signer, error) {
	days := h.days()
	if len(days) == 0 {
		return nil, ErrDayKey
	}
	pass, err := h.pass()
	if err != nil {
		return nil, err
	}
	for _, d := range slices.Backward(days) {
		key, err := keyfile.Load(filepath.Join(h.dir, dayPrefix+string(d)), pass)
		if err != nil {
			return nil, err
		}
		if s, err := key.Signer(); err == nil && s.Public().Thumbprint() == jkt {
			return s, nil
		}
	}
	return nil, ErrDayKey
}

// Seen is the last checkpoint of an authority's log that this client saw, or nil.
func (h *Home) Seen(a ident.Authority) (*statement.Checkpoint, error) {
	all := map[ident.Authority]statement.Checkpoint{}
	if err := h.read(fileSeen, &all); err != nil {
		return nil, err
	}
	if cp, ok := all[a]; ok {
		return &cp, nil
	}
	return nil, nil
}

// SaveSeen remembers a checkpoint that extends the last one seen.
func (h *Home) SaveSeen(a ident.Authority, cp *statement.Checkpoint) error {
	all := map[ident.Authority]statement.Checkpoint{}
	if err := h.read(fileSeen, &all); err != nil {
		return err
	}
	all[a] = *cp
	return h.write(fileSeen, all)
}

// Pinned are the requesters whose keys this reviewer has checked.
func (h *Home) Pinned() (map[ident.ID]ident.Digest, error) {
	all := map[ident.ID]ident.Digest{}
	return all, h.read(filePinned, &all)
}

// Pin adds a requester's key, or with a zero digest removes the requester.
func (h *Home) Pin(requester ident.ID, thumbprint ident.Digest) error {
	all, err := h.Pinned()
	if err != nil {
		return err
	}
	all[requester] = thumbprint
	if thumbprint.IsZero() {
		delete(all, requester)
	}
	return h.write(filePinned, all)
}

const (
	fileSeen   = "seen.json"
	filePinned = "pinned.json"
)

func (h *Home) read(name string, v any) error {
	b, err := unmarked(filepath.Join(h.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, keyfile.Pathless(err))
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s in the home directory is damaged", name)
	}
	return nil
}

func (h *Home) write(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return h.done("", WriteFile(filepath.Join(h.dir, name), append(b, '\n'), 0o600, true))
}
