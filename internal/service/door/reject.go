package door

import (
	"context"
	"encoding/json"
	"regexp"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// reject is POST /v1/tokens/{name}/reject.
func (v *visit) reject(name string) ([]byte, *refusal) {
	who, ok := v.identify(v.table)
	if no := v.enter(who, ok, noBearer); no != nil {
		return nil, no
	}
	credential, no := v.find(name, clients.Reject)
	if no != nil {
		return nil, no
	}
	body, no := v.body("application/json")
	if no != nil {
		return nil, no
	}
	refused, no := parseRefused(body)
	if no != nil {
		return nil, no
	}
	if no := v.still(name, clients.Reject, v.identify); no != nil {
		return nil, no
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), Patience)
	defer cancel()
	outcome, err := credential.Reject(ctx, refused)
	if err != nil {
		return nil, refusalOf(err)
	}
	v.use.Outcome = outcome
	return encoded(map[string]Outcome{"outcome": outcome}), nil
}

// parseRefused reads the body. Fields that it does not know are not read.
func parseRefused(body []byte) (Refused, *refusal) {
	var sent struct {
		AccessToken *string `json:"access_token"`
		Fingerprint *string `json:"fingerprint"`
	}
	err := json.Unmarshal(body, &sent) // its error quotes the body
	switch {
	case err != nil:
		return Refused{}, badRequest("the body has to be one JSON object, with access_token or fingerprint, a string")
	case (sent.AccessToken == nil) == (sent.Fingerprint == nil):
		return Refused{}, badRequest("the body needs one of access_token and fingerprint, and not both")
	case sent.AccessToken != nil && *sent.AccessToken == "":
		return Refused{}, badRequest("access_token is empty: send the token that was refused")
	case sent.AccessToken != nil:
		return refusedToken(*sent.AccessToken), nil
	case !fingerprintShape.MatchString(*sent.Fingerprint):
		return Refused{}, badRequest("fingerprint has to be the 32 hex digits that came with the token")
	}
	return refusedFingerprint(*sent.Fingerprint), nil
}

var fingerprintShape = regexp.MustCompile(`^[0-9a-f]{32}$`)
