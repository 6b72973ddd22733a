package real

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// moves of a slot, begun while the issuer is being asked. With nil it is over by then; else these
// of its keys move, by how they end, and the rest only after scripts have been refused.
var moves = map[string][]string{
	"before the answer":      nil,
	"no key yet":             {},
	"the lock first":         {":lock"},
	"the token first":        {":token"},
	"the token and the lock": {":token", ":lock"},
}

// F22: the slot of the credential moves to another primary while the issuer is being asked. While
// it moves a script, which names keys that are not there, is sent on by one node and refused by
// the other. Whoever has a copy notices nothing, no token is lost, and it costs one more call at
// most.
func TestF22SlotMovesDuringAFill(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	t.Run("fleet", func(t *testing.T) {
		for name, keys := range moves {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				slotMoves(t, cluster, keys)
			})
		}
	})
}

func slotMoves(t *testing.T, cluster *redistest.Cluster, first []string) {
	client := func(t testing.TB) redis.UniversalClient { return cluster.Client(t) }
	i := newIssuer(strings.ReplaceAll(t.Name(), "/", "-"), 4*time.Minute)
	i.window, i.latency = 2*time.Minute, time.Second
	key := aged(t, client(t), i)
	fleet := newFleet(t, client, i)
	old := getAll(t, fleet)
	stop := reading(t, fleet, i)
	<-i.asked
	slot := cluster.Move(key)
	if first != nil {
		for _, end := range first {
			slot.Migrate(strings.TrimSuffix(key, ":token") + end)
		}
		refusedWhileItMoves(t, client, fleet, i, old)
	}
	slot.Finish()

	owner := slot.To().Client(t)
	latest := func() string { return owner.HGet(t.Context(), key, "fingerprint").Val() }
	eventually(t, func() bool { tok := latest(); return tok != "" && tok != old.Fingerprint() }, "the new owner has the new token")
	eventually(t, func() bool {
		return !slices.ContainsFunc(fleet, func(r *replica) bool {
			tok, _ := r.Peek()
			return tok.Fingerprint() != latest()
		})
	}, "everybody has it")
	late, err := newReplica(t, client(t), i, noDirect, patient).Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, latest(), late.Fingerprint(), "who comes later gets it too")
	stop()
	t.Logf("%d calls", i.calls())
	assert.LessOrEqual(t, i.calls(), 1+1+1, "the first, this one, and one more for a lost lock")
	unlocked(t, fleet[0])
	for _, r := range fleet {
		assert.LessOrEqual(t, r.count(tokencache.EventWait), 1, "none but the first")
		assert.Zero(t, r.count(tokencache.EventDirectCall))
	}
	eventually(t, func() bool {
		tok, _, err := fleet[0].Refresh(t.Context())
		return err == nil && soon(fleet, func(r *replica) bool { return r.holds(tok) })
	}, "events arrive")
}

// refusedWhileItMoves returns when the holder has its answer and cannot store it. Somebody without
// a copy hears why.
func refusedWhileItMoves(t *testing.T, client clients, fleet []*replica, i *issuer, old tokencache.Token) {
	t.Helper()
	cold := newReplica(t, client(t), i, noDirect, patient)
	eventually(t, func() bool {
		_, err := cold.Get(t.Context())
		trouble, ok := errors.AsType[*tokencache.RedisError](err)
		return ok && trouble.Trouble == tokencache.TroubleTryAgain
	}, "named")
	eventually(t, func() bool {
		return slices.ContainsFunc(fleet, func(r *replica) bool { return !r.holds(old) && r.count(tokencache.EventDegraded) > 0 })
	}, "the holder has its token for itself")
}
