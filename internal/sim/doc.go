// Package sim plays whole fleets, and everything that can go wrong with them, in
// virtual time, and checks what happened against the issuer's own record.
//
// A [Scenario] is drawn from a seed: some replicas, each a tokencache.Cache with a
// client and a link of its own, a Redis in a testing/synctest bubble, two apps with an
// issuer each, and a list of faults. [Run] starts the fleet cold, lets the faults
// come over three rotations and more, heals everything, gives the fleet the time that
// it is allowed to need, and watches it for another while. Hours take a tenth of a
// second.
//
// # What is checked
//
// The invariants I1 to I8 of docs/failures.md, as things happen but for I3, I5 and I6:
//
//	I1  each token handed out: was it valid, and had this process not seen it rejected?
//	I2  the record in Redis after each of its answers: does it ever go back?
//	I3  in the end, all calls of the issuer: which were in vain, and what explains them?
//	I4  each Get: did it wait with a copy at hand, or fail without a reason?
//	I5  each error, event, log line and printed token: is a secret in it?
//	I6  after the faults: is everybody fresh again, and in the end, what is left?
//	I7  without faults: how long did anybody wait?
//	I8  without faults: how many commands and events were sent?
//
// Fields of records are damaged one by one, in turn from seed to seed: some hundred seeds of
// profile fields come to every pair of a field and a damage (Damages).
//
// A fault is an excuse only for what it can cause, and for as long as it can: see
// trouble. That a holder of the lock crashes, say, excuses nobody who waits. What happens to
// events, or is made up by who has no secret, excuses next to nothing: a flood of them some put-backs, and
// one that is as late as a clock is set a copy that ends as much later.
//
// When Redis' clock is set, nobody is promised right lives: what is left of all that is in Redis
// shifts as much. So a token may be taken to live longer by as much as its record has drifted
// since it was written, and by no more: see stored.drifted. A step that an event hides by being
// as late shifts one copy: see outlasts.
//
// # A run can be repeated
//
// A seed is the same run every time, to the nanosecond, or a failure could not be
// looked into. Nothing is drawn in an order that the Go scheduler decides: every
// number comes from the seed, the moment, and what it is for (draws). And no two
// things happen at one moment unless one causes the other, as the scheduler would
// decide which is first: each replica has nanoseconds of its own for each of its
// occupations (lane). Tokens and nonces are random, but nothing depends on them, and
// the timeline numbers them: A2 is the second token of app A.
//
// What is not like the world: a paused replica's timers go on, only its messages wait, and so
// do those of a suspended host; all replicas have one wall clock, the bubble's, which is never
// set; the monotonic clock of a suspended host does stand still, in what is kept of it (memory.go);
// and Redis is miniredis, with a clock that the faults set.
//
// Of some rules hardly a seed tells whether they are there. Their tests do, and those that docs/guarantees.md
// has not have no mutant: that a rejection's seal has its time (TestF47SealVouchesForEveryField), that a record does
// not end after more than its life (TestF19ParseRecord), that a tombstone ahead of Redis' clock
// is none (TestF22TombstoneAheadOfTheClock), that a record of another build makes way once for each
// copy (TestF58TwoBuildsWithOneID), and that only the named record makes way
// (TestF47OnlyTheNamedRecordMakesWay).
//
// # Where to read
//
// scenario.go is what a run is drawn from, and run.go its course. A run is a world: the
// apps with their issuers (app.go), the replicas (replica.go) with their readers
// (reader.go), the network to Redis (network.go) and the doors to the issuers (door.go).
// faults.go begins and ends the faults, which faults_*.go have by family, with the trouble
// that each is. observe.go is told of every step of the product.
//
// check.go looks at each Get (I1, I4); rejections.go knows who has seen a token rejected;
// clock.go is Redis', and events.go what the fleet has told each other.
// builds.go is another build of the software, and memory.go reaches into what a process keeps.
// stored.go and locks.go look at Redis after each of its answers (I2, I3); vain.go,
// spacing.go and direct.go look at the calls of the issuer (I3), words.go for secrets (I5),
// run.go at the end (I6), sound.go at runs without faults (I7, I8). timeline.go and
// tally.go tell of it; draw.go and its lanes are why a run can be repeated.
package sim
