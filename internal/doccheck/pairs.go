package doccheck

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Translated is the name of a page's Chinese counterpart.
func Translated(page string) string {
	if folder, name := path.Split(page); folder != "" {
		return folder + "zh-CN/" + name
	}
	return strings.TrimSuffix(page, ".md") + ".zh-CN.md"
}

// Pairs complains of each page of which there is no counterpart, if it is demanded, or of which the
// counterpart says something else: other levels of headings, other code, in blocks and within text, other
// tables, other links.
func (r *Repository) Pairs(demanded []string) (c Complaints) {
	for _, name := range demanded {
		if r.Pages[name] == nil || r.Pages[Translated(name)] == nil {
			c.add(name, 1, "it and %s have to be there", Translated(name))
		}
	}
	for _, name := range r.Names() {
		if other := r.Pages[Translated(name)]; other != nil {
			r.pair(&c, r.Pages[name], other)
		}
	}
	return c
}

func (r *Repository) pair(c *Complaints, page, other *Page) {
	for _, compared := range []struct {
		what        string
		here, there []part
	}{
		{"heading", headings(page), headings(other)},
		{"block", blocks(page), blocks(other)},
		{"output in a comment", outputs(page), outputs(other)},
		{"table", tables(page), tables(other)},
		{"link", r.links(page), r.links(other)},
		{"code", spans(page), spans(other)},
	} {
		for i := range max(len(compared.here), len(compared.there)) {
			here, there := at(compared.here, i), at(compared.there, i)
			if here.text != there.text {
				c.add(other.Path, there.line, "%s %d is %s; in %s:%d it is %s", compared.what, i+1, there.text, page.Path, here.line, here.text)
				break
			}
		}
	}
	r.languages(c, page, other)
}

// part of a page, as it is compared with that of its counterpart.
type part struct {
	line int
	text string
}

func at(parts []part, i int) part {
	if i < len(parts) {
		return parts[i]
	}
	return part{1, "none"}
}

func headings(p *Page) (parts []part) {
	for _, h := range p.Headings {
		parts = append(parts, part{h.Line, fmt.Sprintf("of level %d", h.Level)})
	}
	return parts
}

func tables(p *Page) (parts []part) {
	for _, t := range p.Tables {
		parts = append(parts, part{t.Line, fmt.Sprintf("%d rows of %d", t.Rows, t.Columns)})
	}
	return parts
}

func blocks(p *Page) (parts []part) {
	for _, b := range p.Blocks {
		parts = append(parts, part{b.Line, fmt.Sprintf("%s %q", b.Language, b.code())})
	}
	return parts
}

var (
	hash    = regexp.MustCompile(`(?m)(^|\s)#.*$`)
	slashes = regexp.MustCompile(`(?m)(^|\s)//.*$`)
	comment = map[string]*regexp.Regexp{"sh": hash, "yaml": hash, "python": hash, "ini": hash, "go": slashes, "js": slashes, "java": slashes}
)

// code is a block without comments, and without lines that have nothing else.
func (b Block) code() string {
	text := b.Text
	if c := comment[b.Language]; c != nil {
		text = c.ReplaceAllString(text, "")
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \t\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// outputs are what comments behind commands promise in JSON, which no language changes.
func outputs(p *Page) (parts []part) {
	inJSON := regexp.MustCompile(`\{".*\}|"\w+":\d+`)
	for _, b := range p.Blocks {
		if b.Language != "sh" {
			continue
		}
		for _, text := range hash.FindAllString(b.Text, -1) {
			for _, json := range inJSON.FindAllString(text, -1) {
				parts = append(parts, part{b.Line, json})
			}
		}
	}
	return parts
}

// links are where they lead, in whatever order: a page stands for its counterpart, and a heading is a number.
func (r *Repository) links(p *Page) (parts []part) {
	for _, link := range p.Links {
		file, anchor := Resolve(p.Path, link.Target)
		text := r.original(file)
		if page := r.Pages[file]; page != nil && anchor != "" {
			text += fmt.Sprintf("#%d", page.heading(anchor))
		}
		parts = append(parts, part{link.Line, text})
	}
	slices.SortStableFunc(parts, func(a, b part) int { return strings.Compare(a.text, b.text) })
	return parts
}

// spans are in whatever order.
func spans(p *Page) (parts []part) {
	for _, s := range p.Spans {
		parts = append(parts, part{s.Line, s.Text})
	}
	slices.SortStableFunc(parts, func(a, b part) int { return strings.Compare(a.text, b.text) })
	return parts
}

// original is the English page of a Chinese one, and any other file itself.
func (r *Repository) original(file string) string {
	folder, name := path.Split(file)
	english := strings.TrimSuffix(folder, "zh-CN/") + strings.Replace(name, ".zh-CN.md", ".md", 1)
	if Translated(english) == file && (r.Pages[english] != nil || r.Pages[file] == nil) {
		return english
	}
	return file
}

// languages complains of a link to a page in the other language which there is in the page's own; but for
// the one that leads from a page to its counterpart.
func (r *Repository) languages(c *Complaints, page, other *Page) {
	for _, p := range []*Page{page, other} {
		for _, link := range p.Links {
			file, _ := Resolve(p.Path, link.Target)
			original := r.original(file)
			chinese := file != original
			switch {
			case r.Pages[file] == nil || original == page.Path:
			case p == page && chinese, p == other && !chinese && r.Pages[Translated(original)] != nil:
				c.add(p.Path, link.Line, "%s is in the other language", link.Target)
			}
		}
	}
}
