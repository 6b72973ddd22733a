package demo

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/cast"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestPictureFitsTheLeastTerminal(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 50, 60, 61, MaxReplicas} {
		now := good()
		now.config.Replicas, now.config.Life, now.config.Length = replicas, MaxLife, 2*MaxLife
		now.elapsed = now.config.Length
		now.killed.replica, now.takeover.replica, now.last = replicas, replicas+1, moment{replicas, time.Now().Add(-MaxLife)}
		now.takeover.at = now.killed.at.Add(30 * time.Second)
		now.gets = 1 << 36
		now.newest = tokencache.NewToken("a", "t", now.config.Life)
		now.cells = strings.Repeat("o", replicas)
		lines := (&picture{}).lines(now)
		assert.LessOrEqual(t, len(lines), terminal.Height)
		for _, line := range lines {
			assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(line), terminal.Width-1, line)
		}
	}
}

func TestPictureIsRepaintedInPlace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &picture{screen: terminal.ScreenOf(&out, func() (int, int, error) { return terminal.Width, terminal.Height, nil })}
	require.NoError(t, p.show(good()))
	first := out.String()
	lines := strings.Count(first, "\n")
	require.NoError(t, p.show(good()))
	second := strings.TrimPrefix(out.String(), first)
	assert.True(t, strings.HasPrefix(second, text.CursorUp.Sprintn(lines)))
	assert.Equal(t, lines, strings.Count(second, "\n"))
	for line := range strings.Lines(second) {
		assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")), terminal.Width-1)
	}
}

// docs/demo.svg shows what the demo shows now, line by line but for figures; else make cast draws it anew. Each of its
// lines is the demo's, and each of the demo's is there.
func TestDocumentedPictureIsThatOfThisDemo(t *testing.T) {
	t.Parallel()
	svg, err := os.ReadFile("../../docs/demo.svg")
	require.NoError(t, err)
	lines, err := cast.Lines(svg)
	require.NoError(t, err)
	require.NotEmpty(t, lines)
	assert.Regexp(t, `^\$ onetoken demo( --\w+ \w+)*$`, lines[0])

	before, killed, over := good(), good(), good()
	before.killed, before.takeover, before.last = moment{}, moment{}, moment{}
	killed.takeover = moment{}
	over.last = moment{over.takeover.replica, time.Now()}
	of := map[string]bool{}
	for _, now := range []snapshot{before, killed, over} {
		now.cells = strings.Repeat(string(cellNewest), 50)
		for _, line := range (&picture{}).lines(now) {
			of[wordsOf(line)] = true
		}
	}
	for line := range strings.Lines(over.summary()) {
		of[wordsOf(line)] = true
	}
	delete(of, "")

	drawn := map[string]bool{}
	for _, line := range lines[1:] {
		drawn[wordsOf(line)] = true
	}
	assert.Equal(t, of, drawn)
}

// wordsOf is a line without colours and what differs between two runs: figures, the bar, the fleet's cells.
func wordsOf(line string) string {
	for _, change := range [][2]string{
		{`\x1b\[[0-9;]*m`, ""},
		{`\[[# ]*\]`, "[]"},
		{`\^+`, "^"},
		{`[o.-]{10,}`, "cells"},
		{`\d+(\.\d+)?`, "N"},
		{`\s+`, " "},
	} {
		line = regexp.MustCompile(change[0]).ReplaceAllString(line, change[1])
	}
	return strings.TrimSpace(line)
}
