package tokencache

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/wire"
)

// stage is one credential in a Redis, and the store of a replica that uses it.
type stage struct {
	store
	t   *testing.T
	rdb *redis.Client
	t0  time.Time            // Redis' clock at first
	m   *miniredis.Miniredis // nil on a real server; its clock moves only by pass
}

// onBoth runs a test of the scripts on miniredis and on a real redis-server. It
// gets as many stages as it asks for.
func onBoth(t *testing.T, test func(t *testing.T, next func(*testing.T) *stage)) {
	run := func(t *testing.T, rdb *redis.Client, m *miniredis.Miniredis) {
		n := 0
		test(t, func(t *testing.T) *stage {
			n++
			return newStage(t, rdb, m, "s"+strconv.Itoa(n))
		})
	}
	t.Run("miniredis", func(t *testing.T) {
		m, rdb := newMiniredis(t)
		run(t, rdb, m)
	})
	t.Run("redis-server", func(t *testing.T) { run(t, redistest.StartServer(t).Client(t), nil) })
}

// newMiniredis is one whose clock stands still.
func newMiniredis(t *testing.T) (*miniredis.Miniredis, *redis.Client) {
	m := miniredis.RunT(t)
	m.SetTime(time.UnixMilli(1_700_000_000_000))
	m.ClockTTL(true)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	return m, rdb
}

func newStage(t *testing.T, rdb *redis.Client, m *miniredis.Miniredis, app string) *stage {
	breaker := lonely()
	s := &stage{store: storeOf(app), t: t, rdb: rdb, m: m}
	s.redis = newGuard(rdb, 10*time.Second, breaker)
	s.t0 = s.now()
	return s
}

// storeOf is that of an app's credential, without a Redis.
func storeOf(app string) store {
	c := MustCredential(CredentialConfig{Issuer: "test", App: app})
	return store{keys: keysOf(defaultPrefix, c.ID()), seal: c.get().seal}
}

// recordFields are what publish stores for a token.
func (s store) recordFields(app, tenant, life string) []string {
	ms, _ := wire.ParseMillis(life)
	sealed, err := s.seal.SealRecord(s.keys.id, app, tenant, ms)
	if err != nil { // of no token at all
		sealed = "none"
	}
	fp := wire.Fingerprint(app, tenant)
	return []string{sealed, fp, life, wire.Sum(sealed, fp, life), "1700000001000", "1700007260000", "host-1", "1700000000000", "1800000"}
}

// now is Redis' clock.
func (s *stage) now() time.Time {
	at, err := s.rdb.Time(s.t.Context()).Result()
	require.NoError(s.t, err)
	return at.Truncate(time.Millisecond)
}

// pass lets whole milliseconds pass, which only miniredis can do at once.
func (s *stage) pass(d time.Duration) { s.m.SetTime(s.now().Add(d.Truncate(time.Millisecond))) }

// slack is how much time passes on a real server between two steps of a test.
func (s *stage) slack() time.Duration {
	if s.m != nil {
		return 0
	}
	return 2 * time.Second
}

// lasts asserts a TTL, which on a real server has already begun to run.
func (s *stage) lasts(want, got time.Duration, about ...any) {
	s.t.Helper()
	assert.LessOrEqual(s.t, got, want, about...)
	assert.GreaterOrEqual(s.t, got, want-s.slack(), about...)
}

// over waits for the end of what is stored for no more than a millisecond.
func (s *stage) over(stored *record) {
	switch {
	case stored == nil:
	case s.m != nil:
		s.pass(time.Millisecond)
	default:
		require.Eventually(s.t, func() bool { return s.holds() == "" }, 5*time.Second, time.Millisecond)
	}
}

func (s *stage) ttl(key string) time.Duration {
	ms, err := s.rdb.Do(s.t.Context(), "PTTL", key).Int64()
	require.NoError(s.t, err)
	return time.Duration(ms) * time.Millisecond
}

func (s *stage) fields() map[string]string {
	m, err := s.rdb.HGetAll(s.t.Context(), s.keys.token()).Result()
	require.NoError(s.t, err)
	return m
}

// holds is the app token in Redis; empty if there is none.
func (s *stage) holds() string {
	f := s.fields()
	if len(f) == 0 {
		return ""
	}
	life, _ := wire.ParseMillis(f["life"])
	app, _, err := s.seal.OpenRecord(s.keys.id, f["fingerprint"], life, f["sealed"])
	if err != nil {
		return err.Error()
	}
	return app
}

// put writes a record past the scripts, which ends with its life. TTL 0 is none.
func (s *stage) put(app, tenant string, life, ttl time.Duration, change ...string) {
	r := s.recordFields(app, tenant, wire.Millis(life))
	fields := []string{
		"sealed", r[fieldSealed], "fingerprint", r[fieldFingerprint], "sum", r[fieldSum],
		"life", r[fieldLife], "stored_at", "1", "fetched_by", "them", "fetched_at", "1", "checked_at", "1",
		"ends_at", s.endingIn(life),
	}
	ctx := s.t.Context()
	require.NoError(s.t, s.rdb.HSet(ctx, s.keys.token(), append(fields, change...)).Err())
	if ttl > 0 {
		require.NoError(s.t, s.rdb.PExpire(ctx, s.keys.token(), ttl).Err())
	}
}

// endingIn is Redis' clock in a while, as it stands in a record.
func (s *stage) endingIn(d time.Duration) string {
	return strconv.FormatInt(s.now().Add(d).UnixMilli(), 10)
}

func (s *stage) bury(app, tenant string, at time.Time) {
	text := fmt.Sprintf("%d 1 nonce dropped", at.UnixMilli())
	require.NoError(s.t, s.rdb.Set(s.t.Context(), s.keys.rejected(wire.Fingerprint(app, tenant)), text, time.Hour).Err())
}

func (s *stage) failed() {
	require.NoError(s.t, s.rdb.HSet(s.t.Context(), s.keys.failure(), "attempts", "3", "until", "1").Err())
}

func (s *stage) exists(key string) bool {
	n, err := s.rdb.Exists(s.t.Context(), key).Result()
	require.NoError(s.t, err)
	return n == 1
}

// mustPublish offers a2/t2.
func (s *stage) mustPublish(o offer) (Outcome, *record) {
	s.t.Helper()
	out, stored, err := s.publish(s.t.Context(), o)
	require.NoError(s.t, err)
	return out, stored
}

// offered is the offer of a2/t2 with a life, asked for at t0.
func (s *stage) offered(life, elapsed time.Duration) offer {
	return offer{token: NewToken("a2", "t2", life), asked: s.t0, elapsed: elapsed, by: "us"}
}

// askedAgo is an offer asked for so long ago by Redis' clock.
func (s *stage) askedAgo(ago, life, elapsed time.Duration) offer {
	o := s.offered(life, elapsed)
	o.asked = o.asked.Add(-ago)
	return o
}

// dump is everything under the keys of the credential, with the time it lasts.
func (s *stage) dump() map[string]any {
	ctx := s.t.Context()
	names, err := s.rdb.Keys(ctx, "onetoken:{"+s.keys.id+"}:*").Result()
	require.NoError(s.t, err)
	all := map[string]any{}
	for _, name := range names {
		kind, err := s.rdb.Type(ctx, name).Result()
		require.NoError(s.t, err)
		switch kind {
		case "hash":
			all[name], err = s.rdb.HGetAll(ctx, name).Result()
		case "list":
			all[name], err = s.rdb.LRange(ctx, name, 0, -1).Result()
		default:
			all[name], err = s.rdb.Get(ctx, name).Result()
		}
		require.NoError(s.t, err)
		all[name+" TTL"] = s.ttl(name).Round(time.Second)
	}
	return all
}

// lock puts the lock into somebody's hands.
func (s *stage) lock(value string) {
	require.NoError(s.t, s.rdb.Set(s.t.Context(), s.keys.lock(), value, time.Minute).Err())
}

// mustFail reports a failure of the holder of the lock.
func (s *stage) mustFail(value string, e *IssuerError, draw float64) time.Duration {
	s.t.Helper()
	hold, err := s.fail(s.t.Context(), value, e, draw, replica{"us", "us"})
	require.NoError(s.t, err)
	return hold
}

func (s *stage) tombstone() string { return s.keys.rejected(wire.Fingerprint("a1", "t1")) }

// buried writes the tombstone of a1/t1 as if its rejection had been some time
// ago.
func (s *stage) buried(ago time.Duration, count int, ttl time.Duration) {
	text := fmt.Sprintf("%d %d before dropped", s.now().Add(-ago).UnixMilli(), count)
	require.NoError(s.t, s.rdb.Set(s.t.Context(), s.tombstone(), text, ttl).Err())
}

// mustReject has a replica reject a token that was stored a second ago.
func (s *stage) mustReject(name, nonce, by string) verdict {
	s.t.Helper()
	at := fmt.Sprint(s.now().Add(-time.Second).UnixMilli())
	s.put(name, "t", 2*time.Hour, 2*time.Hour, "fetched_at", at, "checked_at", at)
	return s.mustRejectAgain(name, nonce, by)
}

// mustRejectAgain has a replica reject a token that may still be stored.
func (s *stage) mustRejectAgain(name, nonce, by string) verdict {
	s.t.Helper()
	v, err := s.invalidate(s.t.Context(), notice{fp: wire.Fingerprint(name, "t"), nonce: nonce, by: replica{"same", by}})
	require.NoError(s.t, err)
	tombstone := s.rdb.Get(s.t.Context(), s.keys.rejected(wire.Fingerprint(name, "t"))).Val()
	require.Equal(s.t, wire.UnixMillis(v.at), strings.Fields(tombstone)[0], "the moment that counts")
	v.at, v.news = time.Time{}, false
	return v
}

// somethingElse puts a list where we expect something else.
func (s *stage) somethingElse(key string) {
	require.NoError(s.t, s.rdb.RPush(s.t.Context(), key, "theirs").Err())
}

// someFields are what publish stores for a token of app "a".
func someFields(app, tenant, life string) []string {
	return storeOf("a").recordFields(app, tenant, life)
}
