package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"sigill/server"
)

// TestExample: the example is a configuration, has every default as the code
// has it, and nothing of it can be mistyped without being refused.
func TestExample(t *testing.T) {
	c, err := server.ParseConfig([]byte(server.Example))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.InboxHours) != 2 || time.Duration(c.InboxHours[0]) != 8*time.Hour || time.Duration(c.OwedHour) != 3*time.Hour ||
		c.PublishEvery != 10*time.Second || c.Providers[0].Roles["sigill-direktor"] != "signer" {
		t.Fatalf("%+v", c)
	}
	lines := strings.Split(server.Example, "\n")
	for i, line := range lines {
		key, _, found := strings.Cut(line, ":")
		name := strings.TrimLeft(key, " -")
		if !found || strings.HasPrefix(strings.TrimSpace(line), "#") || inMap(name) {
			continue
		}
		wrong := append(append([]string{}, lines[:i]...), strings.Replace(line, name, name+"x", 1))
		if _, err := server.ParseConfig([]byte(strings.Join(append(wrong, lines[i+1:]...), "\n"))); !errors.Is(err, server.ErrConfig) {
			t.Errorf("line %d, %q mistyped: %v", i+1, name, err)
		}
	}
}

// FuzzConfig: a configuration that is taken is the same when it is written down
// with all its defaults, and none makes the server fall.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(server.Example))
	f.Add([]byte(strings.Replace(server.Example, `inbox_hours: ["08:00", "13:00"]`, "inbox_hours: immediate", 1)))
	f.Add([]byte(strings.Replace(server.Example, `owed_hour: "03:00"`, `owed_hour: "-1:+1"`, 1)))
	f.Add([]byte("providers: [*x]\nlisten: {}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := server.ParseConfig(text)
		if err != nil {
			if !errors.Is(err, server.ErrConfig) {
				t.Fatal(err)
			}
			return
		}
		written, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := server.ParseConfig(written); err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%s: %v", written, err)
		}
	})
}

// inMap are keys that the operator chooses.
func inMap(name string) bool {
	return strings.HasPrefix(name, "sigill-") || name == "skyddat-boende"
}

// TestRefusedConfig: each of these would be a server that is not what its
// operator thinks.
func TestRefusedConfig(t *testing.T) {
	for name, change := range map[string][2]string{
		"no TLS off loopback":        {"  certificate: tls/chain.pem\n  key: tls/key.pem", "  certificate: ''\n  key: ''"},
		"half of TLS":                {"  key: tls/key.pem", "  key: ''"},
		"metrics for everyone":       {"internal: 127.0.0.1:8081", "internal: 0.0.0.0:8081"},
		"two passphrases":            {"passphrase_file: keys/passphrase", "passphrase_file: keys/passphrase\n  passphrase_env: P"},
		"no passphrase":              {"  passphrase_file: keys/passphrase", ""},
		"no origin":                  {"public_origin: https://sigill.example", ""},
		"a role that is not":         {"sigill-direktor: signer", "sigill-direktor: director"},
		"an hour that is not":        {`owed_hour: "03:00"`, `owed_hour: "24:00"`},
		"hours that are not":         {`inbox_hours: ["08:00", "13:00"]`, `inbox_hours: sometimes`},
		"no hours":                   {`inbox_hours: ["08:00", "13:00"]`, `inbox_hours: []`},
		"a set of one":               {"smallest_set: 5", "smallest_set: 1"},
		"a lifetime beyond the cap":  {"lifetime: 12h", "lifetime: 25h"},
		"an endless leeway":          {"leeway: 30s", "leeway: 5m"},
		"a second document":          {"publish_every: 10s", "publish_every: 10s\n---\nlisten: x"},
		"the same key twice":         {"publish_every: 10s", "publish_every: 10s\npublish_every: 10s"},
		"checkpoints without a rest": {"publish_every: 10s", "publish_every: 0s"},
	} {
		text := strings.Replace(server.Example, change[0], change[1], 1)
		if text == server.Example {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := server.ParseConfig([]byte(text)); !errors.Is(err, server.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bare := strings.NewReplacer("[::]:8443", "127.0.0.1:0", "  certificate: tls/chain.pem\n  key: tls/key.pem", "  key: ''").Replace(server.Example)
	if _, err := server.ParseConfig([]byte(bare)); !errors.Is(err, server.ErrConfig) {
		t.Errorf("the log off loopback without TLS: %v", err)
	}
	if _, err := server.ParseConfig([]byte(strings.Replace(bare, "[::]:8444", "127.0.0.1:0", 1))); err != nil {
		t.Errorf("all on loopback: %v", err)
	}
}

// TestPaths: what is relative is so to the file, wherever the server starts.
func TestPaths(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sigilld.yaml")
	if err := os.WriteFile(path, []byte(server.Example), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := server.ReadConfig(path)
	if err != nil || c.Data != filepath.Join(dir, "data") || c.Keys.Gate != filepath.Join(dir, "keys", "gate.age") {
		t.Fatal(c.Data, c.Keys.Gate, err)
	}
}

// TestEnvironment: variables under which a library prints callers stop the start.
func TestEnvironment(t *testing.T) {
	for _, e := range []string{"GODEBUG=http2debug=2", "GODEBUG=gctrace=1,http2debug=1", "GRPC_GO_LOG_SEVERITY_LEVEL=info",
		"GRPC_GO_LOG_VERBOSITY_LEVEL=99", "GRPC_BINARY_LOG_FILTER=*", "SSLKEYLOGFILE=/tmp/k", "sslkeylogfile=/tmp/k", "GOTRACEBACK=crash"} {
		if err := server.CheckEnvironment([]string{"PATH=/bin", e}); !errors.Is(err, server.ErrEnvironment) {
			t.Errorf("%s: %v", e, err)
		}
	}
	if err := server.CheckEnvironment([]string{"PATH=/bin", "GODEBUG=madvdontneed=1", "GRPC_BINARY_LOG_FILTER=", "GOTRACEBACK=single"}); err != nil {
		t.Error(err)
	}
}
