package tokencache

import (
	"strconv"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// record is what Redis holds for a credential. Others can write there, so
// nothing in it is believed before it is checked.
type record struct {
	token       Token // zero until it is opened; its life is what the issuer gave it
	sealed, sum string
	fingerprint string
	life        time.Duration
	remaining   time.Duration // at the moment below, or later
	at          instant       // before Redis was asked
	fetchedBy   string
	fetchedAt   time.Time     // by Redis' clock, for people
	now         time.Time     // by Redis' clock, when it was read
	checkedAt   time.Time     // by Redis' clock: when the issuer was asked for its last word on this token; zero if that is not known
	checked     time.Duration // that long ago, or longer
	window      time.Duration // the issuer's, as its Fetcher had it
}

// The order of the fields in every script. A fill does with those before neededFields;
// the rest costs Redis time when a fleet asks.
const (
	fieldSealed = iota
	fieldFingerprint
	fieldLife
	fieldSum
	fieldCheckedAt
	fieldEndsAt
	fieldFetchedBy
	fieldFetchedAt
	fieldWindow
	fieldIssuerURL
	tokenFields

	neededFields = fieldFetchedBy
)

// parseRecord returns the record of a token key, or what is wrong with it: a
// reason, empty if there is nothing stored. The TTL is -1 ms for a key without
// one and -2 ms for no key; somebody may have prolonged it, so ends_at bounds it.
func parseRecord(fields []string, ttl time.Duration, redisNow time.Time) (*record, string) {
	if ttl == noKey {
		return nil, ""
	}
	if len(fields) < neededFields {
		return nil, "fields missing"
	}
	fields = append(fields, make([]string, tokenFields-min(tokenFields, len(fields)))...)
	sealed, fp, sum := fields[fieldSealed], fields[fieldFingerprint], fields[fieldSum]
	life, ok := wire.ExactMillis(fields[fieldLife])
	end, _ := wire.ParseMillis(fields[fieldEndsAt])
	left := time.UnixMilli(end.Milliseconds()).Sub(redisNow)
	switch {
	case sealed == "" || fp == "" || sum == "":
		return nil, "fields missing"
	case sum != wire.Sum(sealed, fp, fields[fieldLife]):
		return nil, "checksum does not match"
	case !ok || life <= 0 || life > wire.LongestLife:
		return nil, "life is no number"
	case ttl == noTTL:
		return nil, "no TTL"
	case ttl > life:
		return nil, "TTL beyond life"
	case left <= 0:
		return nil, "past its end"
	case left > life:
		return nil, "end beyond life"
	}

	r := &record{
		sealed:      sealed,
		sum:         sum,
		fingerprint: fp,
		life:        life,
		remaining:   min(ttl, left),
		fetchedBy:   word(fields[fieldFetchedBy]),
		checked:     wire.LongestLife,
	}
	if w, ok := wire.ParseMillis(fields[fieldWindow]); ok && w <= wire.LongestLife {
		r.window = w
	}
	if at, ok := wire.ParseMillis(fields[fieldFetchedAt]); ok {
		r.fetchedAt = time.UnixMilli(at.Milliseconds())
	}
	if at, ok := wire.ParseMillis(fields[fieldCheckedAt]); ok {
		at := time.UnixMilli(at.Milliseconds())
		if ago := redisNow.Sub(at); ago >= 0 {
			r.checked, r.checkedAt = ago, at
		}
	}
	return r, ""
}

// open makes the token of what is sealed.
func (r *record) open(seal wire.Sealer, id string) error {
	app, tenant, err := seal.OpenRecord(id, r.fingerprint, r.life, r.sealed)
	if err != nil {
		return err
	}
	r.token = NewToken(app, tenant, r.life)
	return nil
}

// failure is what Redis remembers of the last call that did not give a token.
type failure struct {
	err      *IssuerError
	hold     time.Duration // how much longer nobody shall ask; 0: over
	until    time.Time     // by Redis' clock; it tells two failures apart
	attempts int           // failed calls in a row, up to the cap in fail.lua
	by       string
}

// The order of the fields in read.lua.
const (
	failUntil = iota
	failAttempts
	failIssuer
	failClass
	failCode
	failStatus
	failMessage
	failLogID
	failAdvice
	failLocal
	failBy
	failureFields // that every version has

	failRefused   = failureFields     // "1": fresh tokens were rejected, the issuer has not failed
	failIssuerURL = failureFields + 1 // for people
)

// parseFailure returns nil if there is none. One without a TTL, or that claims
// to hold longer than any can, holds nobody: a garbled record must not block
// for ever.
func parseFailure(fields []string, ttl time.Duration, redisNow time.Time) *failure {
	if ttl == noKey || len(fields) < failureFields {
		return nil
	}
	attempts, _ := strconv.Atoi(fields[failAttempts])
	f := &failure{
		attempts: attempts,
		by:       word(fields[failBy]),
		err: &IssuerError{
			Issuer:  word(fields[failIssuer]),
			Code:    atoi(fields[failCode]),
			Status:  atoi(fields[failStatus]),
			Message: text(fields[failMessage]),
			LogID:   word(fields[failLogID]),
			Advice:  text(fields[failAdvice]),
			Class:   parseClass(fields[failClass]),
			Local:   fields[failLocal] == "1",
		},
	}
	if len(fields) > failRefused && fields[failRefused] == "1" {
		f.err.Err = ErrRejected
	}
	until, ok := wire.ParseMillis(fields[failUntil])
	if !ok {
		return f
	}
	f.until = time.UnixMilli(until.Milliseconds())
	hold := f.until.Sub(redisNow)
	if hold > 0 && hold <= ttl && hold <= maxHold {
		f.hold = hold
	}
	if f.err.Class == ClassRateLimited || f.err.Class == ClassQuota {
		f.err.RetryAfter = f.hold // what is left of it
	}
	return f
}

// holds reports whether the fleet shall not ask yet.
func (f *failure) holds() bool { return f != nil && f.hold > 0 }

// What Redis answers for a PTTL, in milliseconds.
const (
	noTTL = -1 * time.Millisecond
	noKey = -2 * time.Millisecond
)

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
