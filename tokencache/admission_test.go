package tokencache

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAdmissionOrder(t *testing.T) {
	for name, c := range map[string]struct {
		queue func(q *queueing) // behind "first", which has the only place
		want  []string
	}{
		"first come, first served": {func(q *queueing) {
			q.in("a", rankNobody)
			q.in("b", rankNobody)
			q.in("c", rankNobody)
		}, []string{"a", "b", "c"}},
		"callers, those that have begun, the others": {func(q *queueing) {
			q.in("ahead", rankNobody)
			q.in("begun", rankBegun)
			q.in("caller", rankCaller)
			q.in("caller 2", rankCaller)
		}, []string{"caller", "caller 2", "begun", "ahead"}},
		"a caller comes for one that queues": {func(q *queueing) {
			q.in("caller", rankCaller)
			q.in("a", rankNobody)
			q.in("b", rankNobody)
			q.in("c", rankBegun)
			q.promote(q.of("b"))
			q.promote(q.of("c"))
			q.promote(q.of("caller")) // no further back
		}, []string{"caller", "b", "c", "a"}},
		"one withdraws": {func(q *queueing) {
			q.in("a", rankNobody)
			q.in("b", rankNobody)
			q.withdraw(q.of("a"))
		}, []string{"b"}},
		"one withdraws and comes again": {func(q *queueing) {
			q.in("a", rankNobody)
			q.in("b", rankNobody)
			q.withdraw(q.of("a"))
			q.in("a", rankNobody)
		}, []string{"b", "a"}},
		"closed": {func(q *queueing) {
			q.in("a", rankCaller)
			q.close()
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueueing(1)
			assert.True(t, q.in("first", rankNobody))
			c.queue(q)
			assert.Empty(t, q.admitted, "there is one place")
			q.out("first")
			for i := 0; i < len(q.admitted) && i < 10; i++ {
				assert.Len(t, q.admitted, i+1, "one after the other")
				q.out(q.admitted[i])
			}
			assert.Equal(t, c.want, q.admitted)
		})
	}
}

func TestAdmissionPlaces(t *testing.T) {
	q := newQueueing(2)
	assert.True(t, q.in("a", rankNobody))
	assert.True(t, q.in("b", rankNobody))
	assert.False(t, q.in("c", rankCaller))
	assert.False(t, q.withdraw(q.of("a")), "it has a place")
	assert.False(t, q.hasQueued(q.of("a")))
	assert.True(t, q.hasQueued(q.of("c")))
	q.promote(q.of("a")) // nothing to promote
	q.out("a")
	assert.Equal(t, []string{"c"}, q.admitted)
	q.out("a") // it has none any more
	assert.False(t, q.in("a", rankBegun))
	assert.True(t, q.withdraw(q.of("a")))
	q.out("b")
	q.out("c")
	assert.True(t, q.in("a", rankBegun))
	assert.True(t, q.in("b", rankBegun))
	assert.False(t, q.in("c", rankBegun), "two places again, not three")
}

func TestAdmissionClosed(t *testing.T) {
	q := newQueueing(1)
	q.close()
	assert.False(t, q.in("a", rankCaller), "whoever comes late")
	assert.True(t, q.withdraw(q.of("a")))
}

// Whoever gives up in the moment of its admission leaves its place to others.
func TestAdmissionOfOneThatGivesUp(t *testing.T) {
	for range 100 { // select takes either
		a, holder, late := newAdmission(1), &ticket{}, &ticket{}
		a.enter(holder, rankNobody, nil)
		ctx, cancel := context.WithCancel(t.Context())
		err := a.await(ctx, late, func(admitted func()) bool {
			entered := a.enter(late, rankNobody, admitted)
			cancel()
			a.leave(holder)
			return entered
		})
		assert.Equal(t, err == nil, late.placed)
		a.leave(late)
		assert.True(t, a.enter(&ticket{}, rankNobody, nil))
	}
}

// queueing is an admission under test, and who was admitted from its queues, in order.
type queueing struct {
	*admission
	tickets  map[string]*ticket
	admitted []string
}

func newQueueing(places int) *queueing {
	return &queueing{admission: newAdmission(places), tickets: make(map[string]*ticket)}
}

func (q *queueing) of(name string) *ticket {
	if q.tickets[name] == nil {
		q.tickets[name] = &ticket{}
	}
	return q.tickets[name]
}

func (q *queueing) in(name string, r rank) bool {
	return q.enter(q.of(name), r, func() { q.admitted = append(q.admitted, name) })
}

func (q *queueing) out(name string) { q.leave(q.of(name)) }
