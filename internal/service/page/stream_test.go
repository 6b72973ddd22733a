package page

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// office is a Page that runs in a bubble, and what it is given to see.
type office struct {
	*Page
	t    *testing.T
	stop func()

	mu    sync.Mutex // guards the rest
	view  View
	looks int
}

func inOffice(t *testing.T, play func(*testing.T, *office)) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t, view: View{Credentials: []Credential{good("a"), good("b")}}}
		o.Page = New(func(context.Context) View {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.looks++
			v := o.view
			v.Now = time.Now()
			return v
		})
		ctx, stop := context.WithCancel(t.Context())
		o.stop = stop
		go o.Run(ctx)
		play(t, o)
		stop()
		synctest.Wait()
	})
}

func (o *office) set(all ...Credential) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.view.Credentials = all
}

func (o *office) looked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.looks
}

// viewer is a browser with a stream.
type viewer struct {
	t      *testing.T
	out    *sink
	leave  func()
	status int  // once it is over
	over   bool // guarded by out.mu
}

// sink is where a stream goes.
type sink struct {
	*httptest.ResponseRecorder
	mu sync.Mutex // guards the recorder
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ResponseRecorder.Write(p)
}

func (o *office) watch(look, lastEvent string) *viewer {
	ctx, leave := context.WithCancel(o.t.Context())
	v := &viewer{t: o.t, out: &sink{ResponseRecorder: httptest.NewRecorder()}, leave: leave}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/events?look="+look, nil)
	if lastEvent != "" {
		r.Header.Set("Last-Event-ID", lastEvent)
	}
	go func() {
		o.serveEvents(v.out, r)
		v.out.mu.Lock()
		defer v.out.mu.Unlock()
		v.over, v.status = true, v.out.Code
	}()
	synctest.Wait()
	return v
}

// news are the updates that have come since the last call.
func (v *viewer) news() (all []update) {
	synctest.Wait()
	v.out.mu.Lock()
	defer v.out.mu.Unlock()
	for line := range strings.Lines(v.out.Body.String()) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var u update
			require.NoError(v.t, json.Unmarshal([]byte(data), &u))
			all = append(all, u)
		}
	}
	v.out.Body.Reset()
	return all
}

func (v *viewer) isOver() bool {
	synctest.Wait()
	v.out.mu.Lock()
	defer v.out.mu.Unlock()
	return v.over
}

// A browser is told at once what happens, and every 3 s that nothing does. Nobody looks for nobody.
func TestStreamTellsWhatHappens(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		time.Sleep(time.Hour)
		assert.Zero(t, o.looked(), "nobody watches")

		v := o.watch("", "")
		first := v.news()
		require.Len(t, first, 1)
		assert.Len(t, first[0].HTML, 5, "it has nothing yet")

		time.Sleep(time.Minute)
		calm := v.news()
		assert.Len(t, calm, 20)
		for _, u := range calm {
			assert.Empty(t, u.HTML)
			assert.NotZero(t, u.Now)
		}

		o.set(good("a"), good("b", none, with(refused)))
		o.Nudge()
		time.Sleep(rest)
		u := v.news()
		require.Len(t, u, 1, "in half a second at the latest")
		assert.Equal(t, []string{"c-b", "headline"}, changedIn(u[0]))

		looks := o.looked()
		for range 1000 {
			o.Nudge()
			time.Sleep(time.Millisecond)
		}
		assert.LessOrEqual(t, o.looked()-looks, 3, "much happens in a second")

		v.leave()
		time.Sleep(tick)
		looks = o.looked()
		time.Sleep(time.Hour)
		assert.Equal(t, looks, o.looked(), "it has gone")
	})
}

// However often the page is asked for, it is looked at and drawn ten times a second at most, and browsers are told as
// often as without that.
func TestPageThatIsAskedForOften(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		mux := http.NewServeMux()
		o.Routes(mux)
		v := o.watch("", "")
		v.news()
		time.Sleep(tick + time.Second)
		looks := o.looked()
		v.news()
		for range 200 { // for a second
			assert.Contains(t, get(mux, "/").Body.String(), "All 2 credentials are well.")
			time.Sleep(5 * time.Millisecond)
		}
		assert.Equal(t, 10, o.looked()-looks)
		assert.Empty(t, v.news())

		o.set(good("a"), good("b", none, with(refused)))
		time.Sleep(recent)
		assert.Contains(t, get(mux, "/").Body.String(), "1 of 2 credentials needs you: b.")
		assert.Contains(t, get(mux, "/?q=a").Body.String(), "1 of 2 shown")
		assert.NotContains(t, get(mux, "/").Body.String(), "1 of 2 shown")
		time.Sleep(tick)
		u := v.news()
		require.Len(t, u, 1)
		assert.Equal(t, []string{"c-b", "headline"}, changedIn(u[0]), "of all that it has not been told")
	})
}

// Who was away gets what has changed since; who was with another process, or none, gets everything.
func TestStreamGoesOn(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		v := o.watch("", "")
		before := v.news()[0].Look
		v.leave()
		time.Sleep(time.Hour)
		o.set(good("a"), good("b", with(busy)))
		for how, c := range map[string]struct {
			look, last string
			want       int
		}{
			"by its page":                     {before, "", 2},
			"by EventSource":                  {"", before, 2},
			"by EventSource, though its page": {"elsewhere.1", before, 2},
			"of another process":              {"elsewhere.1", "", 5},
			"of nobody":                       {"nonsense", "", 5},
			"of the future":                   {o.run + ".x", "", 5},
		} {
			again := o.watch(c.look, c.last)
			time.Sleep(rest)
			all := again.news()
			require.NotEmpty(t, all, how)
			assert.Len(t, all[0].HTML, c.want, how)
			again.leave()
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		var all []*viewer
		for range mostStreams {
			all = append(all, o.watch("", ""))
		}
		one := o.watch("", "")
		assert.True(t, one.isOver())
		assert.Equal(t, http.StatusServiceUnavailable, one.status)
		all[0].leave()
		synctest.Wait()
		assert.False(t, o.watch("", "").isOver(), "there is room again")
	})
}

// A monitor that looks whether the path is there takes no place of a browser's.
func TestHeadIsNoStream(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		mux := http.NewServeMux()
		o.Routes(mux)
		answered := 0
		for range mostStreams + 1 {
			go func() {
				out := httptest.NewRecorder()
				mux.ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/api/events", nil))
				assert.Equal(t, http.StatusOK, out.Code)
				assert.Equal(t, "text/event-stream", out.Header().Get("Content-Type"))
				answered++
			}()
			synctest.Wait()
		}
		assert.Equal(t, mostStreams+1, answered)
	})
}

func TestStreamsEndWithTheService(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		v := o.watch("", "")
		assert.False(t, v.isOver())
		o.stop()
		assert.True(t, v.isOver())
		late := o.watch("", "")
		assert.True(t, late.isOver())
		assert.Equal(t, http.StatusServiceUnavailable, late.status)
	})
}
