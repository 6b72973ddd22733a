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
	tenant string      // "" but for a store app
}

// markerPrefix tells people what it is that they see. What follows it, up to a dot, is random, the
// same in all of a process: who can have the SDK send a "user token" of theirs must not be able to
// have it sent as the app's.
var markerPrefix = "onetoken-stands-for-a-token." + rand.Text() + "."

// encoding has one text for each name, so that a marker that was changed is none.
var encoding = base64.RawURLEncoding.Strict()

var kinds = []bearer.Kind{bearer.Tenant, bearer.App, bearer.Access}

func (m marker) String() string {
	encode := encoding.EncodeToString
	return markerPrefix + m.kind.String() + "." + encode([]byte(m.app)) + "." + encode([]byte(m.tenant))
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
	app, appErr := encoding.DecodeString(parts[1])
	tenant, tenantErr := encoding.DecodeString(parts[2])
	if kind < 0 || appErr != nil || tenantErr != nil {
		return m, false
	}
	return marker{string(app), kinds[kind], string(tenant)}, true
}
