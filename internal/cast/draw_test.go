package cast

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// drawn is a cast of three frames, in which the first row moves, the second stays, and the third comes.
func drawn() string {
	return string(Draw(Picture{
		Title: "A & B", Command: "some command", Rest: 6 * time.Second,
		Frames: []Frame{
			{100 * time.Millisecond, []Row{{{0, "  one "}, {Green, "<ok>"}}, {{Bold, "same"}}}},
			{2 * time.Second, []Row{{{0, "  two"}}, {{Bold, "same"}}}},
			{4 * time.Second, []Row{{{0, "  one "}, {Green, "<ok>"}}, {{Bold, "same"}}, {{0, "last"}}}},
		},
	}))
}

func TestDraw(t *testing.T) {
	svg := drawn()
	lines, err := Lines([]byte(svg))
	require.NoError(t, err)
	assert.Equal(t, []string{"$ some command", "one <ok>", "two", "same", "last"}, lines, "each once")
	assert.Contains(t, svg, `<text x="19.2" y="16" textLength="76.8">one <tspan class="g">&lt;ok&gt;</tspan></text><text x="19.2" y="37" textLength="28.8">two</text>`)
	assert.Contains(t, svg, `<title id="t">A &amp; B</title>`)
	assert.Contains(t, svg, "one &lt;ok&gt;&#xA;same&#xA;last</desc>", "the last frame, to be read out")
}

// The first frame counts from the beginning, whenever it came; the last one rests. Without motion the last is shown.
func TestMotion(t *testing.T) {
	svg := drawn()
	assert.Contains(t, svg, "@media (prefers-reduced-motion:no-preference){.m{animation:10s step-end infinite}}")
	assert.Contains(t, svg, "#r0{transform:translateY(0px);animation-name:m0}\n"+
		"@keyframes m0{0%{transform:translateY(0px)}20%{transform:translateY(-21px)}40%{transform:translateY(0px)}}\n")
	assert.Contains(t, svg, "#r2{transform:translateY(-21px);animation-name:m2}\n"+
		"@keyframes m2{0%{transform:translateY(0px)}40%{transform:translateY(-21px)}}\n")
	assert.NotContains(t, svg, "m1")
}

// docs/demo.svg, as drawn by make cast.

func TestDemosPictureStandsByItself(t *testing.T) {
	svg := demosPicture(t)
	assert.Less(t, len(svg), 100_000)
	assert.Contains(t, svg, sheet, "which is of the present: make cast")
	known := map[string]string{
		"svg": "xmlns viewBox width height role aria-labelledby space y", "title": "id", "desc": "id", "style": "", "g": "transform id class",
		"rect": "class x y width height rx", "circle": "class cx cy r", "text": "x y textLength", "tspan": "class",
	}
	seen := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		name := element.Name.Local
		seen[name]++
		require.Contains(t, known, name, "no script, no foreign object, nothing that refers to something")
		for _, attr := range element.Attr {
			assert.Contains(t, strings.Fields(known[name]), attr.Name.Local, name)
		}
	}
	assert.Equal(t, 1, seen["title"])
	assert.Equal(t, 1, seen["desc"])
	assert.Greater(t, seen["text"], 100)
	for _, refers := range []string{"url(", "@import", "@font-face", "src", "href"} {
		assert.NotContains(t, svg, refers)
	}
}

// The picture tells nothing of the machine that it was made on.
func TestDemosPictureNamesNoPlace(t *testing.T) {
	lines, err := Lines([]byte(demosPicture(t)))
	require.NoError(t, err)
	for _, line := range lines {
		assert.NotRegexp(t, regexp.MustCompile(`[/\\@:]\S|localhost|\d+\.\d+\.\d+`), line)
	}
}

func demosPicture(t *testing.T) string {
	t.Helper()
	svg, err := os.ReadFile("../../docs/demo.svg")
	require.NoError(t, err)
	return string(svg)
}
