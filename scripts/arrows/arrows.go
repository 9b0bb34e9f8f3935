// Package arrows reads the module's own source and says where it leaves the
// plan of the house: which package imports which (the table in table.go), what
// stays pure, what the server's program may link, how long files and functions
// grow, and a few habits. Start with [Read]; each check returns its findings as
// lines of the form "place: what is wrong", none when all is well.
//
// arrows_test.go runs every check on this module and proves on small made-up
// trees that each of them can fail.
package arrows

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// Tree is the parsed source of one module.
type Tree struct {
	module string
	fset   *token.FileSet
	files  []file
}

type file struct {
	path      string // slash-separated, from the top of the module
	dir       string
	src       []byte
	ast       *ast.File // nil when this is not Go
	test      bool
	generated bool
}

// Read parses all Go source under fsys, whatever its build constraints, and
// keeps the text of other source. Folders that the go command passes over
// (testdata, leading dot or underscore), node_modules and bin are left out.
func Read(fsys fs.FS) (*Tree, error) {
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("reading the module's path: %w", err)
	}
	t := &Tree{module: modfile.ModulePath(mod), fset: token.NewFileSet()}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && skipped(d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !slices.Contains([]string{".go", ".proto", ".md", ".yaml", ".js", ".mjs", ""}, path.Ext(p)) {
			return nil
		}
		return t.add(fsys, p)
	})
	if err != nil {
		return nil, fmt.Errorf("reading source: %w", err)
	}
	return t, nil
}

func skipped(name string) bool {
	return name == "testdata" || name == "node_modules" || name == "bin" || strings.ContainsAny(name[:1], "._")
}

func (t *Tree) add(fsys fs.FS, p string) error {
	src, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	f := file{path: p, dir: path.Dir(p), src: src, test: strings.HasSuffix(p, "_test.go")}
	if path.Ext(p) == ".go" {
		if f.ast, err = parser.ParseFile(t.fset, p, src, parser.ParseComments); err != nil {
			return err
		}
		f.generated = ast.IsGenerated(f.ast)
	}
	t.files = append(t.files, f)
	return nil
}

// Imports checks the arrows between our packages and the bans on what comes
// from outside. Tests may import what they need.
func (t *Tree) Imports() []string {
	var found []string
	known := map[string]bool{}
	for _, f := range t.files {
		if f.ast == nil || within(f.dir, free) {
			continue
		}
		row, ok := rows[f.dir]
		if !ok && !known[f.dir] {
			known[f.dir] = true
			found = append(found, f.dir+": has no row in the table of arrows")
		}
		if f.test {
			continue
		}
		for p := range imports(f.ast) {
			own, isOwn := strings.CutPrefix(p, t.module+"/")
			if ok && isOwn && !slices.Contains(strings.Fields(row), own) {
				found = append(found, fmt.Sprintf("%s: imports %s, which its row does not allow", f.path, own))
			}
			found = append(found, banned(f, p)...)
		}
	}
	return sorted(found)
}

// Unused checks that no row allows more than its package does, and none stands
// for a package that there is not.
func (t *Tree) Unused() []string {
	used := map[string]bool{}
	for _, f := range t.files {
		if f.ast == nil || f.test {
			continue
		}
		for p := range imports(f.ast) {
			used[f.dir+" "+strings.TrimPrefix(p, t.module+"/")] = true
		}
	}
	var found []string
	for dir, row := range rows {
		if !t.Has(dir) {
			found = append(found, dir+": has a row in the table of arrows and no source")
			continue
		}
		for own := range strings.FieldsSeq(row) {
			if !used[dir+" "+own] {
				found = append(found, fmt.Sprintf("%s: its row allows %s, which it does not import", dir, own))
			}
		}
	}
	return sorted(found)
}

func banned(f file, imported string) []string {
	var found []string
	for _, b := range bans {
		if !within(f.dir, b.under) || within(f.dir, b.except) {
			continue
		}
		for _, pattern := range strings.Fields(b.imports) {
			exact, deep := strings.CutSuffix(pattern, "/...")
			if imported == exact || deep && within(imported, exact) {
				found = append(found, fmt.Sprintf("%s: imports %s: %s", f.path, imported, b.why))
			}
		}
	}
	return found
}

// Clock checks that what is pure takes the time as an argument.
func (t *Tree) Clock() []string {
	var found []string
	pure := bans[0]
	for _, f := range t.files {
		if f.ast == nil || f.test || !within(f.dir, pure.under) || within(f.dir, pure.except) {
			continue
		}
		for _, use := range uses(f.ast, "time") {
			name := use.Sel.Name
			if slices.Contains(strings.Fields(clock), name) && clockExcept[f.dir] != name {
				found = append(found, fmt.Sprintf("%s: uses time.%s: keys/ takes the time as an argument", t.at(use), name))
			}
		}
	}
	return sorted(found)
}

// Programs are those whose whole list of packages [Tree.Linked] checks.
func Programs() []string { return slices.Sorted(maps.Keys(unlinked)) }

// Linked checks a program's whole list of packages, as `go list -deps` prints
// it, against what it never contains.
func (t *Tree) Linked(program string, deps []string) []string {
	var found []string
	for _, d := range deps {
		if own, ok := strings.CutPrefix(d, t.module+"/"); ok && within(own, unlinked[program]) {
			found = append(found, own+": linked into "+program)
		}
	}
	return sorted(found)
}

// Has tells whether the module holds Go source in the folder dir.
func (t *Tree) Has(dir string) bool {
	return slices.ContainsFunc(t.files, func(f file) bool { return f.ast != nil && f.dir == dir })
}

// Size checks the length of files and functions. What was generated may be
// long, and so may a test function, since a table of cases is.
func (t *Tree) Size() []string {
	var found []string
	for _, f := range t.files {
		if f.ast == nil || f.generated {
			continue
		}
		if n := bytes.Count(f.src, []byte("\n")); n > maxFileLines {
			found = append(found, fmt.Sprintf("%s: %d lines, at most %d", f.path, n, maxFileLines))
		}
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				if lines := t.fset.Position(n.End()).Line - t.fset.Position(n.Pos()).Line + 1; lines > maxFunctionLines {
					found = append(found, fmt.Sprintf("%s: a function of %d lines, at most %d", t.at(n), lines, maxFunctionLines))
				}
			}
			return true
		})
	}
	return sorted(found)
}

// at is a node's file and line.
func (t *Tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// imports maps each imported path to the name it has in the file.
func imports(f *ast.File) map[string]string {
	m := map[string]string{}
	for _, s := range f.Imports {
		p, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			continue // the parser has refused such a file already
		}
		m[p] = path.Base(p)
		if s.Name != nil {
			m[p] = s.Name.Name
		}
	}
	return m
}

// uses lists where a file names something of an imported package, under
// whatever name it has there.
func uses(f *ast.File, imported string) []*ast.SelectorExpr {
	name, ok := imports(f)[imported]
	if !ok {
		return nil
	}
	var list []*ast.SelectorExpr
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == name {
				list = append(list, s)
			}
		}
		return true
	})
	return list
}

// within tells whether p is one of the folders or lies below one.
func within(p, folders string) bool {
	return slices.ContainsFunc(strings.Fields(folders), func(f string) bool {
		return p == f || strings.HasPrefix(p, f+"/")
	})
}

// sorted removes duplicates and puts findings into one order.
func sorted(found []string) []string {
	set := map[string]bool{}
	for _, s := range found {
		set[s] = true
	}
	return slices.Sorted(maps.Keys(set))
}
