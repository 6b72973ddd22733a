package tokencache

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// F45: some prompts at once, then one each second, however many come.
func TestF45PacerOfPrompts(t *testing.T) {
	at, p := now(), &prompter{}
	for range promptsInARow {
		assert.Zero(t, p.untilNext(at))
	}
	assert.Equal(t, promptEvery, p.untilNext(at))
	assert.Equal(t, 2*promptEvery, p.untilNext(at))
	assert.Equal(t, promptEvery, p.untilNext(at.add(2*promptEvery)))
	assert.Zero(t, p.untilNext(at.add(time.Minute)))
}

// F45: a prompt that has to wait does all that the events asked for that came meanwhile.
func TestF45PromptDoesAllThatWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lonelySource(t)
		failure := &IssuerError{Class: ClassTransient}
		prompt := func(asked prompt) {
			s.state.do(func() { s.listener.prompt(asked) })
		}
		for range promptsInARow {
			prompt(lockFree)
		}
		s.state.holdFor(time.Hour, failure)
		prompt(lockFree) // a failure's hold is not to be ended by that
		prompt(tokenNews)
		assert.Equal(t, time.Hour, s.state.pacer.hold.rest(now()), "it is not its turn")
		time.Sleep(promptEvery)
		synctest.Wait()
		assert.Zero(t, s.state.pacer.hold.rest(now()))
	})
}
