package service

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestTally(t *testing.T) {
	var of tally
	of.begin("crm")
	of.begin("bot")
	failed := &tokencache.IssuerError{Issuer: "x"}
	of.observe(tokencache.Event{Kind: tokencache.EventCall}, []string{"crm", "bot"})
	of.observe(tokencache.Event{Kind: tokencache.EventDirectCall, Err: failed}, []string{"crm"})
	of.observe(tokencache.Event{Kind: tokencache.EventFill, Err: failed}, []string{"crm"}) // a wait for a call
	of.observe(tokencache.Event{Kind: tokencache.EventCall}, nil)                          // nobody's any more
	for name, want := range map[string][2]uint64{"crm": {2, 1}, "bot": {1, 0}, "nobody": {}} {
		all, bad := of.calls(name)
		assert.Equal(t, want, [2]uint64{all, bad}, name)
	}
	for _, refused := range []bool{false, false, true, false} {
		of.asked("tokens", refused)
	}
	all, bad := of.door("tokens")
	assert.Equal(t, [2]uint64{4, 1}, [2]uint64{all, bad})
	of.forget("crm")
	of.observe(tokencache.Event{Kind: tokencache.EventCall}, []string{"crm"}) // it outlives the reload
	all, _ = of.calls("crm")
	assert.Zero(t, all)
	of.begin("bot")
	all, _ = of.calls("bot")
	assert.EqualValues(t, 1, all, "a reload that leaves it counts on")
}
