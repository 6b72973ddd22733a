package standing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// Credentials as they come.
var (
	well     = standing.Facts{Usable: true}
	due      = standing.Facts{Usable: true, Due: true}
	refused  = standing.Facts{Usable: true, Due: true, Failing: true, NeedsPerson: true}
	busy     = standing.Facts{Usable: true, Due: true, Failing: true}
	ending   = standing.Facts{Usable: true, Due: true, Urgent: true}
	redis    = standing.Facts{Usable: true, Failing: true, ByRedis: true}
	none     = standing.Facts{Failing: true}
	silent   = standing.Facts{Answered: true}
	unborn   = standing.Facts{}
	changed  = standing.Facts{Usable: true, Changing: true}
	disabled = standing.Facts{Disabled: true}
)

func TestOf(t *testing.T) {
	for edge, c := range map[string]struct {
		of   standing.Facts
		want standing.Standing
	}{
		"well":                             {well, standing.Well},
		"in the window":                    {due, standing.Renewing},
		"in the window, and refused":       {refused, standing.NeedsYou},
		"in the window, and it passes":     {busy, standing.Retrying},
		"at the end of the window":         {ending, standing.Ending},
		"there, and it passes":             {standing.Facts{Usable: true, Due: true, Urgent: true, Failing: true}, standing.Ending},
		"there, and refused":               {standing.Facts{Usable: true, Due: true, Urgent: true, Failing: true, NeedsPerson: true}, standing.NeedsYou},
		"redis alone":                      {redis, standing.Well},
		"redis, and no token":              {standing.Facts{Failing: true, ByRedis: true}, standing.NoToken},
		"no token":                         {none, standing.NoToken},
		"refused, and no token":            {standing.Facts{Failing: true, NeedsPerson: true}, standing.NoToken},
		"just begun":                       {unborn, standing.Awaited},
		"rejected, or no answer any more":  {silent, standing.NoToken},
		"rejected, and the file's refused": {standing.Facts{Changing: true, NewerFails: true, NeedsPerson: true}, standing.NoToken},
		"changed":                          {changed, standing.Changing},
		"changed to what is refused":       {standing.Facts{Usable: true, Changing: true, NewerFails: true, NeedsPerson: true}, standing.NeedsYou},
		"changed, and nobody answers":      {standing.Facts{Usable: true, Changing: true, NewerFails: true}, standing.Retrying},
		"disabled":                         {disabled, standing.Disabled},
		"disabled, whatever was before it": {standing.Facts{Disabled: true, Failing: true, NeedsPerson: true}, standing.Disabled},
	} {
		assert.Equal(t, c.want.Label(), standing.Of(c.of).Label(), edge)
	}
}

// The order of standings is that of their tones: what is worse comes first.
func TestTonesAndGroups(t *testing.T) {
	type look struct {
		label, tone string
		group       standing.Group
	}
	var all []look
	for s := standing.NoToken; s <= standing.Disabled; s++ {
		all = append(all, look{s.Label(), s.Tone().String(), s.Group()})
	}
	assert.Equal(t, []look{
		{"No token", "bad", standing.InTrouble}, {"Needs you", "bad", standing.InTrouble}, {"Ending", "bad", standing.InTrouble},
		{"Retrying", "warn", standing.InTrouble},
		{"No token yet", "info", standing.OnTheWay}, {"Changing", "info", standing.OnTheWay}, {"Refreshing", "info", standing.OnTheWay},
		{"Well", "ok", standing.AllWell}, {"Disabled", "off", standing.SwitchedOff},
	}, all)
}

// Whatever is bad says what to do, also where no problem is known.
func TestUnexplained(t *testing.T) {
	for s, want := range map[standing.Standing]bool{standing.NoToken: true, standing.Ending: true, standing.Awaited: false, standing.Well: false} {
		wrong, todo := s.Unexplained()
		assert.Equal(t, want, wrong != "" && todo != "", s.Label())
	}
}

func TestWorstFirst(t *testing.T) {
	all := []standing.Named{{"z", well}, {"off", disabled}, {"a", well}, {"busy", busy}, {"refused", refused}, {"none", none}, {"ending", ending}}
	var names []string
	for _, n := range standing.WorstFirst(all, func(n standing.Named) standing.Named { return n }) {
		names = append(names, n.Name)
	}
	assert.Equal(t, []string{"none", "refused", "ending", "busy", "a", "z", "off"}, names)
	assert.Equal(t, "z", all[0].Name, "what was given stays")
}
