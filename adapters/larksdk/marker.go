package larksdk

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// marker is what the SDK gets in place of a token, and sends as one: it names the token, and is none.
type marker struct {
	app    string
	kind   bearer.Kind
	tenant string // "" but for a store app
}

// markerPrefix tells people what it is that they see. What follows it, up to a dot, is random, the
// same in all of a process: who can have the SDK send a "user token" of theirs must not be able to
// have it sent as the app's.
var markerPrefix = "onetoken-stands-for-a-token." + rand.Text() + "."

// encoding has one text for each name, so that a marker that was changed is none.
var encoding = base64.RawURLEncoding.Strict()

var kinds = map[bearer.Kind]string{bearer.Tenant: "tenant", bearer.App: "app"}

func (m marker) String() string {
	encode := encoding.EncodeToString
	return markerPrefix + kinds[m.kind] + "." + encode([]byte(m.app)) + "." + encode([]byte(m.tenant))
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
	for kind, name := range kinds {
		if name == parts[0] {
			app, appErr := encoding.DecodeString(parts[1])
			tenant, tenantErr := encoding.DecodeString(parts[2])
			return marker{string(app), kind, string(tenant)}, appErr == nil && tenantErr == nil
		}
	}
	return m, false
}
