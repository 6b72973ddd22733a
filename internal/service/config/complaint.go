package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Complaint is one thing that is wrong with a configuration, or that should not stay as it is.
type Complaint struct {
	File   string // as it was given to Read
	Line   int    // from 1; 0: it is about the file as a whole
	Column int    // in characters, from 1; 0 as Line. Of a syntax error it is always 1.
	Path   string // of the key, such as credentials[0].app_secret_file; "" of what belongs to no key
	Text   string // what is wrong, and what to do
}

// String reads FILE:LINE:COLUMN: PATH: TEXT, without the parts that there are not.
func (c Complaint) String() string {
	at := c.File
	if c.Line > 0 {
		at += fmt.Sprintf(":%d:%d", c.Line, c.Column)
	}
	if c.Path != "" {
		at += ": " + c.Path
	}
	return at + ": " + c.Text
}

// Complaints are in the order of the file. They are an error; none of them has a secret in it.
type Complaints []Complaint

const (
	mostTold = 100  // by Error
	mostKept = 1000 // of what a file costs that is none of ours
)

// Error has the first 100, each in a line, and then how many more there are; after 1,000 reading
// counts no further.
func (c Complaints) Error() string {
	var b strings.Builder
	for i, one := range c[:min(len(c), mostTold)] {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(one.String())
	}
	switch more := len(c) - mostTold; {
	case len(c) >= mostKept:
		fmt.Fprintf(&b, "\nand %d more, or still more", more)
	case more > 0:
		fmt.Fprintf(&b, "\nand %d more", more)
	}
	return b.String()
}

// Unwrap returns each line of Error as an error, for those who tell one at a time.
func (c Complaints) Unwrap() (all []error) {
	for line := range strings.Lines(c.Error()) {
		all = append(all, errors.New(strings.TrimSuffix(line, "\n")))
	}
	return all
}

// complaints collects them.
type complaints struct {
	file     string
	all      Complaints
	warnings Complaints
	told     map[string]bool // paths that have one
}

// complain of the value, in words that do not quote it.
func (c *complaints) complain(of value, text string) {
	c.told[of.path] = true
	c.add(Complaint{File: c.file, Line: of.line, Column: of.column, Path: of.path, Text: text})
}

func (c *complaints) complainf(of value, format string, args ...any) {
	c.complain(of, fmt.Sprintf(format, args...))
}

// complainOfFile is of the file as a whole.
func (c *complaints) complainOfFile(text string) { c.add(Complaint{File: c.file, Text: text}) }

// complainOfLine is of what belongs to no key.
func (c *complaints) complainOfLine(line, column int, text string) {
	c.add(Complaint{File: c.file, Line: line, Column: column, Text: text})
}

func (c *complaints) add(one Complaint) {
	if len(c.all) < mostKept {
		c.all = append(c.all, one)
	}
}

// isFull is when nothing more will be told, so that nobody need think of the words.
func (c *complaints) isFull() bool { return len(c.all) >= mostKept }

func (c *complaints) warn(of value, text string) {
	if len(c.warnings) < mostKept {
		c.warnings = append(c.warnings, Complaint{File: c.file, Line: of.line, Column: of.column, Path: of.path, Text: text})
	}
}

// err is nil, or all complaints.
func (c *complaints) err() error {
	c.all.sort()
	c.warnings.sort()
	if len(c.all) == 0 {
		return nil
	}
	return c.all
}

// sort keeps the order of those at one place.
func (c Complaints) sort() {
	slices.SortStableFunc(c, func(a, b Complaint) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
