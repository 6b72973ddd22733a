package door

import (
	"context"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Vault has the credentials of the service. It is asked by many at once, also for names that there are not.
type Vault interface {
	// Find returns the credential of that name. It does no I/O and waits for nobody.
	Find(name string) (Credential, bool)
}

// Credential has a token, and keeps it fresh by itself: that somebody peeks begins no refresh. Its methods
// are called by many at once.
type Credential interface {
	// Kinds are those of its token, the default first: Tenant and App with Feishu, Access alone with
	// an issuer that has one kind. Never empty, and not changed by the caller.
	Kinds() []Kind
	// Peek returns the token at hand, if there is one that may be handed out. It does no I/O and
	// waits for nobody.
	Peek() (Handout, bool)
	// Get waits for a token until ctx ends. Its errors are those of [tokencache.Source.Get].
	Get(ctx context.Context) (Handout, error)
	// Reject tells the fleet that the token was refused, if it is one that the credential has:
	// [Refused.At] does it for a Source. It returns soon after ctx ends.
	Reject(ctx context.Context, refused Refused) (Outcome, error)
}

// Kind of access token.
type Kind string

// All kinds that there are.
const (
	Tenant Kind = "tenant" // Feishu's tenant access token
	App    Kind = "app"    // Feishu's app access token
	Access Kind = "access" // of an issuer that has one kind
)

// of returns the token as it is sent; empty if there is none of this kind.
func (k Kind) of(tok tokencache.Token) string {
	switch k {
	case Tenant:
		return tok.TenantAccessToken()
	case App:
		return tok.AppAccessToken()
	case Access:
		return tok.AccessToken()
	}
	return ""
}

// Outcome is what came of a rejection.
type Outcome string

// All outcomes that there are.
const (
	// Invalidated: it was the current token. The fleet gets another.
	Invalidated Outcome = "invalidated"
	// Replaced: it is not current, or not any more. Nothing was done.
	Replaced Outcome = "replaced"
	// Paced: it is current, but asking the issuer once more would not help yet
	// ([tokencache.ErrCoolDown]). Nothing was done.
	Paced Outcome = "paced"
)
