/*
 * Events that carry the token, and the clock that dates them.
 *
 * One replica, the hearer, keeps a copy by looks and by events. Everybody else is the writer, who
 * stores tokens and later words of the issuer's, each with an event. The network may lose an event,
 * deliver it at any time, any number of times, in any order. Redis' clock may be set, and a failover
 * may bring back what was stored before, with another clock.
 *
 * Time. `t` is real time, from 0 to END, and also the hearer's own clock. Redis' clock reads t + off.
 * What the code has as moments of Redis' clock is marked "by Redis": such a value may be wrong by what
 * the clock was set by since. No rule of the hearer reads t + off but from an answer of Redis or an
 * event.
 *
 * Ghosts, marked so, are what only the assertions read: when a token really ends, and by how much
 * Redis' clock misleads.
 *
 * The search is made with other numbers (-D...), and in two ways:
 *   without PROMPT  the hearer looks at any time, or never: I1, I2.
 *   with PROMPT     the hearer looks when it has to, before time goes on: I4. Time ends, so
 *                   nothing can be said of what comes in the end: I4 is bounds in time, no `ltl`.
 */

#ifndef END
#define END 7      /* of time */
#endif
#ifndef LIFE
#define LIFE 5     /* of most tokens */
#endif
#ifndef BRIEF
#define BRIEF 4    /* of others, and of a word that shortens */
#endif
#ifndef X
#define X 2        /* a copy with so much left, or less, is dead: never handed out */
#endif
#define DUE (X + 1)      /* with so much left, or less, the hearer looks */
#define TOL 1      /* how far behind an event may seem: half of X */
#define AHEAD 0    /* how far ahead */
#define SAME 1     /* how far Redis' clock may be from what the anchor foretells; how far apart two ends of one token may be */
#ifndef WRITES
#define WRITES 3
#endif
#ifndef TOKENS
#define TOKENS 2
#endif
#ifndef STEPS
#define STEPS 1    /* of Redis' clock */
#endif
#ifndef FAILOVERS
#define FAILOVERS 1
#endif
#define OFF 4      /* off at first */

byte t
byte off = OFF

/* --- what Redis holds, and what is on its way ------------------------------------------------- */

typedef Record {
	byte tok;     /* 0: none */
	byte ends;    /* by Redis: ends_at, and the end of the key's TTL */
	byte checked; /* by Redis: checked_at, when the issuer was asked for its word */
	byte soff     /* ghost: off when it was stored. So ends - soff is the real end by that word */
}
Record redis
Record behind /* what a failover brings back */

typedef News {
	byte tok;
	byte stored, ends; /* by Redis; the issuer was asked in the tick in which it was stored */
	byte soff          /* ghost */
}
News news[WRITES] /* tok 0: not sent yet, or never */
bool stepped /* ghost: Redis' clock was set, so that words need not be of one clock */
byte writes, minted, steps = STEPS, failovers = FAILOVERS
byte life[TOKENS + 1] /* of each token, as it was minted */

/* --- what the hearer knows -------------------------------------------------------------------- */

byte copy, until          /* the copy: token, and its end by the hearer's clock */
byte realEnd              /* ghost: of the copy, by the word that it was made of */
byte lie                  /* ghost: by how much Redis' clock may have misled */
byte told                 /* ghost: its real end by the latest word that the hearer was told of since it has it */
byte toldAt               /* ghost: the real time of that word */
byte wordAt, wordRedis, wordEpoch /* the issuer's last word on the copy: by our clock, by Redis (0: not known) */
bool anchored
byte anchorAt, anchorRedis, epoch
byte anchorOff            /* ghost: off when the look read Redis' clock */
#ifdef PROMPT
byte unread               /* there is news that only a look can confirm, for so many ticks; 0: none */
#endif

mtype = { NONE, ANSWERED }
mtype looking = NONE
byte lookAt, lookRedis, lookOff
byte foundAt /* ghost: the real time of the word that the look has found */
Record found
#ifdef PROMPT
bool looked /* in this tick */
byte behindBy /* ticks without a usable copy, though Redis has one all the time */
#endif

bool I1_no_copy_past_its_end = true
bool I1_shorter_word_stays = true
bool I2_copy_does_not_go_back = true
bool I4_a_tick_behind_redis_at_most = true
bool I4_news_are_looked_for = true
byte n

/* What is offered to be the copy: token, its end by our clock, the word by our clock and by Redis,
 * and whether Redis has it. Ghosts: its real end by that word, the word's real time, and the lie. 0 between steps. */
byte T, till, wA, wR, real, word, misled
bool inRedis

#define now (t + off) /* by Redis */
#define least(a, b) (a < b -> a : b)
#define most(a, b) (a > b -> a : b)
#define left(ends, at) (ends > at -> ends - at : 0)
#define usable (copy > 0 && until > t + X)

/* What a look may use: neither past its end, nor with more left than the token ever had. */
#define sound(r) (r.tok > 0 && r.ends > now && r.ends - now <= life[r.tok])

/* --- the writer -------------------------------------------------------------------------------- */

inline store(which, when) {
	redis.tok = which; redis.ends = when; redis.checked = now; redis.soff = off;
	news[writes].tok = which; news[writes].stored = now; news[writes].ends = when; news[writes].soff = off;
	writes++
}

/* The issuer gives a new token, which publish.lua stores where no other lives longer. */
inline mint(given) {
	minted++;
	life[minted] = given;
	if
	:: !sound(redis) || redis.ends - now < given -> store(minted, now + given)
	:: else
	fi
}

/* A later word of the issuer's on the stored token: it ends as was said, or earlier, maybe so early that
 * nobody hands it out. Of one moment the word that is stored already counts. */
inline confirm() {
	if
	:: now == redis.checked
	:: now != redis.checked -> store(redis.tok, redis.ends)
	:: now != redis.checked && redis.ends - now > X + 1 -> store(redis.tok, now + X + 1)
	:: now != redis.checked && redis.ends - now > X -> store(redis.tok, now + 1)
#ifdef PROMPT
		; behindBy = 0 /* there is none any more */
#endif
	fi
}

/* --- the hearer --------------------------------------------------------------------------------- */

inline check() {
	I1_no_copy_past_its_end = !usable || t < realEnd + lie;
	assert(I1_no_copy_past_its_end);
	I1_shorter_word_stays = !usable || stepped || t < told;
	assert(I1_shorter_word_stays)
}

/* Whether the issuer's last word on the copy is later than another: by Redis' clock within one epoch,
 * else by our own. */
#define oneClock (wordRedis > 0 && wR > 0 && wordEpoch == epoch)
#define lastIsAfter(by) (oneClock -> wordRedis > wR : wordAt > wA + by)
#define isAfterLast (oneClock -> wR > wordRedis : wA > wordAt)

/* A word known to be older is refused, unless it promises no more and the clocks cannot be compared. */
#ifdef CRIPPLE_WORDS
#define knowsLater false
#else
#define knowsLater (lastIsAfter(SAME) && (oneClock || till > until + SAME))
#endif

#ifdef CRIPPLE_FAILED_OVER
#define askedLater true
#else
#define askedLater (oneClock && wR > wordRedis)
#endif

/* Redis holds another where it held the copy, and the issuer was asked for it later. */
#define succeeds (inRedis && until > till + SAME && askedLater)

#ifdef CRIPPLE_SHORTER
#define takes true
#else
#define takes (copy == T && !knowsLater || copy != T && (!usable || till > until || succeeds))
#endif

/* What is dead changes nothing, unless it is a later word on the copy, which ends that. */
#ifdef CRIPPLE_LAST
#define counts (till > t + X)
#else
#define counts (till > t + X || copy == T && until > till && (oneClock && wR > wordRedis || !oneClock && wA > wordAt + SAME))
#endif

/* take makes what is offered the copy. Ghost: the latest word that the hearer was told of its copy. */
inline take() {
	if
	:: T == copy && word > toldAt -> told = real; toldAt = word
	:: T == copy && word == toldAt -> told = most(told, real)
	:: else
	fi;
	if
	:: counts && takes ->
		I2_copy_does_not_go_back = copy == T || !usable || till > until || word > toldAt;
		assert(I2_copy_does_not_go_back);
		if
		:: copy != T || isAfterLast -> wordAt = wA; wordRedis = wR; wordEpoch = epoch
		:: else
		fi;
		if
		:: copy != T -> told = real; toldAt = word
		:: else
		fi;
		copy = T; until = till; realEnd = real; lie = misled
	:: else
	fi;
	check();
	T = 0; till = 0; wA = 0; wR = 0; inRedis = false; real = 0; word = 0; misled = 0
}

inline forgetLook() {
	looking = NONE; foundAt = 0; lookAt = 0; lookRedis = 0; lookOff = 0;
	found.tok = 0; found.ends = 0; found.checked = 0; found.soff = 0
}

/* Whether Redis' clock read `moment` now, as far as the anchor foretells. */
#define seems(moment) (moment - anchorRedis - (t - anchorAt))

/* The answer of a look arrives: an anchor, and perhaps a token. What is left counts from when the
 * look was sent. */
inline answered() {
	n = lookRedis + anchorAt - anchorRedis - lookAt + OFF; /* how far from the anchor's foretelling, + OFF */
	if
	:: anchored && n >= OFF - SAME && n <= OFF + SAME
	:: else -> epoch++
	fi;
	n = 0;
	anchored = true; anchorAt = lookAt; anchorRedis = lookRedis; anchorOff = lookOff;
#ifdef PROMPT
	unread = 0;
#endif
	if
	:: found.tok > 0 ->
		T = found.tok; till = lookAt + found.ends - lookRedis;
		wR = found.checked; wA = most(0, lookAt + found.checked - lookRedis);
		inRedis = true;
		real = found.ends - found.soff; word = foundAt; misled = most(0, found.soff - lookOff);
		take()
	:: else
	fi;
	forgetLook()
}

#ifdef CRIPPLE_AGREE
#define agrees(e) true
#else
#define agrees(e) (seems(e.stored) >= 0 - TOL && seems(e.stored) <= AHEAD)
#endif
#define laterThanLook(e) (e.stored > anchorRedis)

/* Ghost: by how much an event may mislead: it is late by as much as Redis' clock was set ahead since
 * the look. Nothing tells that from an event of now. */
#define ahead(e) (e.soff - anchorOff)
#define late(e) (t - (e.stored - e.soff))
#define misleads(e) (ahead(e) > 0 && ahead(e) - late(e) >= 0 - TOL && ahead(e) - late(e) <= AHEAD + SAME -> ahead(e) : 0)

/* An event arrives. */
inline hear(i) {
	if
	:: copy == news[i].tok && wordRedis == news[i].stored /* known */
	:: else ->
		if
		:: anchored && agrees(news[i]) && laterThanLook(news[i]) ->
			T = news[i].tok; till = t + least(news[i].ends - news[i].stored, most(0, seems(news[i].ends)));
			wR = news[i].stored; wA = most(0, least(t, t + seems(news[i].stored)));
			real = news[i].ends - news[i].soff; word = news[i].stored - news[i].soff; misled = misleads(news[i]);
			take();
#ifdef CRIPPLE_ANCHOR
			anchorAt = t; anchorRedis = news[i].stored
#endif
		:: else
#ifdef PROMPT
			->
			if
			:: unread == 0 -> unread = 1
			:: else
			fi
#endif
		fi
	fi
}

/* read.lua. The question takes no time to get there: a longer way would make the copy older, no
 * more. The answer may take any. */
inline look() {
	lookAt = t; lookRedis = now; lookOff = off;
	if
	:: sound(redis) -> found.tok = redis.tok; found.ends = redis.ends; found.checked = redis.checked; found.soff = redis.soff
	:: else
	fi;
	foundAt = most(0, found.checked - found.soff);
#if STEPS > 0
	if /* dated ahead of Redis' clock: not known */
	:: found.checked > lookRedis -> found.checked = 0
	:: else
	fi;
#endif
	looking = ANSWERED
#ifdef PROMPT
	; looked = true
#endif
}

#ifndef PROMPT
#define mustLook true
#define mayTick true
#else
#ifdef CRIPPLE_TIMER
#define timer false
#else
#define timer (!usable || until <= t + DUE)
#endif
#ifdef CRIPPLE_UNREAD
#define hasNews false
#else
#define hasNews (unread > 0)
#endif
#define mustLook (!looked && (timer || hasNews))
#define mayTick (looking == NONE && !mustLook)
#endif

proctype Hearer() {
	do
	:: atomic { looking == NONE && mustLook -> look() }
	:: atomic { looking == ANSWERED -> answered() }
	od
} /* not reached: a process that does not end */

/* --- the rest of the world ------------------------------------------------------------------------ */

proctype Writer() {
	do
	:: atomic { writes < WRITES && minted < TOKENS -> mint(LIFE) }
	:: atomic { writes < WRITES && minted < TOKENS -> mint(BRIEF) }
	:: atomic { writes < WRITES && sound(redis) -> confirm() }
	od
} /* not reached: a process that does not end */

proctype Network() {
	byte i;
	do
	:: atomic {
		if
		:: news[0].tok > 0
		:: news[1].tok > 0 -> i = 1
#if WRITES > 2
		:: news[2].tok > 0 -> i = 2
#endif
		fi;
		hear(i);
		i = 0 }
	od
} /* not reached: a process that does not end */

inline follow() {
	behind.tok = redis.tok; behind.ends = redis.ends; behind.checked = redis.checked; behind.soff = redis.soff
}

proctype Trouble() {
	do
#if STEPS > 0
	:: atomic { steps > 0 -> steps--; stepped = true;
		if
		:: off = OFF - 3
		:: off = OFF - 1
		:: off = OFF + 1
		:: off = OFF + 2
		:: off = OFF + 4
		fi }
#endif
#if FAILOVERS > 0
	:: atomic { failovers > 0 -> follow() }
	:: atomic { failovers > 0 -> failovers--;
#ifdef PROMPT
		behindBy = 0; /* what it had is lost */
#endif
		redis.tok = behind.tok; redis.ends = behind.ends; redis.checked = behind.checked; redis.soff = behind.soff;
		behind.tok = 0; behind.ends = 0; behind.checked = 0; behind.soff = 0 }
#endif
	od
} /* not reached: a process that does not end */

/* A failover has brought back a longer word than the hearer was told since. */
#define knownShorter (told < redis.ends - redis.soff)

proctype Clock() {
	do
	:: atomic { t < END && mayTick ->
#ifdef PROMPT
		looked = false;
		if
		:: !usable && sound(redis) && redis.ends - now > X && !(redis.tok == copy && knownShorter) -> behindBy++
		:: else -> behindBy = 0
		fi;
		I4_a_tick_behind_redis_at_most = behindBy <= 1;
		assert(I4_a_tick_behind_redis_at_most);
		if
		:: unread > 0 -> unread++
		:: else
		fi;
		I4_news_are_looked_for = unread <= 2; /* it may have come after the look of this tick */
		assert(I4_news_are_looked_for);
#endif
		t++;
#ifdef PROMPT
		if
		:: !(sound(redis) && redis.ends - now > X) -> behindBy = 0
		:: else
		fi;
#endif
		check() }
	od
} /* not reached: a process that does not end */

init {
	atomic { run Hearer(); run Writer(); run Network(); run Trouble(); run Clock() }
}
