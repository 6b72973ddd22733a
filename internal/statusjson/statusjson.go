// Package statusjson is what the status of a credential is in JSON: as `onetoken status --json` prints
// it, and as the service has it under /api/status. Fields are only added.
package statusjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Help documents the names of the fields, which do not change.
const Help = `--json prints an array, empty if there is nothing, of objects:
  app_id, id         the id of the app or client, and that of the credential
                     in Redis' keys
  issuer_url         where its issuer is; "" if Redis does not say
  state              fresh, due, urgent or absent
  remaining_seconds  life of the stored token; 0 if there is none
  life_seconds       what the issuer gave it
  fetched_by         the name of the replica that asked for it; "" if none
  fetched_at         when, by Redis' clock (RFC 3339), or null
  locked_seconds     how long the lock lasts unless it is extended, or null
  locked_for_ever    true for a lock without end; then locked_seconds is null
  failure            the last failed call, or null:
    class            transient, unknown, rate_limited, quota or permanent
    code, message    the issuer's; code 0 if it gave none
    log_id           names the request for the issuer's support; "" if none
    by, attempts     the replica that made the last call, and how many in a row;
                     one without an answer may be its own trouble: not counted
    retry_in_seconds how long the issuer is not asked again; 0 if it may be
  garbled            why a record that is there cannot be used, or null`

// Object is one credential: see [Help].
type Object struct {
	AppID     string     `json:"app_id"`
	ID        string     `json:"id"`
	IssuerURL string     `json:"issuer_url"`
	State     string     `json:"state"`
	Remaining Seconds    `json:"remaining_seconds"`
	Life      Seconds    `json:"life_seconds"`
	FetchedBy string     `json:"fetched_by"`
	FetchedAt *time.Time `json:"fetched_at"`
	Locked    *Seconds   `json:"locked_seconds"`
	ForEver   bool       `json:"locked_for_ever"`
	Failure   *Failure   `json:"failure"`
	Garbled   *string    `json:"garbled"`
}

// Failure is the last failed call.
type Failure struct {
	Class    string  `json:"class"`
	Code     int     `json:"code"`
	Message  string  `json:"message"`
	LogID    string  `json:"log_id"`
	By       string  `json:"by"`
	Attempts int     `json:"attempts"`
	RetryIn  Seconds `json:"retry_in_seconds"`
}

// Seconds is a number in JSON, to the millisecond.
type Seconds float64

// SecondsOf a duration.
func SecondsOf(d time.Duration) Seconds { return Seconds(float64(d.Milliseconds()) / 1000) }

// Round is for people: to the second.
func (s Seconds) Round() time.Duration {
	return (time.Duration(s*1000) * time.Millisecond).Round(time.Second)
}

// Line is an array of all, in one line.
func Line(all []tokencache.Status) string {
	objects := make([]Object, len(all)) // never null
	for i, st := range all {
		objects[i] = Of(st)
	}
	raw, err := json.Marshal(objects)
	if err != nil {
		panic(err) // strings and numbers
	}
	return Printable(string(raw)) + "\n"
}

// Of is a status as an Object.
func Of(st tokencache.Status) Object {
	o := Object{
		AppID: st.App, ID: st.ID, IssuerURL: st.IssuerURL, State: string(st.State),
		Remaining: SecondsOf(st.Remaining), Life: SecondsOf(st.Life), FetchedBy: st.FetchedBy,
		ForEver: st.Locked < 0,
	}
	if !st.FetchedAt.IsZero() {
		o.FetchedAt = new(st.FetchedAt.UTC())
	}
	if st.Locked > 0 {
		o.Locked = new(SecondsOf(st.Locked))
	}
	if st.Garbled != "" {
		o.Garbled = &st.Garbled
	}
	if f := st.Failure; f != nil {
		o.Failure = &Failure{
			Class: f.Class.String(), Code: f.Code, Message: f.Message, LogID: f.LogID,
			By: st.FailedBy, Attempts: st.Attempts, RetryIn: SecondsOf(st.RetryIn),
		}
	}
	return o
}

// Printable escapes what encoding/json leaves as it is, though a terminal may
// take it for a command. In JSON without indentation such a rune is within a string.
func Printable(raw string) string {
	var b strings.Builder
	for _, r := range raw {
		switch high, low := utf16.EncodeRune(r); {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case high != unicode.ReplacementChar:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
