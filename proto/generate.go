// Package proto holds the interface description: sigill/v1 with the Go code
// generated from it, and the vendored validation rules that it imports. SPEC.md
// beside it says the bytes that the messages carry. Nothing imports this
// package; `go generate ./proto` writes the code again after a change of a
// .proto file, and scripts/test fails where that would change a file.
//
// baseline.binpb is the interface that clients may rely on: scripts/test
// refuses a change that would break them. It is replaced only on purpose:
//
//	go tool -modfile=scripts/tools.mod buf build --exclude-source-info --path proto/sigill -o proto/baseline.binpb
package proto

//go:generate go tool -C .. -modfile=scripts/tools.mod buf generate --template proto/buf.gen.yaml
