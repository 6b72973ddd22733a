/*
 * Rejections, by value.
 *
 * Two tokens: F, which callers reject, as an API has refused it, and G, which nobody rejects and which
 * lives longer. Two replicas. The issuer gives either at any call: it may hand F out again, and then F
 * is good again. Redis keeps a tombstone of F; a failover loses the last writes, record and tombstone
 * among them. A replica may be let down by Redis at any call (a direct call), and puts its token back
 * later. Nothing ends in this model: lives are lock.pml's and events.pml's concern.
 *
 * Time. `t` goes from 1 to END, by all clocks, as those of rejections are compared by Redis' clock; a
 * tick has any number of steps, so that moments are often the same. A moment of 0 is not known.
 *
 * Order. The code numbers questions and rejections, and takes no answer to a question that was asked
 * before the last rejection of that token. Here a question on its way has a bit for that, `stale`,
 * which a rejection by the same process sets.
 *
 * Ghosts, marked so, are what only the assertions read: `bad` is whether a replica has seen F
 * rejected, and no call that began since then has brought F. `after` says of a call under way since
 * which rejections it has begun.
 */

#ifndef END
#define END 4
#endif
#define COOL 2         /* ticks: the cool-down, of replicas and of the tombstone */
#define LATE 1         /* ticks: how late an event may be and still be believed */
#ifndef REJECTS
#define REJECTS 2      /* in a run */
#endif
#ifndef CALLS
#define CALLS 2        /* in a run */
#endif
#ifndef FAILOVERS
#define FAILOVERS 1
#endif

#define NONE 0
#define F 1
#define G 2

byte t = 1

mtype = { IDLE, LOOKED, CALLING, GOT, WROTE }

typedef Store {
	byte tok, checked; /* the record, and when the issuer was asked for its last word on it */
	byte tomb;         /* the tombstone of F: when it was rejected */
	byte by            /* whose event told of that, as an index of news + 1 */
}
Store redis, behind

typedef Replica {
	mtype at = IDLE;
	byte copy, word;        /* the copy, and when the issuer was asked for its last word on it */
	bool unpublished;       /* the copy is of a direct call: Redis does not know it */
	bool anchored;          /* it has looked, so that it knows Redis' clock */
	bool after_T;           /* it has looked since the last event of a token was sent */
	/* what it knows of F's rejection: rejection in rejections.go */
	bool knows, told, renewed;
	byte rejected, dated;   /* by its own clock, and by Redis' */
	byte heard;             /* events that it has heard, or knows of, as bits */
	/* what is on its way */
	byte found, checked, read; /* an answer of Redis: token, its word, Redis' time */
	bool stale;                /* F was rejected here since that was asked for */
	bool direct;               /* Redis is not asked */
	byte asked, got;           /* a call: Redis' time before it (0: not known), and what the issuer gave */
	bool bad;                  /* ghost */
	byte after                 /* ghost: of the call under way */
}
Replica r[2]

/* Events. Those of rejections are kept for ever, of tokens the last. */
typedef Told {
	byte moment;
	bool since /* ghost: a call that has begun since then has brought F */
}
Told news[REJECTS]
byte sent /* of news */
byte tokNews, tokStored, tokChecked

byte rejects = REJECTS, calls = CALLS, failovers = FAILOVERS
byte dropped /* ghost: when F was last dropped from Redis */
byte k

bool I1_no_copy_seen_rejected = true
bool I2_no_late_publish_of_the_rejected = true
bool I3_one_drop_in_a_cool_down = true
bool I4_handed_out_again_is_adopted = true

/* Bits of `after`: the rejection that a replica has seen, what an event tells of. */
#define SEEN(i) (1 << i)
#define NEWS(e) (4 << e)
#define ALL 63

/* --- ghosts -------------------------------------------------------------------------------------- */

/* The calls under way began before what that bit stands for. */
inline notAfter(mark) {
	r[0].after = r[0].after & (ALL - mark);
	r[1].after = r[1].after & (ALL - mark)
}

/* What replica i has rejected counts as the rejection of that event, which was before: a call that has
 * begun since then counts, too. */
inline isSame(i, e) {
	r[i].bad = r[i].bad && !news[e].since;
	for (k : 0 .. 1) {
		if
		:: r[k].after & NEWS(e) -> r[k].after = r[k].after | SEEN(i)
		:: else
		fi
	}
	k = 0
}

/* Replica i has heard of a rejection: calls count that began after it, wherever it was. */
inline hears(i, e) {
	if
	:: !news[e].since ->
		for (k : 0 .. 1) {
			if
			:: !(r[k].after & NEWS(e)) -> r[k].after = r[k].after & (ALL - SEEN(i))
			:: (r[k].after & NEWS(e)) && !r[i].bad -> r[k].after = r[k].after | SEEN(i)
			:: else /* it has seen a later one */
			fi
		}
		k = 0;
		r[i].bad = true
	:: else
	fi
}

inline check(i) {
	I1_no_copy_seen_rejected = r[i].copy != F || !r[i].bad;
	assert(I1_no_copy_seen_rejected)
}

/* --- what becomes the copy -------------------------------------------------------------------------- */

/* What is offered to be the copy: token, the issuer's word on it and the answer that it comes with, by
 * Redis' clock; whether this process got it of the issuer, and whether it was asked for before the last
 * rejection. 0 between steps. */
byte T, word, seen
bool own, old

/* Whether the issuer has confirmed F after it was rejected: by Redis' clock if that has dated both. (By
 * our own clocks, of nanoseconds, nothing is of one moment: in one tick the rejection counts.) */
#define checkedSince(i) (r[i].dated > 0 && word > 0 && r[i].dated <= seen -> word > r[i].dated : word > r[i].rejected)

#ifdef CRIPPLE_ASKED
#define asksBefore false
#else
#define asksBefore old
#endif
#ifdef CRIPPLE_FORGOTTEN
#define forgotten(i) false
#else
#ifdef CRIPPLE_AGAIN
#define forgotten(i) (!r[i].renewed)
#else
#define forgotten(i) (!r[i].renewed && !checkedSince(i))
#endif
#endif
#define doubts(i) (!r[i].told || forgotten(i))
#define forbids(i) (r[i].knows && (asksBefore || !own && doubts(i)))

/* A token may become the copy: F not if that is forbidden. F makes way for G, which lives longer. */
inline adopt(i) {
	if
	:: T == G -> r[i].copy = G; r[i].word = 0; r[i].unpublished = false
	:: T == F && !forbids(i) && (r[i].copy == NONE || r[i].copy == F && word >= r[i].word) ->
		r[i].copy = F; r[i].word = word; r[i].unpublished = false;
		check(i)
	:: else
	fi;
	T = NONE; word = 0; seen = 0; own = false; old = false
}

inline drop(i) {
	if
	:: r[i].copy == F -> r[i].copy = NONE; r[i].word = 0; r[i].unpublished = false
	:: else
	fi
}

/* --- rejections ----------------------------------------------------------------------------------- */

#ifdef CRIPPLE_COOL
#define cooling(i) false
#define coolsThere false
#else
#define cooling(i) (r[i].knows && t - r[i].rejected < COOL)
#define coolsThere (redis.tomb > 0 && t - redis.tomb < COOL)
#endif

#define untold(i) (r[i].knows && !r[i].told)
#define hearsOf(i, e) r[i].heard = r[i].heard | (1 << e)

/* What is on its way was asked for before. */
inline number(i) {
	r[i].stale = (r[i].at != IDLE)
}

/* A caller rejects F: it drops the copy, and Redis is to be told. */
inline reject(i) {
	if
	:: cooling(i) /* a repetition, or ErrCoolDown: nothing happens */
	:: else ->
		rejects--;
		r[i].knows = true; r[i].told = false; r[i].renewed = false;
		r[i].rejected = t; r[i].dated = 0;
		number(i);
		r[i].bad = true;
		notAfter(SEEN(i));
		drop(i)
	fi
}

/* Redis knows of the rejection, and has dated it. */
inline learns(i, e, again) {
	r[i].told = true; r[i].renewed = again; r[i].dated = news[e].moment;
	hearsOf(i, e)
}

/* invalidate.lua: the record goes if it is F, and a tombstone stays. Within the cool-down nothing
 * happens, and the rejection counts as the first one. */
inline tell(i) {
	if
	:: coolsThere ->
		learns(i, (redis.by - 1), redis.tok == F);
		isSame(i, (redis.by - 1))
	:: !coolsThere && sent < REJECTS ->
		redis.tomb = t; redis.by = sent + 1;
		if
		:: redis.tok == F ->
			I3_one_drop_in_a_cool_down = dropped == 0 || t - dropped >= COOL;
			assert(I3_one_drop_in_a_cool_down);
			dropped = t;
			redis.tok = NONE; redis.checked = 0
		:: else
		fi;
		notAfter(NEWS(sent));
		news[sent].moment = t;
		learns(i, sent, false);
		sent++
	fi
}

/* An event of a rejection. */
inline hear(i, e) {
	if
	:: r[i].heard & (1 << e) /* known, or one's own */
	:: !(r[i].heard & (1 << e)) && (!r[i].anchored || t - news[e].moment > LATE) -> /* late: addLate */
		if
		:: !untold(i) -> hears(i, e)
		:: else /* its own, which it is about to tell, counts */
		fi;
		if
		:: !r[i].knows -> r[i].knows = true; r[i].told = true; r[i].renewed = false; r[i].rejected = t; r[i].dated = news[e].moment
		:: else
		fi;
		if
		:: r[i].told -> number(i)
		:: else
		fi;
		if
		:: r[i].dated > 0 && news[e].moment > r[i].dated -> r[i].dated = news[e].moment
		:: else
		fi;
		hearsOf(i, e);
		drop(i)
	:: !(r[i].heard & (1 << e)) && !(!r[i].anchored || t - news[e].moment > LATE) &&
		r[i].copy == F && r[i].word > news[e].moment /* handed out again since */
	:: else -> /* rejectedElsewhere */
		if
		:: cooling(i) -> /* counts as the same rejection once more */
			r[i].told = true;
			isSame(i, e)
		:: else ->
			hears(i, e);
			r[i].knows = true; r[i].told = true; r[i].renewed = false; r[i].rejected = t; r[i].dated = 0;
			number(i)
		fi;
		if
		:: news[e].moment > r[i].dated -> r[i].dated = news[e].moment
		:: else
		fi;
		hearsOf(i, e);
		drop(i)
	fi
}

/* --- fills ------------------------------------------------------------------------------------------ */

/* read.lua, once Redis has heard of all rejections. */
inline look(i) {
	r[i].found = redis.tok; r[i].checked = redis.checked; r[i].read = t;
	r[i].stale = false;
	r[i].at = LOOKED
}

inline forgetReply(i) {
	r[i].found = NONE; r[i].checked = 0; r[i].read = 0
}

inline rest(i) {
	r[i].at = IDLE; r[i].stale = false; r[i].direct = false; r[i].asked = 0; r[i].got = NONE; r[i].after = 0
}

inline begin(i) {
	calls--;
	r[i].stale = false;
	r[i].after = ALL;
	r[i].at = CALLING
}

inline looked(i) {
	r[i].anchored = true;
	r[i].after_T = r[i].after_T || tokNews > 0 && r[i].read >= tokStored;
	T = r[i].found; word = r[i].checked; seen = r[i].read; old = r[i].stale;
	adopt(i);
	I4_handed_out_again_is_adopted = !(r[i].found == F && r[i].copy == NONE && !r[i].stale && !r[i].bad && r[i].told && r[i].dated > 0 && r[i].checked > r[i].dated);
	assert(I4_handed_out_again_is_adopted);
	r[i].asked = r[i].read;
	forgetReply(i)
}

/* The issuer gives F or G. */
inline answer(i, tk) {
	r[i].got = tk;
	r[i].asked = (tk == F -> r[i].asked : 0);
	r[i].at = GOT;
	if
	:: tk == F ->
		for (k : 0 .. 1) {
			if
			:: r[i].after & SEEN(k) -> r[k].bad = false
			:: else
			fi
		}
		for (k : 0 .. REJECTS - 1) {
			if
			:: k < sent && (r[i].after & NEWS(k)) -> news[k].since = true
			:: else
			fi
		}
		k = 0
	:: else
	fi
}

#ifdef CRIPPLE_TOMBSTONE
#define refuses(as) false
#else
#define refuses(as) (redis.tomb > 0 && redis.tomb >= as)
#endif

inline announce() {
	tokNews = redis.tok; tokStored = t; tokChecked = redis.checked;
	r[0].after_T = false; r[1].after_T = false
}

/* publish.lua. A tombstone refuses F if that was asked for before; G replaces F, and F never G. */
inline publish(i) {
	if
	:: r[i].got == F && refuses(r[i].asked) -> rest(i) /* REJECTED: looks, and may ask again */
	:: else ->
		if
		:: r[i].got == F && redis.tok == G /* KEPT */
		:: else ->
			I2_no_late_publish_of_the_rejected = r[i].got != F || redis.tomb == 0 || (r[i].after & NEWS((redis.by - 1)));
			assert(I2_no_late_publish_of_the_rejected);
			if
			:: r[i].got == F && redis.tok == F && redis.checked > r[i].asked /* KEPT: an older word */
			:: else -> redis.tok = r[i].got; redis.checked = (r[i].got == F -> r[i].asked : 0); announce()
			fi
		fi;
		r[i].found = redis.tok; r[i].checked = redis.checked; r[i].read = t;
		r[i].at = WROTE
	fi
}

inline wrote(i) {
	T = r[i].found; word = r[i].checked; seen = r[i].read; old = r[i].stale;
	own = (r[i].found == r[i].got);
	adopt(i);
	if
	:: r[i].copy == NONE -> /* Redis has forgotten that what it holds was rejected: then ours */
		T = r[i].got; own = true; old = r[i].stale;
		adopt(i)
	:: else
	fi;
	forgetReply(i);
	rest(i)
}

/* Redis has let the fill down: the answer is kept, and put back later. */
inline keep(i) {
	if
	:: r[i].got == F && r[i].copy != G && !(r[i].knows && r[i].stale) ->
		r[i].copy = F; r[i].word = 0; r[i].unpublished = true;
		check(i)
	:: r[i].got == G -> r[i].copy = G; r[i].word = 0; r[i].unpublished = true
	:: else
	fi;
	rest(i)
}

#ifdef CRIPPLE_PUT_BACK
#define refusesPutBack false
#else
#define refusesPutBack (redis.tomb > 0)
#endif

/* A put-back: of the time of asking nothing sure is known, so that any tombstone refuses it. */
inline putBack(i) {
	if
	:: r[i].copy == F && refusesPutBack -> /* REJECTED: others have rejected it, if this process has not */
		if
		:: !r[i].knows ->
			r[i].knows = true; r[i].told = true; r[i].rejected = t; r[i].dated = 0; number(i);
			drop(i)
		:: else
		fi
	:: r[i].copy == F && !refusesPutBack && redis.tok == NONE ->
		I2_no_late_publish_of_the_rejected = redis.tomb == 0;
		assert(I2_no_late_publish_of_the_rejected);
		redis.tok = F; redis.checked = 1; /* long ago */
		announce()
	:: r[i].copy == G && redis.tok != G -> redis.tok = G; redis.checked = 0; announce()
	:: else
	fi;
	r[i].unpublished = false
}

proctype Process(byte i) {
	do
	:: d_step { rejects > 0 && (r[i].copy == F || r[i].knows) -> reject(i) }
	:: d_step { untold(i) && (coolsThere || sent < REJECTS) -> tell(i) }
	:: d_step { r[i].at == IDLE && !untold(i) -> look(i) }
	:: d_step { r[i].at == LOOKED -> looked(i); rest(i) }
	:: d_step { r[i].at == LOOKED && calls > 0 -> looked(i); /* without a copy it asks */
		if
		:: r[i].copy == NONE -> begin(i)
		:: else -> rest(i)
		fi }
	:: d_step { r[i].at == IDLE && r[i].copy == NONE && calls > 0 -> r[i].direct = true; begin(i) }
	:: d_step { r[i].at == CALLING -> answer(i, F) }
	:: d_step { r[i].at == CALLING -> answer(i, G) }
	:: d_step { r[i].at == GOT && !r[i].direct -> publish(i) }
	:: d_step { r[i].at == GOT -> keep(i) }
	:: d_step { r[i].at == WROTE -> wrote(i) }
	:: d_step { r[i].at == IDLE && r[i].unpublished && !untold(i) -> putBack(i) }
	od
} /* not reached: a process that does not end */

/* Events arrive: any, at any time, any number of times. */
/* One of a token, which agrees with the last look; any other has the replica look. */
inline hearToken(i) {
	T = tokNews; word = tokChecked;
#ifdef CRIPPLE_ARRIVAL
	seen = tokStored;
#else
	seen = t;
#endif
	adopt(i)
}

proctype Network() {
	do
	:: d_step { sent > 0 -> hear(0, 0) }
	:: d_step { sent > 0 -> hear(1, 0) }
#if REJECTS > 1
	:: d_step { sent > 1 -> hear(0, 1) }
	:: d_step { sent > 1 -> hear(1, 1) }
#endif
	:: d_step { tokNews > 0 && r[0].anchored && !r[0].after_T -> hearToken(0) }
	:: d_step { tokNews > 0 && r[1].anchored && !r[1].after_T -> hearToken(1) }
	od
} /* not reached: a process that does not end */

proctype Trouble() {
	do
	:: d_step { failovers > 0 -> behind.tok = redis.tok; behind.checked = redis.checked; behind.tomb = redis.tomb; behind.by = redis.by }
	:: d_step { failovers > 0 -> failovers--;
		redis.tok = behind.tok; redis.checked = behind.checked; redis.tomb = behind.tomb; redis.by = behind.by;
		behind.tok = 0; behind.checked = 0; behind.tomb = 0; behind.by = 0;
		dropped = 0 }
	od
} /* not reached: a process that does not end */

proctype Clock() {
	do
	:: d_step { t < END -> t++;
		if /* too late to be believed */
		:: tokNews > 0 && t - tokStored > LATE -> tokNews = NONE; tokStored = 0; tokChecked = 0; r[0].after_T = false; r[1].after_T = false
		:: else
		fi }
	od
} /* not reached: a process that does not end */

init {
	atomic { run Process(0); run Process(1); run Network(); run Trouble(); run Clock() }
}
