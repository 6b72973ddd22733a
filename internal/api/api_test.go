// Package api compares what the packages for users export with what was agreed.
package api

import (
	"bytes"
	"errors"
	"flag"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

var files = token.NewFileSet()

var update = flag.Bool("update", false, "write what the packages export into testdata")

// packages are those that others build on.
var packages = []string{
	"tokencache", "tokencache/tokencachetest", "lock", "fetcher", "fetcher/bearer", "fetcher/feishutest", "fetcher/oauth2cc", "fetcher/oauth2test", "metrics", "redisurl",
	"adapters/larksdk",
}

// What a package exports changes on purpose only: the difference stands in the golden file,
// for whoever reviews it.
func TestExportedAPI(t *testing.T) {
	for _, name := range packages {
		t.Run(name, func(t *testing.T) {
			got := exported(t, filepath.Join("..", "..", filepath.FromSlash(name)))
			golden := filepath.Join("testdata", strings.ReplaceAll(name, "/", "_")+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got,
				"what %s exports has changed. If it is meant to: go test ./internal/api -update, and a line in CHANGELOG.md", name)
		})
	}
}

// The lists that tokencache has of its troubles and outcomes have all of the constants, and no more.
func TestListsAreWhole(t *testing.T) {
	_, values := parsed(t, filepath.Join("..", "..", "tokencache"))
	var troubles, outcomes []string
	for name, value := range values {
		if text, ok := strings.CutPrefix(value, "Trouble = "); ok && token.IsExported(name) {
			troubles = append(troubles, text)
		}
		if text, ok := strings.CutPrefix(value, "Outcome = "); ok && token.IsExported(name) {
			outcomes = append(outcomes, text)
		}
	}
	var listed, ofEvents []string
	for _, trouble := range tokencache.Troubles() {
		listed = append(listed, strconv.Quote(string(trouble)))
	}
	assert.ElementsMatch(t, troubles, listed)

	for c := tokencache.ClassTransient; c <= tokencache.ClassPermanent; c++ { // of a failed call
		outcomes = append(outcomes, strconv.Quote(c.String()))
	}
	for kind := tokencache.EventWait; kind.String() != ""; kind++ {
		for _, outcome := range kind.Outcomes() {
			ofEvents = append(ofEvents, strconv.Quote(string(outcome)))
		}
	}
	slices.Sort(ofEvents)
	assert.ElementsMatch(t, outcomes, slices.Compact(ofEvents))
}

// exported lists the declarations of a package that others see, a paragraph each, in the
// order of the alphabet and without comments.
func exported(t *testing.T, dir string) string {
	t.Helper()
	source, values := parsed(t, dir)
	var all []string
	for _, file := range source {
		ast.FileExports(file)
		for _, decl := range file.Decls {
			all = append(all, paragraphs(t, values, decl)...)
		}
	}
	require.NotEmpty(t, all)
	slices.Sort(all)
	return strings.Join(all, "\n") + "\n"
}

// parsed are the files of a package but tests, and its constants.
func parsed(t *testing.T, dir string) (source []*ast.File, values map[string]string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		require.NoError(t, err)
		source = append(source, file)
	}
	return source, constants(source)
}

// constants are the type and value of each, by name. What a package imports is not looked at,
// so that errors are to be expected; a constant that depends on it is left out.
func constants(source []*ast.File) map[string]string {
	config := types.Config{Importer: nothing{}, Error: func(error) {}}
	checked, _ := config.Check("", files, source, nil)
	values := map[string]string{}
	for _, name := range checked.Scope().Names() {
		c, ok := checked.Scope().Lookup(name).(*types.Const)
		if ok && c.Val().Kind() != constant.Unknown {
			values[name] = types.TypeString(c.Type(), types.RelativeTo(checked)) + " = " + c.Val().ExactString()
		}
	}
	return values
}

// nothing imports nothing.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }

// paragraphs are those of one declaration: a group has one for each of its specs. A method of
// a type that others do not see has none.
func paragraphs(t *testing.T, values map[string]string, decl ast.Decl) (all []string) {
	t.Helper()
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if !ofExported(d) {
			return nil
		}
		d.Body = nil
		return []string{printed(t, d)}
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return nil
		}
		for _, spec := range d.Specs {
			value, ok := spec.(*ast.ValueSpec)
			switch {
			case ok && d.Tok == token.CONST:
				for _, name := range value.Names {
					all = append(all, strings.TrimSpace("const "+name.Name+" "+values[name.Name]))
				}
			case ok:
				value.Values = nil
				fallthrough
			default:
				all = append(all, d.Tok.String()+" "+printed(t, spec))
			}
		}
	}
	return all
}

func ofExported(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	receiver := f.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	name, ok := receiver.(*ast.Ident)
	return !ok || name.IsExported()
}

func printed(t *testing.T, node any) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, (&printer.Config{Mode: printer.UseSpaces, Tabwidth: 4}).Fprint(&b, files, node))
	var lines []string
	for line := range strings.Lines(b.String()) {
		if strings.TrimSpace(line) != "" { // left where an unexported field stood
			lines = append(lines, strings.TrimRight(line, " \n"))
		}
	}
	return strings.Join(lines, "\n")
}
