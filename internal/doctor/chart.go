package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/internal/terminal"
)

// chart takes the findings down: as lines, one by one, or as JSON in the end.
type chart struct {
	out      io.Writer
	json     bool
	files    advice.Files // that stand in for variables
	keys     bool         // there are none: all is in a file
	findings []entry
	failed   []entry
	unsaid   error // of writing
}

func (c *chart) add(f finding) { c.addOf("", f) }

// addOf takes down what was found of one of several.
func (c *chart) addOf(subject string, f finding) {
	f.Found, f.Advice = terminal.Printable(c.named(f.Found)), terminal.Printable(c.named(f.Advice))
	e := entry{f, terminal.Printable(subject)}
	if f.Status == checkFail {
		c.failed = append(c.failed, e)
	}
	c.findings = append(c.findings, e)
	if c.json {
		return
	}
	line := fmt.Sprintf("%-7s  %-13s  ", f.Status, f.Name)
	if e.Subject != "" {
		line += e.Subject + ": "
	}
	line += f.Found
	if f.Advice != "" {
		line += ": " + f.Advice
	}
	_, err := fmt.Fprintln(c.out, line)
	c.unsaid = cmp.Or(c.unsaid, err) // the first: the others are the same
}

// named has a text name what a person has set.
func (c *chart) named(text string) string {
	if c.keys {
		return keysForVariables.Replace(text)
	}
	return c.files.Named(text)
}

// keysForVariables are those of a configuration file, in place of what advice on Redis names.
var keysForVariables = strings.NewReplacer("SSL_CERT_FILE (REDIS_URL)", "redis.tls.ca_file", "REDIS_URL", "redis.url", "ONETOKEN_PREFIX", "redis.prefix")

func (c *chart) end() error {
	if !c.json {
		return c.unsaid
	}
	encoder := json.NewEncoder(c.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Checks []entry `json:"checks"`
		OK     bool    `json:"ok"`
	}{c.findings, len(c.failed) == 0})
}

// err is for the exit status. It begins with what to do about the first that failed, as
// the others may follow from it. It names some: all of them, and the reasons, are on standard output.
func (c *chart) err() error {
	if len(c.failed) == 0 {
		return nil
	}
	var names []string
	for _, f := range c.failed {
		names = append(names, f.name())
	}
	checks := "1 check"
	if n := len(names); n > 1 {
		checks = strconv.Itoa(n) + " checks"
	}
	return fmt.Errorf("%s; %s failed: %s", c.failed[0].Advice, checks, standing.Some(names))
}
