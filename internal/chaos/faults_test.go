//go:build unix

package chaos

import (
	"fmt"
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// inflict does what the seed has said, and waits until everybody has recovered or
// should have.
func (f *fleet) inflict(a action) error {
	done := fault{Kind: a.Kind, Places: a.Places}
	place := -1
	if a.MidCall {
		var err error
		if place, err = f.nextCall(); err != nil {
			return fmt.Errorf("%s: %w", a.Kind, err)
		}
		time.Sleep(a.Delay)
	}
	done.From = f.now()
	f.with(func(h *history) { done.Cold = h.cold(done.From) })
	err := f.act(a, place, &done)
	done.To = f.now()
	f.with(func(h *history) { h.Faults = append(h.Faults, done) }) // what it broke, it broke
	if err != nil {
		return fmt.Errorf("%s: %w", a.Kind, err)
	}
	if isKill := a.Kind == killHolder || a.Kind == killBystanders; isKill {
		f.replace(done.Places, a.Rest)
	}
	f.soon(time.Minute, func(h *history) bool {
		given := life + done.bound() + h.largestStall(period{done.From, f.now()}) + time.Second
		return len(h.recovery(done).Waiting) == 0 || f.now() > done.To+given
	})
	return nil
}

// long is more than a fleet takes to come to the next call, on any machine.
const long = 5 * life

// nextCall waits for somebody to ask the issuer: now and then it takes a rotation.
func (f *fleet) nextCall() (place int, err error) {
	f.desk.forget()
	select {
	case place = <-f.desk.asked:
		return place, nil
	case <-time.After(long):
		return 0, fmt.Errorf("nobody has asked the issuer for %v", long)
	}
}

// replace starts new processes for those that were killed.
func (f *fleet) replace(places []int, after time.Duration) {
	time.Sleep(after)
	for _, place := range places {
		f.start(place)
	}
}

// act is the fault itself: it returns when that is over. Place is who asks just then.
func (f *fleet) act(a action, place int, done *fault) error {
	switch a.Kind {
	case killHolder, killBystanders:
		if a.Kind == killHolder {
			done.Places = []int{place}
		}
		for _, place := range done.Places {
			f.kill(place)
		}
		done.Hit = len(done.Places)
	case stopHolder, stopHolderLong:
		f.stop(place, a.Hold)
		done.Places, done.Hit = []int{place}, 1
	case stopBystander:
		f.stop(a.Places[0], a.Hold)
		done.Hit = 1
	case restartRedis:
		done.Outage = true
		f.redis.Kill()
		time.Sleep(a.Hold)
		f.redis.Restart()
	case blackHole, blackHoleForAll, slowRedis:
		done.Outage = true
		f.disturb(a)
	case halfOpen:
		done.Latency = a.Latency
		return f.deafen(a)
	case killClients:
		f.killClients(a.Times)
	case slowIssuer:
		done.Latency = a.Latency
		return f.slowDown(a.Latency)
	case failingIssuer:
		done.Failing = a.Times
		return f.fail(a)
	}
	return nil
}

// disturb puts something between some replicas and Redis, for a while.
func (f *fleet) disturb(a action) {
	for _, place := range a.Places {
		if p := f.proxies[place]; a.Kind == slowRedis {
			p.Delay(a.Latency)
		} else { // what is open falls silent, and what is dialled hangs
			p.Silence(true)
			p.BlackHole(true)
		}
	}
	time.Sleep(a.Hold)
	for _, place := range a.Places {
		f.proxies[place].Heal()
	}
}

// deafen loses all messages over a call. Who has a copy would hardly notice, nor who can
// read one. So the token in Redis goes as well, and two start anew: they have to wait
// for the next, and are not told of it.
func (f *fleet) deafen(a action) error {
	for _, p := range f.proxies {
		p.LoseMessages(true)
		defer p.LoseMessages(false)
	}
	f.desk.SetLatency(a.Latency)
	defer f.desk.SetLatency(latency)
	holder, err := f.nextCall()
	if err != nil {
		return err
	}
	bystanders := slices.DeleteFunc(slices.Clone(a.Places), func(place int) bool { return place == holder })
	gone := f.redis.Exec("DEL", f.watch.name("token")) == int64(1)
	f.with(func(h *history) { h.Removals = append(h.Removals, removal{f.now(), gone}) })
	for _, place := range bystanders[:2] {
		f.kill(place)
		f.start(place)
	}
	time.Sleep(a.Hold)
	return nil
}

func (f *fleet) killClients(times int) {
	for range times {
		for _, class := range []string{"normal", "pubsub"} {
			f.redis.Exec("CLIENT", "KILL", "TYPE", class, "SKIPME", "yes")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// slowDown has the issuer take so long over one call.
func (f *fleet) slowDown(to time.Duration) error {
	f.desk.SetLatency(to)
	defer f.desk.SetLatency(latency)
	if _, err := f.nextCall(); err != nil {
		return err
	}
	time.Sleep(to)
	return nil
}

// fail spoils the issuer's next answers, and waits until it has given them.
func (f *fleet) fail(a action) error {
	before := f.desk.Stats().Refused
	failed := func() int { return f.desk.Stats().Refused - before }
	f.desk.FailNext(a.Times, spoilers[a.Failure])
	if !f.soon(long, func(*history) bool { return failed() == a.Times }) {
		return fmt.Errorf("only %d of %d answers were asked for", failed(), a.Times)
	}
	return nil
}

var spoilers = map[string]feishutest.Fault{
	refuses:     feishutest.Refusal(5000, "internal error"),
	resets:      feishutest.Reset(),
	losesReply:  feishutest.LostReply(),
	breaksReply: feishutest.BrokenBody(),
}
