package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/terminal"
)

// chart takes the findings down: as lines, one by one, or as JSON in the end.
type chart struct {
	out      io.Writer
	json     bool
	files    advice.Files // that stand in for variables
	findings []finding
	failed   []finding
	unsaid   error // of writing
}

func (c *chart) add(f finding) {
	f.Found, f.Advice = terminal.Printable(c.files.Named(f.Found)), terminal.Printable(c.files.Named(f.Advice))
	if f.Status == checkFail {
		c.failed = append(c.failed, f)
	}
	c.findings = append(c.findings, f)
	if c.json {
		return
	}
	line := fmt.Sprintf("%-7s  %-13s  %s", f.Status, f.Name, f.Found)
	if f.Advice != "" {
		line += ": " + f.Advice
	}
	_, err := fmt.Fprintln(c.out, line)
	c.unsaid = cmp.Or(c.unsaid, err) // the first: the others are the same
}

func (c *chart) end() error {
	if !c.json {
		return c.unsaid
	}
	encoder := json.NewEncoder(c.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Checks []finding `json:"checks"`
		OK     bool      `json:"ok"`
	}{c.findings, len(c.failed) == 0})
}

// err is for the exit status. It begins with what to do about the first that failed, as
// the others may follow from it. The reasons are on standard output.
func (c *chart) err() error {
	if len(c.failed) == 0 {
		return nil
	}
	var names []string
	for _, f := range c.failed {
		names = append(names, f.Name)
	}
	checks := "1 check"
	if n := len(names); n > 1 {
		checks = strconv.Itoa(n) + " checks"
	}
	return fmt.Errorf("%s; %s failed: %s", c.failed[0].Advice, checks, strings.Join(names, ", "))
}
