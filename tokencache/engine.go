package tokencache

// engine is what keeps the token of one credential: its parts, joined by newEngine. A Source asks it
// for a fill, and one runs at a time: see fill.go. A fill decides (decide.go), looks by the link, asks
// by the asker, with the lock (tenure.go) or around Redis (direct.go). Beside it the listener takes
// events, and the courier brings Redis what Redis has not heard. All of them change the state.
type engine struct {
	link     // and by it what is shared
	state    state
	asker    asker
	courier  courier
	listener listener
}

// newEngine joins the parts. The caller gives the shelf its copy's place.
func newEngine(c *shared, f Fetcher, credential Credential, draws *jitter) *engine {
	e, id := &engine{}, credential.ID()
	e.state = state{
		observe: func(event Event) {
			event.ID = id
			c.reports.event(event)
		},
		starter: starter{&c.runners, func() { _ = e.start(fillAhead) }}, // refused only when closed
		life:    lifetime{gone: make(chan struct{})},
		shelf:   shelf{window: credential.Window(), jitter: draws},
		pacer:   pacer{jitter: draws},
	}
	e.link = link{
		shared: c, state: &e.state, before: e.courier.tellPending,
		store: store{redis: c.redis, keys: keysOf(c.config.Prefix, id), seal: credential.get().seal, of: credential},
	}
	e.asker = asker{link: &e.link, fetcher: f}
	e.courier = courier{link: &e.link, listen: e.listen}
	e.listener = listener{prompter{link: &e.link}}
	return e
}

// listen has events heard if there is a token, so that the next one is told of.
func (e *engine) listen() {
	if e.state.usable() != nil {
		e.notifier.add(&e.listener)
	}
}

// retire ends the Source: for good, with err for everyone who still asks.
func (e *engine) retire(err error) {
	var queued *round // the one that waits for a place: it has no goroutine that would finish it
	e.state.do(func() {
		e.state.life.end(err)
		e.state.shelf.copy.Store(nil)
		stopTimer(e.state.alarm)
		e.courier.stop()
		e.listener.stop()
		if r := e.state.round; r != nil {
			if r.cancel == nil && e.fills.withdraw(&r.place) {
				queued = r
			}
			r.cutShort(err)
		}
	})
	if queued != nil {
		queued.err = err
		e.finish(queued)
	}
	e.state.reported()
}

// placeRefresh moves the copy's refresh to where it belongs now that Run has begun or ended.
func (e *engine) placeRefresh() {
	st := &e.state
	st.mu.Lock()
	defer st.mu.Unlock()
	st.shelf.placeRefresh(st.isRun())
	stopTimer(st.alarm)
	st.schedule()
}
