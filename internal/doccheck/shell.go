package doccheck

import (
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Statement is one of a block of shell. Comment is what stands behind it in its last line.
type Statement struct {
	Line          int // in the document
	Text, Comment string
}

// Statements of a block of shell, in their order.
func (b Block) Statements() (all []Statement, err error) {
	file, err := parse(b.Text)
	if err != nil {
		return nil, err
	}
	for _, stmt := range file.Stmts {
		if hasHeredoc(stmt) {
			return nil, fmt.Errorf("line %d has a here-document, which no test runs", b.Line+int(stmt.Pos().Line())-1)
		}
		s := Statement{
			Line: b.Line + int(stmt.Pos().Line()) - 1,
			Text: b.Text[stmt.Pos().Offset():stmt.End().Offset()],
		}
		for _, comment := range stmt.Comments {
			if comment.Hash.Line() == stmt.End().Line() && comment.Hash.After(stmt.Pos()) {
				s.Comment = strings.TrimSpace(comment.Text)
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// hasHeredoc reports whether text of a statement stands behind it.
func hasHeredoc(stmt *syntax.Stmt) (has bool) {
	syntax.Walk(stmt, func(node syntax.Node) bool {
		redirect, ok := node.(*syntax.Redirect)
		has = has || ok && redirect.Hdoc != nil
		return true
	})
	return has
}

func parse(text string) (*syntax.File, error) {
	return syntax.NewParser(syntax.KeepComments(true), syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
}

// Call is a program with its arguments, as written, but for quotes, and the variables that are set for it
// alone.
type Call struct {
	Line      int // from that of the text, which is 0
	Words     []string
	Variables []string
}

// Calls of programs in a text of shell, wherever they stand in it.
func Calls(text string) (calls []Call, err error) {
	file, err := parse(text)
	if err != nil {
		return nil, err
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		n, ok := node.(*syntax.CallExpr)
		if !ok {
			return true
		}
		call := Call{Line: int(n.Pos().Line()) - 1}
		for _, word := range n.Args {
			call.Words = append(call.Words, unquoted(text, word))
		}
		for _, assign := range n.Assigns {
			call.Variables = append(call.Variables, assign.Name.Value)
		}
		calls = append(calls, call)
		return true
	})
	return calls, nil
}

// unquoted is a word without its outer quotes; what would be expanded stays as it is written.
func unquoted(text string, word *syntax.Word) string {
	if literal := word.Lit(); literal != "" {
		return literal
	}
	return strings.Trim(text[word.Pos().Offset():word.End().Offset()], `'"`)
}

// onetoken is what the call passes to our command; false: it calls another.
func (c Call) onetoken() (arguments []string, ok bool) {
	for i, word := range c.Words {
		image, _, _ := strings.Cut(path.Base(word), ":")
		switch {
		case i == 0 && path.Base(word) == "onetoken",
			i > 0 && c.Words[i-1] == "--" && path.Base(word) == "onetoken",
			i == 2 && c.Words[0] == "go" && c.Words[1] == "run" && path.Base(word) == "onetoken",
			i > 1 && c.Words[0] == "docker" && c.Words[1] == "run" && image == "onetoken":
			return c.Words[i+1:], true
		}
	}
	return nil, false
}
