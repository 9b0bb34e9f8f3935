package disclosure

// words are the protocol's texts in one language. The law gives a way to leave a
// name out of a notice; it does not make a caseworker nameless, and no text here
// says so.
type words struct {
	title, authority, requester, reference, ground, outcome                      string
	decision, number, date, caseRef, matter, mode, item, itemOf, protocol        string
	unbiased, content, dissent, scope, asked, granted, refused, noProvision      string
	reservation, recordHeading, stated, author, nobody, assessment, notDisclosed string
	login, account, provider, level, received, contradictions, badShares         string
	badShare, review, refusedAll, verified, checked, logged, request, release    string
	checkpoint, witnessed, unwitnessed, opening, told, noteHeading, note         string
	sectionNames                                                                 [7]string
	outcomes, modes, signers, deciders, roles, fears, labels, codes, bases       map[string]string
}

var sv = &words{
	title: "Protokoll över bruten försegling", authority: "Myndighet", requester: "Begärd av", reference: "Mål eller beteckning",
	ground: "Grund", outcome: "Utfall", decision: "Beslutet", number: "Beslutsnummer", date: "Datum", caseRef: "Diarienummer",
	matter: "Ärendet", mode: "Beslutsordning", item: "Delegationspunkt", itemOf: "%s (delegationsordning version %d)", protocol: "Protokoll",
	unbiased: "har förklarat sig ojävig", content: "Innehållets kontrollsumma (SHA-256)", dissent: "Avvikande mening",
	scope: "Begärt och utlämnat", asked: "Begärt", granted: "Utlämnat", refused: "Inte utlämnat", noProvision: "inte avgjort när begäran löpte ut",
	reservation: "Förbehåll", recordHeading: "Ur handlingen enligt 31 § förvaltningslagen", stated: "enligt handläggaren",
	author: "har utarbetat beslutet", nobody: "ingen", assessment: "%s; bedömd av %s %s, ny prövning senast %s, dnr %s",
	notDisclosed: "Bevisning om författarskap har inte lämnats ut. Protokollet säger därför inget om vem som har utarbetat beslutet utöver det som står i utlämnade delar.",
	login:        "Inloggad", account: "Konto", provider: "Legitimerad genom", level: "Tillitsnivå", received: "Utkastet mottaget",
	contradictions: "Motsägelser", badShares: "Granskare vars del inte kunde användas", badShare: "%s (grupp %d, plats %d)",
	review: "Granskningen", refusedAll: "har avslagit begäran", verified: "Kontroller",
	checked: "Beslutet, begäran, varje granskares röst, utlämnandet och de öppnade delarna har kontrollerats mot beslutets underskrifter och mot myndighetens logg.",
	logged:  "%s, post %d i loggen, %s", request: "Begäran", release: "Utlämnandet", checkpoint: "Loggens kontrollpunkt",
	witnessed: "bevittnad", unwitnessed: "obevittnad", opening: "Öppningens beteckning", told: "Den berörda underrättas senast",
	noteHeading: "Att beakta",
	note: "Ett namn som tas in i domen eller beslutet blir offentligt (43 kap. 8 § offentlighets- och sekretesslagen). " +
		"Domstolen bör överväga om namnet behöver anges där, eller om det räcker att hänvisa till denna handling.",
	sectionNames: [7]string{"Beslutsfattare", "Föredragande", "Medverkande", "Den som har anmält avvikande mening", "Jävsförsäkran",
		"Bedömning enligt 33 § fjärde stycket förvaltningslagen", "Bevisning om författarskap"},
	outcomes: map[string]string{"GRANTED_FULL": "utlämnat i sin helhet", "GRANTED_PARTIAL": "utlämnat till en del",
		"GRANTED_WITH_RESERVATION": "utlämnat med förbehåll"},
	modes: map[string]string{"EXECUTIVE_DECIDES": "undertecknaren har beslutat på delegation",
		"DELEGATE_DECIDES": "den delegat som anges i handlingen har beslutat; undertecknaren har kontrasignerat",
		"BOARD_DECIDES":    "nämnd eller utskott har beslutat; undertecknaren har förseglat utdraget"},
	signers:  map[string]string{"EXECUTIVE_DECIDES": "Beslutat av", "DELEGATE_DECIDES": "Kontrasignerat av", "BOARD_DECIDES": "Expedierat genom"},
	deciders: map[string]string{"APPROVAL_SIGNER": "den som har undertecknat beslutet"},
	roles:    map[string]string{"DECIDER": "beslutsfattare", "PRESENTER": "föredragande", "PARTICIPANT": "medverkande"},
	fears:    map[string]string{"THREAT": "hot", "HARASSMENT": "trakasserier", "SERIOUS_NUISANCE": "annan allvarlig olägenhet"},
	labels: map[string]string{
		"dpop": "Den som var inloggad har utarbetat beslutet: inloggningen är bunden till en nyckel som har signerat just detta utkast.",
		"bearer": "Kontots innehavare loggade in den dagen. Inloggningen är inte bunden till någon nyckel, " +
			"så den visar inte i sig att samma person utarbetade beslutet."},
	codes: map[string]string{
		"CLAIM_DIFFERS":  "handlingen och inloggningen anger olika uppgifter om författaren",
		"CLAIM_UNSAID":   "inloggningen saknar en uppgift som handlingen anger om författaren",
		"AUTHORS_DIFFER": "delarna anger olika författare", "AUTHOR_PLACE": "författaren står inte på den plats som beslutsordningen ger",
		"DECIDER_MODE": "beslutsfattaren stämmer inte med beslutet", "BIAS": "jävsförsäkringarna stämmer inte med dem som anges",
		"ASSESSMENT": "bedömningarna stämmer inte med de namn som utelämnats"},
	bases: map[string]string{"AUTHENTICITY": "begärans äkthet", "SCOPE": "begärans omfattning", "SECRECY": "sekretess",
		"NOT_HELD": "uppgiften finns inte", "FORWARDED": "begäran har överlämnats"},
}

var en = &words{
	title: "Protocol of an opened seal", authority: "Authority", requester: "Requested by", reference: "Case or reference",
	ground: "Ground", outcome: "Outcome", decision: "The decision", number: "Decision number", date: "Date", caseRef: "Case reference",
	matter: "Matter", mode: "Who decided", item: "Delegation item", itemOf: "%s (delegation order version %d)", protocol: "Minutes",
	unbiased: "declared to be unbiased", content: "Digest of the content (SHA-256)", dissent: "Dissent",
	scope: "Asked for and disclosed", asked: "Asked for", granted: "Disclosed", refused: "Not disclosed", noProvision: "not decided when the request expired",
	reservation: "Reservation", recordHeading: "From the document under section 31 of the Administrative Procedure Act", stated: "as stated by the caseworker",
	author: "prepared the decision", nobody: "nobody", assessment: "%s; assessed by %s on %s, to be reviewed by %s, file %s",
	notDisclosed: "Authorship evidence not disclosed. The protocol therefore says nothing of who prepared the decision beyond what the disclosed parts say.",
	login:        "Logged in as", account: "Account", provider: "Identified through", level: "Assurance level", received: "Draft received",
	contradictions: "Contradictions", badShares: "Reviewers whose share could not be used", badShare: "%s (group %d, place %d)",
	review: "The review", refusedAll: "refused the request", verified: "What was checked",
	checked: "The decision, the request, each reviewer's vote, the release and the opened parts were checked against the decision's signatures and the authority's log.",
	logged:  "%s, entry %d of the log, %s", request: "The request", release: "The release", checkpoint: "Checkpoint of the log",
	witnessed: "witnessed", unwitnessed: "not witnessed", opening: "Opening", told: "The person concerned is told by",
	noteHeading: "To be considered",
	note: "A name that is taken into the judgment becomes public (chapter 43, section 8 of the Public Access to Information and Secrecy Act). " +
		"The court should consider whether the name has to stand there, or whether a reference to this document is enough.",
	sectionNames: [7]string{"Decider", "Presenter", "Participants", "Author of the dissent", "Bias declaration",
		"Assessment under section 33, fourth paragraph", "Authorship evidence"},
	outcomes: map[string]string{"GRANTED_FULL": "disclosed in full", "GRANTED_PARTIAL": "disclosed in part",
		"GRANTED_WITH_RESERVATION": "disclosed with a reservation"},
	modes: map[string]string{"EXECUTIVE_DECIDES": "the signer decided on delegation",
		"DELEGATE_DECIDES": "the delegate named in the document decided; the signer countersigned",
		"BOARD_DECIDES":    "the board or a committee decided; the signer sealed the extract"},
	signers:  map[string]string{"EXECUTIVE_DECIDES": "Decided by", "DELEGATE_DECIDES": "Countersigned by", "BOARD_DECIDES": "Dispatched through"},
	deciders: map[string]string{"APPROVAL_SIGNER": "whoever signed the decision"},
	roles:    map[string]string{"DECIDER": "decider", "PRESENTER": "presenter", "PARTICIPANT": "participant"},
	fears:    map[string]string{"THREAT": "threats", "HARASSMENT": "harassment", "SERIOUS_NUISANCE": "other serious nuisance"},
	labels: map[string]string{
		"dpop":   "Whoever was logged in prepared the decision: the login is bound to a key that signed this very draft.",
		"bearer": "Whoever was logged in did log in on that day. The login is bound to no key, so it does not by itself show that the same person prepared the decision."},
	codes: map[string]string{
		"CLAIM_DIFFERS":  "document and login say different things of the author",
		"CLAIM_UNSAID":   "the login does not say what the document says of the author",
		"AUTHORS_DIFFER": "the parts name different authors", "AUTHOR_PLACE": "the author does not stand where the mode puts them",
		"DECIDER_MODE": "the decider does not fit the decision", "BIAS": "the bias declarations do not fit those who are named",
		"ASSESSMENT": "the assessments do not fit the names that were omitted"},
	bases: map[string]string{"AUTHENTICITY": "the request's authenticity", "SCOPE": "the request's scope", "SECRECY": "secrecy",
		"NOT_HELD": "not held", "FORWARDED": "forwarded"},
}
