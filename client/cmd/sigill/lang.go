package main

import (
	"errors"
	"fmt"
	"strings"

	"sigill/client"
	"sigill/keys/guard"
	"sigill/keys/statement"
)

// words are what is said to a person in one language. The law lets a notice leave
// a name out; nothing here promises that nobody will know it.
type words struct {
	yes, yesNo, passphrase, again                                                        string
	matter, proposal, reasons, provisions, dissent, noDissent, bias, assessment          string
	biasText, shown, omitted, preview, digest, smallSet, returned, earlier, urgent       string
	decides, countersigns, seals, question, abstain, sending, signed                     string
	caseRef, decisionType, item, contact, appeal, protocol, corrects, amends             string
	weak, opened, established, notShown, notLogged, contradiction, fetched, waitingVotes string
	nameOmitted, nameShown, cited, warning, refused, unknown, named                      string
	partMissing, partEmpty, form                                                         string
	forms                                                                                map[error]string
	parts                                                                                map[statement.Part]string
	unsure, requestSent, unanswered, unrevised, wasTaken, wasNotTaken, another           string
	reason                                                                               map[string]string
	appeals                                                                              map[string]string
	roles                                                                                map[string]string
	reasonsOf                                                                            map[string]string
}

var languages = map[string]*words{"sv": swedish, "en": english}

var swedish = &words{
	yes: "ja", yesNo: "ja/nej", passphrase: "Lösenfras", again: "Lösenfrasen en gång till",
	matter: "Ärendet", proposal: "Förslag till beslut", reasons: "Skäl", provisions: "Lagrum", dissent: "Avvikande mening",
	noDissent: "Ingen är anmäld.", bias: "Jävsförsäkran", assessment: "Bedömning enligt 33 § förvaltningslagen",
	biasText: "Var och en som anges i den förseglade handlingen har försäkrat sig ojävig. Med din underskrift försäkrar du detsamma för egen del; annars avstår du.",
	shown:    "anges i underrättelsen", omitted: "utelämnas ur underrättelsen efter bedömning i den förseglade handlingen",
	preview: "Förhandsvisning av underrättelsen: hur beslutet har fattats", digest: "Kontrollsumma att jämföra på annan väg",
	smallSet: "OBS: få handläggare kan ha skrivit detta. Underrättelsen kan peka ut den som skrev, även utan namn.",
	returned: "Tidigare återsänt", earlier: "Tidigare utkast i ärendet", urgent: "Skyndsamt: visas utan att vänta på den fasta tiden.",
	decides:      "Du fattar nu beslutet. Du anges som beslutsfattare i handlingen enligt 31 § förvaltningslagen.",
	countersigns: "Du kontrasignerar. Beslutsfattare är den delegat som anges i handlingen.",
	seals:        "Du expedierar ett utdrag ur protokollet. Beslutsfattare är nämnden eller utskottet, som anges i handlingen.",
	question:     "Skriva under och stämpla?", abstain: "Avstå från ärendet på grund av jäv? Det kan inte ändras.",
	sending: "Skriver under och stämplar", signed: "Beslutet är undertecknat: %s. Det ligger i %s.",
	caseRef: "Ärendenummer", decisionType: "Beslutstyp", item: "Delegationspunkt", contact: "Frågor om beslutet", appeal: "Överklagande",
	protocol: "Protokoll", corrects: "Rättar beslut", amends: "Ändrar beslut",
	opened:        "Förseglingen är bruten. Protokollet ligger i %s och %s.",
	notShown:      "Uppgifter om person skrivs inte ut här: ge --show, eller läs protokollet.",
	weak:          "OBS: SIGILL_WORK_FACTOR %d gör lösenfrasen lätt att gissa. Bara för prov.",
	established:   "Förseglingen är bruten utan server. Handlingen ligger i %s.",
	notLogged:     "OBS: ingenting är loggat. Rösten ska föras in i loggen när den är i drift igen.",
	contradiction: "OBS: handlingen innehåller %d motsägelser, se protokollet.",
	fetched:       "Utlämnandet är hämtat till %s. Öppna det med sigill open.", waitingVotes: "Väntar på granskning: %d av %d har röstat",
	nameOmitted: "Ditt namn utelämnas ur underrättelsen. Det antecknas i en särskild handling som nämnden förvarar. Namnet kan komma att lämnas ut efter prövning. Du informeras om det sker, om inte utredningsskäl hindrar.",
	nameShown:   "Ditt namn anges i underrättelsen.",
	cited:       "Ärendet har %d tidigare utkast, som nu anges i det nya:", warning: "Kan peka på en person: %s, rad %d, kolumn %d (%s).",
	refused: "servern sade nej", unknown: "servern svarade inte, så det går inte att säga om anropet fick verkan",
	named: "Texten anger någon vars namn ska utelämnas. Ingenting har skickats.",
	form:  "Textens form godtas inte: %s. Ingenting har skickats.",
	forms: map[error]string{
		guard.ErrMediaType: "bara ren text och Markdown i UTF-8 godtas", guard.ErrEmpty: "texten är tom", guard.ErrTooLarge: "texten är större än 1 MiB",
		guard.ErrEncoding: "inte giltig UTF-8", guard.ErrBOM: "ett byteordningsmärke", guard.ErrControl: "ett styrtecken som inte är radbrytning eller tabb",
		guard.ErrBidi: "ett tecken som ändrar skrivriktningen", guard.ErrSeparator: "en rad- eller styckeavskiljare ur Unicode",
		guard.ErrHidden: "text som en läsare inte ser", guard.ErrHTML: "HTML i Markdown", guard.ErrImage: "en bild",
		guard.ErrWrongType: "innehållet är av ett annat slag än text",
	},
	partMissing: "Texten saknar en rubrik för %s. Ingenting har skickats.",
	partEmpty:   "Texten har ingenting under rubriken för %s. Ingenting har skickats.",
	parts: map[statement.Part]string{statement.PartDecision: "beslutet (33 § förvaltningslagen)",
		statement.PartReasons: "skälen (32 § förvaltningslagen)", statement.PartAppeal: "hur man överklagar (33 § förvaltningslagen)"},
	unsure:      "ett tidigare försök fick inget svar, så det går inte att säga om anropet fick verkan; det senaste nekades",
	unanswered:  "Utkastet ligger i MATTER %s och nyckeln är kvar. Fråga igen med samma kommando, så lämnas det in högst en gång: sigill draft submit %s",
	unrevised:   "Ändringen av MATTER %s kan ha kommit fram. Fråga med: sigill draft show %s",
	wasTaken:    "Utkastet i MATTER %s, som inget svar kom på, är inlämnat.",
	wasNotTaken: "Utkastet i MATTER %s, som inget svar kom på, är inte inlämnat.",
	another:     "Du har redan utkast i ärendet, i MATTER %s. Ett till skulle bli ett beslut till, så inget nytt är inlämnat. Ändra det med sigill draft revise, eller ge --another.",
	requestSent: "Begäran %s kan ha kommit fram. Nyckeln till svaret är kvar. Fråga med: sigill request show %s",
	reason: map[string]string{
		"FIELD": "En uppgift är felaktig", "SIGNATURE": "En underskrift eller dess form är felaktig", "NAMED": "Texten anger någon vars namn ska utelämnas",
		"PART_DECISION": "Texten saknar beslutet, eller text under dess rubrik (33 § förvaltningslagen)",
		"PART_REASONS":  "Texten saknar skälen, eller text under deras rubrik (32 § förvaltningslagen)",
		"PART_APPEAL":   "Texten saknar hur man överklagar, eller text under den rubriken (33 § förvaltningslagen)",
		"MEDIA":         "Textens form godtas inte", "CONTENT": "Texten är inte den undertecknade", "TAKEN": "Beteckningen eller nyckeln är redan använd",
		"ROLE": "Din roll får inte göra detta", "OFFICER": "Den som undertecknar eller granskar kan inte lägga fram utkast", "KEY": "Nyckeln är inte den som är registrerad för dig",
		"ABSENT": "Finns inte, eller är inte ditt", "EARLIER_DRAFTS": "Tidigare utkast i ärendet är inte angivna", "REVISION": "En annan version är den senaste",
		"ENDED": "Ärendet är avslutat", "NOT_SIGNED": "Beslutet är inte undertecknat", "DISPATCHED": "Beslutet är redan expedierat", "ABSTAINED": "Du har avstått i ärendet",
		"DAY": "Dagen har bytts sedan underskriften", "DELEGATION_ORDER": "Delegationsordningen tillåter det inte", "SUPERSEDED": "En senare delegationsordning eller granskarkrets gäller",
		"DISSENTS": "En avvikande mening är inte angiven", "CONTRADICTION": "Handlingen och inloggningen säger olika", "VOTED": "Du har redan röstat",
		"NOT_RELEASED": "Inget är utlämnat", "REQUESTER": "Den som begär är inte behörig", "TOO_MANY": "För mycket pågår", "ALREADY_PUBLISHED": "Den versionen finns redan",
		"CERTIFICATE": "Myndighetens certifikat gäller inte nu; inget är undertecknat", "LAW": "Lagen kräver något som saknas", "TOKEN": "Inloggningen godtas inte",
	},
	appeals: map[string]string{"FORVALTNINGSBESVAR": "till förvaltningsrätten, inom tre veckor från att du fick del av beslutet",
		"LAGLIGHETSPROVNING": "laglighetsprövning enligt 13 kap. kommunallagen, inom tre veckor", "FAR_INTE_OVERKLAGAS": "får inte överklagas"},
	roles: map[string]string{"DECIDER": "Beslutsfattare", "PRESENTER": "Föredragande", "PARTICIPANT": "Medverkande"},
	reasonsOf: map[string]string{"STATED": "anges i beslutet", "OBVIOUSLY_UNNECESSARY": "uppenbart obehövliga (32 § förvaltningslagen)",
		"URGENT": "utelämnas eftersom beslutet brådskar (32 § förvaltningslagen)"},
}

var english = &words{
	yes: "yes", yesNo: "yes/no", passphrase: "Passphrase", again: "Passphrase once more",
	matter: "The matter", proposal: "Proposed decision", reasons: "Reasons", provisions: "Provisions", dissent: "Dissent",
	noDissent: "None.", bias: "Bias declaration", assessment: "Assessment under section 33 of the Administrative Procedure Act",
	biasText: "Everyone named in the sealed record has declared to be unbiased. By signing you declare the same of yourself; otherwise you abstain.",
	shown:    "named in the notice", omitted: "left out of the notice, on an assessment in the sealed record",
	preview: "Preview of the notice: how the decision was made", digest: "Digest to compare by another way",
	smallSet: "NOTE: few caseworkers could have written this. The notice may point at its author even without a name.",
	returned: "Returned before", earlier: "Earlier drafts in the case", urgent: "Urgent: shown without waiting for the fixed hour.",
	decides:      "You are now making the decision. You are named as decider in the record under section 31 of the Administrative Procedure Act.",
	countersigns: "You are countersigning. The decider is the delegate named in the record.",
	seals:        "You are dispatching an extract of the minutes. The decider is the board or committee named in the record.",
	question:     "Sign and seal?", abstain: "Abstain from the matter for bias? This cannot be undone.",
	sending: "Signing and sealing", signed: "The decision is signed: %s. It lies in %s.",
	caseRef: "Case reference", decisionType: "Decision type", item: "Delegation item", contact: "Questions", appeal: "Appeal",
	protocol: "Minutes", corrects: "Corrects decision", amends: "Amends decision",
	opened:        "The seal is open. The protocol lies in %s and %s.",
	notShown:      "What names a person is not printed here: give --show, or read the protocol.",
	weak:          "NOTE: SIGILL_WORK_FACTOR %d makes the passphrase cheap to guess. For tests alone.",
	established:   "The seal was opened without a server. The record lies in %s.",
	notLogged:     "NOTE: nothing is logged. The vote must be logged when the log stands again.",
	contradiction: "NOTE: the record holds %d contradictions, see the protocol.",
	fetched:       "The disclosure was fetched to %s. Open it with sigill open.", waitingVotes: "Waiting for review: %d of %d have voted",
	nameOmitted: "Your name is left out of the notice. It is kept in a separate record that the board holds. It may be disclosed after a test. You are told if that happens, unless an investigation prevents it.",
	nameShown:   "Your name stands in the notice.",
	cited:       "The case has %d earlier drafts, which the new one now cites:", warning: "May point at a person: %s, line %d, column %d (%s).",
	refused: "the server said no", unknown: "the server did not answer, so it cannot be told whether the call took effect",
	named: "The text names someone whose name is to be left out. Nothing was sent.",
	form:  "The text's form is not accepted: %s. Nothing was sent.",
	forms: map[error]string{
		guard.ErrMediaType: "only plain text and Markdown in UTF-8 are accepted", guard.ErrEmpty: "the text is empty", guard.ErrTooLarge: "the text is larger than 1 MiB",
		guard.ErrEncoding: "not valid UTF-8", guard.ErrBOM: "a byte order mark", guard.ErrControl: "a control character other than line feed and tab",
		guard.ErrBidi: "a character that changes the direction of writing", guard.ErrSeparator: "a Unicode line or paragraph separator",
		guard.ErrHidden: "text that a reader does not see", guard.ErrHTML: "HTML in Markdown", guard.ErrImage: "an image",
		guard.ErrWrongType: "the content is of another kind than text",
	},
	partMissing: "The text has no heading for %s. Nothing was sent.",
	partEmpty:   "The text has nothing under the heading for %s. Nothing was sent.",
	parts: map[statement.Part]string{statement.PartDecision: "the decision (section 33 of the Administrative Procedure Act)",
		statement.PartReasons: "the reasons (section 32 of the Administrative Procedure Act)",
		statement.PartAppeal:  "how to appeal (section 33 of the Administrative Procedure Act)"},
	unsure:      "an earlier try got no answer, so it cannot be told whether the call took effect; the last one was refused",
	unanswered:  "The draft lies in MATTER %s and its key is kept. Ask again with the same command, and it is submitted once at most: sigill draft submit %s",
	unrevised:   "The revision of MATTER %s may have arrived. Ask with: sigill draft show %s",
	wasTaken:    "The draft in MATTER %s, to which no answer came, is submitted.",
	wasNotTaken: "The draft in MATTER %s, to which no answer came, was not submitted.",
	another:     "You have drafts in this case already, in MATTER %s. Another one would become another decision, so nothing new is submitted. Change it with sigill draft revise, or give --another.",
	requestSent: "The request %s may have arrived. The key to its answer is kept. Ask with: sigill request show %s",
	reason: map[string]string{
		"FIELD": "a member is wrong", "SIGNATURE": "a signature or its form is wrong", "NAMED": "the text names someone whose name is to be left out",
		"PART_DECISION": "the text lacks the decision, or text under its heading (section 33 of the Administrative Procedure Act)",
		"PART_REASONS":  "the text lacks the reasons, or text under their heading (section 32 of the Administrative Procedure Act)",
		"PART_APPEAL":   "the text lacks how to appeal, or text under that heading (section 33 of the Administrative Procedure Act)",
		"MEDIA":         "the text's form is not accepted", "CONTENT": "the text is not the one signed", "TAKEN": "the id or key has been used",
		"ROLE": "your role may not do this", "OFFICER": "a signer or reviewer cannot draft", "KEY": "not the key that is registered for you",
		"ABSENT": "not there, or not yours", "EARLIER_DRAFTS": "earlier drafts of the case are not cited", "REVISION": "another revision is the last",
		"ENDED": "the matter has ended", "NOT_SIGNED": "the decision is not signed", "DISPATCHED": "the decision is dispatched already", "ABSTAINED": "you abstained in this matter",
		"DAY": "the day has turned since it was signed", "DELEGATION_ORDER": "the delegation order does not allow it", "SUPERSEDED": "a later order or reviewer set is in force",
		"DISSENTS": "a dissent is not cited", "CONTRADICTION": "record and login say different things", "VOTED": "you have voted",
		"NOT_RELEASED": "nothing is released", "REQUESTER": "the requester may not ask", "TOO_MANY": "too much under way", "ALREADY_PUBLISHED": "that version exists",
		"CERTIFICATE": "the authority's certificate is not in force; nothing is signed", "LAW": "something that the law asks for is missing", "TOKEN": "the login is not accepted",
	},
	appeals: map[string]string{"FORVALTNINGSBESVAR": "to the administrative court, within three weeks of receipt",
		"LAGLIGHETSPROVNING": "review of legality under chapter 13 of the Local Government Act, within three weeks", "FAR_INTE_OVERKLAGAS": "cannot be appealed"},
	roles: map[string]string{"DECIDER": "Decider", "PRESENTER": "Presenter", "PARTICIPANT": "Participants"},
	reasonsOf: map[string]string{"STATED": "stated in the decision", "OBVIOUSLY_UNNECESSARY": "obviously unnecessary (section 32)",
		"URGENT": "left out since the decision is urgent (section 32)"},
}

// say is an error as a person reads it. The server's no is told by its reason.
func (a *app) say(err error) string {
	w := a.words
	if w == nil {
		w = languages[systemLanguage()]
	}
	if n := (*client.NamedError)(nil); errors.As(err, &n) {
		return w.named + places(n.Findings)
	}
	if f := (*client.FormError)(nil); errors.As(err, &f) {
		s := fmt.Sprintf(w.form, w.forms[f.Err]) + "\n  " + f.Field
		if f.Line > 0 {
			s += fmt.Sprintf(":%d", f.Line)
		}
		return s
	}
	if p := (*statement.PartError)(nil); errors.As(err, &p) {
		if p.Line == 0 {
			return fmt.Sprintf(w.partMissing, w.parts[p.Part])
		}
		return fmt.Sprintf(w.partEmpty, w.parts[p.Part]) + fmt.Sprintf("\n  content:%d", p.Line)
	}
	if n := (*client.AnotherError)(nil); errors.As(err, &n) {
		return fmt.Sprintf(w.another, strings.Join(n.Matters, ", "))
	}
	lost := (*client.UnansweredError)(nil)
	e := (*client.Error)(nil)
	if !errors.As(err, &e) {
		return err.Error()
	}
	s := w.refused
	switch {
	case e.Unsure, errors.As(err, &lost) && e.Tells():
		s = w.unsure
	case !e.Tells():
		s = w.unknown
	}
	if text := w.reason[e.Reason]; text != "" {
		s += ": " + text
	}
	if e.Field != "" {
		s += ": " + e.Field
	}
	if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
	}
	return s + " (" + strings.TrimSpace(e.Code.String()+" "+e.Reason) + ")"
}

// places lists findings of the guard, by field, line and column.
func places(findings []guard.Finding) string {
	var s strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&s, "\n  %s:%d:%d (%s)", f.Field, f.Line, f.Column, f.Kind)
	}
	return s.String()
}
