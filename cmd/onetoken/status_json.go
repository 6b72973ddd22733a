package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/onetoken-go/onetoken/tokencache"
)

// statusJSONHelp documents the names of the fields, which do not change.
const statusJSONHelp = `--json prints an array, empty if there is nothing, of objects:
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

type statusObject struct {
	AppID     string         `json:"app_id"`
	ID        string         `json:"id"`
	IssuerURL string         `json:"issuer_url"`
	State     string         `json:"state"`
	Remaining seconds        `json:"remaining_seconds"`
	Life      seconds        `json:"life_seconds"`
	FetchedBy string         `json:"fetched_by"`
	FetchedAt *time.Time     `json:"fetched_at"`
	Locked    *seconds       `json:"locked_seconds"`
	ForEver   bool           `json:"locked_for_ever"`
	Failure   *failureObject `json:"failure"`
	Garbled   *string        `json:"garbled"`
}

type failureObject struct {
	Class    string  `json:"class"`
	Code     int     `json:"code"`
	Message  string  `json:"message"`
	LogID    string  `json:"log_id"`
	By       string  `json:"by"`
	Attempts int     `json:"attempts"`
	RetryIn  seconds `json:"retry_in_seconds"`
}

// seconds is a number in JSON, to the millisecond.
type seconds float64

func secondsOf(d time.Duration) seconds { return seconds(float64(d.Milliseconds()) / 1000) }

// statusJSON is one line.
func statusJSON(all []tokencache.Status) string {
	objects := make([]statusObject, len(all)) // never null
	for i, st := range all {
		objects[i] = objectOf(st)
	}
	raw, err := json.Marshal(objects)
	if err != nil {
		panic(err) // strings and numbers
	}
	return printableJSON(string(raw)) + "\n"
}

func objectOf(st tokencache.Status) statusObject {
	o := statusObject{
		AppID: st.App, ID: st.ID, IssuerURL: st.IssuerURL, State: string(st.State),
		Remaining: secondsOf(st.Remaining), Life: secondsOf(st.Life), FetchedBy: st.FetchedBy,
		ForEver: st.Locked < 0,
	}
	if !st.FetchedAt.IsZero() {
		o.FetchedAt = new(st.FetchedAt.UTC())
	}
	if st.Locked > 0 {
		o.Locked = new(secondsOf(st.Locked))
	}
	if st.Garbled != "" {
		o.Garbled = &st.Garbled
	}
	if f := st.Failure; f != nil {
		o.Failure = &failureObject{
			Class: f.Class.String(), Code: f.Code, Message: f.Message, LogID: f.LogID,
			By: st.FailedBy, Attempts: st.Attempts, RetryIn: secondsOf(st.RetryIn),
		}
	}
	return o
}

// printableJSON escapes what encoding/json leaves as it is, though a terminal may
// take it for a command. In JSON without indentation such a rune is within a string.
func printableJSON(raw string) string {
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
