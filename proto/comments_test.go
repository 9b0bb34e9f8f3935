package proto_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigill/keys/token"
	"sigill/server/access"
)

// own are the codes of each RPC beside those that every call may give, with the
// reasons that the server gives for them. NOT_FOUND, FAILED_PRECONDITION and
// ABORTED are those of the contract's table, and what the server says beyond it.
var own = map[string]string{
	"SubmitDraft":      "FAILED_PRECONDITION EARLIER_DRAFTS TOO_MANY SUPERSEDED DELEGATION_ORDER REQUEST_ID",
	"ReviseDraft":      "NOT_FOUND ABSENT; ABORTED REVISION; FAILED_PRECONDITION ENDED EARLIER_DRAFTS TOO_MANY SUPERSEDED DELEGATION_ORDER REQUEST_ID",
	"AttachDissent":    "NOT_FOUND ABSENT; ABORTED REVISION; FAILED_PRECONDITION DISPATCHED ENDED TAKEN TOO_MANY REQUEST_ID",
	"WithdrawDraft":    "NOT_FOUND ABSENT; ABORTED REVISION; FAILED_PRECONDITION ENDED REQUEST_ID",
	"GetDraft":         "NOT_FOUND ABSENT",
	"ListSealOpenings": "NOT_FOUND ABSENT",

	"ListInbox":           "",
	"WatchInbox":          "RESOURCE_EXHAUSTED TOO_MANY",
	"GetInboxDraft":       "NOT_FOUND ABSENT",
	"CosignDecision":      "NOT_FOUND ABSENT; ABORTED REVISION; FAILED_PRECONDITION ENDED ABSTAINED DAY SUPERSEDED DELEGATION_ORDER REQUEST_ID",
	"ReturnDraft":         "NOT_FOUND ABSENT; ABORTED REVISION; FAILED_PRECONDITION ENDED DAY DELEGATION_ORDER REQUEST_ID",
	"AbstainFromDecision": "NOT_FOUND ABSENT; ABORTED REVISION; FAILED_PRECONDITION ENDED DAY DELEGATION_ORDER REQUEST_ID",
	"DispatchDecision":    "NOT_FOUND ABSENT; FAILED_PRECONDITION NOT_SIGNED DISPATCHED DISSENTS DAY DELEGATION_ORDER REQUEST_ID",

	"RequestOpening":  "FAILED_PRECONDITION NOT_SIGNED DAY TAKEN REQUEST_ID; RESOURCE_EXHAUSTED TOO_MANY",
	"GetOpening":      "NOT_FOUND ABSENT",
	"ListOpenings":    "",
	"CollectOpening":  "NOT_FOUND ABSENT; FAILED_PRECONDITION NOT_RELEASED ENDED REQUESTER REQUEST_ID",
	"WithdrawOpening": "NOT_FOUND ABSENT; FAILED_PRECONDITION ENDED REQUEST_ID",

	"ListReviews":    "",
	"GetReview":      "NOT_FOUND ABSENT",
	"FetchShare":     "NOT_FOUND ABSENT; FAILED_PRECONDITION ENDED REQUEST_ID",
	"ApproveOpening": "NOT_FOUND ABSENT; FAILED_PRECONDITION ENDED VOTED REQUESTER REQUEST_ID",
	"RefuseOpening":  "NOT_FOUND ABSENT; FAILED_PRECONDITION ENDED VOTED REQUEST_ID",

	"GetCheckpoint":      "",
	"GetTrust":           "",
	"GetDelegationOrder": "NOT_FOUND ABSENT",
	"GetReviewerSet":     "NOT_FOUND ABSENT",
	"GetProof":           "NOT_FOUND ABSENT",
	"GetBundle":          "NOT_FOUND ABSENT; FAILED_PRECONDITION NOT_SIGNED",

	"PublishReviewerSet":     "ABORTED SUPERSEDED; FAILED_PRECONDITION REQUEST_ID",
	"PublishDelegationOrder": "ABORTED SUPERSEDED; FAILED_PRECONDITION REQUEST_ID",
	"RegisterRequester":      "FAILED_PRECONDITION ALREADY_PUBLISHED REQUEST_ID",
	"RevokeRequester":        "NOT_FOUND ABSENT; FAILED_PRECONDITION ALREADY_PUBLISHED REQUEST_ID",
	"ListRequesters":         "",
	"GetStatus":              "",
}

// everywhere are the codes that any call may give; types.proto lists them, and
// each service says so.
const everywhere = "UNAUTHENTICATED INVALID_ARGUMENT PERMISSION_DENIED UNAVAILABLE RESOURCE_EXHAUSTED DEADLINE_EXCEEDED INTERNAL DATA_LOSS"

var (
	service   = regexp.MustCompile(`\nservice (\w+) \{\n`)
	method    = regexp.MustCompile(`((?:  //[^\n]*\n)*)  rpc (\w+)\(`)
	effect    = regexp.MustCompile(`^(\w+) \w+s .{15,}\.$`)
	caller    = regexp.MustCompile(`^Caller: ([a-z].+)\.$`)
	failure   = regexp.MustCompile(`^([A-Z_]+) if .+$`)
	reasons   = regexp.MustCompile(`\(([A-Z_]+(?:, [A-Z_]+)*)\)`)
	roleWords = regexp.MustCompile(`\b(?:anyone|caseworker|signer|registrar|requester|reviewer|administrator|auditor)\b`)
)

// protos calls f with each .proto file of the interface.
func protos(t *testing.T, f func(name, text string)) {
	t.Helper()
	files, err := filepath.Glob("sigill/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatal("no interface was found", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(file), string(b))
	}
}

// TestComments: the comment of every RPC says what it does, who calls it and
// which errors are its own, in one form; and no RPC stands in one of the tables
// alone.
func TestComments(t *testing.T) {
	seen := map[string]bool{}
	protos(t, func(file, text string) {
		s := service.FindStringSubmatch(text)
		if s == nil {
			return
		}
		for _, m := range method.FindAllStringSubmatch(text, -1) {
			seen[m[2]] = true
			for _, fault := range faults(s[1], m[2], uncomment(m[1])) {
				t.Errorf("%s: %s: %s", file, m[2], fault)
			}
		}
	})
	if got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(own)); !slices.Equal(got, want) {
		t.Errorf("the interface has the RPCs\n%v, the table\n%v", got, want)
	}
}

// TestCommentsCanFail: what is missing is found.
func TestCommentsCanFail(t *testing.T) {
	const (
		does = "GetBundle gives a signed decision. The look is trailed."
		who  = "Caller: caseworker with an author proof, signer or registrar."
		when = "Errors: NOT_FOUND if it is unknown (ABSENT); FAILED_PRECONDITION if it is not signed (NOT_SIGNED)."
	)
	for _, c := range []struct {
		comment []string
		want    string
	}{
		{[]string{does, who, when}, ""},
		{[]string{who, when}, "effect"},
		{[]string{"GetBundle gives it.", who, when}, "effect"},
		{[]string{strings.Replace(does, "Bundle", "Draft", 1), who, when}, "effect"},
		{[]string{does, when}, "caller"},
		{[]string{does, "Caller: signer or registrar.", when}, "caller"},
		{[]string{does, "Caller: caseworker, signer, registrar or requester.", when}, "caller"},
		{[]string{does, who}, "errors"},
		{[]string{does, who, "Errors: none of its own."}, "errors"},
		{[]string{does, who, "Errors: NOT_FOUND if it is unknown (ABSENT)."}, "errors"},
		{[]string{does, who, strings.Replace(when, " (NOT_SIGNED)", "", 1)}, "errors"},
		{[]string{does, who, strings.Replace(when, "NOT_SIGNED", "NOT_SIGNED, DAY", 1)}, "errors"},
		{[]string{does, who, strings.Replace(when, ".", "; ABORTED if it is old (REVISION).", 1)}, "errors"},
		{[]string{does, who, strings.Replace(when, " if it is not signed", "", 1)}, "errors"},
	} {
		found := faults("VerificationService", "GetBundle", c.comment)
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || !strings.HasPrefix(found[0], c.want)) {
			t.Errorf("%q: found %q, want %s", c.comment, found, c.want)
		}
	}
}

// TestEverywhere: what any call may give stands once, and each service says where.
func TestEverywhere(t *testing.T) {
	protos(t, func(file, text string) {
		if at := service.FindStringIndex(text); at != nil && !strings.HasSuffix(text[:at[0]], "Errors that every call may give are listed in types.proto.") {
			t.Errorf("%s: the service does not say which errors are everywhere", file)
		}
		if file != "types.proto" {
			return
		}
		head, _, _ := strings.Cut(text, "\nsyntax")
		for code := range strings.FieldsSeq(everywhere) {
			if strings.Count(head, "\n//   "+code+" ") != 1 {
				t.Errorf("%s does not list %s", file, code)
			}
		}
	})
}

// TestOwnReasons: SPEC.md's table of codes has exactly the reasons that RPCs give
// for the codes of their own.
func TestOwnReasons(t *testing.T) {
	given := map[string]map[string]bool{}
	for _, list := range own {
		for part := range strings.SplitSeq(list, "; ") {
			code, reasons, _ := strings.Cut(part, " ")
			if given[code] == nil {
				given[code] = map[string]bool{}
			}
			for r := range strings.FieldsSeq(reasons) {
				given[code][r] = true
			}
		}
	}
	for _, code := range []string{"NOT_FOUND", "FAILED_PRECONDITION", "ABORTED"} {
		row := regexp.MustCompile(`(?m)^\| ` + code + ` \|[^|]*\|([^|]*)\|$`).FindStringSubmatch(spec(t))
		if row == nil {
			t.Fatalf("SPEC.md has no row for %s", code)
		}
		said := strings.Split(strings.TrimSpace(row[1]), ", ")
		slices.Sort(said)
		if got := slices.Sorted(maps.Keys(given[code])); !slices.Equal(got, said) {
			t.Errorf("%s: RPCs give %v, SPEC.md has %v", code, got, said)
		}
	}
}

// uncomment makes one line of each paragraph and of each labelled sentence.
func uncomment(text string) []string {
	var out []string
	start := true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//"))
		switch {
		case line == "":
			start = true
			continue
		case start || strings.HasPrefix(line, "Caller: ") || strings.HasPrefix(line, "Errors: "):
			out = append(out, line)
		default:
			out[len(out)-1] += " " + line
		}
		start = false
	}
	return out
}

// faults lists what is wrong with the comment of an RPC.
func faults(service, name string, comment []string) []string {
	var found []string
	first, who, errs := "", "", ""
	for _, s := range comment {
		switch {
		case strings.HasPrefix(s, "Caller: "):
			who = s
		case strings.HasPrefix(s, "Errors: "):
			errs = s
		case first == "":
			first = s
		}
	}
	if m := effect.FindStringSubmatch(first); m == nil || m[1] != name {
		found = append(found, "effect: does not begin with what it does")
	}
	if got, want := callers(who), admitted(service, name); !slices.Equal(got, want) {
		found = append(found, "caller: says "+strings.Join(got, ", ")+", the table of access "+strings.Join(want, ", "))
	}
	if got := codesOf(errs); got != own[name] || errs == "" {
		found = append(found, "errors: says "+got+", want "+own[name])
	}
	return found
}

// callers are the roles that a comment names, sorted.
func callers(who string) []string {
	m := caller.FindStringSubmatch(who)
	if m == nil {
		return nil
	}
	list := roleWords.FindAllString(m[1], -1)
	slices.Sort(list)
	return slices.Compact(list)
}

// admitted are the roles that the server lets call a method, sorted.
func admitted(service, name string) []string {
	path := "/sigill.v1." + service + "/" + name
	if access.Public(path) {
		return []string{"anyone"}
	}
	var list []string
	for _, r := range []token.Role{token.Administrator, token.Auditor, token.Caseworker, token.Registrar, token.Requester, token.Reviewer, token.Signer} {
		if access.May(path, r) {
			list = append(list, string(r))
		}
	}
	return list
}

// codesOf is what a sentence of errors says, in the form of the table. Reasons
// stand in parentheses behind their condition.
func codesOf(sentence string) string {
	text, ended := strings.CutSuffix(strings.TrimPrefix(sentence, "Errors: "), ".")
	if !ended {
		return "what is no sentence"
	}
	if text == "none of its own" {
		return ""
	}
	var out []string
	for part := range strings.SplitSeq(text, "; ") {
		m := failure.FindStringSubmatch(part)
		if m == nil {
			return "no condition in " + part
		}
		words := []string{m[1]}
		for _, r := range reasons.FindAllStringSubmatch(part, -1) {
			words = append(words, strings.Split(r[1], ", ")...)
		}
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "; ")
}
