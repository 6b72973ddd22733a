package tokencache

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// Survey looks at every credential under the prefix, also those this process knows
// nothing of, in the order of their IDs. Nothing is written or adopted. It reads
// through the key space of Redis, and then each credential in a round trip: for
// people and dashboards, not for every second. A credential whose keys cannot be
// read says so in Garbled. Errors are [*RedisError], ErrClosed or ctx's.
func (c *Cache) Survey(ctx context.Context) ([]Status, error) {
	if !c.work.begin() {
		return nil, ErrClosed
	}
	defer c.work.end()
	if ctx.Err() != nil {
		return nil, whyEnded(ctx)
	}
	own, end := apart(ctx)
	defer end()
	all, err := c.survey(own)
	return all, orWhyEnded(ctx, own, err)
}

func (c *Cache) survey(ctx context.Context) ([]Status, error) {
	names, err := c.redis.Scan(ctx, globOf(c.config.Prefix)+":{*}:*")
	if err != nil {
		return nil, whoseError(ctx, err, c.config.Prefix)
	}
	ids := idsOf(c.config.Prefix, names)
	all := make([]Status, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(surveyors)
	for i, id := range ids {
		group.Go(func() (err error) {
			all[i], err = c.surveyOne(ctx, id)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return all, nil
}

// surveyors read at once.
const surveyors = 8

func (c *Cache) surveyOne(ctx context.Context, id string) (Status, error) {
	v, err := store{redis: c.redis, keys: keysOf(c.config.Prefix, id)}.read(ctx, "all")
	if err == nil {
		return statusOf(id, v), nil
	}
	if e, ok := errors.AsType[*RedisError](err); !ok || e.Trouble != TroubleWrongType {
		return Status{}, err
	}
	return Status{App: word(wire.AppOf(id)), ID: id, State: StateAbsent, Garbled: err.Error()}, nil
}

// idsOf finds the credentials in the names of keys. Those of rejections alone are
// of no credential that is still in use.
func idsOf(prefix string, names []string) (ids []string) {
	for _, name := range names {
		id, kind, ok := strings.Cut(strings.TrimPrefix(name, prefix+":{"), "}:")
		if ok && wire.AppOf(id) != "" && slices.Contains([]string{"token", "lock", "failure"}, kind) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// globOf takes a prefix literally in a pattern of SCAN.
func globOf(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix)
}
