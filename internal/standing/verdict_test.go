package standing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/standing"
)

func TestVerdict(t *testing.T) {
	many := func(more ...standing.Named) []standing.Named {
		return append([]standing.Named{{"a", well}, {"b", well}, {"c", well}}, more...)
	}
	inVain := standing.Facts{Usable: true, Changing: true, NewerFails: true, NeedsPerson: true}
	refusedWithout := standing.Facts{Failing: true, NeedsPerson: true}
	for edge, c := range map[string]struct {
		of    []standing.Named
		tone  standing.Tone
		text  string
		notes []standing.Sentence
	}{
		"none":                {nil, standing.Info, "There is no credential to keep.", nil},
		"none but a disabled": {[]standing.Named{{"off", disabled}}, standing.Info, "There is no credential to keep.", nil},
		"one":                 {[]standing.Named{{"a", well}}, standing.Good, "The one credential is well.", nil},
		"one that is refused": {[]standing.Named{{"a", refused}}, standing.Bad, "The one credential needs you: a.", nil},
		"all":                 {many(), standing.Good, "All 3 credentials are well.", nil},
		"one is disabled":     {many(standing.Named{Name: "off", Facts: disabled}), standing.Good, "All 3 credentials are well.", nil},
		"one is begun":        {many(standing.Named{Name: "new", Facts: unborn}), standing.Info, "1 of 4 credentials waits for a token.", nil},
		"two are begun":       {many(standing.Named{Name: "x", Facts: unborn}, standing.Named{Name: "y", Facts: unborn}), standing.Info, "2 of 5 credentials wait for a token.", nil},
		"on the way":          {many(standing.Named{Name: "x", Facts: due}, standing.Named{Name: "y", Facts: changed}), standing.Good, "All 5 credentials are well.", nil},
		"one is retried": {many(standing.Named{Name: "x", Facts: busy}), standing.Warn,
			"1 of 4 credentials is being retried, and its token still serves: x.", nil},
		"two are retried": {many(standing.Named{Name: "y", Facts: busy}, standing.Named{Name: "x", Facts: busy}), standing.Warn,
			"2 of 5 credentials are being retried, and their tokens still serve: x, y.", nil},
		"one ends": {many(standing.Named{Name: "x", Facts: ending}), standing.Bad,
			"1 of 4 credentials ends soon, and nobody has brought another: x.", nil},
		"two end, one is retried": {many(standing.Named{Name: "x", Facts: ending}, standing.Named{Name: "y", Facts: ending}, standing.Named{Name: "z", Facts: busy}), standing.Bad,
			"2 of 6 credentials end soon, and nobody has brought others: x, y.", []standing.Sentence{{standing.Warn, "Retried without you: z."}}},
		"one has none": {many(standing.Named{Name: "x", Facts: none}), standing.Bad, "1 of 4 credentials has no token: x.", nil},
		"five have none, one ends": {append([]standing.Named{{"z", ending}}, []standing.Named{{"a", none}, {"b", none}, {"c", none}, {"d", none}, {"e", none}}...), standing.Bad,
			"5 of 6 credentials have no token: a, b, c and 2 more.", []standing.Sentence{{standing.Bad, "Ends soon, and nobody has brought another: z."}}},
		"one is refused": {many(standing.Named{Name: "x", Facts: refused}, standing.Named{Name: "y", Facts: busy}), standing.Bad,
			"1 of 5 credentials needs you: x.", []standing.Sentence{{standing.Warn, "Retried without you: y."}}},
		"one is refused, has none": {many(standing.Named{Name: "x", Facts: refusedWithout}), standing.Bad,
			"1 of 4 credentials needs you: x.", []standing.Sentence{{standing.Bad, "Without a token: x."}}},
		"changed in vain": {many(standing.Named{Name: "x", Facts: inVain}), standing.Bad, "1 of 4 credentials needs you: x.", nil},
	} {
		said := standing.Verdict(c.of, false)
		assert.Equal(t, standing.Sentence{Tone: c.tone, Text: c.text}, said[0], edge)
		assert.Equal(t, append([]standing.Sentence{}, c.notes...), said[1:], edge)
	}
}

// Nothing is called well that nobody keeps so; what is worse is said as well.
func TestVerdictOnAServiceThatStandsStill(t *testing.T) {
	still := standing.Sentence{Tone: standing.Bad, Text: "The service stands still and refreshes nothing: restart it."}
	assert.Equal(t, []standing.Sentence{still}, standing.Verdict([]standing.Named{{"a", well}, {"b", due}}, true))
	assert.Equal(t, []standing.Sentence{
		still, {Tone: standing.Bad, Text: "1 of 3 credentials has no token: x."}, {Tone: standing.Warn, Text: "Retried without you: y."},
	}, standing.Verdict([]standing.Named{{"a", well}, {"x", none}, {"y", busy}}, true))
}
