package doctor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/remote"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What Redis has not got, the running service may have: then nobody is told that there is no service.
func TestCredentialBesideARunningService(t *testing.T) {
	t.Parallel()
	refused := &tokencache.IssuerError{Issuer: "feishu", Message: "app secret invalid", Class: tokencache.ClassPermanent, Advice: "check the app secret"}
	absent := tokencache.Status{State: tokencache.StateAbsent}
	atItsEnd := tokencache.Status{State: tokencache.StateUrgent, Remaining: 4 * time.Second, Life: time.Hour}
	usable, not := true, false
	has := func(left float64) *remote.Credential {
		c := &remote.Credential{Usable: &usable}
		c.Remaining = statusjson.Seconds(left)
		return c
	}
	before := has(600)
	before.Newer = &remote.Newer{Error: "wrong"}
	for name, c := range map[string]struct {
		stored              tokencache.Status
		own                 *remote.Credential
		status, found, todo string
	}{
		"nothing, and no service":     {absent, nil, checkWarn, "no token is stored, and nobody has asked for one", "start the service"},
		"nothing, and it has none":    {absent, &remote.Credential{Usable: &not}, checkWarn, "nobody has asked for one", "start the service"},
		"nothing, and it has one":     {absent, has(600), checkWarn, "no token is stored, and the service hands out one that it has got around redis", "see what is said of redis"},
		"nothing, and it fails":       {absent, &remote.Credential{Usable: &not, Trouble: &remote.Trouble{Text: "no answer"}}, checkFail, "no token is stored, and the service gets none: no answer", "wait: "},
		"nothing, and it is refused":  {absent, &remote.Credential{Usable: &not, Trouble: &remote.Trouble{Text: "no", Advice: "mend it"}}, checkFail, "the service gets none: no", "mend it"},
		"refused, no service":         {tokencache.Status{State: tokencache.StateAbsent, Failure: refused}, nil, checkFail, "app secret invalid", "check the app secret"},
		"refused, the one before is":  {tokencache.Status{State: tokencache.StateAbsent, Failure: refused}, before, checkFail, "app secret invalid; meanwhile the service hands out tokens of the one before this", "check the app secret"},
		"an end, no service":          {atItsEnd, nil, checkWarn, "that is the end of it, and nobody has brought another", "see that a service runs"},
		"an end, which is its too":    {atItsEnd, has(4), checkWarn, "that is the end of it, and nobody has brought another", "see that a service runs"},
		"an end, and it has a later":  {atItsEnd, has(600), checkWarn, "the token that is stored ends in 4s, and the service hands out one that it has got around redis", "see what is said of redis"},
		"an older service is no help": {absent, &remote.Credential{}, checkWarn, "nobody has asked for one", "start the service"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &fileExam{chart: &chart{out: &bytes.Buffer{}}, seen: map[string]tokencache.Status{"crm": c.stored}}
			if c.own != nil {
				c.own.Name = "crm"
				x.own = &witnessed{report: remote.Report{Credentials: []remote.Credential{*c.own}}}
			}
			f := x.credential(t.Context(), config.Credential{Name: "crm"})
			assert.Equal(t, c.status, f.Status)
			assert.Contains(t, f.Found, c.found)
			assert.Contains(t, f.Advice, c.todo)
		})
	}
}

// mute is an issuer that does not answer, or does at once.
type mute struct {
	tokencache.Fetcher
	answers bool
}

func (mute) Unencrypted() bool { return false }

func (m mute) Fetch(ctx context.Context) (tokencache.Token, error) {
	if m.answers {
		return tokencache.NewToken("t", "", time.Hour), nil
	}
	<-ctx.Done()
	return tokencache.Token{}, ctx.Err()
}

// However many issuers do not answer, those that do are heard, and there is time left for what comes after them.
func TestAskingLeavesTimeForTheOtherChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		file := &config.Config{}
		for i := range 100 {
			of, err := tokencache.NewCredential(tokencache.CredentialConfig{
				Issuer: "test", App: fmt.Sprint(i), Public: []string{"https://issuer.example"}, Secret: []tokencache.Secret{tokencache.NewSecret("s")}, Window: time.Minute,
			})
			require.NoError(t, err)
			file.Credentials = append(file.Credentials, config.Credential{Name: fmt.Sprintf("c%02d", i), Fetcher: mute{tokencache.FetchFunc(of, nil), i == 20}})
		}
		rdb := redistest.NewBubble(t).Client("a")
		x := &fileExam{
			FileConfig: FileConfig{File: file, Redis: rdb, Ask: true}, chart: &chart{out: &out},
			patient: newPatient(Config{Redis: rdb, Cache: tokencache.Config{Logger: slog.New(slog.DiscardHandler), Observe: func(tokencache.Event) {}}}),
		}
		began := time.Now()
		x.credentials(t.Context(), false)
		assert.LessOrEqual(t, time.Since(began), askingTakes+time.Second)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 100)
		assert.True(t, slices.IsSorted(subjectsOf(lines)), "in the order of the file")
		assert.Contains(t, lines[20], "c20: the issuer gave a token")
		assert.Contains(t, lines[0], "fail")
		assert.Contains(t, lines[99], "skipped  credential     c99: interrupted, or out of time")
		x.patient.calls.Wait()
	})
}

func subjectsOf(lines []string) (subjects []string) {
	for _, line := range lines {
		subjects = append(subjects, strings.Fields(line)[2])
	}
	return subjects
}

// What Redis remembers beside a fresh token is over: the page says the same.
func TestFailureBesideAFreshToken(t *testing.T) {
	t.Parallel()
	refused := &tokencache.IssuerError{Issuer: "feishu", Message: "app secret invalid", Class: tokencache.ClassPermanent, Advice: "check the app secret"}
	st := tokencache.Status{State: tokencache.StateFresh, Remaining: time.Hour, Life: 2 * time.Hour, Failure: refused}
	assert.Equal(t, finding{Name: "credential", Status: checkOK, Found: "a token, 1h0m0s of 2h0m0s left"}, alive(st))
	st.State = tokencache.StateDue
	assert.Equal(t, checkWarn, alive(st).Status)
	assert.Contains(t, alive(st).Found, "no newer one comes: feishu: app secret invalid")
}
