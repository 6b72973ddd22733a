package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

func TestComplaint(t *testing.T) {
	for want, c := range map[string]config.Complaint{
		"f.yaml:1:2: a.b[0]: is wrong": {File: "f.yaml", Line: 1, Column: 2, Path: "a.b[0]", Text: "is wrong"},
		"f.yaml:1:2: is wrong":         {File: "f.yaml", Line: 1, Column: 2, Text: "is wrong"},
		"f.yaml: is wrong":             {File: "f.yaml", Text: "is wrong"},
	} {
		assert.Equal(t, want, c.String())
	}
}

// Whatever is wrong with a file, what is told of it is bounded, and in the order of the file.
func TestManyComplaints(t *testing.T) {
	s := newStage(t)
	of := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "k%d: x\n", i)
		}
		_, err := s.read(b.String() + empty)
		return err.Error()
	}
	assert.Equal(t, 99, strings.Count(of(100), "\n"))
	assert.True(t, strings.HasSuffix(of(101), "\nand 1 more"))
	assert.True(t, strings.HasSuffix(of(999), "\nand 899 more"))
	assert.True(t, strings.HasSuffix(of(2000), "\nand 900 more, or still more"))
	assert.Less(t, len(of(20_000)), 100*200)
	_, err := s.read("credentials: [" + strings.Repeat("{},", 20_000) + "]")
	assert.Less(t, len(err.Error()), 100*400)
	lines := strings.Split(of(101), "\n")
	assert.Contains(t, lines[0], ":1:1: a key")
	assert.Contains(t, lines[99], ":100:1: a key")
}
