package main

import (
	"sigill/keys/evidence"
	"sigill/keys/statement"
)

// words are what is said to a person in one language. The law lets a notice leave
// a name out; nothing here promises that nobody will know it.
type words struct {
	yes, yesNo, passphrase, again                                                            string
	matter, proposal, reasons, provisions, dissent, noDissent, bias, assessment              string
	biasText, shown, omitted, preview, digest, smallSet, returned, earlier, urgent           string
	decides, countersigns, seals, question, abstain, sending, signed                         string
	caseRef, decisionType, item, contact, appeal, protocol, corrects, amends                 string
	weak, opened, established, notShown, notLogged, contradiction, fetched, waitingVotes     string
	nameOmitted, nameShown, cited, warning, refused, unknown, named                          string
	partMissing, partEmpty, form                                                             string
	forms                                                                                    map[error]string
	parts                                                                                    map[statement.Part]string
	unsure, requestSent, unanswered, unrevised, wasTaken, wasNotTaken, another               string
	pin, pinDo, warned, endedOpening, otherName, certified                                   string
	pending                                                                                  string // of a decision that witnesses have not seen
	seeHelp, toDo, loggedOut, anotherDo, unfit, withdraw, forget, takeBack                   string
	unpublished, unpublishedDo                                                               string
	witnessMade, witnessListens                                                              string
	fork, forkDo, unproved, unprovedDo, alarmDo                                              string
	evidenceKept, sealOpened, unwitnessedDays, datesWitnessed, datesUnwitnessed, provenFirst string
	proven                                                                                   map[evidence.Kind]string // by kind, of what
	found                                                                                    map[string]complaint     // by a monitor
	kinds                                                                                    map[string]complaint     // of files that verify does not take
	reason                                                                                   map[string]string        // what the server's no means, by its reason
	do                                                                                       map[string]string        // and what to do then; "" for a server that did not answer
	local                                                                                    map[string]complaint     // what is wrong here, by the names of causes
	appeals                                                                                  map[string]string
	roles                                                                                    map[string]string
	reasonsOf                                                                                map[string]string
}

var languages = map[string]*words{"sv": swedish, "en": english}

// A complaint is what is wrong, and what its reader can do next. A %s in the first
// is the error itself, in English.
type complaint struct{ what, do string }
