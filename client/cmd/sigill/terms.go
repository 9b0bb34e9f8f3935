package main

import "sigill/keys/order"

// t is a short text in the caller's language: headings, values, what is wrong with a
// command line. They stand in the code in English; what is not in the table is the
// same in both.
func (a *app) t(english string) string {
	if sv := inSwedish[english]; sv != "" && (a.words == swedish || a.words == nil && a.language() == "sv") {
		return sv
	}
	return english
}

// heads are the headings of a table.
func (a *app) heads(english ...string) []string {
	out := make([]string, len(english))
	for i, h := range english {
		out[i] = a.t(h)
	}
	return out
}

func (a *app) yes(v bool) string {
	if v {
		return a.words.yes
	}
	return a.t("no")
}

// force says what reviewers may judge of a ground.
func (a *app) force(g order.Ground) string {
	switch g.Force() {
	case order.Duty:
		return a.t("a duty: only authenticity and scope are judged")
	case order.Test:
		return a.t("a secrecy test decides")
	}
	return a.t("internal, under a legal basis of its own")
}

var inSwedish = map[string]string{
	// Headings. MATTER, REVISION and JKT are called so in the commands as well.
	"REQUESTER": "VEM SOM BEGÄR", "NAME": "NAMN", "THUMBPRINT": "NYCKELNS KONTROLLSUMMA", "REVOKED": "ÅTERKALLAD", "MATTER": "MATTER", "REVISION": "VERSION",
	"RECEIVED": "MOTTAGET", "LOGGED BY": "I LOGGEN SENAST", "CASE": "ÄRENDENUMMER", "REVISIONS": "VERSIONER", "STATE": "LÄGE", "NUMBER": "BESLUTSNUMMER",
	"TITLE": "RUBRIK", "DATE": "DATUM", "GROUND": "GRUND", "REFERENCE": "REFERENS", "GRANTED": "LÄMNAS UT", "DECISION": "BESLUT", "TYPE": "BESLUTSTYP",
	"DIGEST": "KONTROLLSUMMA", "FILE": "FIL", "USE": "ANVÄNDNING", "AUTHORITY": "MYNDIGHET", "JKT": "JKT", "OPENING": "BEGÄRAN", "OUTCOME": "UTFALL",
	"EXPIRES": "GÅR UT", "SECTIONS": "DELAR", "VOTES": "RÖSTER", "LOG": "LOGG", "SIZE": "STORLEK", "ROOT": "ROT",

	// Labels.
	"version": "version", "log size": "loggens storlek", "reviewer epoch": "granskarkretsens nummer", "delegation order": "delegationsordning",
	"certificate until": "certifikatet gäller till", "pending drafts": "utkast som väntar", "pending openings": "begäranden som väntar",
	"owed entries": "ännu inte loggat", "new entries": "nya poster", "new days": "nya dagar", "document": "dokument", "digest": "kontrollsumma", "signed by": "undertecknat av", "authority": "myndighet",
	"board": "nämnden", "board key": "nämndens nyckel", "certificate": "certifikat", "log": "logg", "provider": "inloggningstjänst",
	"valid": "giltigt", "number": "beslutsnummer", "date": "datum", "case": "ärendenummer", "title": "rubrik", "mode": "beslutsordning",
	"decision": "beslut", "statement": "beslutets kontrollsumma", "witnessed": "bevittnad", "pending witness": "väntar på vittnen", "requester": "begärs av", "ground": "grund",
	"force": "vad som prövas", "reference": "referens", "sections": "delar", "expires": "går ut", "dissent": "avvikande mening", "earlier requests": "tidigare begäranden",

	"new log key": "ny loggnyckel", "log key that signs no more": "loggnyckel som inte längre undertecknar", "new certificate": "nytt certifikat",
	"revoked certificate": "återkallat certifikat", "new board key": "ny nyckel för nämnden", "board key that signs no more": "nyckel för nämnden som inte längre gäller",
	"new provider": "ny inloggningstjänst", "written to": "skriven till", "earlier keys hold until log size": "tidigare nycklar gäller till loggens storlek", "changes": "ändringar", "none": "inga",
	"  FINDING": "  FYND", "FOUND ON": "HITTAT", "WHERE": "VAR", "EVIDENCE": "BEVIS", "WHAT": "VAD", "DAY": "DAG", "ENTRY": "POST", "days read": "lästa dagar", "act": "åtgärd", "request to open": "begäran att bryta förseglingen", "vote": "röst", "proven": "bevisat",

	// Values.
	"something found": "fel hittat", "cannot tell": "går inte att säga", "fine": "utan anmärkning", "last number": "senaste beslutsnummer",
	"the monitor has found something that should not be": "övervakningen har hittat något som är fel",
	"whether all is well with the log cannot be told":    "det går inte att säga om allt är rätt med loggen",
	"%d entries": "%d poster", "entry %d": "post %d", "since %s": "sedan %s",
	"kept": "uppfyllt", "late": "för sent", "not due yet": "fristen har inte gått ut", "overdue": "försenat, inte bevisat", "broken": "BRUTET", "no valid receipt": "inget giltigt kvitto",
	"erased": "gallrat", "number voided": "numret utgår", "seal opened": "förseglingen bruten", "another act": "annan åtgärd", "revision %d": "version %d", "logged": "loggat",
	"none: no receipt here, or no whole day in the log yet": "inga: här finns inget kvitto, eller ännu ingen hel dag i loggen", "entries %d to %d": "post %d till %d",
	"your draft to the byte: %s, revision %d": "ditt utkast, byte för byte: %s, version %d", "NOT your draft: %s": "INTE ditt utkast: %s",
	"cites your earlier draft: %s, revision %d":                                      "anger ditt tidigare utkast: %s, version %d",
	"does not cite your draft: %s (it came later, or signers had not been shown it)": "anger inte ditt utkast: %s (det kom senare, eller hade inte visats för undertecknare)",
	"cosigned": "bevittnad", "fork": "två historier", "unproved": "obevisad", "file of log keys": "fil med loggnycklar", "TLS certificate": "TLS-certifikat", "TLS key": "TLS-nyckel",
	"no": "nej", "%d of %d": "%d av %d", "%d of %d keys": "%d av %d nycklar", "entry %d of %d": "post %d av %d",
	"abstained": "avstått", "forgotten": "glömt", "offline": "utan server",
	"a duty: only authenticity and scope are judged": "en skyldighet: bara äkthet och omfattning prövas",
	"a secrecy test decides":                         "sekretessprövning avgör", "internal, under a legal basis of its own": "internt, med egen rättslig grund",

	// What points at a person.
	"name": "namn", "email": "e-postadress", "phone": "telefonnummer", "user_id": "användarnamn", "hsa_id": "HSA-id", "role label": "befattning", "full name": "för- och efternamn",
	"email address": "e-postadress", "phone number": "telefonnummer", "initials": "initialer", "personal number": "personnummer",

	"the signer decided": "undertecknaren har beslutat", "a delegate decided; the signer countersigned": "en delegat har beslutat; undertecknaren har kontrasignerat",
	"the board or a committee decided; the signer dispatched the extract": "nämnden eller ett utskott har beslutat; undertecknaren har expedierat utdraget",
	"delegation order version %d":                                         "delegationsordning version %d",

	// States, of decisions and openings.
	"pending": "väntar", "returned": "återsänt", "signed": "undertecknat", "dispatched": "expedierat", "withdrawn": "återtaget",
	"released": "utlämnat", "refused": "avslaget", "expired": "utgånget", "collected": "hämtat",

	// What a file is for.
	"trust file": "förtroendefilen", "token file": "filen med inloggningsbeviset", "CA certificate": "filen med CA-certifikatet", "key file": "nyckelfilen",
	"--compare": "--compare", "public half (FILE.pub.json)": "den öppna halvan (FIL.pub.json)", "decision.yaml": "decision.yaml", "the text that content names": "texten som content anger",
	"passphrase file": "filen med lösenfrasen", "PEM file": "PEM-filen",

	// What the doctor says.
	"Give it as said; sigill --help lists the settings.": "Ange det som sägs; sigill --help räknar upp inställningarna.",
	"%d of the checks failed":                            "%d av kontrollerna misslyckades", "Do what stands under each of them, and run sigill doctor again.": "Gör det som står under var och en, och kör sigill doctor igen.",
	"program": "program", "sigill %s": "sigill %s", "home directory": "hemkatalog", "pinned requesters": "godtagna som får begära", "day key": "dagsnyckel", "witnesses": "vittnen",
	"passphrase": "lösenfras", "key": "nyckel", "login": "inloggning", "server": "server", "connection": "förbindelse", "server's trust file": "serverns förtroendefil",
	"reviewers": "granskare", "your key": "din nyckel",
	"the board has signed one that follows yours": "nämnden har undertecknat en som följer på din", "Take it over: sigill adopt.": "Ta över den: sigill adopt.",
	"there is none": "det finns ingen", "Set SIGILL_HOME to a directory of your own.": "Sätt SIGILL_HOME till en egen mapp.",
	"not there yet: it is made when it is needed": "finns inte ännu: den görs när den behövs", "your own": "din egen", "%d": "%d",
	"others can read what is sealed in it, or it holds a link":   "andra kan läsa det förseglade i den, eller så innehåller den en länk",
	"Let nobody else read it: chmod -R go-rwx on the directory.": "Låt ingen annan läsa den: chmod -R go-rwx på mappen.",
	"today's": "dagens", "of %s: a login for it ends soon": "från %s: en inloggning för den går snart ut",
	"Make today's with sigill keys day, and log in for it.": "Gör dagens med sigill keys day, och logga in för den.",
	"%s (%s)": "%s (%s)", "Ask the authority for its new trust file, by another way than its server.": "Be myndigheten om dess nya förtroendefil, på annan väg än servern.",
	"none is in force today: nothing that is sealed now would verify": "inget gäller i dag: inget som stämplas nu skulle hålla", "seals count until %s only": "stämplar gäller bara till %s",
	"seals count until %s": "stämplar gäller till %s", "asked for by the trust file": "krävs enligt förtroendefilen", "none are asked for (obevittnad)": "inga krävs (obevittnad)",
	"from a file that only you can read": "ur en fil som bara du kan läsa", "none in SIGILL_KEY: caseworkers and administrators need none": "ingen i SIGILL_KEY: handläggare och driftansvariga behöver ingen",
	"Keep FILE.pub.json beside the key: it says which key it is.": "Ha FIL.pub.json bredvid nyckeln: den säger vilken nyckel det är.",
	"safe; its public half is not beside it":                      "ligger säkert; dess öppna halva ligger inte bredvid", "safe; use: %s, thumbprint %s": "ligger säkert; användning: %s, kontrollsumma %s",
	"Set SIGILL_TOKEN_FILE to the file with your access token, mode 0600. Verifying and opening need none.": "Sätt SIGILL_TOKEN_FILE till filen med ditt inloggningsbevis, rättigheter 0600. Att kontrollera och öppna kräver inget.",
	"none in SIGILL_TOKEN_FILE": "ingen i SIGILL_TOKEN_FILE", "not bound to a key": "inte bunden till en nyckel", "bound to a day key": "bunden till en dagsnyckel",
	"Get a new access token for the key that sigill keys day shows.":                         "Hämta ett nytt inloggningsbevis för den nyckel som sigill keys day visar.",
	"Set this machine's clock: logins and their proofs are refused when it is a minute off.": "Ställ datorns klocka: inloggningar och deras bevis nekas när den går en minut fel.",
	"its time lies ahead of this machine's clock":                                            "dess tid ligger före datorns klocka", "it ran out at %s": "den gick ut %s", "%s; it runs out at %s": "%s; den går ut %s",
	"Set SIGILL_ADDR to host:port. Verifying, opening and the board's signatures need no server.": "Sätt SIGILL_ADDR till värd:port. Att kontrollera, öppna och underteckna för nämnden kräver ingen server.",
	"none in SIGILL_ADDR": "ingen i SIGILL_ADDR", "not asked": "inte tillfrågad",
	"Mend the trust file first: nothing that a server says counts without one.":                        "Åtgärda förtroendefilen först: utan den gäller inget som en server säger.",
	"%s answers, and its log is the trust file's":                                                      "%s svarar, och dess logg är förtroendefilens",
	"Tell those who run the authority's server to renew its TLS certificate.":                          "Be myndighetens driftansvariga att förnya serverns TLS-certifikat.",
	"what answers is no Sigill server of this version":                                                 "det som svarar är ingen Sigillserver av denna version",
	"Check SIGILL_ADDR, and whether the server has a version that fits this program's.":                "Kontrollera SIGILL_ADDR, och att serverns version passar programmets.",
	"it cannot prove who it is: %s":                                                                    "den kan inte styrka vem den är: %s",
	"Check SIGILL_ADDR and SIGILL_CACERT, or ask those who run the server who issued its certificate.": "Kontrollera SIGILL_ADDR och SIGILL_CACERT, eller fråga de driftansvariga vem som har utfärdat serverns certifikat.",
	"no answer": "inget svar", "Check SIGILL_ADDR, the network and the firewall; otherwise ask those who run the server.": "Kontrollera SIGILL_ADDR, nätet och brandväggen; fråga annars de driftansvariga.",
	"without an end": "utan slutdatum", "ended on %s": "tog slut %s", "ends on %s": "tar slut %s", "until %s": "till %s",
	"it differs from yours": "den är en annan än din", "the same as yours": "densamma som din",
	"Ask the authority which is right, by another way than its server, and compare with sigill board trust show.": "Fråga myndigheten vilken som är rätt, på annan väg än servern, och jämför med sigill board trust show.",
	"version %d": "version %d", "version %d; something in it ends on %s": "version %d; något i den tar slut %s", "The board publishes the next version before that day.": "Nämnden ger ut nästa version före den dagen.",
	"the delegation order does not list it today":                                              "delegationsordningen anger den inte i dag",
	"Give the key that the board has registered for you, or have the board register this one.": "Ange den nyckel som nämnden har registrerat för dig, eller låt nämnden registrera denna.",
	"epoch %d, of %s": "krets %d, av %s", "it is revoked": "den är återkallad", "Tell the board: a new reviewer set gives you a new key.": "Säg till nämnden: en ny granskarkrets ger dig en ny nyckel.",
	"the reviewer set in force does not list it": "granskarkretsen som gäller anger den inte", "listed in epoch %d": "anges i krets %d",
	"It opens seals that were made when you were listed. For new ones the board publishes a set that lists you.": "Den öppnar förseglingar från när du angavs. För nya ger nämnden ut en krets som anger dig.",
	"none is published yet": "ingen är utgiven ännu", "An administrator publishes what the board has signed: sigill admin --help.": "En driftansvarig ger ut det som nämnden har undertecknat: sigill admin --help.",

	// Command lines and settings.
	"the form is: %s":                                             "kommandot skrivs så här: %s",
	"needed are %s":                                               "det behövs %s",
	"there is no such command":                                    "det finns inget sådant kommando",
	"there is no such command; did you mean %s?":                  "det finns inget sådant kommando; menade du %s?",
	"there is no flag %s here":                                    "kommandot har ingen flagga %s",
	"the flag %s needs a value":                                   "flaggan %s behöver ett värde",
	"the value of %s is not of its kind":                          "värdet för %s är av fel slag",
	"a flag is written in a wrong way":                            "en flagga är felskriven",
	"the output is table or json":                                 "utdata är table eller json",
	"the language is sv or en":                                    "språket är sv eller en",
	"SIGILL_WORK_FACTOR is 1 to 20":                               "SIGILL_WORK_FACTOR är 1 till 20",
	"no home directory: set SIGILL_HOME":                          "ingen hemkatalog: sätt SIGILL_HOME",
	"no trust file: give --trust, or set SIGILL_TRUST":            "ingen förtroendefil: ge --trust, eller sätt SIGILL_TRUST",
	"no key: give --key, or set SIGILL_KEY":                       "ingen nyckel: ge --key, eller sätt SIGILL_KEY",
	"no access token: set SIGILL_TOKEN_FILE":                      "inget inloggningsbevis: sätt SIGILL_TOKEN_FILE",
	"no server: set SIGILL_ADDR":                                  "ingen server: sätt SIGILL_ADDR",
	"the CA certificate is not PEM":                               "CA-certifikatet är inte PEM",
	"no text: give --file, or --file - for standard input":        "ingen text: ge --file, eller --file - för standard in",
	"the text is empty":                                           "texten är tom",
	"no output: give --out":                                       "ingen utfil: ge --out",
	"no PEM file: give --pem":                                     "ingen PEM-fil: ge --pem",
	"no such key; there are %s":                                   "det finns inget sådant slag av nyckel; de är %s",
	"needed are --name, --out and 1 to 30 --years":                "det behövs --name, --out och 1 till 30 --years",
	"needed are --offline, --extract, --request and --out":        "det behövs --offline, --extract, --request och --out",
	"needed are --request and a --vote of each reviewer":          "det behövs --request och en --vote för varje granskare",
	"the sections are %s":                                         "delarna är %s",
	"needed are --decision, --ground, --sections and --reference": "det behövs --decision, --ground, --sections och --reference",
	"the grounds are %s":                                          "grunderna är %s",
	"--offline and --registration belong together":                "--offline och --registration hör ihop",
	"a refusal needs --basis, --provision and --file":             "ett avslag behöver --basis, --provision och --file",
	"give a thumbprint, or --remove":                              "ge en kontrollsumma, eller --remove",
	"--proof is the https:// address of a token endpoint":         "--proof är https://-adressen till det som lämnar ut inloggningsbevis",
	"--days is 1 to %d":                                           "--days är 1 till %d",
	"--basis is one of %s":                                        "--basis är en av %s",
	"--request and --vote are for --offline":                      "--request och --vote hör till --offline",
	"only what was asked for can be granted: %s":                  "bara det som har begärts kan lämnas ut: %s",
	"nobody dissented, so DISSENT_AUTHOR cannot be granted: name the others in --sections, and say why with --basis, --provision and --file": "ingen har anmält avvikande mening, så DISSENT_AUTHOR kan inte lämnas ut: ange de andra i --sections, och skälet med --basis, --provision och --file",
	"the server is host:port, or http://host:port on loopback":                                                                               "servern är värd:port, eller http://värd:port på den egna datorn",
	"the decision is not signed: --bundle has nothing to write":                                                                              "beslutet är inte undertecknat: --bundle har inget att skriva",
	"no state: give --state":                                           "ingen lägesfil: ge --state",
	"--every and --stall must be longer than zero":                     "--every och --stall måste vara längre än noll",
	"--content is for a decision":                                      "--content hör till ett beslut",
	"no name: give --name":                                             "inget namn: ge --name",
	"--tls-cert and --tls-key belong together":                         "--tls-cert och --tls-key hör ihop",
	"the TLS certificate and key are not in PEM, or not of each other": "TLS-certifikatet och nyckeln är inte i PEM, eller hör inte ihop",
	"the address to listen on cannot be had":                           "adressen att lyssna på går inte att få",
	"the URL holds a control character":                                "adressen innehåller ett styrtecken",
}
