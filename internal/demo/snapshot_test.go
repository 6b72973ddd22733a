package demo

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// good is a demo that went as it should.
func good() snapshot {
	return snapshot{
		config: Config{Replicas: 3, Life: 20 * time.Second, Length: time.Minute},
		issuer: feishutest.Stats{Calls: 4, Rotations: 3},
		cells:  "oo-",
		counts: counts{
			gets: 1000, firstWaits: 4,
			killed: moment{replica: 2, at: time.Now()}, takeover: moment{replica: 3, at: time.Now().Add(time.Second)},
		},
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	assert.NoError(t, good().verdict())
	for name, c := range map[string]struct {
		spoil func(*snapshot)
		want  string
	}{
		"a call too many":  {func(s *snapshot) { s.issuer.Calls++ }, "5 successful calls for 3 rotations and 1 kill"},
		"a failed Get":     {func(s *snapshot) { s.failed, s.firstError = 1, errors.New("oh") }, "1 Gets failed, the first: oh"},
		"a late wait":      {func(s *snapshot) { s.lateWaits = 2 }, "2 Gets waited"},
		"a bad token":      {func(s *snapshot) { s.invalid = 7 }, "7 tokens were not valid"},
		"an empty replica": {func(s *snapshot) { s.cells = "o.o" }, "1 replicas got no token"},
		"nobody killed":    {func(s *snapshot) { s.killed, s.issuer.Calls = moment{}, 3 }, "nobody to kill"},
		"two things":       {func(s *snapshot) { s.failed, s.lateWaits = 1, 1 }, "; "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good()
			c.spoil(&s)
			assert.ErrorContains(t, s.verdict(), c.want)
		})
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	older, newest := tokencache.NewToken("a", "t", time.Minute), tokencache.NewToken("b", "u", time.Hour)
	assert.Equal(t, "o-.o", cellsOf([]tokencache.Token{newest, older, {}, newest}, newest))
}
