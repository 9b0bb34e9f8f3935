package main

import (
	"bytes"
	"encoding/json"

	"sigill/keys/bundle"
	"sigill/keys/opening"
)

// kindError: verify was given what it does not take. Its kind, if it is one of ours,
// says which command does.
type kindError struct{ kind string }

func (e *kindError) Error() string { return "not a file to be verified: " + e.kind }
func (e *kindError) Unwrap() error { return errVerify }

// kindOf is what a file seems to be, "" if it is nothing known. It is for advice alone.
func kindOf(data []byte) string {
	var j struct {
		Typ string `json:"typ"`
	}
	_ = json.Unmarshal(data, &j) // what is no JSON has no typ
	switch j.Typ {
	case "sigill-public-key":
		return "key"
	case "sigill-monitor-state", "sigill-witness-state", "sigill-witness-found":
		return "memory"
	case "sigill-signed-document":
		return "document"
	}
	_, noTrust := bundle.ParseTrust(data)
	_, noPackage := opening.ParsePackage(data)
	switch {
	case noTrust == nil:
		return "trust"
	case noPackage == nil:
		return "package"
	case bytes.HasPrefix(data, []byte("age-encryption.org/v1\n")):
		return "key"
	case bytes.HasPrefix(data, []byte("sigill-day/v1\n")):
		return "day"
	case bytes.HasPrefix(data, []byte("c2sp.org/tlog-proof@v1\n")), bytes.Contains(data, []byte("\n\n— ")):
		return "checkpoint"
	}
	return ""
}
