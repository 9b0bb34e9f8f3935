package order

import "slices"

// A Ground is why a seal may be opened. There is none for an elected
// politician's wish, a manager's curiosity or the search for a source.
type Ground string

// A Force is how far legal review may judge a ground.
type Force byte

// The forces.
const (
	Duty     Force = 'H' // a duty to give: only authenticity and scope are reviewed
	Test     Force = 'T' // a secrecy test decides
	Internal Force = 'I' // internal, under a legal basis of its own
)

// The grounds.
const (
	CourtReferralOnAppeal Ground = "COURT_REFERRAL_ON_APPEAL"
	CourtReferralLVU      Ground = "COURT_REFERRAL_LVU"
	CourtOrder            Ground = "COURT_ORDER"
	CourtWitness          Ground = "COURT_WITNESS"
	CourtCriminalCase     Ground = "COURT_CRIMINAL_CASE"
	CourtOrderOnRefusal   Ground = "COURT_ORDER_ON_REFUSAL"
	PartyAccess           Ground = "PARTY_ACCESS"
	PartyBiasClaim        Ground = "PARTY_BIAS_CLAIM"
	PublicRecordRequest   Ground = "PUBLIC_RECORD_REQUEST"
	EmployeeConsent       Ground = "EMPLOYEE_CONSENT"
	SupervisionJO         Ground = "JO"
	SupervisionJK         Ground = "JK"
	SupervisionIVO        Ground = "IVO"
	IVOLexSarah           Ground = "IVO_LEX_SARAH"
	MunicipalAudit        Ground = "MUNICIPAL_AUDIT"
	SupervisionDO         Ground = "DO"
	SupervisionIMY        Ground = "IMY"
	WorkEnvironment       Ground = "WORK_ENVIRONMENT"
	PoliceProtectOfficial Ground = "POLICE_PROTECT_OFFICIAL"
	PoliceSuspectOfficial Ground = "POLICE_SUSPECT_OFFICIAL"
	InternalInvestigation Ground = "INTERNAL_INVESTIGATION"
	EmployerMeasure       Ground = "EMPLOYER_MEASURE"
	AcuteSafety           Ground = "ACUTE_SAFETY"
)

type groundRule struct {
	force Force
	law   string
	delay bool // the author's notice may be delayed for a stated reason
}

// grounds is the table of domain law. EMPLOYEE_SELF needs no request and is not
// here: the author's client keeps a copy.
var grounds = map[Ground]groundRule{
	CourtReferralOnAppeal: {Test, "46 § FL", false},
	CourtReferralLVU:      {Duty, "4, 6 och 7 §§ LVU", false},
	CourtOrder:            {Duty, "38 kap. 2–5 och 8 §§ RB, 20 § FPL", false},
	CourtWitness:          {Duty, "25 § FPL, 36 kap. 1 § RB", false},
	CourtCriminalCase:     {Duty, "RB", false},
	CourtOrderOnRefusal:   {Duty, "6 kap. 7 § OSL", false},
	PartyAccess:           {Test, "10 § FL, 10 kap. 3–4 §§ OSL", false},
	PartyBiasClaim:        {Test, "16–18 §§ FL", false},
	PublicRecordRequest:   {Test, "2 kap. 15–19 §§ TF, 6 kap. 3–8 §§ OSL", false},
	EmployeeConsent:       {Internal, "10 kap. 1 § och 12 kap. 2 § OSL", false},
	SupervisionJO:         {Duty, "13 kap. 6 § RF", false},
	SupervisionJK:         {Duty, "lagen (1975:1339) om Justitiekanslerns tillsyn", false},
	SupervisionIVO:        {Duty, "28 kap. 5 och 8 §§ SoL", false},
	IVOLexSarah:           {Duty, "27 kap. 6 § SoL", false},
	MunicipalAudit:        {Duty, "12 kap. 9 § KL", false},
	SupervisionDO:         {Duty, "4 kap. 3 § DL", false},
	SupervisionIMY:        {Duty, "artikel 58.1 GDPR", false},
	WorkEnvironment:       {Duty, "7 kap. 3 § och 6 kap. 6 § AML", false},
	PoliceProtectOfficial: {Test, "10 kap. 23–24 §§ OSL", false},
	PoliceSuspectOfficial: {Test, "10 kap. 24 § OSL", true},
	InternalInvestigation: {Internal, "27 kap. 5 § SoL", true},
	EmployerMeasure:       {Internal, "LAS", false},
	AcuteSafety:           {Internal, "AML", false},
}

// Valid reports whether the law knows the ground.
func (g Ground) Valid() bool { _, ok := grounds[g]; return ok }

// Force is how far review may judge the ground.
func (g Ground) Force() Force { return grounds[g].force }

// Law is the ground's legal basis, in Swedish.
func (g Ground) Law() string { return grounds[g].law }

// MayDelay reports whether the author's notice of an opening may be delayed.
func (g Ground) MayDelay() bool { return grounds[g].delay }

// Grounds lists all grounds, sorted.
func Grounds() []Ground {
	out := make([]Ground, 0, len(grounds))
	for g := range grounds {
		out = append(out, g)
	}
	slices.Sort(out)
	return out
}
