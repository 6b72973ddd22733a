package tokencache_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F25: `expire` is what remains, and the fleet may meet a token at any moment of
// its life, also one that lives too short for the issuer's window.
func TestF25ExpireIsWhatRemains(t *testing.T) {
	for _, test := range []struct {
		name      string
		remaining time.Duration
		window    time.Duration    // the issuer's real one
		asks      [2]time.Duration // the next call comes with that much left
	}{
		{"4567 s", 4567 * time.Second, 30 * time.Minute, [2]time.Duration{24 * time.Minute, 27 * time.Minute}},
		{"exactly the window", 1800 * time.Second, 30 * time.Minute, [2]time.Duration{24 * time.Minute, 27 * time.Minute}},
		{"1 s less", 1799 * time.Second, 20 * time.Minute, [2]time.Duration{5 * time.Minute, 450 * time.Second}},
		{"1 s", 1 * time.Second, 1 * time.Second, [2]time.Duration{20 * time.Millisecond, 250 * time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Window: test.window}, func(t *testing.T, f *fleet) {
				f.issuer.SetRemaining(test.remaining)
				replicas := f.start(5)
				replicas[0].within(0) // in the moment in which that much remains
				every := max(time.Millisecond, test.remaining/2000)
				read(replicas, every, test.remaining+10*every)

				calls := f.issuer.Calls()
				require.Len(t, calls, 2)
				assert.Equal(t, test.remaining, calls[0].Expire)
				assert.GreaterOrEqual(t, calls[1].Remaining, test.asks[0])
				assert.LessOrEqual(t, calls[1].Remaining, test.asks[1])
				assert.True(t, calls[1].Minted)
				for _, r := range replicas {
					assert.Equal(t, 1, r.count(tokencache.EventWait, ""), r.name)
				}
			})
		})
	}
}

// F25: tokens that live for seconds leave little time to replace a holder that
// dies just as the window begins; the lease is short enough for it.
func TestF25HolderDiesInTheWindowOfAShortLivedToken(t *testing.T) {
	for _, life := range []time.Duration{20 * time.Second, 10 * time.Second} {
		t.Run(life.String(), func(t *testing.T) {
			virtual(t, feishutest.Config{Life: life, Latency: 50 * time.Millisecond}, func(t *testing.T, f *fleet) {
				var dying dyingHolder
				for range 5 {
					f.replica(func(c *replicaConfig) {
						c.through = dying.transport(f.redis.Link(c.cache.Replica), c.through)
						c.fetcher = f.shortLived(life, c)
					})
				}
				together(f.replicas, func(r *replica) { r.mustGet() })
				time.Sleep(life / 2)
				dying.arm()
				survivors := 0
				end := time.Now().Add(2 * life)
				together(f.replicas, func(r *replica) {
					for time.Now().Before(end) {
						if dying.is(r.link) {
							return
						}
						r.mustGet()
						time.Sleep(20 * time.Millisecond)
					}
				})
				for _, r := range f.replicas {
					if dying.is(r.link) {
						continue
					}
					survivors++
					assert.Equal(t, 1, r.count(tokencache.EventWait, ""), "%s: only the first Get waits", r.name)
				}
				assert.Equal(t, 4, survivors)
				assert.Equal(t, 1, f.count(tokencache.EventTakeover, ""))
				stats := f.stats()
				assert.Equal(t, stats.Rotations, stats.Calls)
				dying.bury()
			})
		})
	}
}

func (f *fleet) shortLived(life time.Duration, c *replicaConfig) tokencache.Fetcher {
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: f.issuer.AppID(), AppSecret: tokencache.NewSecret(c.secret), Transport: c.through, Window: life / 4,
	})
	require.NoError(f.t, err)
	return feishu
}

// dyingHolder kills the first replica that calls the issuer once it is armed:
// its call never leaves, and nothing it says reaches Redis any more.
type dyingHolder struct {
	mu    sync.Mutex // guards below
	armed bool
	dead  *redistest.Link
	grave chan struct{}
}

func (d *dyingHolder) transport(link *redistest.Link, through http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		d.mu.Lock()
		dies := d.armed && d.dead == nil
		if dies {
			d.dead = link
		}
		grave := d.grave
		d.mu.Unlock()
		if !dies {
			return through.RoundTrip(req)
		}
		link.Down()
		<-grave
		return nil, errForTest
	})
}

func (d *dyingHolder) arm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed, d.grave = true, make(chan struct{})
}

func (d *dyingHolder) is(link *redistest.Link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead == link
}

func (d *dyingHolder) bury() { close(d.grave) }
