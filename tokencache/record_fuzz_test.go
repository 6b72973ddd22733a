package tokencache

import (
	"encoding/binary"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// Whatever others write must not make us panic, or believe in a token that the
// record does not vouch for.
func FuzzRecord(f *testing.F) {
	add := func(fields []string, ttl time.Duration) {
		f.Add(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6], fields[7], fields[8], int64(ttl), int64(1_700_000_060_000))
	}
	add(someFields("a", "t", "7200000"), time.Hour)
	add(someFields("a", "", "7200000"), 2*time.Hour+1)
	add(someFields("", "", "7200000"), noTTL)
	add(someFields("a", "t", "9223372036855"), noKey)
	add([]string{"AA", "t", "-1", "short", "9223372036854", "-1", "", "x", "x"}, -time.Hour)
	with := storeOf("a")
	f.Fuzz(func(t *testing.T, sealed, fp, life, sum, checkedAt, endsAt, by, fetchedAt, window string, ttl, redisNow int64) {
		for _, sum := range []string{sum, wire.Sum(sealed, fp, life)} {
			fields := []string{sealed, fp, life, sum, checkedAt, endsAt, by, fetchedAt, window}
			r, garbled, foreign := with.recordOf(fields, time.Duration(ttl), time.UnixMilli(redisNow), instant{})
			if r == nil {
				if garbled == "" && time.Duration(ttl) != noKey {
					t.Fatal("neither a record nor a reason")
				}
				if foreign != "" && foreign != sum {
					t.Fatalf("another one is named: %q", foreign)
				}
				continue
			}
			if garbled != "" || foreign != "" {
				t.Fatalf("a record, and yet %q", garbled)
			}
			if end, ok := wire.ParseMillis(endsAt); !ok || r.remaining > time.UnixMilli(end.Milliseconds()).Sub(time.UnixMilli(redisNow)) {
				t.Fatalf("remaining %v until %q", r.remaining, endsAt)
			}
			if r.remaining > r.life || r.life <= 0 || r.life > wire.LongestLife || r.life != r.token.life() {
				t.Fatalf("remaining %v of a life of %v", r.remaining, r.life)
			}
			if r.checked < 0 {
				t.Fatalf("checked %v ago", r.checked)
			}
			if app, tenant := r.token.reveal(); wire.Fingerprint(app, tenant) != fp || app+tenant == "" {
				t.Fatalf("%v does not match its fields", r.token)
			}
		}
		parseRecord([]string{sealed, fp}, time.Duration(ttl), time.UnixMilli(redisNow))
	})
}

func FuzzFailure(f *testing.F) {
	f.Add("1700000060000", "3", "feishu", "permanent", "10014", "200", "app secret invalid", "log", "check", "1", "host", int64(time.Hour), int64(1_700_000_000_000))
	f.Add("9223372036854", "-1", "", "of_a_later_version", "x", "9e9", "\x00", "", "", "yes", "", int64(noTTL), int64(math.MinInt64))
	f.Add("", "", "", "", "", "", "", "", "", "", "", int64(noKey), int64(0))
	f.Fuzz(func(t *testing.T, until, attempts, issuer, class, code, status, message, logID, advice, local, by string, ttl, redisNow int64) {
		fields := []string{until, attempts, issuer, class, code, status, message, logID, advice, local, by}
		got := parseFailure(fields, time.Duration(ttl), time.UnixMilli(redisNow))
		if got == nil {
			if time.Duration(ttl) != noKey {
				t.Fatal("there is one")
			}
			return
		}
		if got.hold < 0 || got.hold > maxHold || got.holds() && got.hold > time.Duration(ttl) {
			t.Fatalf("holds for %v with a TTL of %v", got.hold, time.Duration(ttl))
		}
		if got.err.Class > ClassPermanent {
			t.Fatalf("class %d", got.err.Class)
		}
		_ = got.err.Error()
		backoffOf(got.err)
	})
}

func FuzzView(f *testing.F) {
	number := func(n int64) []byte {
		s := strconv.FormatInt(n, 10)
		return append([]byte{byte(1 + 6*len(s))}, s...)
	}
	list := func(items ...string) []byte {
		b := []byte{3}
		for _, s := range items {
			b = append(append(b, byte(1+6*min(len(s), 42))), s[:min(len(s), 42)]...)
		}
		return append(b, 4)
	}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	f.Add([]byte{})
	f.Add([]byte{3, 3, 3, 2, 5})
	f.Add(join(number(1_700_000_060_000), number(3_600_000), list(someFields("a", "t", "7200000")...), number(-1),
		number(600_000), list("1700000060500", "2", "x", "unknown", "1", "", "m", "", "", "0", "r"), number(1)))
	f.Add(join(number(math.MinInt64), number(math.MaxInt64), list(someFields("a", "t", "7200000")...), number(math.MinInt64)))
	f.Fuzz(func(t *testing.T, data []byte) {
		reply, _ := anyReply(data, 3)
		a := &answer{parts: reply}
		v, taken := storeOf("a").parseView(a, now())
		if a.err == nil && (len(reply) < 7 || taken && reply[6] != "1") {
			t.Fatalf("a view of %d parts, taken: %v", len(reply), taken)
		}
		v.locked()
		if v.record != nil && (v.garbled != "" || v.record.remaining > v.record.token.life() || v.record.token.IsZero()) {
			t.Fatalf("%q, remaining %v of %v", v.garbled, v.record.remaining, v.record.token.life())
		}
		if v.failure.holds() && v.failure.hold > maxHold {
			t.Fatalf("holds for %v", v.failure.hold)
		}
		statusOf("id", v)
		for i := range len(reply) + 1 {
			a.millis(i)
			a.ttl(i)
			a.moment(i)
			a.text(i)
			a.fields(i)
		}
		a.outcome(OutcomeStored)
	})
}

// anyReply builds a reply of arbitrary shape from bytes: numbers, strings, nils
// and lists within lists.
func anyReply(data []byte, depth int) (reply []any, rest []byte) {
	reply = []any{}
	for len(data) > 0 {
		kind, size := data[0]%6, int(data[0]/6)
		data = data[1:]
		switch kind {
		case 0:
			var b [8]byte
			data = data[copy(b[:], data):]
			reply = append(reply, int64(binary.LittleEndian.Uint64(b[:])))
		case 1:
			size = min(size, len(data))
			reply = append(reply, string(data[:size]))
			data = data[size:]
		case 2:
			reply = append(reply, nil)
		case 3:
			if depth == 0 {
				continue
			}
			var list []any
			list, data = anyReply(data, depth-1)
			reply = append(reply, list)
		case 4:
			return reply, data
		case 5:
			reply = append(reply, float64(size), true, map[any]any{"x": size})
		}
	}
	return reply, data
}
