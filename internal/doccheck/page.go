package doccheck

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// Page is a document, as far as the checks ask about it.
type Page struct {
	Path     string // from the root of the repository, with slashes
	Lines    int
	Headings []Heading
	Blocks   []Block // fenced blocks of code
	Spans    []Span  // code within text, and each line of a block that is only indented
	Links    []Link
	Tables   []Table
	Facts    []Fact
}

// Heading of a page.
type Heading struct {
	Line, Level int
	Text        string
	Anchor      string // as GitHub makes it
}

// Block is a fenced block of code. Before is the text of the paragraph right before it; "": none. Behind: it
// stands right behind another block.
type Block struct {
	Line             int // of the first line within
	Language, Before string
	Text             string
	Behind           bool
}

// First is the block's first line.
func (b Block) First() string {
	first, _, _ := strings.Cut(b.Text, "\n")
	return first
}

// Span is code within text, without its backquotes. Section is the heading above it, Column that of the
// table it is in, from 1; 0: in no table.
type Span struct {
	Line, Column  int
	Text, Section string
}

// Link leads to Target, as it is written. Image: it shows what is there.
type Link struct {
	Line   int
	Target string
	Image  bool
}

// Table by its size, without its head.
type Table struct{ Line, Rows, Columns int }

// Fact is a paragraph, or a row of a table, in one line.
type Fact struct {
	Line int
	Text string
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM))

// Read parses a document.
func Read(path string, source []byte) *Page {
	r := &reader{page: &Page{Path: path, Lines: bytes.Count(source, []byte("\n"))}, source: source}
	root := markdown.Parser().Parse(text.NewReader(source))
	_ = ast.Walk(root, r.visit) // visit returns no error
	return r.page
}

// reader goes through a document from its beginning.
type reader struct {
	page   *Page
	source []byte
	column int
}

func (r *reader) visit(node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	p := r.page
	switch n := node.(type) {
	case *ast.Heading:
		text := r.words(n)
		p.Headings = append(p.Headings, Heading{r.line(n), n.Level, text, r.anchor(text)})
	case *ast.FencedCodeBlock:
		p.Blocks = append(p.Blocks, r.block(n))
	case *ast.CodeBlock:
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			p.Spans = append(p.Spans, Span{r.line(n) + i, 0, strings.TrimSpace(string(line.Value(r.source))), r.section()})
		}
	case *ast.CodeSpan:
		p.Spans = append(p.Spans, Span{r.line(n), r.column, strings.ReplaceAll(r.words(n), `\|`, "|"), r.section()})
	case *ast.Link:
		p.Links = append(p.Links, Link{r.line(n), string(n.Destination), false})
	case *ast.Image:
		p.Links = append(p.Links, Link{r.line(n), string(n.Destination), true})
	case *ast.AutoLink:
		p.Links = append(p.Links, Link{r.line(n), string(n.URL(r.source)), false})
	case *table.Table:
		p.Tables = append(p.Tables, Table{r.line(n), n.ChildCount() - 1, len(n.Alignments)})
	case *table.TableRow:
		p.Facts = append(p.Facts, Fact{r.line(n), r.words(n)})
	case *table.TableCell:
		r.column = 1
		for before := n.PreviousSibling(); before != nil; before = before.PreviousSibling() {
			r.column++
		}
	case *ast.Paragraph, *ast.TextBlock:
		p.Facts = append(p.Facts, Fact{r.line(n), r.words(n)})
		r.column = 0
	}
	return ast.WalkContinue, nil
}

func (r *reader) block(n *ast.FencedCodeBlock) Block {
	b := Block{Line: r.line(n), Language: string(n.Language(r.source)), Text: string(n.Lines().Value(r.source))}
	if before, ok := n.PreviousSibling().(*ast.Paragraph); ok {
		b.Before = r.words(before)
	}
	_, b.Behind = n.PreviousSibling().(*ast.FencedCodeBlock)
	return b
}

func (r *reader) section() string {
	if len(r.page.Headings) == 0 {
		return ""
	}
	return r.page.Headings[len(r.page.Headings)-1].Text
}

// words are the text of a node, in one line, with one space between.
func (r *reader) words(node ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(r.source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.AutoLink:
			if entering {
				b.Write(n.Label(r.source))
			}
		case *table.TableCell:
			if !entering {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// line is that of the first byte within the node, from 1; of a node without any, that of the node above.
func (r *reader) line(node ast.Node) int {
	for ; node != nil; node = node.Parent() {
		if at := first(node); at >= 0 {
			return 1 + bytes.Count(r.source[:at], []byte("\n"))
		}
	}
	return 1
}

// first is the offset of the first byte in a node; -1: it has none.
func first(node ast.Node) int {
	if n, ok := node.(*ast.Text); ok {
		return n.Segment.Start
	}
	if node.Type() != ast.TypeInline && node.Lines() != nil && node.Lines().Len() > 0 {
		return node.Lines().At(0).Start
	}
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		if at := first(child); at >= 0 {
			return at
		}
	}
	return -1
}

// anchor is the one that GitHub gives a heading: a number behind it if there is one like it above.
func (r *reader) anchor(text string) string {
	slug := Slug(text)
	taken := func(name string) bool {
		return slices.ContainsFunc(r.page.Headings, func(h Heading) bool { return h.Anchor == name })
	}
	name := slug
	for n := 1; taken(name); n++ {
		name = fmt.Sprintf("%s-%d", slug, n)
	}
	return name
}
