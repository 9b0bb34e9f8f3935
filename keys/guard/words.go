package guard

import "strings"

// The lists are folded once and never changed. They are short on purpose: a
// last name that is missing from ordinary costs a false alarm, never a miss.

func foldedSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[foldString(w)] = true
	}
	return set
}

// inflected adds the endings that Swedish titles take.
func inflected(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		for _, end := range []string{"", "n", "ns", "en", "ens", "s", "e", "na", "nas", "es"} {
			set[foldString(w+end)] = true
		}
	}
	return set
}

// ordinary are last names (and first names) that are also Swedish words or
// places. In small letters, and with a capital where a sentence begins, they
// name nobody.
var ordinary = foldedSet(`
alm alme ask asp björk björn bok ek en gran hassel hägg idegran kastanj lind lönn oxel poppel pil rönn sälg tall
alp backe backen bäck berg berget bergen borg borgen bro bron bruk brunn by byn dal dalen damm dammen ed eld fjäll fjärd
flod flood fors forsen fält fältet glans grav grund gård gärde hage hagen ham hall hallen hamn hammar hammare hav hed heden
hill holm holmen hult häll höjd hög höök jord kant klint klippa klev kulle kullen kust kärr lund lunden lid mark marken mo mosse
myr mår mölle näs näset park parken plan plats rask ravin rev ros rosen rå sand sjö sjön skog skogen skär sky slätt sten stenen
strand stranden ström strömmen sund sundet sved torg torp träd udd udde vall vallen vatten vik viken väg ås åsen ång äng ängen ö ör öman
blad blom blomma blomman blomster blomqvist bär frö gren grenen gräs hav höst knopp kvist kvisten lilja löf löv mossa palm planta
rot stam sommar vinter vår ljung rosen tistel tulpan viol
and duva falk fågel gam gök hane häger hök korp lärka lom mås orre rapphöna rapp skata sparv svala svan tjäder trana tupp uggla
varg hare hjort igelkott järv kalv katt lo oxe ren räv sik bock björnen abborre gädda lax mört sill bagge bese get
adel adler bagare bonde borgare drake dräng fiskare fogde furste general greve hall hertig hjälte jägare kejsare kock kung
knekt mjölnare munk mäster pilgrim prins präst riddare skald skräddare smed snickare soldat sångare väktare värn vakt
bister blid bra brand brandt brask bred brun djärv dristig fager fast feg flink fri frid frisk from frodig fröjd fröjdh glad
grann grym grå grön gul hjärta hård hurtig kall kind kjell klar klok kort kraft kry kvick käck lagerlöf lagom ledig lejd
liljekvist lind ljus ljung lugn lustig lycka lång lätt man manlig mild modig mjuk munter mörk nord norden norr nyman ny nöjd orolig
rolig rask rik rund röd sann sann seger skarp skön snabb snygg snäll sol stark stilla stolt stor storm stram strid svart säker
sött sund söder tapper tidig trogen trofast trygg tung tyst ung vacker van varm vass vaken vild vis viss vit västen väst wide öst öster
ärlig ödmjuk öm rättvis billig dyr rätt fel
arm ask axel bell bild bjälke block bom bord borst bult båge bågen båt båten dolk docka fana flagga glas gård guld hammar hjelm hjälm
hatt hjul hus huvud järn kanon kedja klinga klocka klubb knap knapp knut krans krona krut kula lans lansen lås lod mask mur mynt
mått märke nagel nål ord orm panna pil pilt pistol plog plåt port rem ring ringen rulle ryd ryding saga sabel salt sax segel
silver skans skeppar skepp sköld skott skytt snäcka spets spik spjut spår stad stake stål stock stomme straff sträng svärd sång
säck tand trumma trumpet tråd tub tåg vagn verk vikt vind virke vissel åker åkern åska åskan ekonomi ekman
frost is snö regn dimma dag dagen natt morgon afton kväll vecka måndag fredag helg jul påsk maj juni juli augusti
advokat ande anka arv arbete aktiv ansvar avtal beslut bevis boman bostad brev broman budget egen familj fader far fond form forsman
grupp gunst hem hemma hjälp hopp idé kapten karl karta kille klang klass kontakt kropp krig lag lagman leman led lek lust
längd mening mor mål möte nämnd nytt olika order park part person plikt post press punkt rapport rast ro rum rätta ränta råd rådman
samtal sax sekund selin sida skatt skola skuld skydd socken spel stat stil stöd sverige svensk tal tanke tid tids till trend
tro tröst tur tvist val vara vana vilja vila vittne våld vän vård värd väntan värme ära ärende ombudsman talman tolk
alla andra även bara bort bättre bäst där dock däremot efter enligt ett fram fler flera före för först förut gott god göran hela hans hos
inte innan kan kom kommer kära ledig mer mest mot mycket nu när också om per sedan som sten stig så sist snart under upp ut ute var vi över
ali oman lin lena martin london paris rom dublin hamburg hansa holland england danmark norge finland island tyskland skåne
lund borg kalmar malmö falun gävle umeå luleå kiruna nora sala mora arvika ystad vara kil åmål eda hova alvesta borås boden bollnäs
eslöv falkenberg falköping flen gällivare habo hagfors hallsberg halmstad haninge heby hedemora helsingborg hjo hofors huddinge hudiksvall
håbo hällefors härnösand hässleholm höganäs hörby höör jokkmokk järfälla jönköping karlshamn karlskoga karlskrona karlstad katrineholm
klippan knivsta kramfors kristianstad kristinehamn kumla kungsbacka kungsör kungälv köping laholm landskrona leksand lerum lidingö lidköping
lindesberg linköping ljungby ljusdal lomma ludvika lycksele lysekil malung mark mariestad markaryd melleruds mjölby motala mölndal mönsterås
nacka norrköping norrtälje nybro nyköping nynäshamn nässjö ockelbo olofström orsa orust osby oskarshamn oxelösund partille perstorp piteå
ragunda ronneby rättvik sandviken sigtuna simrishamn sjöbo skara skellefteå skövde smedjebacken sollefteå sollentuna solna sorsele sotenäs
staffanstorp stockholm storuman strängnäs strömstad strömsund sundbyberg sundsvall sunne surahammar svalöv svedala svenljunga säffle säter
sävsjö söderhamn söderköping södertälje sölvesborg tanum tibro tidaholm tierp timrå tingsryd tjörn tomelilla torsby torsås tranemo tranås
trelleborg trollhättan trosa tyresö täby töreboda uddevalla ulricehamn uppsala vadstena vaggeryd valdemarsvik vallentuna vansbro varberg
vaxholm vellinge vetlanda vilhelmina vimmerby vindeln vingåker vänersborg vännäs värmdö värnamo västervik västerås växjö ydre åhus åre årjäng
åsele åstorp åtvidaberg älmhult älvdalen älvkarleby älvsbyn ängelholm öckerö ödeshög örebro örkelljunga örnsköldsvik östersund österåker
östhammar östra västra norra södra
kvinna kvinnan barnet mannen pojke flicka bror broder syster son dotter moder make maka fru herr
`)

// places are ordinary names that mostly mean a place when written with a capital.
var places = foldedSet(`
lund borg berg holm vik sund strand mark kil vara sala mora nora boden hed dal dalen fors hult näs näset torp ed by sjö bro hammar hagen
oman lin london paris rom holland norden nord norr väst öst söder öster rosengård vallen backen åsen stad norra södra västra östra
falkenberg kalmar malmö falun gävle umeå eda hova habo trosa skara lerum partille mölndal nacka solna uppsala stockholm hamburg
skog skogen hallen ängen parken torg norge danmark finland england island tyskland skåne sverige
`)

// towns are those of places that act as people do: Lund svarar att.
var towns = foldedSet(`
lund mark kil vara sala mora nora boden oman london paris rom holland norden stad norra södra västra östra
falkenberg kalmar malmö falun gävle umeå eda habo trosa skara lerum partille mölndal nacka solna uppsala stockholm hamburg
norge danmark finland england island tyskland skåne sverige
`)

// small are last names that are words when in small letters, and only then.
var small = foldedSet(`
ekblad lindblad lönnblad rosenblad lindblom törnros sjöstrand sandstrand stenmur bergvägg
`)

// particles stand before a last name.
var particles = foldedSet(`von af av de van der den la le el al bin ibn abu ben di da du zu dos das del la ter ten`)

// titles are words that make a caseworker, or a signature, of the name beside
// them. Endings of compounds are in titleEnds.
var titles = inflected(`
handläggare handläggning socialsekreterare sekreterare socionom chef direktör utredare kurator assistent
föredragande beslutsfattare delegat tjänsteman tjänsteperson registrator nämndsekreterare ordförande inspektör pedagog behandlare
kontaktperson samordnare konsulent jurist rektor medarbetare expedierare undertecknad undertecknare underskrift underskrivare signatur
sakkunnig biträde vikarie ersättare strateg controller
herr fru fröken
namnförtydligande namnteckning hälsning hälsningar vänligen högaktningsfullt tjänsten referens upprättad beslutad ansvarig
handlagt handlagts handläggs handlades utretts utrett fattats fattat upprättat upprättats undertecknats undertecknat signerats signerat
`)

// shortTitles are titles cut short, which a full stop may follow.
var shortTitles = foldedSet(`handl socialsekr soc sekr tf f bitr hr dr ref sign mvh enhetsch dir ass undert`)

// titleEnds end compounds: enhetschef, familjehemssekreterare, förvaltningsdirektör.
var titleEnds, titleEndSizes = func() (map[string]bool, []int) {
	set := inflected(`handläggare sekreterare sekr chef direktör utredare kurator assistent pedagog behandlare bedömare inspektör jurist terapeut
samordnare konsulent ledare strateg rådgivare vägledare tjänsteman referent ansvarig`)
	seen := map[int]bool{}
	var sizes []int
	for w := range set {
		if !seen[len(w)] {
			seen[len(w)] = true
			sizes = append(sizes, len(w))
		}
	}
	return set, sizes
}()

// isTitle says whether a fold is a title or ends in one.
func isTitle(key []byte) bool {
	if titles[string(key)] || shortTitles[string(key)] {
		return true
	}
	for _, n := range titleEndSizes {
		if len(key) > n && titleEnds[string(key[len(key)-n:])] {
			return true
		}
	}
	return false
}

// fillers may stand between a title and its name.
var fillers = foldedSet(`är heter var blir vid i på för ärendet ärende namn din er vår min hos socialförvaltningen förvaltningen kommunen
kommunens nämnden nämndens socialnämnden enheten varit av genom`)

// ofWhom stand between a title and somebody else than who has it.
var ofWhom = foldedSet(`för till åt mot om kring`)

// placeWords stand before the name of a place.
var placeWords = foldedSet(`i på från till vid mot utanför kring genom mellan nära norr söder öster väster`)

// afterPlaces stand after one: Bergs kommun.
var afterPlaces = foldedSet(`kommun kommuns kommunen stad stads socken församling församlings socialnämnd socialförvaltning tingsrätt
skola skolan förskola station centrum kyrka län gata väg torg park universitet universitetssjukhus sjukhus vårdcentral`)

// facilities are what houses, wards and groups are called by: avdelning Björk.
var facilities = foldedSet(`avdelning avdelningen enhet enheten boende boendet hus huset rum rummet grupp gruppen förskola förskolan skola
skolan hem hemmet hvb familjehemmet familjehem jourhem jourhemmet stödboendet stödboende kvarteret restaurang firma
vårdcentralen gruppbostaden gruppbostad servicebostad daglig verksamheten verksamhet familjen makarna syskonen paret släkten fam bröderna systrarna`)

// personBefore and personAfter are words that go with a person only.
var personBefore = foldedSet(`med enligt hos kontakta kontaktade kontaktat ring ringde ringt träffade träffat träffa mötte fråga frågade
informerade informerat underrättade underrättat skriven utredd deltog närvarade`)

// auxiliaries stand between a person and one of personAfter: Lind har bedömt,
// Lind kommer inte att ringa.
var auxiliaries = foldedSet(`har hade ska skall kommer vill kan att inte också även sedan nu då bara själv`)

// companies stand at the end of the name of one.
var companies = foldedSet(`ab hb kb`)

var personAfter = foldedSet(`bedömer bedömde bedömt skriver skrev anser ansåg beslutar beslutade föreslår föreslog informerar informerade
ringer ringde träffar träffade besöker besökte kontaktar kontaktade utreder utredde meddelar meddelade handlägger handlade svarar svarade
förklarar förklarade berättar berättade konstaterar konstaterade noterar noterade deltog deltar närvarade sade sa säger frågar frågade
uppger uppgav upplyser upplyste erbjöd erbjuder återkommer återkom påtalar påtalade bjöd mötte
beslutat skrivit ansett föreslagit informerat ringt träffat besökt kontaktat utrett meddelat handlagt svarat förklarat berättat konstaterat
noterat deltagit närvarat sagt frågat uppgett upplyst erbjudit återkommit mött
bedöma besluta skriva anse föreslå informera ringa träffa besöka kontakta utreda meddela handlägga svara förklara delta återkomma`)

var personOwned = foldedSet(`bedömning utredning beslut samtal anteckning anteckningar journalanteckning telefon telefonnummer namn uppfattning
förslag tjänsteutlåtande handläggning besök uppgifter mening mejl brev chef kollega kollegor vikarie semester brevlåda rapport skrivelse
underlag utlåtande föredragning slutsats slutsatser bedömningar beräkning ärenden`)

// organisations end words that are no first names though written with a capital.
var organisations = strings.Fields(`tjanst tjansten forvaltnlng forvaltnlngen narnnd narnnden kontoret enheten avdelnlngen kornrnun kornrnunen
verket sektlonen tearnet rnottagnlngen gruppen rnyndlgheten socken stad lan`)

// functionWords are first names that stand before nouns as words: hans berg.
var functionWords = foldedSet(`hans per bo dag maj my liv mark lo sol stig en an love vide även tor du bli sten`)

// givenNames tell that the last name after them is somebody else's, and which
// middle names are no last names.
var givenNames = foldedSet(`
abdi abdirahman abdul abdullah adam adrian agnes agneta ahmad ahmed aida aino alba albin alexander alexandra alfred ali alice alicia alina
allan alma alva alvin amal amanda amelia amina amir amira ana anders andrea andreas anette angelica anita ann anna annakarin anneli annelie
annette annika annmarie antonia anton arne aron arvid asha asta astrid august axel aya ayaan
barbro bashir beatrice bengt benjamin berit bertil bilal birger birgit birgitta björn bo bosse britt britta börje
carina carl carolina caroline casper catarina cecilia charlie charlotte christer christian christina christoffer clara claes conny
dag dagny daniel daniella david denise dennis desirée diana doris
ebba ebbe ebrahim eddie edit edith edvin edward ehsan einar elena eleonora elias elin elina elis elisabet elisabeth elise ella ellen ellinor
elliot elsa elsie elvira emelie emil emilia emma emmy enar erik erika erland ernst ester eskil eva evelina evert
fadumo fanny farah fatima fatma felicia felix filip filippa folke frans fredrik freja frida
gabriel gabriella georg gerd gertrud gisela greta gudrun gun gunilla gunnar gustaf gustav gun-britt göran gösta göte
hamza hanna hannah hannes hans harald harry hasan hassan hedda hedvig helen helena helene helge helmer henning henrik henry herman
hilda hilma hjalmar hodan hugo hussein håkan
ibrahim ida ilse inga ingemar inger ingrid ingvar irene iris irma isa isabella isabelle isak ismail ivar
jacob jakob jamal jan jasmine jeanette jennie jenny jens jerry jesper jessica jimmy joakim joel johan johanna john johnny jon jonas
jonathan jonna josef josefin josefina josefine judit julia julian julius jörgen
kaj kajsa karin karim karl karolina katarina katja kenneth kent kerstin kevin khadija khalid kickan kim kjell klara klas knut konrad kristian
kristin kristina kristoffer kurt
laila lars lasse leif leila lena lennart leo leon leyla liam lilian lilly lina linda linn linnea linnéa linus lisa lisbeth liselott liv lotta
louise love lova lovisa lucas ludvig lukas
madeleine magda magdalena magnus mahmoud maj maja malin malte manfred manuel margareta margit margot mari maria mariam marianne marie marika
marina mario marita markus marta martin martina mathias mathilda mats matilda mattias max maya mehmet melissa melker melvin merja micael
michael mikael milla milo mina minna miranda miriam mohamed mohammad mohammed moa mona monica monika morgan muhammad muna mustafa my märta måns
nadia nadja naima natalie nathalie nellie nermin nicklas niclas niklas nils nina noah noel nora nour
ola olga olivia olle olof oliver omar orvar oscar oskar osman otto ove owe
pamela patricia patrik paula paulina per pernilla pelle peter petra petter pia pontus
rasmus ragnar ragnhild rebecca rebecka reza richard rickard rikard rita robert robin roger roland rolf ronja ronny rosa rosita roza rune rut ruth
sahra sally samira samuel sandra sanna sara sarah saga sebastian selma sigge signe sigrid sigurd simon siri siv sixten sofia sofie solveig
sonia sonja stefan stella sten stig stina sture sune susanna susanne svante svea sven sylvia
tage tareq tariq tatiana teodor teresa therese theo thomas thor tilda tilde tim tina tobias tom tomas tommy tor torbjörn tord tore torsten tova
tove tuva tyra
ulf ulla ulrica ulrika uno urban ursula
valter vanja vera verner veronica veronika victor victoria viggo viktor viktoria vilhelm vilgot vilma vincent viola virpi viveka vivianne
wilhelm wilma william
yasin yasmin yasmine ylva yngve youssef yusuf yvonne
zahra zainab zeinab zara zoran
åke åsa örjan östen
`)
