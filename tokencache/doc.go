// Package tokencache shares one access token among a whole fleet, through Redis. Whatever the
// fleet's size, the issuer is asked once per rotation, and everybody else reads. A process that
// has a usable token answers from memory and never waits: not for a refresh, not while Redis or
// the issuer is down. If a process dies while it asks, another takes over when its lease is over,
// 5 s at most.
//
// # How to use it
//
// A process has one [Cache], and in it a [Source] for each credential. Most programs call nothing
// but [Source.Get]:
//
//	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true})
//	defer rdb.Close()
//	cache, err := tokencache.New(rdb, tokencache.Config{})
//	if err != nil {
//		return err
//	}
//	defer cache.Close() // before rdb: a call under way still publishes its token
//	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: id, AppSecret: tokencache.NewSecret(secret), BaseURL: baseURL})
//	if err != nil {
//		return err
//	}
//	tokens := cache.Source(feishu) // once; then share it
//
//	tok, err := tokens.Get(ctx) // at once if there is a copy; else ctx says how long to wait
//	if err != nil {
//		return err
//	}
//	req.Header.Set("Authorization", "Bearer "+tok.TenantAccessToken())
//
// Call Get for every request: with a copy at hand it costs some 30 ns. Tell the fleet when an API
// refuses a token before its end; package fetcher/bearer does all of this for an http.Client:
//
//	if err := tokens.Invalidate(ctx, tok); err != nil && !errors.Is(err, tokencache.ErrRedis) {
//		return tok, err // with ErrRedis the others hear of it later
//	}
//	return tokens.Get(ctx) // another one: try once more with it
//
// Package fetcher knows Feishu and Lark, package fetcher/oauth2cc every OAuth 2 server with
// client credentials. For another issuer implement a [Fetcher], or make one with [FetchFunc].
// [Cache.Run] keeps all tokens fresh without anybody calling Get. Tests take package
// tokencachetest. Errors are an [*IssuerError], a [*RedisError] or one of the sentinels, such as
// [ErrClosed]; [Config] has what can be set, and its zero value is good.
//
// # Promised
//
//   - A Get with a usable copy neither waits nor fails, whatever else is down.
//   - No Get returns a copy in the last part of its life (10 s with Feishu), nor one that this
//     process had seen rejected before, unless the token was handed out again since; not even if
//     a failover of Redis brings it back.
//   - Without faults there is one successful call per rotation. Faults cost one more per crash,
//     lost lock, loss of data, rejection or Refresh. While Redis is down each process asks for
//     itself, within its limit: see [Config].
//   - The TTL in Redis is never above what the issuer gave.
//   - Config.Observe and the Logger hold nobody up, and may call the Cache. A panic of theirs, of
//     a Fetcher, or of a hook of the client's in a goroutine of ours ends no process.
//   - Nothing of ours blocks for ever: a record, failure or lock without a TTL, or with one that
//     it cannot have, or a garbled record, is mended or disregarded. Foreign keys are left alone.
//
// # Not promised
//
//   - That there is only one holder of the lock, or never a call too many: the issuer must leave
//     older tokens valid (see [Fetcher]).
//   - Right lives when Redis' clock steps, or differs between a primary and its successor:
//     remaining lives shift as much.
//   - That an early revocation is noticed: somebody must call [Source.Invalidate].
//   - That a rejection counts within the cool-down of an earlier one, a minute and more, after which the
//     token was handed out again: Invalidate says ErrCoolDown. Nor where Redis has lost it and its clock
//     was set as well.
//   - That an event arrives. Timers find out, if later: a rotation when the copy is due, which
//     costs no call, and a revocation then, or by an own [Source.Invalidate].
//   - That a copy from an event is right by more than half of that last part, where Redis' clock
//     was set since the last look by as much as the event is late.
//
// # How it works
//
// The lock saves calls; the merge rule keeps tokens right: a token never replaces another in Redis
// that lives longer. No client's clock is stored or compared, and tokens are sealed with a key
// that only the replicas have. The protocol, with the reasons, is docs/design.md.
package tokencache
