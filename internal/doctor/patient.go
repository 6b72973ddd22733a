package doctor

import (
	"cmp"
	"sync"
	"time"
)

// patient is what is examined: the parts of a replica.
type patient struct {
	Config
	calls sync.WaitGroup // checks that may hold the fleet's lock
}

func newPatient(c Config) *patient {
	c.Cache.FetchTimeout = fetchTime
	c.Cache.Prefix = cmp.Or(c.Cache.Prefix, "onetoken")
	return &patient{Config: c}
}

// failure is the finding of an error, with the advice taken out of its text.
func (p *patient) failure(name string, err error) finding {
	found, todo := p.Setting.Apart(err)
	return finding{name, checkFail, found, cmp.Or(todo, "try again with --log-level debug, which shows every step")}
}

// finishCalls waits for a call to the issuer that a check has left behind: its token is
// shared and the lock released before the end.
func (p *patient) finishCalls() {
	done := make(chan struct{})
	go func() {
		p.calls.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-time.After(checkTime / 100):
	}
	p.Say("finishing a call under way for the others; press again to stop at once")
	select {
	case <-done:
	case <-time.After(fetchTime + checkTime): // a client that heeds no time-out
	}
}
