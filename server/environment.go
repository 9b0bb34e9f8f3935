package server

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// ErrEnvironment: a variable is set under which some library would print or keep
// what callers send.
var ErrEnvironment = errors.New("refusing to start: the environment would make a library print what callers send")

// telling are variables that must not be set at all. grpc-go prints headers and
// messages under some, keeps whole calls in a file under GRPC_BINARY_LOG_FILTER,
// and TLS secrets go to SSLKEYLOGFILE.
var telling = []string{
	"GRPC_GO_LOG_SEVERITY_LEVEL", "GRPC_GO_LOG_VERBOSITY_LEVEL", "GRPC_GO_LOG_FORMATTER", "GRPC_BINARY_LOG_FILTER",
	"GRPC_TRACE", "GRPC_VERBOSITY", "GRPC_STACKDRIVER_OBSERVABILITY", "GRPC_GCP_OBSERVABILITY_CONFIG",
	"GRPC_GCP_OBSERVABILITY_CONFIG_FILE", "SSLKEYLOGFILE",
}

// CheckEnvironment looks at variables as os.Environ lists them.
func CheckEnvironment(environ []string) error {
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		switch {
		case value == "":
		case slices.Contains(telling, strings.ToUpper(name)):
			return fmt.Errorf("%w: unset %s", ErrEnvironment, name)
		case name == "GODEBUG" && strings.Contains(value, "http2debug"):
			return fmt.Errorf("%w: GODEBUG has http2debug", ErrEnvironment)
		case name == "GOTRACEBACK" && (value == "crash" || value == "wer"):
			return fmt.Errorf("%w: GOTRACEBACK dumps memory", ErrEnvironment)
		}
	}
	return nil
}

// onLoopback reports whether an address is one that only this machine reaches.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
