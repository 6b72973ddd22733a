// Package oauth2cc asks an OAuth 2 server for an access token by client credentials (RFC 6749,
// section 4.4), so that a tokencache.Cache has something to share: Auth0, Okta, Microsoft Entra ID,
// Keycloak, Amazon Cognito, gateways, and most services that give programs a client id and a secret.
//
//	client, err := oauth2cc.New(oauth2cc.Config{
//		TokenURL:     "https://login.example.com/oauth2/token",
//		ClientID:     id,
//		ClientSecret: tokencache.NewSecret(secret),
//		Scopes:       []string{"orders.read"},
//	})
//	if err != nil {
//		return err
//	}
//	tokens := cache.Source(client) // once for each set of scopes; then share it
//
//	tok, err := tokens.Get(ctx)
//	req.Header.Set("Authorization", "Bearer "+tok.AccessToken())
//
// Such servers mint a token at every call, and leave the older ones valid; many of them count, or
// charge for, each. A server whose new token ends the one before does not fit: see
// tokencache.Fetcher.
//
// # What to set
//
//	server               TokenURL                                             besides
//	Auth0                https://TENANT.auth0.com/oauth/token                 Audience
//	Okta                 https://DOMAIN/oauth2/default/v1/token               Scopes
//	Microsoft Entra ID   https://login.microsoftonline.com/TENANT/oauth2/v2.0/token  Scopes: RESOURCE/.default
//	Keycloak             https://HOST/realms/REALM/protocol/openid-connect/token
//	Amazon Cognito       https://DOMAIN/oauth2/token                          Scopes
//
// In the order of the table:
// https://auth0.com/docs/flows/call-your-api-using-the-client-credentials-flow,
// https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/CustomAS (that of the authorization
// server "default"),
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
// https://www.keycloak.org/securing-apps/oidc-layers (before version 17 with /auth in front of /realms),
// https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html.
//
// Client id and secret travel by HTTP Basic, which every server has to take (RFC 6749, section 2.3.1),
// or in the body: see [Auth]. All that is sent besides the secret is part of the credential's
// identity, so that tokens of different scopes, audiences or resources never share a record in Redis;
// the order of scopes and resources makes no difference, nor does one that is given twice.
//
// # A call
//
// A call of [Fetcher.Fetch] reads downward through the files:
//
//  1. fetcher.go sends the one request. It is never sent twice, and a redirect is not followed.
//  2. fields.go reads the bounded answer, whatever its HTTP status.
//  3. answer.go makes a token of it, or finds what is wrong with it.
//  4. codes.go says what an error of the server means, and what a person should do about it.
//
// Every failure is a *tokencache.IssuerError, of the issuer "oauth2". If the server gave an error
// code its Message begins with that, and [ErrorCode] returns it:
//
//	what happened                               Class         Local
//	no answer: DNS, TLS, refused, time-out      transient     yes
//	answer broke off                            transient     no
//	error of RFC 6749, 6750 or 8707             see codes.go  no
//	error that nobody has documented            unknown; with HTTP 5xx transient
//	HTTP 401 with such an error, or one that    unknown
//	  would pass
//	success, but no token                       unknown       no
//	success, but nothing that can be used until permanent     no
//	  a person acts: another token_type, a token
//	  above 8 KiB, no life stated or set, a life
//	  below 1 s or above MaxLife
//	without an error code:
//	  HTTP 3xx, 404, 405, 410                   permanent     no
//	  HTTP 408, 425                             transient     no
//	  other HTTP below 500                      unknown       proxy wants a password: yes
//	  HTTP 5xx                                  transient     no
//
// HTTP 429 is rate limited, unless the error is that client authentication failed. How long it lasts is read from
// Retry-After, X-RateLimit-Reset (Auth0), X-Rate-Limit-Reset (Okta) or RateLimit-Reset, in this
// order: seconds, or a point in time.
//
// No error holds the client secret, a token, a URL or the server's answer, save its error code and
// description and a request id: all bounded, of printable characters, and without the secret should
// the server ever repeat it.
package oauth2cc
