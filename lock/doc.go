// Package lock takes an advisory lease on a Redis key: one try, kept alive
// while it is held, and said to be lost when it is. It stands on
// [github.com/bsm/redislock], whose scripts do the work in Redis; what it adds
// is the keeping, the losing and the cleaning up.
//
// # The life of a lease
//
//  1. [Locker.TryAcquire] draws a random value and makes one try to set the key
//     to it. Held by another: [ErrHeld]. There is no waiting and no queue; who
//     wants to wait knows better than this package what for. With [Locker.Claim] a
//     script of the caller's makes the try, in the step in which it looks whether there
//     is any need to, and redislock takes the lock over from it.
//  2. A keeper extends the lease at a third of it, over and over, until atMost
//     has passed since the try. An extension that fails without a word on the
//     lock is repeated every thirteenth of the lease.
//  3. [Lease.Lost] closes when Redis answers that the key is not ours any more,
//     or when the lease must have run out because nothing extended it in time.
//  4. [Lease.Release] deletes the key if it is still ours, and stops the keeper.
//
// A lease's deadline is counted from the moment before its try or extension was
// sent. Redis starts counting when that arrives, so that whatever the network
// does, we believe the lease gone before Redis does:
//
//	ours      sent |---------- lease ----------| lost
//	in Redis       ..travel..|---------- lease ----------| gone
//
// # What it promises
//
//   - Redis drops the key within atMost plus one round trip, though its holder
//     never released it, hangs or died: a live one is extended no further, a
//     dead one not at all. An extension held up on its way counts from when it
//     arrives.
//   - Release never deletes a lease of somebody else.
//   - A try whose reply was lost is released again, so that nobody has to wait
//     for a holder that does not exist; where that fails too, for one lease.
//   - No goroutine outlives Release, or atMost without it, by more than the one
//     call to Redis it is in.
//
// # What it does not promise
//
// That there is only one holder. The process can be paused between looking at
// Lost and doing what the lock was for; a failover can lose the key, an
// operator or an eviction delete it, and until the next extension nobody is
// told. A host that was suspended learns of it from the next extension too, as
// the monotonic clock stood still. So hold a lease to save work, never to
// protect data: what is written must be right without it.
//
// # Requirements on Redis
//
// The scripts of redislock call unpack and build argument lists from KEYS, for
// locks over several keys. Providers whose script check insists on literal
// KEYS[n] (Alibaba Cloud: script_check_enable) need it off.
package lock
