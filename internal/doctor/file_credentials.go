package doctor

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/remote"
	"github.com/onetoken-go/onetoken/internal/service/stored"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/tokencache"
)

// credentials lays what Redis has beside the file.
func (x *fileExam) credentials(ctx context.Context, redisFailed bool) {
	x.unseen = "redis is not at hand"
	if !redisFailed {
		x.look(ctx)
	}
	found := make([]finding, len(x.File.Credentials))
	bounded, stop := context.WithTimeout(ctx, askingTakes)
	defer stop()
	var all sync.WaitGroup
	free := make(chan struct{}, asksAtOnce)
	for i, c := range x.File.Credentials {
		free <- struct{}{} // here, so that the first of the file come first
		all.Go(func() {
			defer func() { <-free }()
			found[i] = x.credential(bounded, c)
		})
	}
	all.Wait()
	for i, c := range x.File.Credentials {
		x.chart.addOf(c.Name, found[i])
	}
}

const (
	// asksAtOnce bounds how many issuers are asked for a token at once.
	asksAtOnce = 16
	// askingTakes bounds all of them, so that there is time left for the other checks if no issuer answers.
	askingTakes = 12 * time.Second
)

// look asks Redis about all. A Redis that does not tell is one finding for all.
func (x *fileExam) look(ctx context.Context) {
	type sight struct {
		seen map[string]tokencache.Status
		err  error
	}
	got, ok := inTime(ctx, func(ctx context.Context) sight {
		cache, err := tokencache.New(x.Redis, x.patient.Cache)
		if err != nil {
			return sight{err: err}
		}
		defer cache.Close()
		seen, err := stored.Look(ctx, cache, x.File.Credentials)
		return sight{seen, err}
	})
	var f finding
	switch {
	case !ok, cutShort(ctx, got.err):
		f = late(ctx, "credentials")
	case got.err != nil:
		f = failed("credentials", got.err)
	default:
		x.seen = got.seen
		return
	}
	x.unseen = "redis has not told of it"
	x.chart.add(f)
}

// credential is what Redis has of one, and what its issuer gives if it is to be asked.
func (x *fileExam) credential(ctx context.Context, c config.Credential) finding {
	st, known := x.seen[c.Name]
	switch {
	case c.Disabled:
		return skipped("credential", "disabled: nobody asks for it")
	case !known:
		return skipped("credential", x.unseen)
	case st.Garbled != "":
		return finding{"credential", checkFail, "what is stored cannot be used: " + st.Garbled, "see that nobody else writes under this prefix; the next call to the issuer mends it"}
	case st.State == tokencache.StateUrgent && x.hasLater(c.Name, st.Remaining):
		return aroundRedis("the token that is stored ends in " + rounded(st.Remaining))
	case st.State != tokencache.StateAbsent:
		return x.newer(c.Name, alive(st))
	case x.Ask:
		return x.ask(ctx, c)
	case st.Failure != nil:
		f := failed("credential", st.Failure)
		f.Found = "no token is stored; the last call for one: " + f.Found
		if st.RetryIn > 0 {
			f.Advice += "; the issuer is asked again in " + rounded(st.RetryIn)
		}
		if at := x.reported(c.Name); at.Newer != nil && isUsable(at) {
			f.Found += "; meanwhile the service hands out tokens of the one before this"
		}
		return f
	case isUsable(x.reported(c.Name)) && x.reported(c.Name).Newer == nil:
		return aroundRedis("no token is stored")
	case x.reported(c.Name).Trouble != nil:
		return unbrought(*x.reported(c.Name).Trouble)
	case st.Locked > 0:
		return finding{"credential", checkWarn, "no token is stored, and somebody asks the issuer just now", "look again in a moment"}
	}
	return finding{"credential", checkWarn, "no token is stored, and nobody has asked for one", "start the service, or have --ask get one"}
}

// aroundRedis is the finding of a token that the service of the file has, and Redis has not.
func aroundRedis(stored string) finding {
	return finding{"credential", checkWarn, stored + ", and the service hands out one that it has got around redis", "see what is said of redis: the others have that token once redis takes it"}
}

// unbrought is the finding of a token that the service of the file has asked for in vain.
func unbrought(why remote.Trouble) finding {
	return finding{"credential", checkFail, "no token is stored, and the service gets none: " + why.Text, cmp.Or(why.Advice, "wait: the service asks again by itself")}
}

// reported is what the service of the file tells of a credential; the zero one: nothing.
func (x *fileExam) reported(name string) remote.Credential {
	if x.own == nil {
		return remote.Credential{}
	}
	for _, c := range x.own.report.Credentials {
		if c.Name == name {
			return c
		}
	}
	return remote.Credential{}
}

// isUsable is false of a service that does not tell.
func isUsable(c remote.Credential) bool { return c.Usable != nil && *c.Usable }

// hasLater reports whether the service of the file has a token of the credential that ends well after a stored one of
// which so much is left.
func (x *fileExam) hasLater(name string, left time.Duration) bool {
	const apart = 10 * time.Second
	c := x.reported(name)
	return isUsable(c) && c.Newer == nil && c.Remaining.Round() > left+apart
}

// alive is a stored token, and what keeps the fleet from a newer one.
func alive(st tokencache.Status) finding {
	f := finding{Name: "credential", Status: checkOK, Found: "a token, " + rounded(st.Remaining) + " of " + rounded(st.Life) + " left"}
	if st.FetchedBy != "" && !st.FetchedAt.IsZero() {
		f.Found += ", fetched " + st.FetchedAt.UTC().Format(time.DateTime) + "Z by " + st.FetchedBy
	}
	if failure := standing.Failure(st); failure != nil {
		no := failed("credential", failure)
		return f.warn("no newer one comes: "+no.Found, no.Advice)
	}
	if st.State == tokencache.StateUrgent {
		return f.warn("that is the end of it, and nobody has brought another", "see that a service runs, and reaches the issuer")
	}
	return f
}

// newer adds that the running service has not come to use the credential as it is in the file.
func (x *fileExam) newer(name string, f finding) finding {
	newer := x.reported(name).Newer
	if newer == nil {
		return f
	}
	why := newer.Error
	if why == "" {
		why = "the issuer has not answered yet"
	}
	return f.warn("the service still uses the one before this: "+why, "mend that before the old one ends")
}

// ask gets a token as a service does, and shares it: from the fleet if that has one by now.
func (x *fileExam) ask(ctx context.Context, c config.Credential) finding {
	f, ok := inTime(ctx, func(ctx context.Context) finding {
		x.patient.calls.Add(1)
		defer x.patient.calls.Done()
		config := x.patient.Cache
		config.NoDirect = true // the rest is said of Redis
		cache, err := tokencache.New(x.Redis, config)
		if err != nil {
			return failed("credential", err)
		}
		defer cache.Close() // a call in the background ends first
		tok, err := cache.Source(c.Fetcher).Get(ctx)
		if err != nil {
			return failed("credential", err)
		}
		return finding{Name: "credential", Status: checkOK, Found: "the issuer gave a token, " + rounded(time.Until(tok.Expiry())) + " left"}
	})
	if !ok || f.Status == checkFail && ctx.Err() != nil {
		return late(ctx, "credential")
	}
	return f
}
