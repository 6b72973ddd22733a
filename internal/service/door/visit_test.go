package door_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/door"
)

func TestTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := everybody()
		list[0].Rate = 0.5
		s := open(t, usualVault(), list...)
		for range 100 {
			refused(t, s.get("/v1/tokens/crm", bearer(billingSecret+"x")), http.StatusUnauthorized, "invalid_client")
		}
		assert.Equal(t, http.StatusOK, s.get("/v1/tokens/crm", bearer(billingSecret)).Code, "others cannot use its rate up")
		for _, r := range []*http.Request{
			request("/v1/tokens/crm", "", bearer(billingSecret)),
			request("/v1/tokens/unknown", "", bearer(billingSecret)),
			request("/v1/tokens/crm/reject", `{`, bearer(billingSecret)),
			request("/oauth2/token", "x=y", basic("billing", billingSecret)),
		} {
			w := s.answer(r)
			refused(t, w, http.StatusTooManyRequests, "slow_down")
			assert.Equal(t, "2", w.Header().Get("Retry-After"))
			assert.Equal(t, "billing", s.lastUse(t).Client)
		}
		time.Sleep(2 * time.Second)
		assert.Equal(t, http.StatusOK, s.get("/v1/tokens/crm", bearer(billingSecret)).Code, "as it was told")
	})
}

func TestBodiesAreBounded(t *testing.T) {
	s := open(t, usualVault())
	fits := grantOnly + "&x=" + strings.Repeat("x", 64<<10-len(grantOnly)-3)
	by := basic("billing", billingSecret)
	assert.Equal(t, http.StatusOK, s.post(endpoint, fits, by).Code)
	refused(t, s.post(endpoint, fits+"x", by), http.StatusRequestEntityTooLarge, "invalid_request")
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	refused(t, s.post(endpoint, fits+"x", by, chunked), http.StatusRequestEntityTooLarge, "invalid_request")
	refused(t, s.post("/v1/tokens/crm/reject", `{"access_token":"`+fits+`"}`, bearer(billingSecret), chunked), http.StatusRequestEntityTooLarge, "invalid_request")
	refused(t, s.post(endpoint, grantOnly, by, func(r *http.Request) { r.Body = broken{} }), http.StatusBadRequest, "invalid_request")
	refused(t, s.post("/v1/tokens/crm/reject", `{}`, func(r *http.Request) { r.Body = unread{t} }), http.StatusUnauthorized, "invalid_client")
}

type broken struct{ io.ReadCloser }

func (broken) Read([]byte) (int, error) { return 0, errors.New("SECRET") }

// unread is a body that nobody has a reason to read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("read before it was known who asks")
	return 0, io.EOF
}

func (unread) Close() error { return nil }

// asked is a vault that notes for what it was asked.
type asked struct {
	vault
	names []string
}

func (a *asked) Find(name string) (door.Credential, bool) {
	a.names = append(a.names, name)
	return a.vault.Find(name)
}

// Neither tells by its time: what is not granted is looked for as well.
func TestSameStepsWithoutRightAndWithoutCredential(t *testing.T) {
	a := &asked{vault: usualVault()}
	s := open(t, a)
	for _, name := range []string{"m2m", "unknown"} {
		refused(t, s.get("/v1/tokens/"+name, bearer(billingSecret)), http.StatusForbidden, "access_denied")
	}
	assert.Equal(t, []string{"m2m", "unknown"}, a.names)
	s.get("/v1/tokens/crm", bearer("SECRET-that-is-wrong"))
	assert.Len(t, a.names, 2, "nobody's request goes no further")
}
