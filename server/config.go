package server

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sigill/keys/token"
)

// Example is a configuration file with every key and what it means.
//
//go:embed example.yaml
var Example string

// ErrConfig says what is wrong with a configuration. It names the key, never a
// secret.
var ErrConfig = errors.New("configuration")

// Config is the one configuration file. [Example] documents each key. Paths are
// relative to the file's own directory.
type Config struct {
	Listen       string         `yaml:"listen"`
	PublicOrigin string         `yaml:"public_origin"`
	TLS          TLS            `yaml:"tls"`
	LogListen    string         `yaml:"log_listen"`
	Internal     string         `yaml:"internal"`
	Data         string         `yaml:"data"`
	Trust        string         `yaml:"trust"`
	Certificates string         `yaml:"certificate_chain"`
	Keys         Keys           `yaml:"keys"`
	Providers    []Provider     `yaml:"providers"`
	InboxHours   InboxHours     `yaml:"inbox_hours"`
	OwedHour     Hour           `yaml:"owed_hour"`
	SmallestSet  int            `yaml:"smallest_set"`
	Drafters     map[string]int `yaml:"drafters"`
	MaxOpenings  int            `yaml:"max_openings"`
	PublishEvery time.Duration  `yaml:"publish_every"`
}

// TLS names the PEM files of the ports that others reach. Without them the server
// listens on loopback alone.
type TLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Keys names the key files (package keyfile) and the passphrase that they share:
// in a file that only its owner can read, or in an environment variable.
type Keys struct {
	Institution    string `yaml:"institution"`
	Log            string `yaml:"log"`
	Gate           string `yaml:"gate"`
	PassphraseFile string `yaml:"passphrase_file"`
	PassphraseEnv  string `yaml:"passphrase_env"`
}

// A Provider is an identity provider whose tokens are accepted. See
// [token.Config].
type Provider struct {
	Issuer              string                `yaml:"issuer"`
	Label               string                `yaml:"label"`
	Audience            string                `yaml:"audience"`
	JWKSURI             string                `yaml:"jwks_uri"`
	Lifetime            time.Duration         `yaml:"lifetime"`
	Leeway              time.Duration         `yaml:"leeway"`
	Claims              Claims                `yaml:"claims"`
	Roles               map[string]token.Role `yaml:"roles"`
	AllowPersonalNumber bool                  `yaml:"allow_personal_number"`
}

// Claims are the paths to a person's claims, a name for each level.
type Claims struct {
	Name   token.Path `yaml:"name"`
	UserID token.Path `yaml:"user_id"`
	Email  token.Path `yaml:"email"`
	Phone  token.Path `yaml:"phone"`
	HSAID  token.Path `yaml:"hsa_id"`
	Role   token.Path `yaml:"role"`
}

// An Hour is a time of day in Sweden, as "08:00".
type Hour time.Duration

// UnmarshalYAML implements [yaml.Unmarshaler].
func (h *Hour) UnmarshalYAML(n *yaml.Node) error {
	hh, mm, _ := strings.Cut(n.Value, ":")
	hour, err := strconv.Atoi(hh)
	minute, err2 := strconv.Atoi(mm)
	if n.Kind != yaml.ScalarNode || len(n.Value) != 5 || err != nil || err2 != nil || hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return fmt.Errorf("line %d: an hour is written as \"08:00\"", n.Line)
	}
	*h = Hour(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	return nil
}

// MarshalYAML implements [yaml.Marshaler].
func (h Hour) MarshalYAML() (any, error) {
	d := time.Duration(h)
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60), nil
}

// InboxHours are when signers are shown new drafts; empty means at once.
type InboxHours []Hour

const immediate = "immediate"

// UnmarshalYAML implements [yaml.Unmarshaler].
func (h *InboxHours) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Value == immediate {
		*h = InboxHours{}
		return nil
	}
	var list []Hour
	if err := n.Decode(&list); err != nil || len(list) == 0 {
		return fmt.Errorf("line %d: inbox_hours is a list of hours, or %s", n.Line, immediate)
	}
	*h = list
	return nil
}

// MarshalYAML implements [yaml.Marshaler].
func (h InboxHours) MarshalYAML() (any, error) {
	if len(h) == 0 {
		return immediate, nil
	}
	return []Hour(h), nil
}

// ReadConfig reads a configuration file. A key that is not known, a value that
// cannot be and a key that is missing are [ErrConfig].
func ReadConfig(path string) (Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c, err := ParseConfig(b)
	if err != nil {
		return Config{}, err
	}
	dir := filepath.Dir(path)
	for _, p := range []*string{&c.TLS.Certificate, &c.TLS.Key, &c.Data, &c.Trust, &c.Certificates, &c.Keys.Institution,
		&c.Keys.Log, &c.Keys.Gate, &c.Keys.PassphraseFile} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return c, nil
}

// goType is what the decoder says of Go's types, which are nobody's business here.
var goType = regexp.MustCompile(`yaml: (?:unmarshal errors:\n  )?| in type server\.\w+`)

// ParseConfig reads the text of a configuration file, and fills in what has a
// default.
func ParseConfig(text []byte) (Config, error) {
	c := Config{OwedHour: Hour(3 * time.Hour), SmallestSet: 5, MaxOpenings: 20, PublishEvery: 10 * time.Second}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: the file is empty", ErrConfig)
	} else if err != nil {
		return Config{}, fmt.Errorf("%w: %s", ErrConfig, strings.ReplaceAll(goType.ReplaceAllString(err.Error(), ""), "time.Duration", "a time such as 12h"))
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: more than one document", ErrConfig)
	}
	return c, c.check()
}

func (c *Config) check() error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrConfig, what) }
	for _, m := range []struct{ key, value string }{
		{"listen", c.Listen}, {"public_origin", c.PublicOrigin}, {"data", c.Data}, {"trust", c.Trust},
		{"certificate_chain", c.Certificates}, {"keys.institution", c.Keys.Institution}, {"keys.log", c.Keys.Log},
		{"keys.gate", c.Keys.Gate},
	} {
		if m.value == "" {
			return bad(m.key + " is missing")
		}
	}
	if u, err := url.Parse(c.PublicOrigin); err != nil || u.Host == "" {
		return bad("public_origin is no https://host")
	}
	switch {
	case (c.Keys.PassphraseFile == "") == (c.Keys.PassphraseEnv == ""):
		return bad("keys needs one of passphrase_file and passphrase_env")
	case (c.TLS.Certificate == "") != (c.TLS.Key == ""):
		return bad("tls needs both certificate and key")
	case c.TLS.Certificate == "" && !onLoopback(c.Listen):
		return bad("tls is missing; without it listen is an address on loopback")
	case c.TLS.Certificate == "" && c.LogListen != "" && !onLoopback(c.LogListen):
		return bad("tls is missing; without it log_listen is an address on loopback")
	case c.Internal != "" && !onLoopback(c.Internal):
		return bad("internal is an address on loopback")
	case c.InboxHours == nil:
		return bad("inbox_hours is missing")
	case len(c.Providers) == 0:
		return bad("providers is missing")
	case c.SmallestSet < 2 || c.SmallestSet > 100:
		return bad("smallest_set is 2 to 100")
	case c.MaxOpenings < 1 || c.MaxOpenings > 1000:
		return bad("max_openings is 1 to 1000")
	case c.PublishEvery < 100*time.Millisecond || c.PublishEvery > time.Hour:
		return bad("publish_every is 100ms to 1h")
	}
	for _, p := range c.Providers {
		if _, err := p.token(); err != nil {
			return fmt.Errorf("%w: providers: %w", ErrConfig, err)
		}
	}
	return nil
}

func (p Provider) token() (*token.Provider, error) {
	return token.NewProvider(token.Config{
		Issuer: p.Issuer, Audience: p.Audience, Label: p.Label, Lifetime: p.Lifetime, Leeway: p.Leeway,
		Name: p.Claims.Name, UserID: p.Claims.UserID, Email: p.Claims.Email, Phone: p.Claims.Phone, HSAID: p.Claims.HSAID,
		RolePath: p.Claims.Role, Roles: p.Roles, AllowPersonalNumber: p.AllowPersonalNumber,
	})
}
