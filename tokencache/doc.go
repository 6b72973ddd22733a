// Package tokencache shares one access token among a whole fleet, through Redis:
// whatever the fleet's size, the issuer is asked once per rotation, and everybody
// else reads. A [Cache] holds a [Source] for each credential, and [Source.Get]
// is all that most programs call.
//
// This page is the design. The code reads in the same order: token.go, secret.go, credential.go,
// fetcher.go, errors.go and config.go have the nouns; cache.go makes a Source; source.go has Get,
// copy.go what it returns, fill.go what it waits for, wait.go what a fill does when it
// is not its turn, ask.go and fetch.go when it is, degraded.go without Redis, pace.go
// why the next fill need not come yet, news.go what events change. On the way stand
// clock.go (both clocks), window.go, backoff.go and jitter.go (the policy), rejection.go,
// admission.go, direct_turn.go, refresh.go, run.go, status.go, event.go, outcome.go and report.go;
// foreign.go bounds what others say. Below them store.go with record.go, seal.go and
// scripts/, guard.go, slots.go, dial.go, rediserr.go and trouble.go (time-outs that hold), breaker.go, prober.go
// and resume.go (a Redis that is silent, and then is not), notify.go.
//
// # Three ideas
//
// The lock saves calls; the merge rule keeps tokens right. A lock in Redis can be
// lost to a pause, a failover or an eviction, so no token depends on it. Every
// write of one goes through a script with one rule: a token never replaces
// another that lives longer. Writes may be late, repeated, reordered or come from
// an ex-holder of the lock; what stays is the token that lives longest.
//
// No client's clock is stored or compared. The remaining life is the key's TTL.
// The time a call took is a duration: the difference in Redis' TIME or in our own
// clocks since just before the request, whichever is larger. A copy's end is
// counted from the moment the read was sent, by the monotonic and the wall clock,
// and the one that has moved further is believed: a suspended host stops the first.
//
// Only who has the secret can read or make a token. Every replica has the app secret, Redis
// has not. Tokens are sealed with a key derived from it before Redis is sent any, and bound
// to the credential's id, their fingerprint and their life: see seal.go and
// docs/interop.md. Scripts move what they cannot open; a checksum tells them what is damaged.
// A record that is sound and yet cannot be opened counts as none for who has no fresh copy.
// Whoever finds one under the lock has it make way for the token that follows: once for each
// copy, until that is urgent, as two versions with one id would else call the issuer in turn.
//
// # The life of a Get
//
//  1. A fresh copy is returned. Redis is not involved.
//  2. A copy in its window is returned as well, and a fill starts in the
//     background, unless one runs or the last one left a hold.
//  3. Without a usable copy, Get waits for the fill that runs, or a new one, and
//     returns its token or its error. A fill that ends with neither, because its
//     minute is over, is followed by the next.
//
// One fill runs per Source and process. It belongs to no caller: a caller's ctx
// bounds only how long that caller waits: nothing else of it is used, nor kept, so that
// a trace of the caller's ends there. The fill has a minute, and finishes a
// call it has begun. At most Config.MaxFills, 64, are under way in a Cache: others queue,
// without a goroutine, before their minute begins, and those that a caller waits for go
// first. A fill that sleeps leaves its place to another. Only where the Redis client heeds deadlines does the caller that
// begins it make its first look: mostly there is a token, and that was the fill.
//
//  1. Look: one script reads record, lock, failure and Redis' time. A usable token
//     is adopted, and those who wait go on. If it is fresh, or the issuer has just
//     confirmed that there is no other yet, the fill is done. Without a copy the same
//     script takes the lock if it finds neither token nor failure: go on with 5.
//  2. A failure holds the fleet back: done, for who has a copy. Without one its
//     error is returned if it is final or what this fill has waited for;
//     otherwise the fill sleeps until the hold is over, and looks again.
//  3. One try for the lock. If it is another's: done, for who has a copy. Without
//     one: subscribe, look once more, sleep until an event, the end of the lock
//     or a safety poll (250 ms, doubling to 2 s), and look again: unless the event
//     has brought the token.
//  4. With the lock, look again: the token or the failure may have come since.
//  5. Ask the issuer. A lost lease does not end the call.
//  6. A token is published, and what is stored afterwards adopted. Refused because
//     it was rejected meanwhile: look and ask once more. Refused twice, or past its
//     end: a transient failure. Redis in trouble: adopt it all the same, and
//     put it back later. A failure is recorded, and the fleet told.
//  7. Release the lock, with a context of its own.
//
// With Redis in trouble at any step a copy serves; if there is none, or it is
// urgent, the issuer is asked directly and the answer put back later.
//
// A fill that did not bring a fresh token leaves a hold, and before its end no Get
// with a copy starts another: until the lock may be free, the failure is over, the
// issuer may know better, or Redis may answer; at most until the copy becomes due, urgent or dead. News of
// the copy's rejection ends it, news of a token too, and news of a free lock unless the
// hold is an error's.
//
// # Events
//
// The event of a token carries it, sealed, with its times by Redis' clock. Who hears it takes
// it over without a look, whether it has a copy or waits for one. So a rotation costs one
// replica some commands, and the others none. The event may be late, repeated, reordered, forged,
// or from before a failover, so it has to open, and to agree with an anchor: the moment a look of this
// process was sent, and Redis' time in its answer. By both of our clocks the event has to be
// of now, at most 50 ms ahead and 2 s behind, or half of x where that is less (delays only
// make it seem behind), and later than the look. What is left of the token is the least that
// the event and the anchor allow. Only looks make an anchor, and its age does not widen the
// tolerance. Anything else is a reason to look: at once without a copy, else some time within
// 5 s, or a quarter of what is left of the token; once, however much more is heard meanwhile.
//
// Of two words of the issuer's on one token the one that was asked for later counts, and of a
// rejection and a word the later one: by Redis' clock, as long as that is one clock. A look
// that finds it elsewhere than the anchor foretold, by 2 s, begins a new epoch: across epochs
// our own clocks decide, and a rejection drops the copy and has it looked for.
//
// # Windows
//
//	issued ... fresh ... W | w | w-d ...... due ...... u .. urgent .. x . dead . end
//
// W is the [Credential]'s window, before which it would only return the same token;
// life/4 if it has none or the life is shorter. w is W less min(30 s, max(W/4,
// 1.25 s), W/2), against rounding and drift. A fill is due at w-d, where d is drawn
// once per token: up to w/60 while Run is active, so that a refresher goes
// first; w/10 to w/6 otherwise. Urgent, at u = min(2 min, w/2), the issuer may
// be asked around a Redis that is down. Dead, at x = min(10 s, life/50, w/6), a copy is
// not handed out. Feishu's (2 h, W 30 min): w 29.5 min; due at 29.5 to 29.0 or
// 26.6 to 24.6 min; urgent at 2 min, dead at 10 s.
//
// # Failures
//
//	class         the fleet waits             a Get without a copy
//	transient     250 ms, doubling to 30 s    waits it out *
//	unknown       5 s, doubling to 1 min      waits it out *
//	rate_limited  as told, or 1 s to 1 min    waits it out *
//	quota         as told, or 5 min           gets its error at once
//	permanent     1 min, doubling to 5 min    gets its error at once
//	(redis)       not shared: 250 ms to 5 s   has the issuer asked directly, or a *RedisError
//
//	* unless it waited for this very call, or the wait is beyond ctx or 30 s:
//	  then it gets the error at once
//
// What is told is cut to 250 ms to 5 min; jitter adds up to a fifth. The doubling
// counts failed calls in a row, whatever their class. A Get with a usable copy sees
// none of this. A failure marked Local holds its own replica as its class says, and
// others for a second, doubling to 30 s once more than three Caches in a row have met it. Without a copy an
// error is repeated from memory for 5 s, then Redis is looked at again. Refresh
// passes a permanent failure, once per 5 s and Source. Direct calls are limited:
// Config.DirectRate a second for all Sources of a Cache, 16 by default, and as many at
// once. A fill that a caller without a copy waits for has its turn within its minute, one
// with an urgent copy before that is dead; any other comes again later. A credential whose
// last direct call failed may make one a minute besides. Config.NoDirect forbids them.
//
// Rejections of fresh tokens (younger than 1 min, and than a quarter of their life) are
// paced as transient failures are: the first is free, from the second on in a row nobody
// asks for 250 ms, doubling to 30 s. If the last one was rejected by the same Cache, that
// Cache alone waits: the token stays stored and the others go on with it, until another
// Cache rejects it too, which has the fleet wait, or the first one's wait is over, which has
// it replaced at once. A process that restarts is another Cache.
//
// # Keys
//
//	P:{id}:token       hash    sealed, fingerprint, life, sum, ...  TTL: `expire` less the call's time
//	P:{id}:lock        string  redislock's                          w/4, 500 ms to 5 s; extended
//	P:{id}:failure     hash    class, code, message, until, ...     its wait + 10 min
//	P:{id}:rejected:F  string  "ms count nonce outcome"             the longer of life and 2 cool-downs
//	P:{id}:refused     string  "rejected in a row, by whom, its wait's end"   their pause + 2 min
//	P:{id}:events      channel "T F times sealed", "I F time seal" rejected, "F" lock free
//
// Channels know no databases: fleets that differ by the database alone hear each other, and
// have each other's tokens and rejections. docs/interop.md has the formats byte by byte.
// P is Config.Prefix, F a fingerprint, id <issuer>:<app>:<digest>; the braces keep
// the keys in one cluster slot. Fields are only added, unknown ones ignored. A
// record counts only if its sum matches, its TTL is within its life, its ends_at is ahead,
// and it can be opened.
//
// # Promised
//
//   - A Get with a usable copy neither waits nor fails, whatever else is down.
//   - No Get returns a copy past x, or one this process had seen rejected before,
//     unless the token was handed out again since; not even if a failover of Redis
//     brings it back.
//   - Without faults there is one successful call per rotation; faults cost one
//     more per crash, lost lock, loss of data, rejection or Refresh. While Redis is
//     down each process asks for itself, within its limit.
//   - The TTL in Redis is never above what the issuer gave.
//   - Config.Observe and the Logger hold nobody up, and may call the Cache. A panic of
//     theirs, of a Fetcher, or of a hook of the client's in a goroutine of ours ends no process.
//   - Nothing of ours blocks for ever: a record, failure or lock without a TTL, or with one
//     that it cannot have, or a garbled record, is mended or disregarded. What is not ours is left alone.
//
// # Not promised
//
//   - That there is only one holder of the lock, or never a call too many: the
//     issuer must leave older tokens valid (see [Fetcher]).
//   - Right lives when Redis' clock steps, or differs between a primary and its
//     successor: remaining lives shift as much.
//   - That an early revocation is noticed: somebody must call [Source.Invalidate].
//   - That an event arrives. Timers find out, if later: a rotation at the due time, which costs
//     no call, and a revocation then, or by an own [Source.Invalidate].
//   - That a copy from an event is right by more than half of x where Redis' clock steps by as
//     much as the event is late, in the same moment.
//
// # Rules that look odd
//
// Each closes a hole.
//
//   - Fills queue: 10,000 at once wait for the client's connections for longer than
//     RedisTimeout, and so seem to find a Redis that does not answer.
//   - Holds: 20 replicas in the window, with the lock elsewhere, else start 20,000
//     fills a second.
//   - Look and lock in one script, for who has no copy: in two, whoever gets the lock
//     has to look again, each time behind the whole of a cold fleet.
//   - Subscribe, then look, then wait: a token published in between is not missed.
//   - Redis commands run in goroutines and are abandoned, unless the client ends them in
//     time itself, as one with ContextTimeoutEnabled does: a default go-redis client
//     took 5 s where ctx allowed 1 s, and 101 s when black-holed.
//   - When half a command's time is over one connection is dialled beside it, and closed: the
//     client dials again and again for longer than we wait, and keeps to itself that the port
//     refuses or the name is not found.
//   - Nobody's fill finds out whether a silent Redis is back, and no connection of the
//     pool: each that is dead would cost one time-out, 78 s for twenty.
//   - Commands queue for a connection before their time runs: 200 Sources that begin at
//     once were a Redis that timed out.
//   - A Redis error is never a miss, or an outage would send the fleet to the issuer.
//   - Rejections are ordered by a counter, as a read can happen in the same instant.
//     Those Redis has not heard of are told before anything is read or put back.
//   - The time of asking of a put-back is counted back from Redis' clock of now, which may have
//     stepped since. So any tombstone refuses it, but that of a rejection left to the others; and
//     of the token that is stored it tells only a shorter life.
//   - fail.lua acts only while the lock is ours: an ex-holder must not hold back
//     a fleet that has a token. It counts attempts itself, as no replica sees all.
//   - Nonces: a client repeats a script whose reply was lost, and attempts or
//     rejections would count twice.
//   - A copy makes way for what Redis holds and the issuer was asked for later, though that
//     ends over 2 s earlier: as nothing there does, the copy was rejected, or is lost.
//   - ends_at, in the record: the moment its TTL ends, by Redis' clock. Somebody may
//     prolong the key by hand, and the token would seem to live on.
//   - checked_at, Redis' time just before the issuer was asked for its last word on the
//     token: after an unchanged answer every replica would ask once more, and of two
//     words on one token the later counts, in whatever order they arrive.
//
// # Other than one might expect
//
//   - The TTL has no margin. Margins are the reader's; one in Redis would hide
//     from a cold replica a token that is good.
//   - Nobody is elected. The draw of d lets one go first and anyone take over.
//   - Waiters do not queue for the lock: each would hold it in turn, for nothing.
//     They sleep until told, and read.
//   - The lease is short, so that a killed holder is replaced in time even when
//     tokens live for seconds; it is extended while the call runs.
//   - Events are sent by a PUBLISH of their own: within a script an ACL that forbids
//     the channel would abort the write, and go-redis runs pipelines on other
//     connections, of which opening one costs more than the round trip.
package tokencache
