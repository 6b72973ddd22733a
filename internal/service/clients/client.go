package clients

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Client is who may ask. Name and May have to be set, and one of Secrets, SANs and UID.
type Client struct {
	// Name is another for each client: a lower-case letter or a digit, and up to 62 more of these,
	// dots, underscores and hyphens.
	Name string
	// Secrets are the one in use, and one that it replaces or that replaces it: up to two. Each has
	// 16 to 1,024 characters of ASCII without blanks, and is no other client's. nil means none.
	Secrets []tokencache.Secret
	// SANs are DNS names and URIs of its certificates. nil means none.
	SANs []string
	// UID is the user id of its processes on this host. nil means none; 0 is root.
	UID *uint32
	// Credentials are the names of those of which it may have tokens. nil means none.
	Credentials []string
	// May says what it may do with each. 0 is an error, lest a list that was forgotten gives rights.
	May Permission
	// Rate is how many requests it may make a second, through all doors that ask one Table together,
	// and as many at once (at least 1): with a Table each, two doors let twice as many in. 0 means 100;
	// up to 100,000.
	Rate float64
}

// Permission is what a client may do with a credential: any of these, joined by |. The first two are for a
// door that hands out tokens, all others for a gateway, which does not.
type Permission uint8

const (
	// Get allows to be given its token.
	Get Permission = 1 << iota
	// Reject allows to say that its token was refused.
	Reject
	// Call allows to call the issuer's APIs with a token that stays unknown to the client.
	Call
	// WS allows to open the connection over which the issuer sends events: past the gateway, by a ticket.
	WS
	// UserLogin allows to log users in, who give the client tokens of their own.
	UserLogin
	// UserTokens allows to call APIs with these.
	UserTokens

	everything = Get | Reject | Call | WS | UserLogin | UserTokens
)

// Bounds of a Client.
const (
	DefaultRate    = 100     // requests a second
	HighestRate    = 100_000 // requests a second
	ShortestSecret = 16      // characters
	LongestSecret  = 1024    // characters
	mostSecrets    = 2
)

var nameShape = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// complaints are all that is wrong with one client by itself. None quotes anything but a name that is one.
func (c Client) complaints() (errs []error) {
	complain := func(text string) { errs = append(errs, errors.New(text)) }
	if !nameShape.MatchString(c.Name) {
		complain("the name has to be a lower-case letter or digit, and up to 62 more of these, dots, underscores and hyphens")
	}
	if len(c.Secrets) == 0 && len(c.SANs) == 0 && c.UID == nil {
		complain("nothing identifies it: give it a secret, the name in its certificate, or a user id")
	}
	if len(c.Secrets) > mostSecrets {
		complain("more than two secrets: the one in use, and the one before or after it")
	}
	for i, secret := range c.Secrets {
		if fault := faultOf(secret.Reveal()); fault != "" {
			complain(fmt.Sprintf("secret %d %s", i+1, fault))
		}
	}
	for i, name := range c.SANs {
		if _, fault := parseSAN(name); fault != "" {
			complain(fmt.Sprintf("name %d of its certificate %s", i+1, fault))
		}
	}
	if c.May == 0 || c.May&^everything != 0 {
		complain("what it may do has to be one or more of get, reject, call, ws, user_login and user_tokens")
	}
	if math.IsNaN(c.Rate) || c.Rate < 0 || c.Rate > HighestRate {
		complain("the rate has to be a number of requests a second, up to 100,000; 0 means 100")
	}
	return errs
}

// faultOf says why a text is no secret, without a word of it.
func faultOf(secret string) string {
	switch {
	case len(secret) < ShortestSecret:
		return "has fewer than 16 characters: make one that nobody guesses, as openssl rand -hex 32 does"
	case len(secret) > LongestSecret:
		return "has more than 1,024 characters"
	case strings.ContainsFunc(secret, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "has blanks, line breaks or characters outside of ASCII, which not every client can send in a header"
	}
	return ""
}
