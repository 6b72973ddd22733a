package glance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/glance"
)

func TestNews(t *testing.T) {
	t.Parallel()
	passing := func(b *glance.Board) {
		b.Now = b.Now.Add(time.Second)
		for i := range b.Credentials {
			b.Credentials[i].Left -= time.Second
			b.Credentials[i].Refresh -= time.Second
		}
		b.Doors[0].Requests++
	}
	later := calm()
	passing(&later)
	assert.Equal(t, calm().News(), later.News(), "time has passed")
	for name, change := range map[string]func(*glance.Board){
		"a new token":               func(b *glance.Board) { b.Credentials[0].FetchedAt = now },
		"none":                      func(b *glance.Board) { b.Credentials[0].Usable = false },
		"due":                       func(b *glance.Board) { b.Credentials[0].Due = true },
		"a failure":                 func(b *glance.Board) { b.Credentials[0].Problem = &glance.Problem{Text: "no"} },
		"a changed one":             func(b *glance.Board) { b.Credentials[0].Newer = &glance.Newer{} },
		"a failure of that":         func(b *glance.Board) { b.Credentials[0].Newer = &glance.Newer{Problem: &glance.Problem{Text: "no"}} },
		"one is gone":               func(b *glance.Board) { b.Credentials = b.Credentials[1:] },
		"redis in trouble":          func(b *glance.Board) { b.Redis = glance.Redis{Degraded: true, Trouble: "timeout"} },
		"a refused configuration":   func(b *glance.Board) { b.Config.Error = "no" },
		"another configuration":     func(b *glance.Board) { b.Config.LoadedAt = now },
		"a service stands still":    func(b *glance.Board) { b.StandsStill = true },
		"another service's version": func(b *glance.Board) { b.Version = "v2" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := calm()
			change(&b)
			assert.NotEqual(t, calm().News(), b.News())
		})
	}
}
