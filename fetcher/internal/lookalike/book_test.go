package lookalike_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

type entry struct {
	name string
	end  time.Time
}

func newBook() *lookalike.Book[entry] {
	return lookalike.NewBook(func(e *entry) []string { return []string{e.name, "also-" + e.name} }, func(e *entry) time.Time { return e.end })
}

func TestBook(t *testing.T) {
	b, now := newBook(), time.Now()
	assert.Nil(t, b.Find("a"))
	a := &entry{"a", now}
	b.Add(a, now)
	b.Add(&entry{"b", now}, now)
	assert.Same(t, a, b.Find("a"))
	assert.Same(t, a, b.Find("also-a"))
	a.end = now.Add(time.Hour)
	all := b.All()
	assert.Equal(t, []entry{*a, {"b", now}}, all)
	all[0].name = "changed"
	assert.Equal(t, "a", b.All()[0].name, "they are copies")
	var seen []string
	b.Each(func(e *entry) { seen = append(seen, e.name) })
	assert.Equal(t, []string{"a", "b"}, seen)
}

// What lives is never forgotten, nor looked through at every turn once it is more than there is room for.
func TestBookForgetsWhatHasEnded(t *testing.T) {
	b, now := newBook(), time.Now()
	add := func(name string, life time.Duration) { b.Add(&entry{name, now.Add(life)}, now) }
	add("lives", time.Hour)
	for n := range lookalike.MaxRecords - 1 {
		add(strconv.Itoa(n), 0)
	}
	assert.Len(t, b.All(), lookalike.MaxRecords)
	add("last", 0)
	assert.Len(t, b.All(), lookalike.MaxRecords/2+2)
	assert.NotNil(t, b.Find("lives"))
	assert.NotNil(t, b.Find("also-last"))
	assert.Nil(t, b.Find("0"))
	assert.Nil(t, b.Find("also-0"))
}

func TestRemaining(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		edge         string
		end, revoked time.Time
		want         time.Duration
	}{
		{"lives", now.Add(time.Second), time.Time{}, time.Second},
		{"at its end", now, time.Time{}, 0},
		{"past it", now.Add(-time.Second), time.Time{}, 0},
		{"revoked", now.Add(time.Second), now, 0},
	} {
		assert.Equal(t, c.want, lookalike.Remaining(c.end, c.revoked, now), c.edge)
	}
}
