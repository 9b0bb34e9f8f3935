package proof

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

const (
	maxPolicy = 128 << 10 // bytes; 32 witnesses with ML-DSA-44 fit
	maxNames  = 32        // of logs, of witnesses, of groups
)

// A Policy says which log is believed and which witnesses must have seen a
// checkpoint of it (C2SP tlog-policy). It is for one authority: all its log
// keys, of which there are several after a change of key, bear its number. The
// zero Policy accepts nothing.
type Policy struct {
	text      string
	authority ident.Authority
	logs      verifiers // the log keys
	known     verifiers // and the witnesses'
	keys      []LogKey  // in the policy's order
	witnesses []Witness
	quorum    *component
	earlier   []earlier // those that it took the place of, oldest first
}

// A Witness is one key that a policy's quorum may count. One who cosigns with two
// keys is two of them, at one URL.
type Witness struct {
	Name string // in the policy
	Key  string // vkey
	URL  string // where it is asked, as the policy has it: read it before use; "" if it has none
	key  keyName
}

// A component is one witness, or a group of components of which a number must
// have signed.
type component struct {
	witness   keyName
	threshold int // 0 for a witness
	members   []*component
}

func (c *component) satisfied(signed map[keyName]bool) bool {
	if c.threshold == 0 {
		return signed[c.witness]
	}
	n := 0
	for _, m := range c.members {
		if m.satisfied(signed) {
			n++
		}
	}
	return n >= c.threshold
}

// UnwitnessedPolicy believes a log on its own word (quorum none), until there
// are witnesses.
func UnwitnessedPolicy(key LogKey) (Policy, error) {
	return ParsePolicy([]byte("log " + key.String() + "\nquorum none\n"))
}

// Marshal is the text that the policy was parsed from, to the byte.
func (p Policy) Marshal() []byte { return []byte(p.text) }

// Authority names the log that the policy is for.
func (p Policy) Authority() ident.Authority { return p.authority }

// Witnesses are those that the policy names, in its order.
func (p Policy) Witnesses() []Witness { return slices.Clone(p.witnesses) }

// Enough reports whether these witnesses make the quorum; under quorum none
// nobody is needed.
func (p Policy) Enough(witnesses []Witness) bool {
	signed := map[keyName]bool{}
	for _, w := range witnesses {
		signed[w.key] = true
	}
	return p.quorum == nil || p.quorum.satisfied(signed)
}

// OnItsWord is the policy without its witnesses: for what has just been signed.
func (p Policy) OnItsWord() Policy {
	p.quorum, p.earlier = nil, slices.Clone(p.earlier)
	for i := range p.earlier {
		p.earlier[i].quorum = nil
	}
	return p
}

// Witnessed reports whether the policy asks for any witness at all.
func (p Policy) Witnessed() bool { return p.quorum != nil }

// ParsePolicy reads a C2SP tlog-policy of at most 128 KiB with 1 to 32 logs and
// at most 32 witnesses and 32 groups. Log keys are Ed25519 (type 0x01) and name
// one authority; witness keys are cosignature keys (types 0x04 and 0x06). No
// key stands there twice, neither as log nor as witness. URLs are kept and not
// read. Errors give the line's number only.
func ParsePolicy(text []byte) (Policy, error) {
	if len(text) == 0 || len(text) > maxPolicy || text[len(text)-1] != '\n' {
		return Policy{}, fmt.Errorf("%w: size, or no newline at the end", ErrPolicy)
	}
	r := policyReader{
		Policy: Policy{text: string(text), logs: verifiers{}, known: verifiers{}},
		names:  map[string]*component{},
		member: map[string]bool{},
		taken:  map[string]bool{},
	}
	number := 0
	for line := range strings.Lines(r.text) {
		number++
		if err := r.line(strings.TrimSuffix(line, "\n")); err != nil {
			return Policy{}, fmt.Errorf("%w: line %d: %w", ErrPolicy, number, err)
		}
	}
	if len(r.logs) == 0 || !r.decided {
		return Policy{}, fmt.Errorf("%w: it needs a log and a quorum", ErrPolicy)
	}
	return r.Policy, nil
}

type policyReader struct {
	Policy
	names   map[string]*component
	member  map[string]bool // names that are in a group
	taken   map[string]bool // bare public keys
	groups  int
	decided bool // there was a quorum line
}

type lineError string

func (e lineError) Error() string { return string(e) }

func (r *policyReader) line(line string) error {
	for i := range len(line) {
		if c := line[i]; c != '\t' && c < ' ' || c == 0x7f {
			return lineError("control character")
		}
	}
	f := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	if len(f) == 0 || strings.HasPrefix(f[0], "#") {
		return nil
	}
	switch word, args := f[0], f[1:]; {
	case word == "log" && (len(args) == 1 || len(args) == 2):
		return r.log(args[0])
	case word == "witness" && (len(args) == 2 || len(args) == 3):
		return r.witness(args[0], args[1], strings.Join(args[2:], ""))
	case word == "group" && len(args) >= 3:
		return r.group(args[0], args[1], args[2:])
	case word == "quorum" && len(args) == 1:
		return r.quorumIs(args[0])
	}
	return lineError("neither log, witness, group nor quorum")
}

func (r *policyReader) log(vkey string) error {
	k, err := ParseLogKey(vkey)
	if err != nil {
		return err
	}
	if r.authority != "" && r.authority != k.authority {
		return lineError("a second authority")
	}
	if len(r.logs) == maxNames {
		return lineError("too many logs")
	}
	r.authority = k.authority
	if err := r.add(k, k.public); err != nil {
		return err
	}
	r.logs[keyName{k.Name(), k.KeyHash()}] = k
	r.Policy.keys = append(r.Policy.keys, k)
	return nil
}

// add takes a key that is not there yet: a key that counted twice, or a log
// that was its own witness, would make the quorum say less than it seems to.
func (r *policyReader) add(v note.Verifier, public []byte) error {
	name := keyName{v.Name(), v.KeyHash()}
	if _, there := r.known[name]; there || r.taken[string(public)] {
		return lineError("a key that is there already")
	}
	r.taken[string(public)] = true
	r.known[name] = v
	return nil
}

func (r *policyReader) witness(name, vkey, url string) error {
	if len(r.witnesses) == maxNames {
		return lineError("too many witnesses")
	}
	v, public, err := witnessKey(vkey)
	if err != nil {
		return err
	}
	if err := r.add(v, public); err != nil {
		return err
	}
	key := keyName{v.Name(), v.KeyHash()}
	r.Policy.witnesses = append(r.Policy.witnesses, Witness{name, vkey, url, key})
	return r.define(name, &component{witness: key})
}

// witnessKey reads a vkey in its one form. The library also takes plain Ed25519
// keys, and checks no key id.
func witnessKey(vkey string) (note.Verifier, []byte, error) {
	const bad = lineError("not a cosignature vkey")
	v, err := cosignature.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		return nil, nil, bad
	}
	_, key64, _ := strings.Cut(strings.TrimPrefix(vkey, v.Name()+"+"), "+")
	b, err := base64.StdEncoding.DecodeString(key64)
	if err != nil || len(b) == 0 || b[0] == algEd25519 {
		return nil, nil, bad
	}
	if vkey != fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), base64.StdEncoding.EncodeToString(b)) {
		return nil, nil, bad
	}
	if len(b) == 1+ed25519.PublicKeySize {
		if _, err := jws.NewPublicKey(ed25519.PublicKey(b[1:])); err != nil {
			return nil, nil, bad // under a point of small order, anything verifies
		}
	}
	return v, b[1:], nil
}

func (r *policyReader) define(name string, c *component) error {
	// C2SP reserves none alone; the other words would be read differently by
	// other readers of the format.
	if slices.Contains([]string{"log", "witness", "group", "quorum", "any", "all", "none"}, name) {
		return lineError("a reserved word as name")
	}
	if r.names[name] != nil {
		return lineError("a name that is there already")
	}
	r.names[name] = c
	return nil
}

func (r *policyReader) group(name, threshold string, members []string) error {
	if r.groups++; r.groups > maxNames {
		return lineError("too many groups")
	}
	c := &component{}
	for _, m := range members {
		if r.names[m] == nil || r.member[m] {
			return lineError("a member that is unknown, or in a group already")
		}
		r.member[m] = true
		c.members = append(c.members, r.names[m])
	}
	switch threshold {
	case "any":
		c.threshold = 1
	case "all":
		c.threshold = len(members)
	default:
		k, err := strconv.Atoi(threshold)
		if err != nil || k < 1 || k > len(members) || strconv.Itoa(k) != threshold {
			return lineError("a threshold that is not 1 to the number of members")
		}
		c.threshold = k
	}
	return r.define(name, c)
}

func (r *policyReader) quorumIs(name string) error {
	if r.decided {
		return lineError("a second quorum")
	}
	r.decided = true
	if name == "none" {
		return nil
	}
	if r.quorum = r.names[name]; r.quorum == nil {
		return lineError("a quorum that is not defined above")
	}
	return nil
}

// LogKeys are the keys of the logs that the policy believes, and those before it: the
// oldest first, and each once.
func (p Policy) LogKeys() []LogKey { return p.LogKeysAt(0) }

// LogKeysAt are those that are believed of what was signed when the log had size entries.
func (p Policy) LogKeysAt(size uint64) []LogKey {
	var keys []LogKey
	for _, of := range append(slices.Clone(p.earlier), earlier{p, size}) {
		if of.size < size {
			continue
		}
		for _, k := range of.Policy.keys {
			if !slices.ContainsFunc(keys, func(o LogKey) bool { return o.String() == k.String() }) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}
