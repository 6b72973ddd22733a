package lookalike_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

func TestFaultsTakeTurns(t *testing.T) {
	var f lookalike.Faults
	assert.Equal(t, "", f.Take().String())
	f.Set(lookalike.HTML())
	f.Next(1, lookalike.Status(502))
	f.Next(1, lookalike.EmptyBody())
	f.Next(0, lookalike.Timeout())
	for _, name := range []string{"HTTP 502", "empty body", "html", "html"} {
		assert.Equal(t, name, f.Take().String())
	}
	f.Set(lookalike.Fault{})
	assert.Equal(t, "", f.Take().String())
}

func TestFaultsAndTheIssuersWork(t *testing.T) {
	for _, c := range []struct {
		fault   lookalike.Fault
		worked  bool
		granted bool
	}{
		{lookalike.Fault{}, true, true},
		{lookalike.Status(500), false, false},
		{lookalike.Answer(200, nil, "own"), false, false},
		{lookalike.LostReply(), true, false},
		{lookalike.BrokenBody(), true, false},
		{lookalike.SlowBody(1), true, true},
	} {
		worked := false
		rep := c.fault.Spoil(func() lookalike.Reply {
			worked = true
			rep := lookalike.Text(200, "own")
			rep.Granted = true
			return rep
		})
		assert.Equal(t, c.worked, worked, c.fault)
		assert.Equal(t, c.granted, rep.Granted, c.fault)
	}
}
