/*
 * The lock and the merge rule.
 *
 * N replicas share one token through Redis. The issuer gives tokens; the lock saves calls; the merge
 * rule of publish.lua keeps the stored token right. Redis may lose all data or its last writes,
 * replicas may be killed or paused for any time at any step.
 *
 * Time. A tick is one step of time for everybody. Nothing holds a moment: every variable of time is
 * what is left of something, or what has passed since, and each tick counts it down or up. So runs are
 * endless, and the search is still finite.
 *
 * Tokens. A token is known by `real`, what the issuer's own clock leaves of it. No replica reads
 * `real`, other than to tell two tokens apart, as the code does by fingerprints. (Two tokens that end
 * in the same tick count as one: no rule asks for the difference.) What replicas and Redis believe is
 * left of it is `left`. 0 in both: no token.
 *
 * The search is made in three ways:
 *   without LIVE  any replica may stand still between any two steps, for ever: I1, I2, I3.
 *   with LIVE     a replica takes its next step before time goes on, unless a fault pauses it, and an
 *                 answer of the issuer takes CALL at most: I4 by `ltl`, or with BOUND as a bound on
 *                 how long a replica waits for a copy.
 *
 * See README.md for what is left out, and for the files that these rules stand in.
 */

#ifdef LIVE
#define N 3       /* replicas */
#define LIFE 4    /* what the issuer gives a new token */
#define WINDOW 2  /* a copy with so much left, or less, is due */
#define FAULTS 1
#else
#define N 2
#define LIFE 3
#define WINDOW 1
#ifndef FAULTS
#define FAULTS 1
#endif
#endif
#define LEASE 2   /* of the lock */
#define PAUSE 1   /* for which a failed call holds the fleet back */
#define CALL 1    /* LIVE: the longest call */
#define CREDIT N  /* the most calls too many that faults may have left open */

/* What an issuer may hand out again: LIVE, nothing within its window, as else a call could come to
 * nothing without a fault. */
#ifdef LIVE
#define OLDEST WINDOW
#else
#define OLDEST 0
#endif

#define NOBODY 0
#define DEAD (N + 1) /* a lock whose holder was killed: its value is nobody's */

mtype = { IDLE, FREE, TAKEN, TRYING, LOCKED, SEEN, ASKING, ANSWERED, WROTE, FAILED, LEAVING }

/* What Redis holds: the keys `token`, `lock` and `failure`. */
typedef Store {
	byte left, real;    /* the record */
	byte holder, lease; /* the lock: 0, or the replica i as i + 1, or DEAD */
	byte hold           /* the failure: for so long nobody shall ask */
}
Store redis
Store behind /* the replica of Redis that a failover makes the primary */

byte newest /* real, of the issuer's newest token */

typedef Replica {
	mtype at = IDLE;
	byte left, real;         /* the copy */
	byte foundLeft, found;   /* a reply of Redis' on its way to this replica: left and real */
	byte spent;              /* since Redis' TIME in the look before the call */
	byte life, given;        /* what the issuer has said: its word on what is left, and real */
	bool owes;               /* it has the lock, and has told nobody yet what came of that */
#ifdef LIVE
	bool paused;
	bool quiet;   /* it has looked in this tick, and no event has come since */
	byte called   /* ticks since it asked */
#ifdef BOUND
	byte waited   /* ticks without a copy since the last fault */
#endif
#endif
}
Replica r[N]

byte faults = FAULTS
byte credit /* calls too many that faults so far excuse */

/* The invariants, as the assertions name them. */
bool I1_no_copy_past_its_end = true
bool I2_no_shorter_token_stored = true
bool I2_ttl_within_the_life = true
bool I3_one_call_at_a_time = true
bool I3_no_call_beside_a_fresh_token = true
bool I3_no_call_in_a_pause = true
bool I4_waits_lease_pause_and_call_at_most = true
byte k, before /* of one step */

/* --- faults and what they excuse ------------------------------------------------------------ */

inline excuse() {
	if
	:: credit < CREDIT -> credit++
	:: else
	fi
}

inline fault() {
	faults--;
	excuse();
	for (k : 0 .. N - 1) {
		if
		:: redis.holder != k + 1 -> r[k].owes = false
		:: else
		fi
	}
	k = 0;
#ifdef BOUND
	for (k : 0 .. N - 1) { r[k].waited = 0 }
	k = 0;
#endif
	if
	:: faults == 0 -> forget(behind) /* no failover can come any more */
	:: else
	fi
}

inline forget(store) {
	store.left = 0; store.real = 0; store.holder = NOBODY; store.lease = 0; store.hold = 0
}

inline copyStore(to, from) {
	to.left = from.left; to.real = from.real; to.holder = from.holder; to.lease = from.lease; to.hold = from.hold
}

/* Killed: all it knew is gone, and nobody releases its lock. It starts again with nothing. */
inline kill(i) {
	if
	:: redis.holder == i + 1 -> redis.holder = DEAD
	:: else
	fi;
	if
	:: behind.holder == i + 1 -> behind.holder = DEAD
	:: else
	fi;
	r[i].at = IDLE; r[i].left = 0; r[i].real = 0; r[i].foundLeft = 0; r[i].found = 0;
	r[i].spent = 0; r[i].life = 0; r[i].given = 0; r[i].owes = false;
#ifdef LIVE
	r[i].quiet = false; r[i].called = 0
#endif
}

/* --- what replicas do ----------------------------------------------------------------------- */

/* An event of the channel: whoever waits looks. Events may be lost in events.pml; here each tick
 * has who waits look anyhow. */
inline tellAll() {
#ifdef LIVE
	for (k : 0 .. N - 1) { r[k].quiet = false }
	k = 0;
#endif
	skip
}

#ifdef CRIPPLE_LOCK
#define mayTake(i) true
#else
#define mayTake(i) (redis.holder == NOBODY)
#endif

#ifdef CRIPPLE_PAUSE
#define held false
#else
#define held (redis.hold > 0) /* a failure holds the fleet back */
#endif

inline find(i) {
	r[i].foundLeft = redis.left; r[i].found = redis.real
}

inline lock(i) {
	redis.holder = i + 1; redis.lease = LEASE;
	r[i].owes = true
}

/* read.lua, with a lock value if there is no copy: it takes the lock where there is neither token
 * nor failure. */
inline look(i) {
#ifdef LIVE
	r[i].quiet = true;
#endif
	find(i);
	if
	:: held -> r[i].at = TAKEN
	:: !held && mayTake(i) ->
		if
		:: redis.left == 0 && r[i].left == 0 -> lock(i); begin(i)
		:: else -> r[i].at = FREE
		fi
	:: !held && !mayTake(i) -> r[i].at = TAKEN
	fi
}

/* Another token becomes the copy if it lives longer; of the same one the later word counts. */
inline adopt(i) {
	if
	:: r[i].foundLeft > r[i].left || (r[i].foundLeft > 0 && r[i].found == r[i].real) ->
		r[i].left = r[i].foundLeft; r[i].real = r[i].found
	:: else
	fi;
	r[i].foundLeft = 0; r[i].found = 0;
	I1_no_copy_past_its_end = r[i].left == 0 || r[i].real > 0;
	assert(I1_no_copy_past_its_end)
}

/* Another has the lock, too, and has asked. */
#define calls(j) (r[j].owes && (r[j].at == ASKING || r[j].at == ANSWERED))
#if N == 2
#define others(i) calls(1 - i)
#else
#define others(i) (calls((i + 1) % 3) || calls((i + 2) % 3))
#endif

/* A call begins. Its token's age counts from the look before. */
inline begin(i) {
	if
	:: !r[i].owes /* its lease was lost: that is one of the faults which cost a call */
	:: r[i].owes && (redis.hold > 0 || redis.left > WINDOW || others(i)) && credit > 0 -> credit-- /* not reached: after a look that took the lock, as it finds none of these */
	:: else ->
		I3_no_call_in_a_pause = redis.hold == 0;
		assert(I3_no_call_in_a_pause);
		I3_no_call_beside_a_fresh_token = redis.left <= WINDOW;
		assert(I3_no_call_beside_a_fresh_token);
		I3_one_call_at_a_time = !others(i);
		assert(I3_one_call_at_a_time)
	fi;
	r[i].at = ASKING
}

/* The issuer answers: with its newest token, or with a new one. Issuers differ in when they do. */
inline answer(i) {
	if
	:: newest > OLDEST /* the same */
	:: newest < LIFE -> newest = LIFE
	fi;
	r[i].life = newest; r[i].given = newest;
	r[i].at = ANSWERED
#ifdef LIVE
	; r[i].called = 0
#endif
}

/* publish.lua: a token never replaces another that lives longer. */
#ifdef CRIPPLE_TTL
#define px(i) r[i].life
#else
#define px(i) (r[i].life - r[i].spent)
#endif

inline publish(i) {
	if
	:: r[i].spent >= r[i].life -> r[i].at = FAILED /* EXPIRED */
	:: else ->
		before = redis.left;
		if
#ifndef CRIPPLE_MERGE
		:: redis.left > 0 && redis.real != r[i].given && redis.left >= px(i) /* KEPT: another */
#endif
		:: redis.left > 0 && redis.real == r[i].given && redis.left >= px(i) /* KEPT: the same, confirmed */
		:: else -> redis.left = px(i); redis.real = r[i].given /* STORED, or RENEWED */
		fi;
		I2_no_shorter_token_stored = redis.left >= before;
		assert(I2_no_shorter_token_stored);
		before = 0;
		I2_ttl_within_the_life = redis.left <= redis.real;
		assert(I2_ttl_within_the_life);
		redis.hold = 0; /* the issuer has answered */
		find(i);
		r[i].owes = false;
		r[i].at = WROTE
	fi;
	r[i].life = 0; r[i].given = 0; r[i].spent = 0;
	tellAll()
}

/* fail.lua: only the holder of the lock may hold the fleet back. */
inline fail(i) {
	if
	:: redis.holder == i + 1 -> redis.hold = PAUSE
	:: else
	fi;
	r[i].owes = false;
	r[i].at = LEAVING;
	tellAll()
}

/* release.lua: the lock goes if it is still one's own. */
inline release(i) {
	if
#ifdef CRIPPLE_RELEASE
	:: true -> redis.holder = NOBODY; redis.lease = 0
#else
	:: redis.holder == i + 1 -> redis.holder = NOBODY; redis.lease = 0
#endif
	:: else
	fi;
	r[i].owes = false;
	r[i].at = IDLE;
	tellAll()
}

#ifdef LIVE
#define awake(i) (!r[i].paused)
#define wants(i) (r[i].left <= WINDOW && !r[i].quiet)
#else
#define awake(i) true
#define wants(i) (r[i].left <= WINDOW)
#endif

proctype Process(byte i) {
	do
	:: atomic { awake(i) && r[i].at == IDLE && wants(i) -> look(i) }
	:: atomic { awake(i) && r[i].at == TAKEN -> adopt(i); r[i].at = IDLE } /* waits, or is done */
	:: atomic { awake(i) && r[i].at == FREE -> adopt(i);
		if
		:: r[i].left > WINDOW -> r[i].at = IDLE
		:: else -> r[i].at = TRYING
		fi }
	:: atomic { awake(i) && r[i].at == TRYING ->
		if
		:: mayTake(i) -> lock(i); r[i].at = LOCKED
		:: else -> r[i].at = IDLE
		fi }
#ifdef CRIPPLE_SECOND_LOOK
	:: atomic { awake(i) && r[i].at == LOCKED -> begin(i) }
#else
	:: atomic { awake(i) && r[i].at == LOCKED -> find(i); /* looks again: somebody may have been faster */
		if
		:: held -> r[i].at = LEAVING; r[i].foundLeft = 0; r[i].found = 0
		:: else -> r[i].at = SEEN
		fi }
#endif
	:: atomic { awake(i) && r[i].at == SEEN -> adopt(i);
		if
		:: r[i].left > WINDOW -> r[i].at = LEAVING; r[i].spent = 0
		:: else -> begin(i)
		fi }
#ifndef LIVE
	:: atomic { r[i].at == ASKING && redis.holder == i + 1 && redis.lease < LEASE -> redis.lease = LEASE }
#endif
	:: atomic { awake(i) && r[i].at == ASKING -> answer(i) }
#ifdef LIVE
	:: atomic { awake(i) && r[i].at == ASKING && faults > 0 -> fault(); r[i].called = 0; r[i].spent = 0; r[i].at = FAILED }
#else
	:: atomic { r[i].at == ASKING -> r[i].spent = 0; r[i].at = FAILED }
#endif
	:: atomic { awake(i) && r[i].at == ANSWERED -> publish(i) }
	:: atomic { awake(i) && r[i].at == WROTE -> adopt(i); r[i].at = LEAVING }
	:: atomic { awake(i) && r[i].at == FAILED -> fail(i) }
	:: atomic { awake(i) && r[i].at == LEAVING -> release(i) }
	od
} /* not reached: a process that does not end */

/* --- time ----------------------------------------------------------------------------------- */

inline down(n) {
	if
	:: n > 0 -> n--
	:: else
	fi
}

inline tickStore(store) {
	down(store.left); down(store.real); down(store.hold); down(store.lease)
}

inline tick() {
	down(newest);
	tickStore(behind);
	if
	:: behind.lease == 0 -> behind.holder = NOBODY
	:: else
	fi;
#ifdef LIVE
	if /* who is awake and asks extends its lease in time */
	:: redis.holder != NOBODY && redis.holder != DEAD ->
		if
		:: awake(redis.holder - 1) && r[redis.holder - 1].at == ASKING -> redis.lease = LEASE + 1
		:: else
		fi
	:: else
	fi;
#endif
	tickStore(redis);
#ifdef CRIPPLE_LEASE
	if
	:: redis.holder != NOBODY -> redis.lease = LEASE /* a lock without a TTL */
	:: else
	fi;
#endif
	if
	:: redis.lease == 0 && redis.holder != NOBODY ->
		if
		:: redis.holder != DEAD && r[redis.holder - 1].owes -> /* a lost lease */
			r[redis.holder - 1].owes = false;
			excuse()
		:: else
		fi;
		redis.holder = NOBODY
	:: else
	fi;
	for (k : 0 .. N - 1) {
		down(r[k].left); down(r[k].real);
#ifndef CRIPPLE_REPLY
		down(r[k].foundLeft); /* counted from the moment of the question, or before */
#endif
		down(r[k].found);
		down(r[k].given);
		if
		:: (r[k].at == SEEN || r[k].at == ASKING || r[k].at == ANSWERED) && r[k].spent < LIFE -> r[k].spent++
		:: else
		fi;
		I1_no_copy_past_its_end = r[k].left == 0 || r[k].real > 0;
		assert(I1_no_copy_past_its_end);
#ifdef LIVE
		if
		:: r[k].at == ASKING && r[k].called < CALL -> r[k].called++
		:: else
		fi;
#ifndef CRIPPLE_POLL
		r[k].quiet = false;
#endif
#endif
#ifdef BOUND
		if
		:: r[k].left == 0 && !r[k].paused -> r[k].waited++
		:: else -> r[k].waited = 0
		fi;
		I4_waits_lease_pause_and_call_at_most = r[k].waited <= LEASE + PAUSE + CALL;
		assert(I4_waits_lease_pause_and_call_at_most)
#endif
	}
}

#ifdef LIVE
/* Time goes on once everybody has done what there is to do. */
#define still(i) (r[i].paused || r[i].at == ASKING && r[i].called < CALL || r[i].at == IDLE && !wants(i))
#define mayTick (still(0) && still(1) && still(2))
#else
#define mayTick true
#endif

proctype Clock() {
	do
	:: d_step { mayTick -> tick(); k = 0 }
	od
} /* not reached: a process that does not end */

proctype Trouble() {
	byte j;
	do
	:: atomic { faults > 0 -> /* the replica of Redis hears of all writes so far */
		copyStore(behind, redis) }
	:: atomic { faults > 0 -> copyStore(redis, behind); fault() } /* failover: the last writes are lost */
	:: atomic { faults > 0 -> forget(redis); fault() } /* all data lost, FLUSHALL */
	:: atomic { faults > 0 -> select (j : 0 .. N - 1); kill(j); fault(); j = 0 }
#ifdef LIVE
	:: atomic { faults > 0 -> select (j : 0 .. N - 1); r[j].paused = true; fault(); j = 0 }
	:: atomic { r[0].paused -> r[0].paused = false }
	:: atomic { r[1].paused -> r[1].paused = false }
	:: atomic { r[2].paused -> r[2].paused = false }
#endif
	od
} /* not reached: a process that does not end */

init {
	atomic {
		for (k : 0 .. N - 1) { run Process(k) }
		run Clock();
		run Trouble();
		k = 0
	}
}

#ifdef LIVE
/* I4: whoever has no copy gets one, unless it is paused for ever. Under weak fairness. */
ltl I4_gets_a_copy { [] (r[0].left == 0 -> <> (r[0].left > 0 || r[0].paused)) }
#endif
