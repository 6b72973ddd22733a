package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

// judge says of what Redis knows whether there is a usable token of a credential that counts.
type judge struct {
	ours   string // the id of the environment's credential; "": it has none
	appID  string // of the environment; "": none
	prefix string
	urlSet bool // the variable of the issuer's address
	variables
}

// verdict is nil if there is a usable token of a credential that counts. It is never an
// IssuerError: the issuer has not refused this command.
func (j judge) verdict(all []tokencache.Status) error {
	var without []tokencache.Status
	for _, st := range all {
		switch {
		case !j.judges(st):
		case st.State != tokencache.StateAbsent:
			return nil
		default:
			without = append(without, st)
		}
	}
	switch len(without) {
	case 0:
		if j.appID != "" {
			name := "this app"
			if j.shows(j.appID) {
				name = terminal.Datum(j.appID)
			}
			return fmt.Errorf("no usable token of %s: there is nothing of it under the prefix %s in redis (%s, REDIS_URL, ONETOKEN_PREFIX)", name, j.prefix, j.id)
		}
		return fmt.Errorf("no usable token: there is nothing under the prefix %s in redis (REDIS_URL, ONETOKEN_PREFIX)", j.prefix)
	case 1:
		return fmt.Errorf("no usable token of %s: %s", j.nameAmong(without[0], all), j.whyAbsent(without[0], all))
	}
	return fmt.Errorf("no usable token of %d credentials; of %s: %s", len(without), j.nameAmong(without[0], all), j.whyAbsent(without[0], all))
}

// judges says whether a credential counts: our own if we have one, else those of the app whose id
// is given, else all.
func (j judge) judges(st tokencache.Status) bool {
	if j.ours != "" {
		return j.isOurs(st)
	}
	return j.appID == "" || st.App == j.appID
}

// isOurs is false if there is none of our own.
func (j judge) isOurs(st tokencache.Status) bool { return j.ours != "" && st.ID == j.ours }

// twinsOf are others of the same app or client: with another secret, asked for otherwise, or at another
// issuer.
func twinsOf(st tokencache.Status, all []tokencache.Status) (twins []tokencache.Status) {
	for _, other := range all {
		if other.App == st.App && other.ID != st.ID {
			twins = append(twins, other)
		}
	}
	return twins
}

// nameAmong is the app, and where its issuer is if it is ours or has a twin; then the first
// digits of the digest in its id, too.
func (j judge) nameAmong(st tokencache.Status, all []tokencache.Status) string {
	name, twins := terminal.Datum(st.App), twinsOf(st, all)
	if st.IssuerURL != "" && (len(twins) > 0 || j.isOurs(st)) {
		name += " at " + terminal.Datum(st.IssuerURL)
	}
	if len(twins) > 0 {
		name += " (" + digestOf(st, 8) + ")"
	}
	return name
}

// digestOf is the beginning of the digest in an id.
func digestOf(st tokencache.Status, digits int) string {
	digest := st.ID[strings.LastIndex(st.ID, ":")+1:]
	return terminal.Datum(digest[:min(digits, len(digest))])
}

func (j judge) whyAbsent(st tokencache.Status, all []tokencache.Status) string {
	switch {
	case st.Garbled != "":
		return "what is stored cannot be used: " + terminal.Datum(st.Garbled)
	case st.Failure != nil:
		why := terminal.Datum(advice.InVariables(st.Failure)) + "; " + againIn(st.RetryIn)
		if st.Failure.Class == tokencache.ClassPermanent {
			why += "; " + advice.AskAtOnce
		}
		return why
	case st.Remaining > 0:
		return "the one that is stored ends in " + roundly(st.Remaining)
	case st.Locked > 0:
		return "somebody is asking the issuer just now"
	}
	const next = "whoever needs one next asks the issuer, as onetoken token does"
	if twins := twinsOf(st, all); j.isOurs(st) && len(twins) > 0 {
		return j.otherwise(st, twins) + "; " + next
	}
	return "none is stored; " + next
}

// otherwise says of our own credential, of which there is nothing, which others of the app or client
// there are: mostly a variable is another than elsewhere.
func (j judge) otherwise(ours tokencache.Status, twins []tokencache.Status) string {
	const most = 3
	var others []string
	elsewhere, here := false, false
	for i, twin := range twins {
		elsewhere = elsewhere || twin.IssuerURL != ours.IssuerURL
		here = here || twin.IssuerURL == ours.IssuerURL || twin.IssuerURL == ""
		if i < most {
			others = append(others, j.whereabouts(twin, ours)+" ("+digestOf(twin, 8)+", "+string(twin.State)+")")
		}
	}
	if more := len(twins) - most; more > 0 {
		others = append(others, fmt.Sprintf("%d more", more))
	}
	return "nothing is stored for it, but of the same " + j.noun + " " + strings.Join(others, ", ") + ": check " + j.toCheck(here, elsewhere)
}

// toCheck names the variables that make another credential at the same address, or have another one.
func (j judge) toCheck(here, elsewhere bool) string {
	var all []string
	if here {
		all = append(all, j.request...)
		all = append(all, j.secret)
	}
	if elsewhere {
		url := j.url
		if !j.urlSet {
			url += ", which is not set"
		}
		all = append(all, url)
	}
	last := len(all) - 1
	if last == 0 {
		return all[0]
	}
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

func (j judge) whereabouts(twin, ours tokencache.Status) string {
	differs := "with another secret"
	if len(j.request) > 0 {
		differs = "asked for otherwise or " + differs
	}
	switch twin.IssuerURL {
	case "":
		return differs + " or " + j.place
	case ours.IssuerURL:
		return differs
	}
	return "at " + terminal.Datum(twin.IssuerURL)
}

func againIn(wait time.Duration) string {
	if wait <= 0 {
		return "the issuer may be asked again"
	}
	return "the issuer is asked again in " + roundly(wait)
}

// roundly is a duration as exact as people want it.
func roundly(d time.Duration) string {
	if d < 10*time.Second {
		return max(0, d.Round(100*time.Millisecond)).String()
	}
	return d.Round(time.Second).String()
}
