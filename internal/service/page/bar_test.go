package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBar(t *testing.T) {
	for edge, c := range map[string]struct {
		of   Credential
		want bar
		ok   bool
	}{
		"half of it is left":     {good("a"), bar{Left: "50.0%", Window: "25.0%", Mark: "24.2%"}, true},
		"in the window":          {good("a", due), bar{Left: "50.0%", Window: "25.0%"}, true},
		"over":                   {good("a", func(c *Credential) { c.End = now.Add(-time.Hour) }, due), bar{Left: "0.0%", Window: "25.0%"}, true},
		"more than it should be": {good("a", func(c *Credential) { c.End = now.Add(3 * time.Hour) }, due), bar{Left: "100.0%", Window: "25.0%"}, true},
		"no token":               {good("a", none), bar{}, false},
		"of unknown life":        {good("a", func(c *Credential) { c.Life = 0 }), bar{}, false},
	} {
		got, ok := barOf(now, c.of)
		assert.Equal(t, c.ok, ok, edge)
		if ok {
			c.want.End, c.want.Life = c.of.End.UnixMilli(), c.of.Life.Milliseconds()
		}
		assert.Equal(t, c.want, got, edge)
	}
}
