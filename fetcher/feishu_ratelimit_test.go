package fetcher_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

const limited = `{"code":99991400,"msg":"request trigger frequency limit"}`

func TestRetryAfter(t *testing.T) {
	// In a bubble it is midnight of the year 2000, below the first epoch; the
	// issuer's Date tells a time of today.
	date := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	epoch := strconv.FormatInt(date.Add(90*time.Second).Unix(), 10)
	for _, c := range []struct {
		edge              string
		reset, retryAfter string
		want              time.Duration
	}{
		{"neither", "", "", 0},
		{"reset", "7", "", 7 * time.Second},
		{"reset goes first", "7", "9", 7 * time.Second},
		{"retry-after alone", "", "9", 9 * time.Second},
		{"reset 0", "0", "9", 9 * time.Second},
		{"reset negative", "-5", "9", 9 * time.Second},
		{"reset of letters", "soon", "9", 9 * time.Second},
		{"both unusable", "NaN", "never", 0},
		{"fraction", "0.25", "", 250 * time.Millisecond},
		{"fraction below 1 ms is rounded up", "0.00001", "", time.Millisecond},
		{"blanks", " 3 ", "", 3 * time.Second},
		{"just below 1 h", "3599", "", 3599 * time.Second},
		{"above 1 h", "3601", "", time.Hour},
		{"huge", "1e300", "", time.Hour},
		{"infinite", "+Inf", "", time.Hour},
		{"minus infinite", "-Inf", "4", 4 * time.Second},
		{"out of range", "1e999", "4", 4 * time.Second},
		{"overflows a duration", "9223372037", "", time.Hour},
		{"epoch", epoch, "", 90 * time.Second},
		{"epoch in ms", epoch + "500", "", 90*time.Second + 500*time.Millisecond},
		{"epoch that has passed", "1700000000", "", 0},
		{"epoch far ahead", "9999999999", "", time.Hour},
		{"date", "", date.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		{"date that has passed", "", date.Add(-time.Minute).Format(http.TimeFormat), 0},
		{"date far ahead", "", date.Add(50 * time.Hour).Format(http.TimeFormat), time.Hour},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, answering(429, http.Header{
				"Date":                  {date.Format(http.TimeFormat)},
				"X-Ogw-Ratelimit-Reset": {c.reset},
				"Retry-After":           {c.retryAfter},
			}, limited))
			assert.Equal(t, c.want, e.RetryAfter)
			assert.Equal(t, rateLimited, e.Class)
		})
	}
}

// An issuer that does not tell the time is read by this host's clock.
func TestRetryAfterWithoutDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now().UTC().Add(2 * time.Minute).Format(http.TimeFormat)
		e := fetchError(t, answering(429, http.Header{"Retry-After": {at}}, limited))
		assert.Equal(t, 2*time.Minute, e.RetryAfter)
	})
}

// Headers of other answers are not heeded: the issuer sends them with success, too.
func TestRetryAfterOfOtherRefusals(t *testing.T) {
	e := fetchError(t, answering(200, http.Header{"X-Ogw-Ratelimit-Reset": {"7"}}, `{"code":10014}`))
	assert.Zero(t, e.RetryAfter)
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "1", "-1", "0.5", "1e308", "NaN", "Inf", "0x1p9", "1700000000", "1700000000000", "Mon, 04 May 2026 03:02:01 GMT"} {
		f.Add(s, "", "")
		f.Add("", s, s)
	}
	f.Fuzz(func(t *testing.T, reset, retryAfter, date string) {
		e := fetchError(t, answering(429, http.Header{
			"X-Ogw-Ratelimit-Reset": {reset}, "Retry-After": {retryAfter}, "Date": {date},
		}, limited))
		assert.True(t, e.RetryAfter >= 0 && e.RetryAfter <= time.Hour, "%v", e.RetryAfter)
		assert.Zero(t, e.RetryAfter%time.Millisecond)
	})
}
