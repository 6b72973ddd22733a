package larksdk

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// marker is what the SDK gets in place of a token, and sends as one: it names the token, and is none.
type marker struct {
	app    string
	kind   bearer.Kind // Access: the tenant's, of an issuer with one kind
	tenant string      // of a store app; a self-built one may name one for which it has the same token

	anyTenant bool // the key does not tell the tenant
}

// markerPrefix tells people what it is that they see. What follows it, up to a dot, is random, the
// same in all of a process: who can have the SDK send a "user token" of theirs must not be able to
// have it sent as the app's.
var markerPrefix = "onetoken-stands-for-a-token." + rand.Text() + "."

// encoding has one text for each name, so that a marker that was changed is none.
var encoding = base64.RawURLEncoding.Strict()

var kinds = []bearer.Kind{bearer.Tenant, bearer.App, bearer.Access}

// anyTenant is no text of the encoding.
const anyTenant = "*"

func (m marker) String() string {
	tenant := encoding.EncodeToString([]byte(m.tenant))
	if m.anyTenant {
		tenant = anyTenant
	}
	return markerPrefix + m.kind.String() + "." + encoding.EncodeToString([]byte(m.app)) + "." + tenant
}

// markerOf finds the marker in a request's Authorization. Anything else is the SDK's own business:
// a user's token, one that a call was given, or none.
func markerOf(req *http.Request) (m marker, ok bool) {
	text, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer "+markerPrefix)
	if !ok {
		return m, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return m, false
	}
	kind := slices.IndexFunc(kinds, func(k bearer.Kind) bool { return k.String() == parts[0] })
	if m.anyTenant = parts[2] == anyTenant; m.anyTenant {
		parts[2] = ""
	}
	app, appErr := encoding.DecodeString(parts[1])
	tenant, tenantErr := encoding.DecodeString(parts[2])
	if kind < 0 || appErr != nil || tenantErr != nil {
		return marker{}, false
	}
	m.app, m.kind, m.tenant = string(app), kinds[kind], string(tenant)
	return m, m.String() == markerPrefix+text // the decoder skips line ends
}
