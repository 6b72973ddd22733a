// Package lock takes an advisory lease on a Redis key. It makes one try, extends the lease while
// the caller holds it, and tells the caller when it is lost. The scripts of
// [github.com/bsm/redislock] do the work in Redis; this package adds the extending, the telling,
// and the cleaning up after a try whose reply was lost.
//
// # The life of a lease
//
//  1. [Locker.TryAcquire] draws a random value and makes one try to set the key to it. If another
//     holds the lock, the error is [ErrHeld]. The package neither waits nor queues: its callers
//     know better what they wait for. With [Locker.Claim] a script of the caller's makes the try,
//     in the same step in which it looks whether a lock is needed, and redislock then takes the
//     lock over.
//  2. A goroutine, the keeper, extends the lease each time a third of it is over, until atMost has
//     passed since the try. If an extension fails, and Redis has not said whose the lock is, the
//     keeper repeats it every thirteenth of the lease.
//  3. [Lease.Lost] closes when Redis answers that the key is not ours any more, or when nothing
//     extended the lease in time, so that it must have run out.
//  4. [Lease.Release] deletes the key if it is still ours, and stops the keeper.
//
// We count a lease from just before its try or extension was sent; Redis counts it from when that
// arrives. So, however slow the network, we believe the lease gone before Redis does:
//
//	ours      sent |---------- lease ----------| lost
//	in Redis       ..travel..|---------- lease ----------| gone
//
// # What it promises
//
//   - Redis drops the key within atMost and one round trip, even if the holder hangs, dies or
//     never releases it: the keeper extends no further, and a dead process has no keeper. An
//     extension that is held up on its way counts from when it arrives.
//   - Release never deletes a lease of somebody else.
//   - If the reply to a try is lost, the package releases what the try may have taken, so that
//     nobody waits for a holder that does not exist. If that fails too, others wait for one lease.
//   - A goroutine of ours ends with Release, or when atMost is over; if it is in a call to Redis
//     then, with that call.
//
// # What it does not promise
//
// That only one process holds the lock. A process can be paused between its look at Lost and the
// work that the lock was for. A failover can lose the key, and an operator or an eviction delete
// it; the holder learns that from the next extension only. So does a host that was suspended, as
// its monotonic clock stood still. So hold a lease to save work, never to protect data: what is
// written must be right without it.
//
// # Requirements on Redis
//
// The scripts of redislock call unpack and build argument lists from KEYS, for
// locks over several keys. Providers whose script check insists on literal
// KEYS[n] (Alibaba Cloud: script_check_enable) need it off.
package lock
