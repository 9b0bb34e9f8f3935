package arrows

// rows says for each package of the module which others it imports directly: no
// others, and no fewer, so that a new arrow or a new room needs a line here and
// with it a thought about its neighbours. It is narrower than the plan wherever
// what is planned is not built.
var rows = map[string]string{
	"keys/ident":     "",
	"keys/jws":       "keys/ident",
	"keys/guard":     "",
	"keys/proof":     "keys/ident keys/jws",
	"keys/token":     "keys/ident keys/jws",
	"keys/record":    "keys/ident keys/jws",
	"keys/order":     "keys/ident keys/jws keys/record",
	"keys/statement": "keys/ident keys/jws keys/order keys/record",
	"keys/seal":      "keys/ident keys/order keys/record",
	"keys/unseal":    "keys/ident keys/order keys/record keys/seal",
	"keys/opening":   "keys/ident keys/jws keys/order keys/record keys/seal keys/statement",
	"keys/bundle":    "keys/ident keys/jws keys/opening keys/order keys/proof keys/seal keys/statement keys/token",
	"keys/evidence":  "keys/bundle keys/ident keys/jws keys/proof keys/statement",
	"keys/disclosure": "keys/bundle keys/ident keys/jws keys/opening keys/order keys/proof keys/record keys/seal keys/statement " +
		"keys/token keys/unseal",
	"keys/disclosure/story": "keys/bundle keys/ident keys/jws keys/opening keys/order keys/proof keys/record keys/seal keys/statement " +
		"keys/unseal keys/vectors",
	"keys/keyfile": "keys/ident keys/jws",
	"keys/command": "",
	"keys/vectors": "keys/ident keys/jws",

	"proto":           "",
	"proto/sigill/v1": "",

	"server": "keys/bundle keys/ident keys/jws keys/keyfile keys/order keys/proof keys/token server/audit server/check server/control server/gate server/ledger " +
		"server/rpc server/store server/store/bolt server/translog server/web server/witness server/workflow",
	"server/cmd/sigilld": "keys/command server server/rpc",
	"server/rpc":         "keys/ident keys/record keys/token proto/sigill/v1 server/access server/workflow",
	"server/workflow": "keys/bundle keys/guard keys/ident keys/jws keys/opening keys/order keys/proof keys/record keys/seal " +
		"keys/statement keys/token server/access server/audit server/check server/ledger",
	"server/web":             "keys/ident keys/proof server/workflow",
	"server/access":          "keys/token",
	"server/audit":           "keys/ident server/check server/store",
	"server/check":           "keys/ident server/store",
	"server/ledger":          "keys/ident keys/proof server/check server/store server/translog",
	"server/translog":        "keys/ident keys/proof server/check server/store",
	"server/witness":         "keys/ident keys/proof",
	"server/control":         "",
	"server/gate":            "server/store",
	"server/store":           "",
	"server/store/bolt":      "server/store",
	"server/store/memory":    "server/store",
	"server/store/storetest": "server/store",

	"client": "client/tiles keys/bundle keys/disclosure keys/evidence keys/guard keys/ident keys/jws keys/keyfile keys/opening keys/order " +
		"keys/proof keys/record keys/seal keys/statement keys/token keys/unseal proto/sigill/v1",
	"client/tiles":   "keys/ident keys/proof",
	"client/monitor": "client client/tiles client/witness keys/bundle keys/evidence keys/ident keys/jws keys/keyfile keys/proof",
	"client/witness": "keys/ident keys/jws keys/keyfile keys/proof",
	"client/cmd/sigill": "client client/monitor client/tiles client/witness keys/bundle keys/command keys/disclosure keys/evidence keys/guard keys/ident keys/jws keys/keyfile " +
		"keys/opening keys/order keys/proof keys/record keys/statement",
}

// free are folders whose packages need no row and may import anything: tools
// that no program links.
const free = "scripts"

// A ban keeps imports from outside the module out of some rooms.
type ban struct {
	under   string // these packages and those below them
	except  string // but not these
	imports string // exact paths; with /... also what lies below
	why     string
}

var bans = []ban{
	{
		under:  "keys",
		except: "keys/keyfile keys/pkcs11 keys/vectors",
		imports: "os/... net net/http/... net/rpc/... net/smtp io/fs io/ioutil syscall/... golang.org/x/sys/... crypto/tls" +
			" google.golang.org/protobuf/... google.golang.org/grpc/...",
		why: "keys/ knows no network, disk or protobuf",
	},
	{
		under: "server/workflow server/access server/audit server/ledger server/translog server/gate server/store server/web",
		imports: "google.golang.org/protobuf/... google.golang.org/grpc/... google.golang.org/genproto/..." +
			" buf.build/go/protovalidate/...",
		why: "protobuf ends in server/rpc",
	},
}

// clock are the names of package time that read the clock, wait for it, or read
// a time zone from the disk.
const clock = "Now Since Until Sleep After AfterFunc Tick NewTimer NewTicker LoadLocation Local"

// clockExcept is what one package may use of them: dates are Europe/Stockholm.
var clockExcept = map[string]string{"keys/ident": "LoadLocation"}

// tests are packages for tests alone, which no program contains.
const tests = "keys/disclosure/story keys/vectors server/store/memory server/store/storetest scripts"

// unlinked is what a program never contains, at any distance.
var unlinked = map[string]string{
	"server/cmd/sigilld": tests + " keys/unseal client",
	"client/cmd/sigill":  tests + " server",
}

const (
	maxFileLines     = 500
	maxFunctionLines = 80
)
