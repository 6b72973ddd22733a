// Package redistest gives every test in this repository its Redis, and the
// means to break it.
//
//   - [NewBubble] is a miniredis in virtual time, for testing/synctest: clients
//     reach it over a net.Pipe, each through a [Link] of its own.
//   - [StartServer] is a real redis-server, [NewProxy] a Link in front of it.
//   - [StartCluster], [StartSentinel], [StartReplica] and [StartTLSServer] are
//     several of them, as they are run in earnest.
//   - [Each] runs one test on both.
//
// # What a Link breaks
//
//	fault         new connections          open connections         messages
//	Refuse        refused                  sound                    arrive
//	BlackHole     hang until ctx ends      sound                    arrive
//	Silence       opened, then silent      silent; lifted: cut      lost
//	Mute          sound                    silent for good          lost, on these
//	LoseMessages  sound                    sound                    lost
//	Delay         sound, HELLO is late     replies late             late
//	Cut           sound                    closed                   until subscribed again: lost
//	Down          refused                  closed                   lost
//	DropReplies   sound                    closed after n commands  arrive, elsewhere
//	CutReplies    sound                    closed after n commands  arrive, elsewhere
//	DelayReplies  sound                    n replies late           arrive, elsewhere
//	Repeat        sound                    n commands sent twice    arrive, elsewhere
//	Fail          sound                    answer an error          arrive
//	Hold          sound                    one command waits        arrive
//
// A [Shape] gives every message a time of its own, for runs that have to be repeated.
// [Bubble.StepClock] sets the clock of the server.
//
// Heal ends all but Mute and Shape. Fail and Hold also end by what they return.
//
// # What a bubble needs
//
// Everything that blocks has to block on something of the bubble: a channel, a
// timer, a net.Pipe. A socket does not, nor does a mutex, and while somebody
// waits for one time stands still. Hence:
//
//   - A go-redis PubSub holds its mutex while it connects, so only one goroutine
//     may use it: PubSub.Channel needs WithChannelHealthCheckInterval(0), and a
//     Close from outside must not meet a dial that hangs. Receive with a timeout,
//     connect and close in one goroutine, and end that by its ctx.
//   - Time stops when the test returns: what was started has to be stopped, and
//     waited for, in the test or in its cleanup.
//   - Never Start the miniredis, and never dial by name.
//
// The time-outs of go-redis do work: since v9.23 its deadlines come from
// time.Now at each read and write, which is the bubble's, and net.Pipe keeps
// them. (It used to keep a clock for the whole process, which was not.)
package redistest
