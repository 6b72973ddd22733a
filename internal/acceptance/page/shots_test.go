package page_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

var shotsTo = flag.String("shots", "", "the folder to keep the screenshots in; none: they are made, and thrown away")

var teams = []string{"billing-bot", "calendar-sync", "crm", "crm-eu", "expense-approval", "helpdesk", "hr-directory", "nightly-export", "onboarding", "reports", "status-bot", "warehouse"}

// Screenshots of real runs, for docs/page: make screenshots.
func TestScreenshots(t *testing.T) {
	b := startBrowser(t)
	to := *shotsTo
	if to == "" {
		to = t.TempDir()
	}
	shot := func(name string) {
		t.Helper()
		raw := smallest(t, b.shot())
		assert.Less(t, len(raw), 200_000, name)
		require.NoError(t, os.WriteFile(filepath.Join(to, name+".png"), raw, 0o644))
	}
	look := func(s *service, w window) {
		t.Helper()
		b.open(s.status, w)
		b.until(`document.querySelector('#live').dataset.state === 'live'`)
	}
	phone := window{Width: 390, Height: 844}

	calm := newTown(t, teams...)
	calm.live(spread(teams, 80, 68, 51, 44, 23, 7)...)
	s := calm.start()
	calm.use(s)
	look(s, window{})
	b.until(`document.querySelectorAll('.row.ok').length === 12`)
	shot("light")
	look(s, window{Dark: true})
	shot("dark")
	look(s, phone)
	shot("phone")
	s.end()

	trouble := newTown(t, teams...)
	trouble.app("hr-directory").SetFault(feishutest.WrongSecret())
	late := []string{"crm", "warehouse"} // their tokens are to be replaced when the issuer refuses
	trouble.live(append([]aged{{97, late}}, spread(slices.DeleteFunc(slices.Clone(teams), func(app string) bool { return slices.Contains(late, app) }), 80, 58, 44, 23, 7)...)...)
	trouble.app("crm").SetFault(feishutest.WrongSecret())
	trouble.app("warehouse").SetFault(feishutest.Status(http.StatusServiceUnavailable))
	s = trouble.start()
	trouble.use(s)
	trouble.write("onetoken.yaml", trouble.configuration(teams...)+"ttl: 5m\n")
	look(s, window{})
	b.until(`document.querySelectorAll('.row.bad').length === 2 && document.querySelectorAll('.row.warn').length === 1`)
	b.until(`document.querySelector('#facts').textContent.includes('Refused')`)
	shot("trouble")
	look(s, window{Width: phone.Width, Height: 1250})
	shot("trouble-phone")
	s.end()

	apps := numbered(500)
	many := newTown(t, apps...)
	many.app("app-137").SetFault(feishutest.WrongSecret())
	many.live(spread(apps, 83, 71, 59, 48, 35, 22, 11, 3)...)
	s = many.start()
	s.awaitReady()
	look(s, window{})
	b.until(`document.querySelectorAll('.row.bad').length === 1 && document.querySelectorAll('.row.ok').length === 499`)
	shot("500-credentials")
}

// smallest is a PNG of nearly the same picture, in 256 colours: those that are most frequent, and unlike each other.
func smallest(t *testing.T, raw []byte) []byte {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	bounds, count := picture.Bounds(), map[color.Color]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[picture.At(x, y)]++
		}
	}
	small := image.NewPaletted(bounds, nil)
	for _, c := range slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] }) {
		alike := func(other color.Color) bool { return distance(c, other) < 12 }
		if len(small.Palette) < 256 && !slices.ContainsFunc(small.Palette, alike) {
			small.Palette = append(small.Palette, c)
		}
	}
	nearest := map[color.Color]uint8{}
	for c := range count {
		nearest[c] = uint8(small.Palette.Index(c))
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, nearest[picture.At(x, y)])
		}
	}
	var out bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small))
	return out.Bytes()
}

// distance is of two colours, up to 3 * 255.
func distance(a, b color.Color) (sum int) {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	for _, d := range []int{int(ar>>8) - int(br>>8), int(ag>>8) - int(bg>>8), int(ab>>8) - int(bb>>8)} {
		sum += max(d, -d)
	}
	return sum
}

// town is a site on a Redis whose clock can be set, so that tokens are as old as after a day's work.
type town struct {
	*site
	clock *redistest.ClockServer
}

func newTown(t *testing.T, apps ...string) *town {
	t.Helper()
	clock := redistest.StartClockServer(t)
	return &town{newSite(t, clock.URL(), 2*time.Hour, apps...), clock}
}

// aged is that the tokens of these apps were got so many minutes ago.
type aged struct {
	ago  int
	apps []string
}

// spread has the apps' tokens be of so many ages, the oldest first.
func spread(apps []string, ago ...int) []aged {
	all := make([]aged, len(ago))
	for i := range all {
		all[i].ago = ago[i]
		for n := i; n < len(apps); n += len(ago) {
			all[i].apps = append(all[i].apps, apps[n])
		}
	}
	return all
}

// live has services get the tokens and end, while Redis' clock comes nearer to now.
func (w *town) live(groups ...aged) {
	w.t.Helper()
	w.clock.StepClock(time.Duration(-groups[0].ago) * time.Minute)
	for i, group := range groups {
		w.write("group.yaml", w.configuration(group.apps...))
		s := w.startOn("group.yaml")
		s.awaitReady()
		s.end()
		then := 0
		if i+1 < len(groups) {
			then = groups[i+1].ago
		}
		w.clock.StepClock(time.Duration(group.ago-then) * time.Minute)
	}
}

// use has clients ask for tokens, and some of them in vain.
func (w *town) use(s *service) {
	w.t.Helper()
	s.awaitReady()
	for i, app := range w.apps {
		for _, client := range clients[:i%3+1] {
			for range 3 + 7*i {
				s.ask(client, http.MethodGet, "/v1/tokens/"+app, nil)
			}
		}
	}
	for range 5 {
		s.ask("web", http.MethodGet, "/v1/tokens/payroll", nil)
	}
}
