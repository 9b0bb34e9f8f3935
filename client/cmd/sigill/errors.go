package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/client/monitor"
	"sigill/client/tiles"
	"sigill/client/witness"
	"sigill/keys/bundle"
	"sigill/keys/command"
	"sigill/keys/disclosure"
	"sigill/keys/evidence"
	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
)

var (
	errUsage      = errors.New("usage")
	errVerify     = errors.New("verification failed")
	errNoTerminal = errors.New("no passphrase: set SIGILL_PASSPHRASE_FILE, or run this on a terminal")
	errConfirm    = errors.New("not confirmed: answer on a terminal, or give --yes")
	errOpenSecret = errors.New("must be your own file with mode 0600")
	errTrustText  = errors.New("not a text that a trust file can be made from")
	errDiffer     = errors.New("the passphrases differ")
)

// usage is a command line or a setting that cannot be followed: in English here, in
// the table of texts in Swedish.
func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUsage, &command.Usage{Format: format, Args: args})
}

// fileError says which of several files an error is about, by what it is for.
type fileError struct {
	what string
	err  error
}

func (e *fileError) Error() string { return e.what + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func ofFile(what string, err error) error {
	if err == nil {
		return nil
	}
	return &fileError{what, keyfile.Pathless(err)}
}

// causes are the errors of this machine by the names that the languages have for
// them; of several that fit, the first.
var causes = []struct {
	err  error
	name string
}{
	{context.Canceled, "interrupted"}, {errNoTerminal, "no-terminal"}, {errConfirm, "confirm"}, {errDiffer, "differ"}, {errOpenSecret, "open-secret"},
	{keyfile.ErrCannotOpen, "cannot-open"}, {keyfile.ErrUnsafe, "unsafe"}, {keyfile.ErrExists, "exists"}, {client.ErrExists, "exists"},
	{keyfile.ErrPassphrase, "empty"}, {keyfile.ErrTooLong, "too-long"}, {client.ErrEndless, "endless"}, {keyfile.ErrUse, "use"}, {keyfile.ErrPEM, "pem"},
	{client.ErrHome, "home"}, {client.ErrNoMatter, "no-matter"}, {client.ErrDayKey, "day-key"}, {client.ErrToken, "token"}, {client.ErrLogin, "login"},
	{record.ErrBias, "bias"}, {record.ErrAssessment, "assessment"},
	{order.ErrNoItem, "no-item"}, {order.ErrNoSigner, "no-signer"}, {client.ErrTooLarge, "too-large"}, {client.ErrSuperseded, "superseded"},
	{client.ErrNotMine, "not-mine"}, {client.ErrWrongGroup, "not-mine"}, {client.ErrExpired, "request-expired"},
	{disclosure.ErrNotForKey, "not-for-key"}, {disclosure.ErrUndecided, "undecided"}, {opening.ErrRefusal, "refusal"},
	{order.ErrDocument, "document"}, {errTrustText, "trust-text"}, {bundle.ErrSuccession, "succession"}, {bundle.ErrTrust, "trust"}, {bundle.ErrBundle, "not-bundle"}, {bundle.ErrAct, "not-act"}, {opening.ErrPackage, "not-package"}, {opening.ErrNotice, "notice"},
	{errBroken, "broken"}, {errReceipt, "receipt"}, {errOtherDraft, "other-draft"}, {errUnproved, "unproved"},
	{evidence.ErrEvidence, "not-evidence"}, {evidence.ErrNothing, "proves-nothing"},
	{proof.ErrUnwitnessed, "unwitnessed"}, {client.ErrVerification, "unverified"}, {disclosure.ErrVerification, "unverified"}, {errVerify, "unverified"},
	{client.ErrConfig, "config"},
	{ident.ErrID, "id"}, {ident.ErrAuthority, "authority"}, {ident.ErrDate, "date"}, {ident.ErrDigest, "digest"},
	{fs.ErrNotExist, "missing"}, {syscall.EROFS, "read-only"}, {fs.ErrPermission, "permission"},
	{syscall.ENOSPC, "full"}, {syscall.EDQUOT, "full"}, {syscall.EFBIG, "full"}, {syscall.EISDIR, "not-file"}, {syscall.ENOTDIR, "not-file"},
	{client.ErrFolder, "folder"},
	{witness.ErrExists, "witness-exists"}, {witness.ErrPlace, "witness-place"}, {witness.ErrConfig, "witness-config"}, {witness.ErrKeys, "witness-keys"},
	{witness.ErrLogs, "witness-logs"}, {witness.ErrLocked, "witness-locked"}, {witness.ErrState, "witness-state"}, {witness.ErrOlder, "witness-older"},
	{witness.ErrFound, "witness-found"}, {witness.ErrClock, "witness-clock"}, {witness.ErrWrite, "witness-write"},
	{proof.ErrWitnessName, "witness-name"}, {proof.ErrLogKey, "log-key"},
	{monitor.ErrState, "monitor-state"}, {monitor.ErrLocked, "monitor-locked"}, {monitor.ErrCompare, "monitor-compare"},
	{tiles.ErrSource, "log-source"}, {tiles.ErrUnreachable, "log-silent"}, {tiles.ErrAbsent, "log-absent"}, {tiles.ErrDamaged, "log-damaged"},
	{proof.ErrInconsistent, "log-forked"}, {proof.ErrCheckpoint, "log-another"},
}

// failure is an error as a person reads it, and with -o json a program.
type failure struct {
	Error  string `json:"error"`
	Advice string `json:"advice"` // what to do next
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	Field  string `json:"field,omitempty"`
	Line   int    `json:"line,omitempty"`
	Exit   int    `json:"exit"`
}

// fail tells what went wrong, on standard error: in lines, or as one line of JSON.
func (a *app) fail(cmd *cobra.Command, err error) {
	if a.words == nil { // settings were not read, or are wrong themselves
		a.words = languages[a.language()]
	}
	f := a.failure(err)
	switch {
	case f.Reason == "ENDED" && ofOpenings(cmd):
		f.Advice = a.words.endedOpening
	case f.Reason == "ABSENT" && cmd.Name() == "prove":
		f.Error, f.Advice = a.words.unpublished, a.words.unpublishedDo
	case (errors.Is(err, client.ErrExists) || errors.Is(err, keyfile.ErrExists)) && cmd.Flags().Lookup("force") == nil:
		f.Advice = a.words.otherName
	}
	if errors.Is(err, errUsage) || errors.As(err, new(*command.Usage)) {
		f.Advice = fmt.Sprintf(a.words.seeHelp, cmd.CommandPath())
	}
	if a.format == "json" {
		e := json.NewEncoder(a.stderr)
		e.SetEscapeHTML(false)
		if e.Encode(f) == nil {
			return
		}
	}
	fmt.Fprintln(a.stderr, "sigill:", f.Error)
	fmt.Fprintf(a.stderr, a.words.toDo+"\n", f.Advice)
}

// ofOpenings says whether a command is about a request to open a seal, and no decision.
func ofOpenings(cmd *cobra.Command) bool {
	for ; cmd.HasParent(); cmd = cmd.Parent() {
		if name := cmd.Name(); name == "request" || name == "review" || name == "collect" {
			return true
		}
	}
	return false
}

func (a *app) failure(err error) failure {
	w, f := a.words, failure{Exit: exitCode(err)}
	c, named, form, part, another := (*client.Error)(nil), (*client.NamedError)(nil), (*client.FormError)(nil), (*statement.PartError)(nil), (*client.AnotherError)(nil)
	used := (*command.Usage)(nil)
	ills, pin, loud, kind := (*sick)(nil), (*client.PinError)(nil), (*alarm)(nil), (*kindError)(nil)
	switch {
	case errors.As(err, &kind):
		f.Error, f.Advice = w.kinds[kind.kind].what, w.kinds[kind.kind].do
	case errors.As(err, &loud):
		f.Error, f.Advice = a.t(outcomes[loud.state].end), w.alarmDo
	case errors.As(err, &ills):
		f.Error, f.Advice = fmt.Sprintf(a.t("%d of the checks failed"), ills.failed), a.t("Do what stands under each of them, and run sigill doctor again.")
	case errors.As(err, &named):
		f.Error, f.Advice = w.named+a.places(named.Findings), w.do["NAMED"]
	case errors.As(err, &form):
		f.Error, f.Advice, f.Field, f.Line = fmt.Sprintf(w.form, w.forms[form.Err])+"\n  "+place(form.Field, form.Line), w.do["MEDIA"], form.Field, form.Line
	case errors.As(err, &part):
		f.Error, f.Advice, f.Line = a.lacks(part), w.do[map[statement.Part]string{statement.PartDecision: "PART_DECISION",
			statement.PartReasons: "PART_REASONS", statement.PartAppeal: "PART_APPEAL"}[part.Part]], part.Line
	case errors.As(err, &pin):
		f.Error, f.Advice = fmt.Sprintf(w.pin, pin.Requester.Name, pin.Requester.Requester), fmt.Sprintf(w.pinDo, pin.Requester.Requester)
	case errors.As(err, &another):
		f.Error, f.Advice = fmt.Sprintf(w.another, strings.Join(another.Matters, ", ")), w.anotherDo
	case errors.As(err, &c) && !c.Handshake:
		f.Error, f.Advice = a.no(err, c), a.advice(c)
		f.Code, f.Reason, f.Field, f.Line = c.Code.String(), c.Reason, c.Field, c.Line
	case errors.As(err, &used):
		f.Error = fmt.Sprintf(a.t(used.Format), used.Args...)
	default:
		f.Error, f.Advice = a.local(err)
	}
	return f
}

// lacks says which part of a decision's text is not there.
func (a *app) lacks(p *statement.PartError) string {
	if p.Line == 0 {
		return fmt.Sprintf(a.words.partMissing, a.words.parts[p.Part])
	}
	return fmt.Sprintf(a.words.partEmpty, a.words.parts[p.Part]) + "\n  " + place("content", p.Line)
}

// no is the server's no, told by its reason, or that it did not answer.
func (a *app) no(err error, e *client.Error) string {
	s := a.words.refused
	switch {
	case e.Unsure, errors.As(err, new(*client.UnansweredError)) && e.Tells():
		s = a.words.unsure
	case !e.Tells():
		s = a.words.unknown
	}
	if text := a.words.reason[e.Reason]; text != "" {
		s += ": " + text
	}
	if e.Field != "" {
		s += ": " + place(e.Field, e.Line)
	}
	return s + " (" + strings.TrimSpace(e.Code.String()+" "+e.Reason) + ")"
}

// advice is what to do after the server's no. A login that has run out is told apart
// here: the server says of no login what is wrong with it.
func (a *app) advice(e *client.Error) string {
	if e.Reason == "TOKEN" && !a.expires.IsZero() && time.Now().After(a.expires) {
		return fmt.Sprintf(a.words.loggedOut, a.expires.Local().Format("15:04"))
	}
	if do := a.words.do[e.Reason]; do != "" && !e.Unsure {
		return do
	}
	return a.words.do[""]
}

// local is what is said of an error of this machine.
func (a *app) local(err error) (what, do string) {
	name := ""
	if c := (*client.Error)(nil); errors.As(err, &c) {
		name = "handshake"
	}
	for _, c := range causes {
		if name == "" && errors.Is(err, c.err) {
			name = c.name
		}
	}
	c := a.words.local[name]
	what = c.what
	if strings.Contains(what, "%s") {
		what = fmt.Sprintf(what, strings.TrimPrefix(err.Error(), errVerify.Error()+": "))
	} else if f := (*fileError)(nil); errors.As(err, &f) {
		what = a.t(f.what) + ": " + what
	}
	return what, c.do
}

// place is a field, with the line in it if there is one.
func place(field string, line int) string {
	if line > 0 {
		return fmt.Sprintf("%s:%d", field, line)
	}
	return field
}

// places lists findings of the guard, by field, line and column.
func (a *app) places(findings []guard.Finding) string {
	var s strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&s, "\n  %s:%d:%d (%s)", f.Field, f.Line, f.Column, a.t(f.Kind.String()))
	}
	return s.String()
}
