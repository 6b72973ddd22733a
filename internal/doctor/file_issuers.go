package doctor

import (
	"context"
	"net/http"
	"sync"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/service/config"
)

// knocksAtOnce bounds how many issuers are called at once.
const knocksAtOnce = 16

// issuers knocks at each, by each way that a credential has to it: with a HEAD, and without a secret.
func (x *fileExam) issuers(ctx context.Context) {
	type place struct{ url, route string }
	var each []config.Credential
	known := map[place]bool{}
	for _, c := range x.File.Credentials {
		if at := (place{c.URL, c.Route}); !c.Disabled && !known[at] {
			known[at] = true
			each = append(each, c)
		}
	}
	if len(each) == 0 {
		x.chart.add(skipped("issuer", "there is no credential that is not disabled"))
		return
	}
	found, met := make([]finding, len(each)), make([]meeting, len(each))
	var all sync.WaitGroup
	free := make(chan struct{}, knocksAtOnce)
	for i, c := range each {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			found[i], met[i] = knockAt(ctx, c)
		})
	}
	all.Wait()
	x.issuerClocks = map[string]clock{}
	for i, c := range each {
		x.chart.addOf(c.URL, found[i])
		if met[i].clock.known {
			x.issuerClocks[c.URL] = met[i].clock
		}
	}
}

func knockAt(ctx context.Context, c config.Credential) (finding, meeting) {
	got, ok := inTime(ctx, func(ctx context.Context) meeting {
		var by *knock
		fetcher, err := c.Knock(func(way http.RoundTripper) http.RoundTripper {
			by = &knock{by: way}
			return by
		})
		if err != nil {
			return meeting{err: err}
		}
		return by.meet(ctx, fetcher)
	})
	switch {
	case !ok, cutShort(ctx, got.err):
		return late(ctx, "issuer"), meeting{}
	case got.err != nil:
		return failed("issuer", got.err), meeting{}
	}
	f := finding{Name: "issuer", Status: checkOK, Found: "answers in " + rounded(got.took)}
	if c.Fetcher.Unencrypted() {
		f = f.warn("secrets and tokens travel unencrypted", "use https")
	}
	return f, got
}

// failed is the finding of an error, by the words of a file's keys.
func failed(name string, err error) finding {
	text, todo := advice.Parts(err)
	if todo == "" {
		todo = "try again in a moment"
	}
	return finding{name, checkFail, text, todo}
}
