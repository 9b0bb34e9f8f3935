// Package made has go test see what the programs that a test runs are built from.
//
// go test keeps the result of a package's tests until something changes that the test
// binary is made from or that its tests opened; what `go build` reads when a test calls
// it is neither, so that a change in a program alone would run nothing.
package made

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// what lists the folders of this module and the files that they embed.
const what = `{{with .Module}}{{if .Main}}{{$.Dir}}{{range $.EmbedFiles}}
{{$.Dir}}/{{.}}{{end}}{{end}}{{end}}`

// From opens, from within a test, all of this module that packages are made from: a
// file there that is new, gone or another runs the tests again.
func From(t testing.TB, packages ...string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-deps", "-f", what}, packages...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		f, err := os.Open(strings.TrimSuffix(path, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}
