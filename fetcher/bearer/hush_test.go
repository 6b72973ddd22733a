package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// A Base that is a client of its own quotes the URL that it called.
func TestErrorsOfBaseHideTheToken(t *testing.T) {
	cause := errors.New("refused")
	for name, broken := range map[string]func(*http.Request) error{
		"quoted":  func(r *http.Request) error { return &url.Error{Op: "Get", URL: r.URL.String(), Err: cause} },
		"wrapped": func(r *http.Request) error { return fmt.Errorf("call of %s: %w", r.URL, cause) },
		"a timeout": func(r *http.Request) error {
			return &url.Error{Op: "Get", URL: r.URL.String(), Err: context.DeadlineExceeded}
		},
		"in lower case": func(r *http.Request) error { return errors.New(strings.ToLower(r.URL.String())) },
		"within one that does not say it": func(r *http.Request) error {
			return quiet{&url.Error{Op: "Get", URL: r.URL.String(), Err: cause}}
		},
		"beside another": func(r *http.Request) error {
			return quiet{errors.Join(errors.New("x"), &url.Error{Op: "Get", URL: r.URL.String(), Err: cause})}
		},
		"escaped once more": func(r *http.Request) error {
			return fmt.Errorf("call of /?next=%s: %w", url.QueryEscape(r.URL.String()), cause)
		},
	} {
		t.Run(name, func(t *testing.T) {
			token := "t+/SECRET=="
			s := newStage(t, feishutest.Config{}, func(c *bearer.Config) {
				c.Place, c.Source = bearer.InQuery("access_token"), gives{tokenOf(token)}
				c.Base = roundTrip(func(req *http.Request) (*http.Response, error) { return nil, broken(req) })
			})
			_, err := s.client.Do(newRequest(t, http.MethodGet, query, nil)) //nolint:bodyclose // there is none
			require.Error(t, err)
			assertHidden(t, err, token)
			var outer *url.Error
			require.ErrorAs(t, err, &outer)
			assert.Equal(t, name == "a timeout", outer.Timeout())
			assert.Equal(t, name == "a timeout", errors.Is(err, context.DeadlineExceeded))
			assert.Equal(t, name != "a timeout" && name != "in lower case", errors.Is(err, cause))
		})
	}
}

// assertHidden looks at an error as it is printed, and at all that it wraps.
func assertHidden(t *testing.T, err error, token string) {
	t.Helper()
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		for _, spelled := range []string{token, url.QueryEscape(token), url.PathEscape(token)} {
			assert.NotContains(t, fmt.Sprintf(form, err), spelled, form)
		}
	}
	assertTreeHides(t, err, token)
}

func assertTreeHides(t *testing.T, err error, token string) {
	t.Helper()
	if err == nil {
		return
	}
	assert.False(t, holds(err.Error(), token), err.Error())
	assertTreeHides(t, errors.Unwrap(err), token)
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			assertTreeHides(t, one, token)
		}
	}
}

// quiet does not say what it wraps.
type quiet struct{ err error }

func (quiet) Error() string   { return "no reply" }
func (q quiet) Unwrap() error { return q.err }
