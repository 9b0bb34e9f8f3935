package workflow

import (
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// The kinds of no. Every answer that is not yes is one of them; server/rpc maps
// each to one gRPC code.
var (
	// ErrInvalid: the request itself is wrong, whatever the state.
	ErrInvalid = errors.New("the request is not valid")
	// ErrUnauthenticated: the proof of who calls does not hold.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrPermission: the caller may not do this at all.
	ErrPermission = errors.New("not permitted")
	// ErrNotFound: unknown, or not the caller's to see: one answer for both.
	ErrNotFound = errors.New("not found")
	// ErrState: the matter is not in a state that allows it.
	ErrState = errors.New("not possible as the matter stands")
	// ErrStale: what the request cites is no longer the last.
	ErrStale = errors.New("cites what is no longer the last")
	// ErrBusy: the caller has too much under way.
	ErrBusy = errors.New("too much under way")
	// ErrUnavailable: the service cannot do it now; the same request again may
	// succeed, or tell that it had succeeded.
	ErrUnavailable = errors.New("not available now")
	// ErrData: the store gave back something other than what was written.
	ErrData = errors.New("the store is damaged")
)

// Reasons are stable words for machines; a client's texts are chosen by them.
const (
	ReasonField            = "FIELD"             // a member is wrong; Field says which
	ReasonSignature        = "SIGNATURE"         // a statement's signature or form
	ReasonNamed            = "NAMED"             // the text names someone whose name is omitted
	ReasonMedia            = "MEDIA"             // the content's form is not accepted
	ReasonContent          = "CONTENT"           // the content is not the one signed
	ReasonPartDecision     = "PART_DECISION"     // the content lacks the decision
	ReasonPartReasons      = "PART_REASONS"      // the content lacks the reasons
	ReasonPartAppeal       = "PART_APPEAL"       // the content lacks how to appeal
	ReasonTaken            = "TAKEN"             // an id or a key has been used
	ReasonRole             = "ROLE"              // the caller's role
	ReasonOfficer          = "OFFICER"           // a signer or reviewer cannot draft
	ReasonKey              = "KEY"               // not the key that is registered for the caller
	ReasonAbsent           = "ABSENT"            // not there, or not the caller's
	ReasonEarlier          = "EARLIER_DRAFTS"    // earlier drafts of the case are not cited
	ReasonRevision         = "REVISION"          // another revision is the last
	ReasonEnded            = "ENDED"             // the matter has ended
	ReasonNotSigned        = "NOT_SIGNED"        // not signed yet
	ReasonDispatched       = "DISPATCHED"        // already dispatched
	ReasonAbstained        = "ABSTAINED"         // the caller abstained
	ReasonDay              = "DAY"               // the day has turned since the statement was signed
	ReasonOrder            = "DELEGATION_ORDER"  // the delegation order does not allow it
	ReasonSuperseded       = "SUPERSEDED"        // a later order or reviewer set is in force
	ReasonDissents         = "DISSENTS"          // a dissent is not cited
	ReasonRequestID        = "REQUEST_ID"        // the request id was used for something else
	ReasonContradiction    = "CONTRADICTION"     // the record says other than the token
	ReasonEvidence         = "EVIDENCE"          // the day key did not sign this draft
	ReasonVoted            = "VOTED"             // the reviewer has voted
	ReasonNotReleased      = "NOT_RELEASED"      // nothing to collect
	ReasonRequesterRevoked = "REQUESTER"         // the requester may not ask
	ReasonTooMany          = "TOO_MANY"          // a limit of things under way
	ReasonStopped          = "STOPPED"           // the server is stopping
	ReasonClock            = "CLOCK"             // the server's clock has gone back
	ReasonCertificate      = "CERTIFICATE"       // no certificate under which a decision would verify now
	ReasonUnwitnessed      = "UNWITNESSED"       // the witnesses have not cosigned it yet
	ReasonFull             = "FULL"              // no space left
	ReasonCorrupt          = "CORRUPT"           // damage in the store
	ReasonAlreadyPublished = "ALREADY_PUBLISHED" // the version or epoch exists
	ReasonLaw              = "LAW"               // a rule of law
)

// A Refusal is a no: its kind, a stable reason, the member that is wrong and,
// for a few reasons, what the client needs to mend it. It holds no value that
// the caller or anyone else wrote.
type Refusal struct {
	Kind    error
	Reason  string
	Field   string         // for ErrInvalid
	Line    int            // in the content, from 1; 0 if it is not about a line
	Digests []ident.Digest // for ReasonEarlier: the drafts that must be cited
	err     error
}

func (r *Refusal) Error() string {
	s := r.Kind.Error() + ": " + r.Reason
	if r.Field != "" {
		s += ": " + r.Field
	}
	if r.err != nil {
		s += ": " + r.err.Error()
	}
	return s
}

// Unwrap lets errors.Is find the kind and what lies under it.
func (r *Refusal) Unwrap() []error { return []error{r.Kind, r.err} }

// refuse is a refusal without a field.
func refuse(kind error, reason string) error { return &Refusal{Kind: kind, Reason: reason} }

// invalid is a refusal of a member.
func invalid(field, reason string, err error) error {
	return &Refusal{Kind: ErrInvalid, Reason: reason, Field: field, err: err}
}

// malformed turns an error of keys/ into a refusal, with the field that it names.
func malformed(field string, err error) error {
	if err == nil {
		return nil
	}
	if f := (*jws.FieldError)(nil); errors.As(err, &f) {
		return invalid(field+"."+f.Field, ReasonField, f.Err)
	}
	return invalid(field, ReasonSignature, err)
}

// absent is the one answer for the unknown and the forbidden.
func absent() error { return refuse(ErrNotFound, ReasonAbsent) }

func damaged(what string, err error) error {
	return &Refusal{Kind: ErrData, Reason: ReasonCorrupt, err: fmt.Errorf("%s: %w", what, err)}
}
