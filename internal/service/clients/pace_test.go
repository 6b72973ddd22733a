package clients_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// admitted says how many of n requests there is room for at once, and how long the last one was told to wait.
func admitted(t *testing.T, clientsOf *clients.Table, secret string, n int) (count int, wait time.Duration) {
	t.Helper()
	who, ok := clientsOf.BySecret(secret)
	require.True(t, ok)
	for range n {
		if wait, ok = who.Admit(); ok {
			count++
		}
	}
	return count, wait
}

func TestRate(t *testing.T) {
	for name, c := range map[string]struct {
		rate  float64
		burst int
		wait  time.Duration
	}{
		"0 means 100":                       {0, 100, 10 * time.Millisecond},
		"5 a second":                        {5, 5, 200 * time.Millisecond},
		"one and a half: two at once":       {1.5, 2, time.Second * 2 / 3},
		"one in ten seconds: one at once":   {0.1, 1, 10 * time.Second},
		"one in a day: an hour is the most": {1. / 86400, 1, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clientsOf := table(t, billing(func(b *clients.Client) { b.Rate = c.rate }), reports())
				count, wait := admitted(t, clientsOf, secretA, 150)
				assert.Equal(t, c.burst, count)
				assert.InDelta(t, c.wait, wait, float64(time.Microsecond))
				others, _ := admitted(t, clientsOf, secretB, 1)
				assert.Equal(t, 1, others, "others have rates of their own")
				if wait < time.Hour {
					time.Sleep(wait + time.Microsecond)
					count, _ = admitted(t, clientsOf, secretA, 2)
					assert.Equal(t, 1, count, "as it was told")
				}
			})
		})
	}
}

// A reload gives nobody more than their rate.
func TestRateSurvivesAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := table(t, billing(func(c *clients.Client) { c.Rate = 10 }))
		admitted(t, before, secretA, 10)
		for name, c := range map[string]struct {
			change func(*clients.Client)
			count  int
		}{
			"nothing changed":      {func(*clients.Client) {}, 0},
			"another secret":       {func(c *clients.Client) { c.Secrets = secrets(secretA, secretC) }, 0},
			"another rate":         {func(c *clients.Client) { c.Rate = 7 }, 7},
			"another name":         {func(c *clients.Client) { c.Name = "invoices" }, 10},
			"the default, unnamed": {func(c *clients.Client) { c.Rate = 0 }, 20},
		} {
			changed := billing(func(c *clients.Client) { c.Rate = 10 }, c.change)
			after, err := clients.New([]clients.Client{changed}, before)
			require.NoError(t, err)
			count, _ := admitted(t, after, secretA, 20)
			assert.Equal(t, c.count, count, name)
		}
		time.Sleep(500 * time.Millisecond)
		count, _ := admitted(t, before, secretA, 20)
		assert.Equal(t, 5, count, "requests that still have the old table count as well")
	})
}
