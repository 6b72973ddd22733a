package door

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// visit is one request. Its methods are the endpoints, and the steps that they have in common.
type visit struct {
	w     http.ResponseWriter // for the bound of the body alone
	r     *http.Request
	table *clients.Table
	now   func() *clients.Table // in force by now
	vault Vault
	who   clients.Identity
	use   Use
}

// enter lets a client in who was identified, if its rate allows.
func (v *visit) enter(who clients.Identity, ok bool, no *refusal) *refusal {
	if !ok {
		return no
	}
	v.who, v.use.Client, v.use.Way = who, who.Name(), who.Way()
	if wait, ok := who.Admit(); !ok {
		return tooMany(wait)
	}
	return nil
}

// find returns the credential of a name, if the client may do that with it. It takes the same steps
// whether the credential or the right is missing.
func (v *visit) find(name string, p clients.Permission) (Credential, *refusal) {
	granted := v.who.May(name, p)
	credential, exists := v.vault.Find(name)
	if exists {
		v.use.Credential = name
	}
	if !exists || !granted {
		return nil, denied
	}
	return credential, nil
}

func (v *visit) identify(t *clients.Table) (clients.Identity, bool) { return t.Identify(v.r) }

// still reports whether the client may do that yet, as identify finds it by the table that is in force by
// now: a reload may have taken the right away while a body arrived, or a token was waited for.
func (v *visit) still(name string, p clients.Permission, identify func(*clients.Table) (clients.Identity, bool)) *refusal {
	now := v.now()
	if now == v.table {
		return nil
	}
	v.table = now
	if who, ok := identify(now); !ok || !who.May(name, p) {
		return denied
	}
	return nil
}

// longestBody is 64 KiB.
const longestBody = 64 << 10

// body reads one that has the media type.
func (v *visit) body(media string) ([]byte, *refusal) {
	sent, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || sent != media {
		return nil, wrongMedia(media)
	}
	if v.r.ContentLength > longestBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, longestBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, badRequest("the body did not arrive whole")
	}
	return body, nil
}
