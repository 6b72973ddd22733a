package doctor

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/remote"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/tokencache"
)

// witnessed is what a running service has told.
type witnessed struct {
	url    string
	report remote.Report
	clock  clock
	err    error // nothing
}

// age is since it started.
func (w *witnessed) age() time.Duration {
	return max(0, w.report.Now.Sub(w.report.Started)).Truncate(time.Second)
}

// version is the word for it.
func (w *witnessed) version() string { return firstWord(w.report.Version) }

// as tells it apart in what refreshers() says; an older service has no name.
func (w *witnessed) as() string {
	if w.report.Replica == "" {
		return ""
	}
	return " as " + w.report.Replica
}

func firstWord(version string) string {
	word, _, _ := strings.Cut(version, " ")
	return word
}

var errOtherCertificate = errors.New("it shows another certificate than that in the file")

// ownService asks the one that the file's status listener names, if one runs.
func (x *fileExam) ownService(ctx context.Context) {
	l := x.File.Status
	host, port, err := net.SplitHostPort(l.Listen)
	if err != nil || strings.Trim(port, "0") == "" {
		return
	}
	url, certificate := "http://", (*tls.Config)(nil)
	if l.TLS != nil {
		url, certificate = "https://", showing(l.TLS.Certificate.Leaf)
	}
	service, err := remote.New(url+net.JoinHostPort(callable(host), port), certificate)
	if err != nil {
		return
	}
	w := hear(ctx, service)
	if x.unheard = w.err; w.err == nil {
		x.own = &w
	}
	if errors.Is(w.err, errOtherCertificate) {
		x.unheard = fmt.Errorf("the service at %s is not asked: %w", service.URL(), errOtherCertificate)
	}
}

// showing trusts the one certificate that stands in the file, whoever has signed it.
func showing(leaf *x509.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the next lines are stricter
		VerifyConnection: func(s tls.ConnectionState) error {
			if leaf == nil || len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, leaf.Raw) {
				return errOtherCertificate
			}
			return nil
		},
	}
}

// errUnheard says that the doctor's own time was over: it is nothing about the service.
var errUnheard = errors.New(outOfTime)

// hear asks a service, in the time of a check.
func hear(ctx context.Context, service *remote.Service) witnessed {
	w, ok := inTime(ctx, func(ctx context.Context) (w witnessed) {
		sent := time.Now()
		w.report, w.err = service.Report(ctx)
		if w.err == nil && !w.report.Now.IsZero() {
			w.clock = clock{true, w.report.Now.Sub(sent.Add(time.Since(sent) / 2))}
		}
		return w
	})
	if !ok || cutShort(ctx, w.err) {
		w = witnessed{err: errUnheard}
	}
	w.url = service.URL()
	return w
}

// services asks those that were named besides, and says how all do.
func (x *fileExam) services(ctx context.Context) {
	x.others = make([]witnessed, len(x.Services))
	var all sync.WaitGroup
	for i, service := range x.Services {
		all.Go(func() { x.others[i] = hear(ctx, service) })
	}
	all.Wait()
	if x.own != nil {
		x.chart.addOf(x.own.url, x.service(*x.own))
	}
	for _, w := range x.others {
		if x.own == nil || w.url != x.own.url {
			x.chart.addOf(w.url, x.service(w))
		}
	}
	if len(x.asked()) == 0 && len(x.others) == 0 {
		why := "the file has no status.listen that could be asked"
		if x.unheard != nil {
			why = x.unheard.Error()
		}
		x.chart.add(skipped("service", why))
	}
}

// asked are those that have answered.
func (x *fileExam) asked() (all []witnessed) {
	if x.own != nil {
		all = append(all, *x.own)
	}
	for _, w := range x.others {
		if w.err == nil && (x.own == nil || w.url != x.own.url) {
			all = append(all, w)
		}
	}
	return all
}

// service is how one does, and whether it has the file that is examined.
func (x *fileExam) service(w witnessed) finding {
	if errors.Is(w.err, errUnheard) {
		return skipped("service", outOfTime)
	}
	if w.err != nil {
		found, todo := remedy(w.err.Error())
		return finding{"service", checkFail, found, cmp.Or(todo, "give the address of a status.listen by --service")}
	}
	f := finding{Name: "service", Status: checkOK, Found: fmt.Sprintf("%s%s, started %s ago, %s", w.version(), w.as(), rounded(w.age()), counted(len(w.report.Credentials), "credential"))}
	if how := w.report.StandsStill; how != "" {
		f.Status, f.Found, f.Advice = checkFail, f.Found+": it stands still: "+strings.TrimSuffix(how, ": restart this process"), "restart it"
		return f
	}
	if w.report.Config.Error != "" {
		f = f.warn("it refuses the file as it is now, and uses the one before: "+strings.ReplaceAll(w.report.Config.Error, "\n", "; "), "mend the file: onetoken refresher --config FILE --check")
	}
	if w.report.Redis.Degraded() {
		f = f.warn("redis is in trouble there: "+w.report.Redis.Trouble, cmp.Or(w.report.Redis.Advice, "check its way to redis"))
	}
	if missing, more := x.compared(w); len(missing)+len(more) > 0 {
		var parts []string
		if len(missing) > 0 {
			parts = append(parts, "it does not have "+standing.Some(missing))
		}
		if len(more) > 0 {
			parts = append(parts, "it has "+standing.Some(more)+" besides")
		}
		f = f.warn(strings.Join(parts, ", and "), "see whether it has this file, and has taken it")
	}
	return f
}

// remedy takes what to do from the end of an error of a service's; "" where that is to give another address.
func remedy(text string) (found, todo string) {
	for _, begin := range []string{"start it", "name its authority", "begin the address"} {
		if found, rest, ok := strings.Cut(text, ": "+begin); ok {
			return found, begin + rest
		}
	}
	return text, ""
}

// compared are the names of credentials that a service lacks, and those that the file lacks.
func (x *fileExam) compared(w witnessed) (missing, more []string) {
	has := map[string]bool{}
	for _, c := range w.report.Credentials {
		has[c.Name] = true
	}
	for _, c := range x.File.Credentials {
		if !has[c.Name] {
			missing = append(missing, c.Name)
		}
		delete(has, c.Name)
	}
	return missing, slices.Sorted(maps.Keys(has))
}

// versions are those of the services that were asked: Redis holds none, so that of others nothing can be known.
func (x *fileExam) versions() {
	const unknown = "redis holds none, so of further ones nothing is known: name them by --service"
	asked := x.asked()
	if len(asked) == 0 {
		x.chart.add(skipped("versions", "no service was asked; "+unknown))
		return
	}
	at := map[string][]string{}
	for _, w := range asked {
		at[w.version()] = append(at[w.version()], w.url)
	}
	own := firstWord(x.Version)
	f := finding{Name: "versions", Status: checkOK}
	var parts []string
	for _, version := range slices.Sorted(maps.Keys(at)) {
		parts = append(parts, version+" at "+standing.Some(at[version]))
	}
	f.Found = strings.Join(parts, ", ") + "; this command is " + own + "; " + unknown
	if _, same := at[own]; len(at) > 1 || !same {
		f.Status, f.Advice = checkWarn, "bring all to one version; any may run beside any while you do"
	}
	x.chart.add(f)
}

// refreshers are those who wrote what is stored.
func (x *fileExam) refreshers() {
	by, last, ending := map[string]int{}, map[string]time.Time{}, []string{}
	for name, st := range x.seen {
		if st.State == tokencache.StateUrgent && st.Failure == nil && !x.hasLater(name, st.Remaining) {
			ending = append(ending, name)
		}
		if st.FetchedBy == "" {
			continue
		}
		by[st.FetchedBy]++
		if st.FetchedAt.After(last[st.FetchedBy]) {
			last[st.FetchedBy] = st.FetchedAt
		}
	}
	switch {
	case x.seen == nil:
		x.chart.add(skipped("refreshers", "unknown: redis has not told who fetched what"))
		return
	case len(by) == 0:
		x.chart.add(skipped("refreshers", "unknown: no token is stored"))
		return
	}
	names := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s has fetched %s, the last %sZ", name, counted(by[name], "token"), last[name].UTC().Format(time.DateTime)))
	}
	f := finding{Name: "refreshers", Status: checkOK, Found: standing.Some(parts)}
	if len(ending) > 0 {
		slices.Sort(ending)
		f = f.warn("nobody has refreshed "+standing.Some(ending)+" in time", "see that a service runs: onetoken refresher --config FILE")
	}
	x.chart.add(f)
}

// clocks lays Redis', each issuer's and each service's beside this host's.
func (x *fileExam) clocks() {
	if len(x.issuerClocks) <= 1 {
		var issuer clock
		for _, c := range x.issuerClocks {
			issuer = c
		}
		x.chart.add(clocksCheck(x.redisClock, issuer))
	} else {
		for _, url := range slices.Sorted(maps.Keys(x.issuerClocks)) {
			x.chart.addOf(url, clocksCheck(x.redisClock, x.issuerClocks[url]))
		}
	}
	for _, w := range x.asked() {
		if !w.clock.known {
			continue
		}
		f := finding{Name: "clocks", Status: checkOK, Found: w.clock.beside()}
		if w.clock.far() {
			f.Status, f.Advice = checkWarn, "set the clock of that host, or of this one: tokens do not mind, but certificates and logs do"
		}
		x.chart.addOf(w.url, f)
	}
}
