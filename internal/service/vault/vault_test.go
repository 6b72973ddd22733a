package vault_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/vault"
)

func TestCredentialsOfAConfiguration(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		a, b := &app{id: "a", secret: "secret-a"}, &app{id: "b", secret: "secret-b"}
		off := vault.Credential{Name: "off", Disabled: true}
		changes := s.Apply([]vault.Credential{b.named("b"), off, a.named("a")})
		assert.Equal(t, vault.Changes{Added: []string{"b", "a"}}, changes)
		assert.Equal(t, "token-of-a-secret-a-1", s.token("a"))
		assert.Equal(t, "token-of-b-secret-b-1", s.token("b"))
		_, ok := s.Find("off")
		assert.False(t, ok)
		assert.Equal(t, []vault.Credential{off}, s.Disabled())
		assert.Equal(t, "b", s.Entries()[0].Name())
		assert.Len(t, s.Sources(), 2)

		assert.Zero(t, s.Apply([]vault.Credential{b.named("b"), off, a.named("a")}), "nothing has changed")
		old := s.entry("a")
		assert.Equal(t, vault.Changes{Removed: []string{"a"}}, s.Apply([]vault.Credential{b.named("b")}))
		_, ok = s.Find("a")
		assert.False(t, ok)
		_, err := old.Get(t.Context())
		assert.Error(t, err, "who has found it before")
		assert.Len(t, s.cache.Sources(), 1)
		assert.Empty(t, s.Names(a.Credential().ID()))
		s.Apply(nil)
		assert.Empty(t, s.cache.Sources())
	})
}

// Two names of one credential have one Source, and one call.
func TestTwoNamesOfOneCredential(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		a := &app{id: "a", secret: "secret-a"}
		s.Apply([]vault.Credential{a.named("one"), a.named("two")})
		assert.Equal(t, s.token("one"), s.token("two"))
		assert.Equal(t, 1, a.count())
		assert.Len(t, s.cache.Sources(), 1)
		assert.Equal(t, []string{"one", "two"}, s.Names(a.Credential().ID()))

		s.Apply([]vault.Credential{a.named("two")})
		assert.Equal(t, "token-of-a-secret-a-1", s.token("two"), "the other is still there")
		assert.Equal(t, 1, a.count())
	})
}

// Of two names with two ways to the issuer the first has its way, whichever was changed last, and when the
// first is gone the other has.
func TestWayOfTwoNames(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		direct, proxied := &app{id: "a", secret: "s"}, &app{id: "a", secret: "s", way: "proxy", calls: 100}
		s.Apply([]vault.Credential{direct.named("one"), proxied.named("two")})
		assert.Equal(t, "token-of-a-s-1", s.token("two"))
		s.Apply([]vault.Credential{proxied.named("two"), direct.named("one")})
		time.Sleep(2 * time.Hour)
		assert.Equal(t, "token-of-a-s-101", s.token("one"))
		s.Apply([]vault.Credential{direct.named("one")})
		time.Sleep(2 * time.Hour)
		assert.Equal(t, "token-of-a-s-2", s.token("one"), "not by the way of a name that is gone")
		assert.Contains(t, s.log.String(), "credential=one remaining", "nor under that name")
	})
}

// Two names that change places lose nothing: each has the token that the other had.
func TestNamesThatChangePlaces(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		a, b := &app{id: "a", secret: "s", purpose: "a"}, &app{id: "b", secret: "s", purpose: "b"}
		s.Apply([]vault.Credential{a.named("one"), b.named("two")})
		s.token("one")
		s.token("two")
		a.fail(errRefused) // nobody is asked again
		b.fail(errRefused)
		s.Apply([]vault.Credential{b.named("one"), a.named("two")})
		assert.Equal(t, "token-of-b-s-1", s.token("one"))
		assert.Equal(t, "token-of-a-s-1", s.token("two"))
		assert.Len(t, s.cache.Sources(), 2)
	})
}

// Kind and app are those of the credential that serves, whatever the configuration says by now.
func TestServing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.Apply([]vault.Credential{(&app{id: "a", secret: "s"}).named("crm")})
		s.token("crm")
		next := (&app{id: "b", secret: "s", err: errRefused}).named("crm")
		next.Kind = "another"
		s.Apply([]vault.Credential{next})
		assert.Equal(t, "test", s.entry("crm").Serving().Kind)
		assert.Equal(t, "a", s.entry("crm").Serving().App)
		time.Sleep(6 * time.Minute)
		assert.Equal(t, "another", s.entry("crm").Serving().Kind)
	})
}

// The pulse looks at the token that ends first.
func TestLook(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		assert.True(t, s.Look().Usable, "there is nothing to keep")
		a, b := &app{id: "a", secret: "secret-a"}, &app{id: "b", secret: "secret-b", err: errRefused}
		s.Apply([]vault.Credential{a.named("a"), b.named("b")})
		s.token("a")
		assert.False(t, s.Look().Usable)
		assert.InDelta(t, 2*time.Hour, s.Look().Remaining, float64(time.Second))
	})
}

func TestRefusedSecretIsToldOf(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		a := &app{id: "a", secret: "secret-a", err: errRefused}
		s.Apply([]vault.Credential{a.named("a")})
		time.Sleep(10 * time.Second) // nobody asks but the Cache's Run
		assert.Positive(t, s.refused.Load())
		assert.Contains(t, s.log.String(), "no token from the issuer")
		assert.Contains(t, s.log.String(), "credential=a")
		assert.NotContains(t, s.log.String(), "secret-a")
	})
}

// Two names have one credential. The first means another app now, which waits for its token, while the second gets
// another way to the issuer of what both had.
func TestOneWayOfASharedCredentialIsChangedWhileTheOtherNameWaits(t *testing.T) {
	for _, aFirst := range []bool{true, false} {
		inBubble(t, func(t *testing.T, s *stage) {
			before := &app{id: "x", secret: "s"}
			s.Apply([]vault.Credential{before.named("a"), before.named("b")})
			s.token("b")
			other, moved := &app{id: "y", secret: "s", err: errRefused}, &app{id: "x", secret: "s", way: "by a proxy"}
			list := []vault.Credential{other.named("a"), moved.named("b")}
			if !aFirst {
				slices.Reverse(list)
			}
			s.Apply(list)
			synctest.Wait()
			assert.Equal(t, moved.named("b").Revision, s.entry("b").Serving().Revision, "a first: %v", aFirst)
			assert.Equal(t, moved.named("b").Revision, s.entry("a").Serving().Revision, "it is one Source: a first: %v", aFirst)
			assert.ElementsMatch(t, []string{"a", "b"}, s.Names(s.entry("b").ID()))
			time.Sleep(100 * time.Minute)
			assert.Positive(t, moved.count(), "the next token comes by the new way")
		})
	}
}
