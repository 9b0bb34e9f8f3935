// Package sigillv1 is Sigill's API: the messages, clients and servers generated
// from the .proto files in this folder, one service for each role. A program
// that wants to call Sigill uses package client, which checks what it gets;
// another language starts from the .proto files, whose comments say who may
// call, what happens and which errors come back.
//
// What the bytes fields carry is in proto/SPEC.md. contract_test.go holds what
// every request has to have; `go generate ./proto` writes the code again.
package sigillv1
