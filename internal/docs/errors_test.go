package docs

import (
	"errors"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

// noToken is how docs/embedding.md has a service answer without a token.
func noToken(w http.ResponseWriter, err error) {
	log.Print(err) // no error holds a secret or a token
	if refusal, ok := errors.AsType[*tokencache.IssuerError](err); ok && refusal.Class.NeedsPerson() {
		http.Error(w, "the app is refused", http.StatusBadGateway) // refusal.Advice says what a person has to do
		return
	}
	http.Error(w, "no token now, try again", http.StatusServiceUnavailable)
}

func TestNoToken(t *testing.T) {
	log.SetOutput(t.Output())
	for _, c := range []struct {
		err  error
		code int
	}{
		{&tokencache.IssuerError{Issuer: "feishu", Class: tokencache.ClassPermanent}, http.StatusBadGateway},
		{&tokencache.IssuerError{Issuer: "feishu", Class: tokencache.ClassTransient}, http.StatusServiceUnavailable},
		{tokencache.ErrClosed, http.StatusServiceUnavailable},
	} {
		w := httptest.NewRecorder()
		noToken(w, c.err)
		assert.Equal(t, c.code, w.Code, "%v", c.err)
	}
}
