// Package chaos has twenty processes share a token while everything around them
// breaks, and then checks what they were handed. Nothing is virtual: the processes
// are killed with kill -9 and stopped with SIGSTOP, Redis is a redis-server that
// dies and comes back empty, and time is the machine's.
//
//	make chaos FOR=2m
//
// # How a run goes
//
// The test starts a redis-server, an issuer that keeps to Feishu's rules (feishutest,
// by HTTP), a proxy for each replica, and itself again as the replicas: see
// [assignment]. Each has a Cache on a client of its own and a few callers that call
// Get every 5 to 20 ms. Tokens live 6 s and are refreshed with 3 s left, so that every
// fault meets a refresh.
//
// Faults come one after the other, each drawn from a seed that is printed: see [kind].
// The next comes when everybody has a new and fresh token, or should have had one.
// The seed decides what comes and how long it lasts; what it meets is real, and
// differs from run to run.
//
// # The history
//
// A replica writes every Get to its standard output, a pipe that the test reads all
// the time: one write(2) for a Get that took more than 1 ms, brought another token or
// failed, and one each 250 ms for those between, which were all alike. What is in a pipe
// survives its writer, so kill -9 costs nothing but the count of the last moments.
//
// Times are by the wall clock, which all processes of a machine share; the monotonic
// one of Go begins with each process. Should the wall clock step, the heartbeat takes
// that for a stall as long as the step.
//
// # The heartbeat
//
// In every process, the test's own too, a goroutine sleeps 10 ms over and over, and
// records by how much longer it took. A Get that took long in a process that stood
// still tells nothing about us. So the time of stalls around a Get is taken off, and
// the largest on the way is allowed to a recovery. Those that the test caused by SIGSTOP
// count for the Gets of that process, but are not in the report.
//
// # What is checked
//
//   - No dead token: the Get had begun before the token's end, by the issuer's record.
//     A Get may well end after it: the process can be stopped between its look at the
//     clock and the return, and nobody can promise more. Nor one that the process itself
//     should have taken for dead by then.
//   - No failed Get, but for want of an answer by the issuer: only a Get that began
//     without a copy, met a failure of the issuer, and had no token in Redis to read.
//   - No Get waited that began with a usable copy. A copy so close to its end that a
//     stall may have outlasted it counts as none.
//   - No Get without a copy waited for longer than a lease and a call, and the time-outs
//     and pauses of the faults it met, nor one that fails.
//   - No Get found no copy where one before had seen one that should still be there.
//   - Calls, from each fault to the next: as many as tokens minted, one more for each
//     process killed or stopped, one for an outage of Redis, and the direct ones.
//   - No direct call without trouble between that process and Redis.
//   - The token in Redis does not make way for one that ends earlier, but for a restart.
//   - Recovery: a lease, the pause or probe that runs, a call, and the largest stall on the
//     way after each fault, every process has handed out a fresh token that nobody had
//     before it: see [fault.bound]. A fault between two refreshes spoils the next one, so
//     that is waited for, and counted from when it was due. Where only a stall of more than
//     a lease explains it, the machine was too slow to tell: the report counts these, and
//     they are no violation unless more than half are such.
//   - In the end, in the middle of a call, every process ends when told, and leaves no
//     lock: one look, at once.
//   - What we see with, sees: the heartbeat of each process that it was stopped, and the
//     watch of Redis the tokens that the fleet shared.
//
// Nothing is revoked here; that is for the fleets in virtual time.
//
// # What it notices
//
// Runs of a minute have failed, as they should, with the product broken in each of these
// ways: the merge rule off; a lock for each process; the lock not heeded, or not released;
// leases not extended, or never ending; no direct calls, or no others; a copy handed out
// without a look at the clock; TTLs that are not reduced by the time of the call; a copy
// dropped when Redis is in trouble; a Get that waits though its copy is in the window; a
// breaker that stays open; waiters who rely on events, or do not hear them; holds that do
// not end with the lease.
//
// They have not with these, which the fleets in virtual time are for: no second look
// after the lock, no putting back after a direct call, a longer copy replaced by a
// shorter one, commands as slow as the client's own time-outs.
//
// # Reading order
//
// chaos_test.go is the run. It starts processes in fleet_test.go, which are in
// replica_test.go and tell what record.go has; plan.go draws the faults and
// faults_test.go inflicts them. What came of it is in history.go, to be checked by
// check.go, calls.go, direct.go, recovery.go and sight.go, with the times of policy.go, and
// summed up by report.go.
package chaos
