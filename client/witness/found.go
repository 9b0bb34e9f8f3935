package witness

import (
	"errors"
	"io/fs"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
)

// A Finding is a checkpoint that a log signed and the witness did not cosign.
// Both notes are whole: whoever has the log's key can check them.
type Finding struct {
	// Day is when it came first, in Sweden.
	Day ident.Date `json:"day"`
	// Fork: the two have one size and different roots, which proves two
	// histories. Otherwise the offered one is larger, and the proof that came with it
	// did not lead there: the log may have two histories, or whoever asked
	// erred or lied, which anybody can. The log can clear that up with a proof.
	Fork bool `json:"fork"`
	// Last is what the witness had cosigned, with its own cosignature.
	Last ident.Bytes `json:"last"`
	// Offered is what it did not, with the log's signature.
	Offered ident.Bytes `json:"offered"`
	// Origin, Root and Size are those of the offered one.
	Origin ident.Authority `json:"origin"`
	Root   ident.Digest    `json:"root"`
	Size   uint64          `json:"size"`
}

const (
	typFound = "sigill-witness-found"

	// MaxFindings is how many are kept. A proven fork then takes the place of the
	// last that is none.
	MaxFindings = 100
)

type foundDoc struct {
	Findings []Finding `json:"findings"`
	Typ      string    `json:"typ"`
}

func readFound(dir string) ([]Finding, error) {
	b, err := read(dir, foundFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var d foundDoc
	if err := jws.Decode(b, &d); err != nil || d.Typ != typFound || len(d.Findings) > MaxFindings {
		return nil, ErrFound
	}
	return d.Findings, nil
}

func writeFound(dir string, list []Finding) error {
	b, err := jws.Canonical(foundDoc{list, typFound})
	if err != nil {
		return err
	}
	return replace(dir, foundFile, b)
}

// add is the list with one more, if it is the first of its log and size or a proven
// fork where there was none.
func add(list []Finding, f Finding) ([]Finding, bool) {
	for i, old := range list {
		if old.Origin != f.Origin || old.Size != f.Size {
			continue
		}
		if old.Fork || !f.Fork {
			return list, false
		}
		out := slices.Clone(list)
		out[i] = f
		return out, true
	}
	out := append(slices.Clone(list), f)
	if len(out) <= MaxFindings {
		return out, true
	}
	for i, old := range slices.Backward(list) {
		if f.Fork && !old.Fork {
			return slices.Delete(out, i, i+1), true
		}
	}
	return list, false
}

// Notes are the checkpoints in a witness's state.json or found.json, unchecked; nil if
// it is neither.
func Notes(file []byte) (notes [][]byte) {
	var s stateDoc
	if jws.Decode(file, &s) == nil && s.Typ == typState {
		for _, n := range s.Checkpoints {
			notes = append(notes, n)
		}
	}
	var f foundDoc
	if jws.Decode(file, &f) == nil && f.Typ == typFound {
		for _, one := range f.Findings {
			notes = append(notes, one.Last, one.Offered)
		}
	}
	return notes
}

// Status is what a witness has cosigned and found.
type Status struct {
	Name  string
	VKeys []string
	Logs  []Watched
	Found []Finding
}

// Watched is a log's last checkpoint that the witness cosigned.
type Watched struct {
	proof.Checkpoint
	Day ident.Date // in Sweden
}

// Read reads a witness's directory, also while it runs, and changes nothing.
func Read(dir string) (Status, error) {
	c, err := readConfig(dir)
	if err != nil {
		return Status{}, err
	}
	st, err := readState(dir, c.VKeys[0])
	if err != nil {
		return Status{}, err
	}
	found, err := readFound(dir)
	if err != nil {
		return Status{}, err
	}
	s := Status{Name: c.Name, VKeys: c.VKeys, Found: found}
	for _, l := range st.last {
		s.Logs = append(s.Logs, Watched{l.Checkpoint, dayOf(l.at)})
	}
	return s, nil
}
