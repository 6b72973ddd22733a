package feishutest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

const requestOfB = `{"app_id":"cli_b","app_secret":"secret-of-b"}`

// twoApps are cli_test, and cli_b whose tokens live for a minute.
func twoApps() *feishutest.Issuer {
	return feishutest.New(feishutest.Config{Apps: []feishutest.AppConfig{{ID: "cli_b", Secret: "secret-of-b", Life: time.Minute}}})
}

func TestAppsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := twoApps()
		b := issuer.App("cli_b")
		require.NotNil(t, b)
		assert.Equal(t, "cli_b", b.ID())
		assert.Equal(t, "secret-of-b", b.Secret())
		assert.Equal(t, "cli_test", issuer.AppID())
		assert.Nil(t, issuer.App("cli_c"))

		ofA, ofB := call(t, issuer), callWith(t, issuer, requestOfB)
		assert.NotEqual(t, ofA.App, ofB.App)
		assert.Equal(t, 7200, ofA.Expire)
		assert.Equal(t, 60, ofB.Expire)
		assert.Equal(t, ofB.App, callWith(t, issuer, requestOfB).App)
		assert.Equal(t, 10014, callWith(t, issuer, `{"app_id":"cli_b","app_secret":"test-secret"}`).Code)
		assert.Equal(t, 10003, callWith(t, issuer, `{"app_id":"cli_c","app_secret":"test-secret"}`).Code)

		assert.Equal(t, feishutest.Stats{Calls: 3, Rotations: 2, Refused: 2}, issuer.Stats())
		assert.Equal(t, feishutest.Stats{Calls: 2, Rotations: 1, Refused: 1}, b.Stats())
		assert.Len(t, b.Calls(), 3)
		require.Len(t, b.Pairs(), 1)
		assert.Equal(t, ofB.App, b.Pairs()[0].App)
		assert.Equal(t, "", issuer.Calls()[4].AppID, "an id that there is not may be anything, a secret too")

		time.Sleep(46 * time.Second)
		assert.NotEqual(t, ofB.App, callWith(t, issuer, requestOfB).App, "a window of 15 s")
		assert.Equal(t, ofA.App, call(t, issuer).App)
	})
}

func TestControlsOfAnApp(t *testing.T) {
	issuer := twoApps()
	b := issuer.App("cli_b")
	ofA, ofB := call(t, issuer), callWith(t, issuer, requestOfB)

	assert.True(t, b.Revoke())
	assert.False(t, b.Revoke(), "it is revoked already")
	assert.False(t, issuer.Valid(ofB.Tenant))
	assert.True(t, issuer.Valid(ofA.Tenant))
	b.SetKeepRevoked(true)
	assert.Equal(t, ofB.App, callWith(t, issuer, requestOfB).App)
	b.SetKeepRevoked(false)

	pair := b.Rotate()
	assert.Equal(t, "cli_b", pair.AppID)
	b.SetRemaining(30 * time.Second)
	assert.LessOrEqual(t, callWith(t, issuer, requestOfB).Expire, 30)
	assert.Equal(t, ofA.App, call(t, issuer).App)

	b.SetSecret("another")
	assert.Equal(t, 10014, callWith(t, issuer, requestOfB).Code)
	b.SetSecret("secret-of-b")
	assert.Equal(t, 0, callWith(t, issuer, requestOfB).Code)
}

func TestFaultsOfAnApp(t *testing.T) {
	issuer := twoApps()
	b := issuer.App("cli_b")
	b.SetFault(feishutest.Refusal(1, "always"))
	b.FailNext(1, feishutest.Refusal(2, "once"))
	issuer.FailNext(1, feishutest.Refusal(3, "before those of an app"))
	for _, code := range []int{3, 2, 1, 1} {
		assert.Equal(t, code, callWith(t, issuer, requestOfB).Code)
	}
	assert.Equal(t, 0, call(t, issuer).Code)
	b.SetFault(feishutest.Fault{})
	assert.Equal(t, 0, callWith(t, issuer, requestOfB).Code)
}

// A further app that says nothing of its life has that of the Config, with its window and habits.
func TestAppsInherit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{
			Life: time.Minute, Window: 50 * time.Second, KeepRevoked: true,
			Apps: []feishutest.AppConfig{{ID: "cli_b", Secret: "secret-of-b"}},
		})
		first := callWith(t, issuer, requestOfB)
		assert.Equal(t, 60, first.Expire)
		issuer.App("cli_b").Revoke()
		time.Sleep(10 * time.Second)
		assert.Equal(t, first.App, callWith(t, issuer, requestOfB).App)
		time.Sleep(time.Second)
		assert.NotEqual(t, first.App, callWith(t, issuer, requestOfB).App)
	})
}
