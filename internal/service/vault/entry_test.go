package vault_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A new secret serves once it has a token; until then the old one does, however long that takes.
func TestNewSecretServesOnceItHasAToken(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		old, next := &app{id: "a", secret: "old"}, &app{id: "a", secret: "new", err: errRefused}
		s.Apply([]vault.Credential{old.named("crm")})
		assert.Equal(t, "token-of-a-old-1", s.token("crm"))

		assert.Equal(t, []string{"crm"}, s.Apply([]vault.Credential{next.named("crm")}).Changed)
		time.Sleep(time.Hour)
		assert.Equal(t, "token-of-a-old-1", s.token("crm"))
		newer, ok := s.entry("crm").Pending()
		require.True(t, ok)
		assert.ErrorIs(t, newer.Why, tokencache.ErrIssuer)
		assert.InDelta(t, time.Hour, time.Since(newer.Since), float64(time.Second))
		assert.Len(t, s.Sources(), 1, "that of the old one")

		next.fail(nil)
		time.Sleep(6 * time.Minute) // at most a hold
		assert.Contains(t, s.token("crm"), "token-of-a-new-")
		_, ok = s.entry("crm").Pending()
		assert.False(t, ok)
		assert.Len(t, s.cache.Sources(), 1, "the old one is forgotten")
		assert.True(t, s.entry("crm").Answered())
	})
}

// A credential whose tokens are for something else serves for 5 min at most, once it is changed.
func TestOtherPurposeEndsTheOldCredential(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		old, next := &app{id: "a", secret: "old"}, &app{id: "b", secret: "new", err: errRefused}
		s.Apply([]vault.Credential{old.named("crm")})
		s.token("crm")
		s.Apply([]vault.Credential{next.named("crm")})
		time.Sleep(5*time.Minute - time.Second)
		assert.Equal(t, "token-of-a-old-1", s.token("crm"))
		time.Sleep(2 * time.Second)
		_, err := s.entry("crm").Get(t.Context())
		assert.ErrorIs(t, err, tokencache.ErrIssuer)
		assert.Contains(t, s.entry("crm").WhyNot(), "wrong secret")
		assert.Len(t, s.cache.Sources(), 1)
	})
}

// Whatever follows the first change to something else, the old credential serves for 5 min at most.
func TestOtherPurposeIsNotPutOffByFurtherChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.Apply([]vault.Credential{(&app{id: "a", secret: "old"}).named("crm")})
		s.token("crm")
		for i := range 3 { // of which the second and third have the purpose of the first
			s.Apply([]vault.Credential{(&app{id: "b", secret: "wrong-" + string(rune('0'+i)), err: errRefused}).named("crm")})
			time.Sleep(101 * time.Second)
		}
		_, err := s.entry("crm").Get(t.Context())
		assert.ErrorIs(t, err, tokencache.ErrIssuer, "the token of another app is not handed out")
		assert.Len(t, s.cache.Sources(), 1)
	})
}

// A credential that is changed to something else and back, with a new secret, serves on.
func TestPurposeThatIsChangedBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.Apply([]vault.Credential{(&app{id: "a", secret: "old"}).named("crm")})
		s.token("crm")
		s.Apply([]vault.Credential{(&app{id: "b", secret: "x", err: errRefused}).named("crm")})
		time.Sleep(time.Minute)
		s.Apply([]vault.Credential{(&app{id: "a", secret: "mistyped", err: errRefused}).named("crm")})
		time.Sleep(time.Hour)
		assert.Equal(t, "token-of-a-old-1", s.token("crm"))
	})
}

// A removal at the moment at which the old credential ends releases nothing twice.
func TestRemovalWhenTheOldCredentialEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		a := &app{id: "a", secret: "old"}
		next := (&app{id: "b", secret: "x", err: errRefused}).named("crm")
		for range 20 {
			s.Apply([]vault.Credential{a.named("crm"), a.named("other")})
			s.token("crm")
			s.Apply([]vault.Credential{next, a.named("other")})
			time.Sleep(5 * time.Minute) // the timer and what follows are due at once
			s.Apply([]vault.Credential{a.named("other")})
			synctest.Wait()
			assert.NotEmpty(t, s.token("other"), "its Source is still open")
			s.Apply(nil)
			assert.Empty(t, s.cache.Sources())
		}
	})
}

// What the issuer answered once stays so, though another credential takes its place.
func TestAnsweredStays(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.Apply([]vault.Credential{(&app{id: "a", secret: "old"}).named("crm")})
		s.token("crm")
		s.Apply([]vault.Credential{(&app{id: "b", secret: "x", err: &tokencache.IssuerError{Issuer: "test", Message: "busy"}}).named("crm")})
		time.Sleep(6 * time.Minute)
		_, ok := s.entry("crm").Peek()
		assert.False(t, ok)
		assert.True(t, s.entry("crm").Answered())
	})
}

func TestCredentialThatIsChangedBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		old, next := &app{id: "a", secret: "old"}, &app{id: "b", secret: "new", err: errRefused}
		s.Apply([]vault.Credential{old.named("crm")})
		s.token("crm")
		s.Apply([]vault.Credential{next.named("crm")})
		s.Apply([]vault.Credential{old.named("crm")})
		time.Sleep(time.Hour)
		assert.Equal(t, "token-of-a-old-1", s.token("crm"), "also after 5 min")
		assert.Len(t, s.cache.Sources(), 1)
		_, ok := s.entry("crm").Pending()
		assert.False(t, ok)
	})
}

// Where the old one has no token, the new one is waited for.
func TestOldCredentialWithoutAToken(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		old, next := &app{id: "a", secret: "old", err: errRefused}, &app{id: "a", secret: "new"}
		s.Apply([]vault.Credential{old.named("crm")})
		_, err := s.entry("crm").Get(t.Context())
		require.ErrorIs(t, err, tokencache.ErrIssuer)
		s.Apply([]vault.Credential{next.named("crm")})
		assert.Equal(t, "token-of-a-new-1", s.token("crm"))
	})
}

// Once the old one's token has ended nothing serves but the newest, whose failure is that of the credential.
func TestNewerWhenTheOldTokenHasEnded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		old, next := &app{id: "a", secret: "old"}, &app{id: "a", secret: "new", err: errRefused}
		s.Apply([]vault.Credential{old.named("crm")})
		s.token("crm")
		s.Apply([]vault.Credential{next.named("crm")})
		old.fail(errors.New("no answer"))
		time.Sleep(time.Hour)
		_, ok := s.entry("crm").Pending()
		require.True(t, ok)
		time.Sleep(time.Hour)
		_, ok = s.entry("crm").Peek()
		require.False(t, ok)
		_, ok = s.entry("crm").Pending()
		assert.False(t, ok, "there is none before it that serves")
		_, words, _ := s.entry("crm").Failing()
		assert.Contains(t, words, "wrong secret")
	})
}

// Another way to the issuer makes no other credential: the token stays, the next call goes the new way.
func TestOtherWayToTheIssuer(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		direct, proxied := &app{id: "a", secret: "s"}, &app{id: "a", secret: "s", way: "proxy", calls: 100}
		s.Apply([]vault.Credential{direct.named("crm")})
		assert.Equal(t, "token-of-a-s-1", s.token("crm"))
		assert.Equal(t, []string{"crm"}, s.Apply([]vault.Credential{proxied.named("crm")}).Changed)
		assert.Equal(t, "token-of-a-s-1", s.token("crm"))
		time.Sleep(2 * time.Hour)
		assert.Equal(t, "token-of-a-s-101", s.token("crm"))
		assert.Equal(t, 1, direct.count())
	})
}

// Whoever asks while credentials change is never told that something was closed.
func TestNoGetIsDroppedByChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.Apply([]vault.Credential{(&app{id: "a", secret: "secret-0"}).named("crm")})
		s.token("crm")
		crm := s.entry("crm")
		ctx, stop := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		for range 8 {
			asking.Go(func() {
				for ctx.Err() == nil {
					_, err := crm.Get(t.Context())
					assert.NoError(t, err)
					time.Sleep(time.Millisecond)
				}
			})
		}
		for i := range 100 {
			s.Apply([]vault.Credential{(&app{id: "a", secret: "secret-" + string(rune('a'+i%7))}).named("crm")})
			time.Sleep(time.Duration(i) * time.Millisecond)
		}
		stop()
		asking.Wait()
		synctest.Wait()
		assert.Len(t, s.cache.Sources(), 1)
	})
}

// While there is a newer credential, tokens of both may be in somebody's hands.
func TestHeld(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.Apply([]vault.Credential{(&app{id: "a", secret: "old"}).named("crm")})
		s.token("crm")
		assert.Equal(t, s.Sources(), s.entry("crm").Held())
		s.Apply([]vault.Credential{(&app{id: "a", secret: "new", err: errRefused}).named("crm")})
		held := s.entry("crm").Held()
		assert.Len(t, held, 2)
		assert.Equal(t, s.Sources(), held[:1])
	})
}

func TestAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		passing := &tokencache.IssuerError{Issuer: "test", Message: "busy"}
		a := &app{id: "a", secret: "s", err: passing}
		s.Apply([]vault.Credential{a.named("crm")})
		time.Sleep(10 * time.Second)
		assert.False(t, s.entry("crm").Answered(), "a failure that may pass is no answer")
		a.fail(errRefused)
		time.Sleep(time.Minute)
		assert.True(t, s.entry("crm").Answered())
	})
}
