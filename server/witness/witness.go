// Package witness asks the witnesses of the log's policy to cosign its checkpoints,
// as a client of C2SP tlog-witness.
//
// Make an [Asker] with [New] and call [Asker.Ask] with each head that is to be
// published. What the witnesses answer is nobody's word but their signatures': an
// answer that is late, long, malformed, by another key, or dated 0 or in the future
// counts for nothing, and the checkpoint stays unwitnessed. An answer that
// contradicts, though, says that a witness knows another history of this log, or a
// longer one: when the quorum cannot be had without those who say so, [ErrContradicted]
// tells that the store was put back, or that somebody else writes with the log's key.
// One liar among enough who are honest is heard of and does no harm.
//
// A witness learns what everybody may know: size, root, signature, and a proof that the
// log only grew. proto/SPEC.md, "Publication", has the exchange; TestAnswers goes through
// what a witness can do.
package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

// How a witness is asked.
const (
	timeout = 10 * time.Second // each
	ahead   = time.Minute      // that a witness's clock may be
	maxURL  = 1000
)

var (
	// ErrURL: a witness of the policy that nobody can ask.
	ErrURL = errors.New("a witness is asked over https, or http on loopback")
	// ErrPending: too few have cosigned. It may come: nothing is wrong with the log.
	ErrPending = errors.New("too few witnesses have cosigned")
	// ErrContradicted: witnesses without whom there is no quorum know another
	// history of the log, or a longer one.
	ErrContradicted = errors.New("the log is not the one that its witnesses know")
)

// Errors of one witness.
var (
	errAnswer   = errors.New("not an answer of a witness")
	errContrary = errors.New("it knows another or a longer history of this log")
)

// A Log proves that it only grew.
type Log interface {
	// Consistency is the RFC 6962 proof between two sizes, both at most the log's.
	Consistency(ctx context.Context, older, newer uint64) ([]ident.Digest, error)
}

// A Problem is what kept a witness from cosigning. Err repeats nothing of its answer.
type Problem struct {
	Names []string // in the policy
	Err   error
}

// An Asker asks the witnesses of one log. One round is asked at a time.
type Asker struct {
	policy proof.Policy
	log    Log
	client *http.Client
	desks  []*desk
}

// A desk is where one witness is asked, for as many keys as it has in the policy.
type desk struct {
	url  string
	keys []proof.Witness
	size uint64 // of the last checkpoint that it is known to have cosigned
}

// New asks the witnesses that the policy's quorum may count and that have a URL. Every
// question has a connection of its own: between two of them no witness is kept waiting.
func New(policy proof.Policy, log Log) (*Asker, error) {
	a := &Asker{policy: policy, log: log, client: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxResponseHeaderBytes: 16 << 10, DisableKeepAlives: true},
	}}
	for _, w := range policy.Witnesses() {
		if w.URL == "" {
			continue
		}
		if err := asked(w.URL); err != nil {
			return nil, fmt.Errorf("witness %q: %w", w.Name, err)
		}
		i := slices.IndexFunc(a.desks, func(d *desk) bool { return d.url == w.URL })
		if i < 0 {
			i = len(a.desks)
			a.desks = append(a.desks, &desk{url: w.URL})
		}
		a.desks[i].keys = append(a.desks[i].keys, w)
	}
	return a, nil
}

// asked says whether a URL of the policy can be.
func asked(s string) error {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ErrURL
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback()) {
		return nil
	}
	return ErrURL
}

// Reachable reports whether the quorum can be had at all from those with a URL.
func (a *Asker) Reachable() bool { return a.policy.Enough(a.without(nil)) }

// without is whose keys there are at other desks.
func (a *Asker) without(not []*desk) (keys []proof.Witness) {
	for _, d := range a.desks {
		if !slices.Contains(not, d) {
			keys = append(keys, d.keys...)
		}
	}
	return keys
}

// Ask brings the log's own checkpoint of a size to all witnesses at once, and returns
// when each has answered or has had ten seconds, or when ctx ends. publish is called with
// the checkpoint and all cosignatures so far as soon as they are enough for the policy,
// and again for each witness that comes later; its error ends the round. Without a quorum
// the error is [ErrContradicted] or [ErrPending]. Problems are those of single witnesses,
// in the policy's order, whatever the outcome.
func (a *Asker) Ask(ctx context.Context, size uint64, note []byte, publish func(note []byte) error) ([]Problem, error) {
	if a.policy.Enough(nil) {
		if err := publish(note); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answered, len(a.desks))
	for _, d := range a.desks {
		go func() {
			lines, err := a.ask(ctx, d, size, note)
			answers <- answered{d, lines, err}
		}()
	}
	r, cosigned := round{failed: map[*desk]error{}}, note
	for range a.desks {
		got := <-answers
		keys := []proof.Witness(nil)
		if got.err == nil {
			cosigned, keys, got.err = a.cosign(cosigned, got)
		}
		if got.err != nil {
			r.failed[got.desk] = got.err
			continue
		}
		got.desk.size, r.by = size, append(r.by, keys...)
		if a.policy.Enough(r.by) {
			if err := publish(cosigned); err != nil {
				return nil, err
			}
		}
	}
	return a.outcome(r)
}

// answered is what one witness had to say.
type answered struct {
	desk  *desk
	lines []byte
	err   error
}

// A round is what came of asking all.
type round struct {
	by     []proof.Witness
	failed map[*desk]error
}

// cosign adds an answer to the checkpoint, which stays as it is if it is none.
func (a *Asker) cosign(note []byte, got answered) ([]byte, []proof.Witness, error) {
	more, keys, err := a.policy.Cosign(note, got.lines, got.desk.keys, time.Now().Add(ahead))
	if err != nil {
		return note, nil, err
	}
	return more, keys, nil
}

func (a *Asker) outcome(r round) (problems []Problem, _ error) {
	var contrary []*desk
	for _, d := range a.desks {
		err := r.failed[d]
		if err == nil {
			continue
		}
		p := Problem{Err: err}
		for _, w := range d.keys {
			p.Names = append(p.Names, w.Name)
		}
		problems = append(problems, p)
		if errors.Is(err, errContrary) {
			contrary = append(contrary, d)
		}
	}
	switch {
	case a.policy.Enough(r.by):
		return problems, nil
	case !a.policy.Enough(a.without(contrary)):
		return problems, ErrContradicted
	}
	return problems, ErrPending
}

// ask asks one witness, and once more from the size that it says it has.
func (a *Asker) ask(ctx context.Context, d *desk, size uint64, note []byte) ([]byte, error) {
	old := min(d.size, size)
	for again := false; ; again = true {
		hashes, err := a.log.Consistency(ctx, old, size)
		if err != nil {
			return nil, fmt.Errorf("proving growth: %w", err)
		}
		answer, has, err := a.post(ctx, d.url, proof.Submission{Old: old, Hashes: hashes, Checkpoint: note}.Marshal())
		if err != nil || has == nil {
			return answer, err
		}
		if *has > size || *has == old && again {
			return nil, errContrary
		}
		if again {
			return nil, errAnswer
		}
		old = *has
	}
}

// post gives the signature lines, or the size that the witness has instead.
func (a *Asker) post(ctx context.Context, at string, body []byte) (answer []byte, has *uint64, err error) {
	to, err := url.JoinPath(at, "add-checkpoint")
	if err != nil {
		return nil, nil, ErrURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, nil, ErrURL
	}
	req.Header.Set("User-Agent", "") // nobody's business
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, nil, unreached(err)
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(io.LimitReader(resp.Body, proof.MaxCosignatures+1)); err != nil {
		return nil, nil, unreached(err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return answer, nil, nil
	case http.StatusUnprocessableEntity:
		return nil, nil, errContrary
	case http.StatusConflict:
		text, ended := strings.CutSuffix(string(answer), "\n")
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil || !ended || strconv.FormatUint(n, 10) != text || resp.Header.Get("Content-Type") != "text/x.tlog.size" {
			return nil, nil, fmt.Errorf("%w: 409 without a size", errAnswer)
		}
		return nil, &n, nil
	}
	return nil, nil, fmt.Errorf("%w: HTTP %d", errAnswer, resp.StatusCode)
}

// unreached says in our words what net/http says with the URL in it.
func unreached(err error) error {
	if t := (interface{ Timeout() bool })(nil); errors.As(err, &t) && t.Timeout() {
		return errors.New("no answer in time")
	}
	return errors.New("not reached")
}

// A Known is what a witness has cosigned last.
type Known struct {
	Names []string // in the policy
	Size  uint64
	Err   error // that it could not be asked, or knows another log of that size
}

// Known asks every witness how long a log it has cosigned, with a checkpoint of the
// log's own; one that has cosigned just that log cosigns it again. The error is
// [ErrPending] unless those who answered make the quorum, and [ErrContradicted] if one
// knows another log of the size.
func (a *Asker) Known(ctx context.Context, size uint64, note []byte) (list []Known, err error) {
	var silent []*desk
	for _, d := range a.desks {
		k := Known{Size: size}
		for _, w := range d.keys {
			k.Names = append(k.Names, w.Name)
		}
		_, has, failed := a.post(ctx, d.url, proof.Submission{Old: size, Checkpoint: note}.Marshal())
		switch {
		case errors.Is(failed, errContrary):
			err = ErrContradicted
		case failed != nil:
			silent = append(silent, d)
		case has != nil:
			k.Size = *has
		}
		k.Err = failed
		list = append(list, k)
	}
	if err == nil && !a.policy.Enough(a.without(silent)) {
		err = ErrPending
	}
	return list, err
}
