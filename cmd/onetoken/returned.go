package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/tokencache"
)

// hasReturned says whether the token had been rejected, and the issuer has handed it out again; nil
// if there is no token, or Redis does not say.
func (s *session) hasReturned(ctx context.Context, tok tokencache.Token) *bool {
	if seen := s.settled(ctx); tok.IsZero() || seen.Redis != nil {
		return nil
	}
	const patience = time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, cancel = s.deadline.within(ctx, 0)
	defer cancel()
	rejected, err := s.rdb.Get(ctx, s.app.prefix()+":{"+s.source.ID()+"}:rejected:"+tok.Fingerprint()).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return new(false)
	case err != nil:
		return nil
	}
	return new(!strings.HasSuffix(rejected, " alone")) // then it was kept for the others
}

// tellReturned is for people: to print it as if it were another token would send them round in
// circles.
func (s *session) tellReturned(returned *bool) {
	if returned != nil && *returned {
		say(s.app.stderr, "this token was rejected before, and the issuer has handed it out again: see why it is rejected, as asking once more brings the same")
	}
}
