package tokencache

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

func TestF19ParseRecord(t *testing.T) {
	redisNow := time.UnixMilli(1_700_000_060_000)
	with := func(field int, value string) []string {
		fields := someFields("a", "t", "7200000")
		fields[field] = value
		return fields
	}
	const damaged = "checksum does not match"
	another := summed(append([]string{someFields("b", "t", "7200000")[fieldSealed]}, someFields("a", "t", "7200000")[1:]...))
	elsewhere := storeOf("b").recordFields("a", "t", "7200000")
	for _, test := range []struct {
		name    string
		fields  []string
		ttl     time.Duration
		garbled string // "" for a good one, or for none
		none    bool
	}{
		{"good", someFields("a", "t", "7200000"), time.Hour, "", false},
		{"no tenant token", someFields("a", "", "7200000"), time.Hour, "", false},
		{"TTL as long as the life", someFields("a", "t", "7200000"), 2 * time.Hour, "", false},
		{"F20: TTL 1 ms beyond life", someFields("a", "t", "7200000"), 2*time.Hour + time.Millisecond, "TTL beyond life", true},
		{"F20: no TTL", someFields("a", "t", "7200000"), noTTL, "no TTL", true},
		{"no key", make([]string, tokenFields), noKey, "", true},
		{"no key, no fields", nil, noKey, "", true},
		{"a foreign hash", make([]string, tokenFields), time.Hour, "fields missing", true},
		{"too few", []string{"a"}, time.Hour, "fields missing", true},
		{"no app token", someFields("", "t", "7200000"), time.Hour, "", false},
		{"no tokens", someFields("", "", "7200000"), time.Hour, "the seal is too short or too long", true},
		{"seal missing", with(fieldSealed, ""), time.Hour, "fields missing", true},
		{"seal damaged", with(fieldSealed, "x"+someFields("a", "t", "7200000")[fieldSealed][1:]), time.Hour, damaged, true},
		{"another's seal", elsewhere, time.Hour, "the seal cannot be opened", true},
		{"seal of another token", another, time.Hour, "the seal cannot be opened", true},
		{"fingerprint missing", with(fieldFingerprint, ""), time.Hour, "fields missing", true},
		{"fingerprint in upper case", with(fieldFingerprint, strings.ToUpper(wire.Fingerprint("a", "t"))), time.Hour, damaged, true},
		{"fingerprint in upper case, with its sum", summed(with(fieldFingerprint, strings.ToUpper(wire.Fingerprint("a", "t")))), time.Hour, "the seal cannot be opened", true},
		{"sum missing", with(fieldSum, ""), time.Hour, "fields missing", true},
		{"sum in upper case", with(fieldSum, strings.ToUpper(someFields("a", "t", "7200000")[fieldSum])), time.Hour, damaged, true},
		{"life missing", with(fieldLife, ""), time.Hour, damaged, true},
		{"life longer", with(fieldLife, "7200001"), time.Hour, damaged, true},
		{"life longer, with its sum", summed(with(fieldLife, "7200001")), time.Hour, "the seal cannot be opened", true},
		{"life with a zero in front", summed(with(fieldLife, "07200000")), time.Hour, "life is no number", true},
		{"life missing, with its sum", summed(with(fieldLife, "")), time.Hour, "life is no number", true},
		{"life 0", someFields("a", "t", "0"), time.Hour, "life is no number", true},
		{"life negative", summed(with(fieldLife, "-1")), time.Hour, "life is no number", true},
		{"life a word", summed(with(fieldLife, "long")), time.Hour, "life is no number", true},
		{"life beyond 64 bits", summed(with(fieldLife, "9223372036854775808")), time.Hour, "life is no number", true},
		{"life beyond a Duration", summed(with(fieldLife, "9223372036855")), time.Hour, "life is no number", true},
		{"life of ten years", someFields("a", "t", "315360000000"), time.Hour, "", false},
		{"life of ten years + 1 ms", someFields("a", "t", "315360000001"), time.Hour, "life is no number", true},
		{"no more than a fill needs", someFields("a", "t", "7200000")[:neededFields], time.Hour, "", false},
		{"fetched at a word", with(fieldFetchedAt, "yesterday"), time.Hour, "", false},
		{"F20: its end in 1 ms", with(fieldEndsAt, "1700000060001"), time.Millisecond, "", false},
		{"F20: its end now", with(fieldEndsAt, "1700000060000"), time.Hour, "past its end", true},
		{"F20: its end long ago", with(fieldEndsAt, "1"), time.Hour, "past its end", true},
		{"no end", with(fieldEndsAt, ""), time.Hour, "past its end", true},
		{"its end a word", with(fieldEndsAt, "never"), time.Hour, "past its end", true},
		{"its end after that of time", with(fieldEndsAt, "9223372036855"), time.Hour, "past its end", true},
		{"its end as late as can be", with(fieldEndsAt, "1700007260000"), time.Hour, "", false},
		{"its end 1 ms later", with(fieldEndsAt, "1700007260001"), time.Hour, "end beyond life", true},
		{"F33: a field more", append(someFields("a", "t", "7200000"), "of a later version"), time.Hour, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, garbled, foreign := storeOf("a").recordOf(test.fields, test.ttl, redisNow, instant{})
			assert.Equal(t, test.garbled, garbled)
			if strings.HasPrefix(garbled, "the seal") {
				assert.Equal(t, test.fields[fieldSum], foreign, "the holder of the lock may name it")
			} else {
				assert.Empty(t, foreign)
			}
			if test.none {
				assert.Nil(t, r)
				return
			}
			require.NotNil(t, r)
			assert.Equal(t, test.fields[fieldFingerprint], r.token.Fingerprint())
			assert.Equal(t, test.fields[fieldLife], wire.Millis(r.token.life()))
			assert.Equal(t, test.ttl, r.remaining)
			by := ""
			if len(test.fields) > fieldFetchedBy {
				by = test.fields[fieldFetchedBy]
			}
			assert.Equal(t, by, r.fetchedBy)
		})
	}
}

func TestRecordTellsWhenItWasChecked(t *testing.T) {
	for _, test := range []struct {
		name, checkedAt string
		want            time.Duration
	}{
		{"a minute ago", "1700000000000", time.Minute},
		{"now", "1700000060000", 0},
		{"F23: in the future, long ago", "1700000060001", wire.LongestLife},
		{"never, long ago", "", wire.LongestLife},
		{"a word, long ago", "yesterday", wire.LongestLife},
	} {
		t.Run(test.name, func(t *testing.T) {
			fields := someFields("a", "t", "7200000")
			fields[fieldCheckedAt] = test.checkedAt
			r, _ := parseRecord(fields, time.Hour, time.UnixMilli(1_700_000_060_000))
			require.NotNil(t, r)
			assert.Equal(t, test.want, r.checked)
			assert.Equal(t, time.UnixMilli(1_700_000_000_000), r.fetchedAt)
		})
	}
}

func TestF20ParseFailure(t *testing.T) {
	const nowMilli = 1_700_000_000_000
	redisNow := time.UnixMilli(nowMilli)
	fields := func(untilIn time.Duration) []string {
		return []string{
			strconv.FormatInt(nowMilli+untilIn.Milliseconds(), 10), "3", "feishu", "permanent", "10014", "200",
			"app secret invalid", "log-1", "check the secret", "1", "host-1",
		}
	}
	for _, test := range []struct {
		name   string
		fields []string
		ttl    time.Duration
		hold   time.Duration
	}{
		{"holds a minute", fields(time.Minute), 11 * time.Minute, time.Minute},
		{"holds as long as any can", fields(5 * time.Minute), 15 * time.Minute, 5 * time.Minute},
		{"claims 1 ms more than any can", fields(5*time.Minute + time.Millisecond), 15 * time.Minute, 0},
		{"over just now", fields(0), 10 * time.Minute, 0},
		{"over, but remembered", fields(-time.Minute), 9 * time.Minute, 0},
		{"without a TTL", fields(time.Minute), noTTL, 0},
		{"gone before it is over", fields(time.Minute), time.Minute - time.Millisecond, 0},
		{"until a word", append([]string{"soon"}, fields(0)[1:]...), 10 * time.Minute, 0},
		{"until before 1970", append([]string{"-5"}, fields(0)[1:]...), 10 * time.Minute, 0},
		{"until beyond time", append([]string{"9223372036854"}, fields(0)[1:]...), 10 * time.Minute, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := parseFailure(test.fields, test.ttl, redisNow)
			require.NotNil(t, f)
			assert.Equal(t, test.hold, f.hold)
			assert.Equal(t, test.hold > 0, f.holds())
			assert.Equal(t, 3, f.attempts)
			assert.Equal(t, "host-1", f.by)
			assert.Equal(t, &IssuerError{
				Issuer: "feishu", Code: 10014, Status: 200, Message: "app secret invalid", LogID: "log-1",
				Class: ClassPermanent, Local: true, Advice: "check the secret",
			}, f.err)
		})
	}
	for _, none := range []*failure{
		nil,
		parseFailure(fields(time.Minute), noKey, redisNow),
		parseFailure(nil, noKey, redisNow),
		parseFailure(fields(time.Minute)[:failureFields-1], time.Hour, redisNow),
	} {
		assert.Nil(t, none)
		assert.False(t, none.holds())
	}
	foreign := parseFailure(make([]string, failureFields), time.Hour, redisNow)
	assert.False(t, foreign.holds(), "a foreign hash")
}

func TestParseMillis(t *testing.T) {
	for _, test := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true},
		{"1", time.Millisecond, true},
		{"9223372036854", 9223372036854 * time.Millisecond, true},
		{"9223372036855", 0, false},
		{"-1", 0, false},
		{"1.5", 0, false},
		{"7.2e6", 0, false},
		{"0x10", 0, false},
		{" 1", 0, false},
		{"", 0, false},
	} {
		got, ok := wire.ParseMillis(test.text)
		assert.Equal(t, test.ok, ok, "%q", test.text)
		assert.Equal(t, test.want, got, "%q", test.text)
	}
	assert.Equal(t, "1", wire.Millis(2*time.Millisecond-1), "rounded down")
	assert.Equal(t, "-1", wire.Millis(-time.Millisecond))
}

func TestParseView(t *testing.T) {
	at := now()
	fields := make([]any, 0, tokenFields)
	for _, f := range someFields("a", "t", "7200000") {
		fields = append(fields, f)
	}
	failed := []any{"1700000060500", "2", "x", "unknown", "1", nil, "m", nil, nil, "0", "r"}

	read := func(parts ...any) *view {
		r := &answer{parts: append(parts, "0")}
		v, taken := storeOf("a").parseView(r, at)
		require.NoError(t, r.err)
		assert.False(t, taken)
		return v
	}
	v := read("1700000060000", "3600000", fields, "4000", "600000", failed)
	assert.Equal(t, at, v.at)
	assert.Equal(t, time.UnixMilli(1_700_000_060_000), v.now)
	require.NotNil(t, v.record)
	assert.Equal(t, time.Hour, v.record.remaining)
	assert.Equal(t, 59*time.Second, v.record.checked)
	assert.Empty(t, v.garbled)
	assert.Equal(t, 4*time.Second, v.lockTTL)
	assert.True(t, v.locked())
	require.NotNil(t, v.failure)
	assert.Equal(t, 500*time.Millisecond, v.failure.hold)
	assert.Equal(t, &IssuerError{Issuer: "x", Class: ClassUnknown, Code: 1, Message: "m"}, v.failure.err)

	empty := read("1", "-2", []any{}, "-2", "-2", []any{})
	assert.Nil(t, empty.record)
	assert.Empty(t, empty.garbled)
	assert.Nil(t, empty.failure)
	assert.False(t, empty.locked())

	forever := read("1", "-2", []any{}, "-1", "-2", []any{})
	assert.True(t, forever.locked(), "F20: a lock without a TTL")

	for flag, sound := range map[string]bool{"1": true, "0": true, "2": false, "": false, "true": false} {
		r := &answer{parts: []any{"1", "-2", []any{}, "-2", "-2", []any{}, flag}}
		_, taken := storeOf("a").parseView(r, at)
		assert.Equal(t, sound, r.err == nil, "%q", flag)
		assert.Equal(t, flag == "1", taken, "%q", flag)
	}
}

// summed are fields whose sum is right, whatever else is not.
func summed(fields []string) []string {
	fields[fieldSum] = wire.Sum(fields[fieldSealed], fields[fieldFingerprint], fields[fieldLife])
	return fields
}
