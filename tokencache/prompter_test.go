package tokencache

import (
	"fmt"
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
		assert.Equal(t, time.Hour, holdOf(s).rest(now()), "it is not its turn")
		time.Sleep(promptEvery)
		synctest.Wait()
		assert.Zero(t, holdOf(s).rest(now()))
	})
}

// F59: the subscription of many Sources is cut. Their looks are spread over 2 ms for each of
// them, and those of a few over 5 s.
func TestF59CutOfManySources(t *testing.T) {
	for n, spread := range map[int]time.Duration{10: 5 * time.Second, 10_000: 20 * time.Second} {
		cache := lonelyCache(t)
		latest := time.Duration(0)
		for i := range n {
			s := cache.Source(FetchFunc(MustCredential(CredentialConfig{Issuer: "test", App: fmt.Sprint(i)}), noToken))
			s.state.adopt(adoption{token: NewToken("a", "t", time.Hour), remaining: time.Hour, at: now(), asked: s.state.nextNumber(), own: true})
			s.listener.subscribed(true)
			latest = max(latest, holdOf(s).wait)
		}
		assert.LessOrEqual(t, latest, spread+time.Millisecond)
		assert.Greater(t, latest, spread/4)
	}
}
