package arrows

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// unfinished is put together so that this file is no finding.
var unfinished = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "XX" + "X"}, "|") + `)\b`)

// Habits checks that every package says what it is, that nothing is marked as
// unfinished, that no test is skipped or waits for the clock outside a synctest
// bubble, that nothing runs before main (an init changes every program and test
// that links it), and that no import hides whose names it brings (a dot import
// would walk past the checks on names).
func (t *Tree) Habits() []string {
	var found []string
	for _, f := range t.files {
		if f.generated {
			continue
		}
		for i, line := range strings.Split(string(f.src), "\n") {
			if m := unfinished.FindString(line); m != "" {
				found = append(found, fmt.Sprintf("%s:%d: marked %s", f.path, i+1, m))
			}
		}
		if f.ast == nil {
			continue
		}
		for p, name := range imports(f.ast) {
			if name == "." {
				found = append(found, fmt.Sprintf("%s: dot import of %s", f.path, p))
			}
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
				found = append(found, fmt.Sprintf("%s: func init", t.at(fn)))
			}
		}
		if _, testing := imports(f.ast)["testing"]; testing || f.test {
			found = append(found, t.skips(f)...)
			found = append(found, t.sleeps(f)...)
		}
	}
	return sorted(append(found, t.undocumented()...))
}

// undocumented lists packages without a package comment. A folder with tests
// alone has it there.
func (t *Tree) undocumented() []string {
	code, tests := map[string]bool{}, map[string]bool{} // folder: whether a file says it
	for _, f := range t.files {
		if f.ast == nil {
			continue
		}
		in := code
		if f.test {
			in = tests
		}
		in[f.dir] = in[f.dir] || f.ast.Doc.Text() != ""
	}
	maps.Copy(tests, code)
	var found []string
	for dir, said := range tests {
		if !said {
			found = append(found, dir+": has no package comment")
		}
	}
	return found
}

// skips lists calls of a method that skips a test. A test that does not run
// proves nothing, and nobody reads that it did not. The method of that name of a
// *rapid.T draws again instead, and rapid fails a test that only ever does so.
func (t *Tree) skips(f file) []string {
	var found []string
	var params []param
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			params = append(params, paramsOf(n, n.Type)...)
		case *ast.FuncLit:
			params = append(params, paramsOf(n, n.Type)...)
		case *ast.SelectorExpr:
			if slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, n.Sel.Name) && !onRapid(params, n) {
				found = append(found, fmt.Sprintf("%s: %s skips a test", t.at(n), n.Sel.Name))
			}
		}
		return true
	})
	return found
}

// param is a parameter of a function, literal or declared.
type param struct {
	of   ast.Node
	name string
	typ  ast.Expr
}

func paramsOf(fn ast.Node, typ *ast.FuncType) []param {
	var list []param
	for _, field := range typ.Params.List {
		for _, name := range field.Names {
			list = append(list, param{fn, name.Name, field.Type})
		}
	}
	return list
}

// onRapid tells whether a method is chosen on a parameter declared *rapid.T.
// Params has outer functions before inner ones, whose names hide theirs.
func onRapid(params []param, s *ast.SelectorExpr) bool {
	x, ok := s.X.(*ast.Ident)
	for _, p := range slices.Backward(params) {
		if ok && p.name == x.Name && p.of.Pos() <= s.Pos() && s.End() <= p.of.End() {
			return types.ExprString(p.typ) == "*rapid.T"
		}
	}
	return false
}

// sleeps lists uses of time.Sleep outside a synctest bubble, which is what
// synctest.Test or a package's own func bubble is given, or a helper in a file
// that imports synctest.
func (t *Tree) sleeps(f file) []string {
	var bubbles []ast.Node
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			if name, ok := c.Fun.(*ast.Ident); ok && name.Name == "bubble" {
				bubbles = append(bubbles, c)
			}
		}
		return true
	})
	for _, use := range uses(f.ast, "testing/synctest") {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok && c.Fun == use {
				bubbles = append(bubbles, c)
			}
			return true
		})
	}
	_, hasBubbles := imports(f.ast)["testing/synctest"]
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && hasBubbles && !isTest(fn.Name.Name) {
			bubbles = append(bubbles, fn)
		}
	}
	var found []string
	for _, use := range uses(f.ast, "time") {
		in := func(b ast.Node) bool { return b.Pos() <= use.Pos() && use.End() <= b.End() }
		if use.Sel.Name == "Sleep" && !slices.ContainsFunc(bubbles, in) {
			found = append(found, fmt.Sprintf("%s: time.Sleep outside a synctest bubble", t.at(use)))
		}
	}
	return found
}

func isTest(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Benchmark", "Fuzz", "Example"}, func(p string) bool {
		return strings.HasPrefix(name, p)
	})
}
