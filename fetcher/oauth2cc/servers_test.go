package oauth2cc_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
)

// Pages on which the answers below stand. Those of which no page tells all are marked: a server was seen to
// send them.
const (
	rfc6749    = "https://www.rfc-editor.org/rfc/rfc6749#section-5"
	rfc8707    = "https://www.rfc-editor.org/rfc/rfc8707#section-2"
	auth0Token = "https://auth0.com/docs/api/authentication/client-credential-flow/get-token"
	auth0Rate  = "https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy"
	oktaToken  = "https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/OrgAS/"
	oktaErrors = "https://developer.okta.com/docs/reference/error-codes/"
	oktaRate   = "https://developer.okta.com/docs/reference/rl-best-practices/"
	entraV2    = "https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow"
	entraV1    = "https://learn.microsoft.com/en-us/kusto/api/rest/authenticate-with-msal"
	entraCodes = "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"
	keycloak   = "https://www.keycloak.org/docs/latest/server_admin/#_service_accounts"
	cognito    = "https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html"
	serviceNow = "https://www.servicenow.com/community/developer-forum/oauth2-token-request-returned-401/td-p/3590623"
	paloAlto   = "https://docs.paloaltonetworks.com/saas-security/data-security/syslog-and-api-integration/api-client-integration/authentication-errors"
	upsToken   = "https://raw.githubusercontent.com/api-evangelist/ups/refs/heads/main/json-schema/ups-oauthtokenresponse-schema.json"
	apigee     = "https://docs.apigee.com/api-platform/reference/policies/oauth-http-status-code-reference"
	rfc9449    = "https://www.rfc-editor.org/rfc/rfc9449#section-5"
	rfc6750    = "https://www.rfc-editor.org/rfc/rfc6750#section-3.1"
	recorded   = "recorded"

	auth0Grant  = "https://github.com/auth0/auth0-python/issues/173"
	auth0Type   = "https://github.com/auth0/ruby-auth0/issues/190" // the words; the status was recorded
	auth0Quota  = "https://auth0.com/docs/fine-grained-m2m-token-quotas"
	oktaPolicy  = "https://support.okta.com/help/s/article/tokens-not-issued-with-lifetime-configured-in-access-rule-for-custom-authorization-server" // the same
	apigeeDown  = "https://docs.apigee.com/api-platform/troubleshoot/runtime/503-service-unavailable"
	apigeeQuota = "https://discuss.google.dev/t/http-429-as-default-status-code-for-quota-policy-violation/17548"

	keycloakCode   = "https://github.com/keycloak/keycloak/blob/"
	keycloakJava   = "/services/src/main/java/org/keycloak/"
	keycloakSecret = keycloakCode + "03f1a16370d3870d2b9b2a667af764f2134f2d8c" + keycloakJava + "authentication/authenticators/client/ClientIdAndSecretAuthenticator.java"
	keycloakClient = keycloakCode + "main" + keycloakJava + "authentication/AuthenticationProcessor.java"
	keycloakGrant  = keycloakCode + "0312c39baa1f4daaa79e66f113838c245cee6bd5" + keycloakJava + "protocol/oidc/grants/ClientCredentialsGrantType.java"
	keycloakScope  = "https://github.com/keycloak/keycloak/issues/33185"
	keycloakRealm  = keycloakCode + "007e9530ecd638f9aa23d43ae81110ae818bced3" + keycloakJava + "services/resources/RealmsResource.java"
	keycloakError  = keycloakCode + "898fdedcdabc022e43b06d99335d1cfda5adf204" + keycloakJava + "services/error/KeycloakErrorHandler.java"
	keycloakOld    = keycloakCode + "004f6ad8c3ce8e74519948e2046af402e52c1c7b" + keycloakJava + "services/error/KeycloakErrorHandler.java"
)

func TestSuccessesOfServers(t *testing.T) {
	for _, c := range []struct {
		server, page, body string
		token              string
		life               time.Duration
	}{
		{"RFC 6749", rfc6749, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,"example_parameter":"example_value"}`, "", 0},
		{"Auth0", auth0Token, `{"access_token":"eyJz93a...k4laUWw","token_type":"Bearer","expires_in":86400}`, "eyJz93a...k4laUWw", 24 * time.Hour},
		{"Auth0, with scopes", auth0Token, `{"access_token":"eyJz93a","scope":"read:clients","expires_in":86400,"token_type":"Bearer"}`, "eyJz93a", 24 * time.Hour},
		{"Okta", oktaToken, `{"access_token":"eyJhbG[...]1LQ","token_type":"Bearer","expires_in":3600,"scope":"customScope"}`, "eyJhbG[...]1LQ", time.Hour},
		{"Entra, v2.0", entraV2, `{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ0eXAi"}`, "eyJ0eXAi", 3599 * time.Second},
		{"Entra, v1.0", entraV1, `{"token_type":"Bearer","expires_in":"3599","ext_expires_in":"3599","expires_on":"1578439805","not_before":"1578435905","resource":"https://help.kusto.windows.net","access_token":"eyJ0...uXOQ"}`, "eyJ0...uXOQ", 3599 * time.Second},
		{"Keycloak", recorded, `{"access_token":"eyJhbGciOiJSUzI1NiJ9","expires_in":300,"refresh_expires_in":0,"token_type":"Bearer","not-before-policy":0,"scope":"profile email"}`, "eyJhbGciOiJSUzI1NiJ9", 5 * time.Minute},
		{"Keycloak before 12", keycloak, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"bearer","expires_in":60}`, "2YotnFZFEjr1zCsicMWpAA", time.Minute},
		{"Cognito", cognito, `{"access_token":"eyJra1example","token_type":"Bearer","expires_in":3600}`, "eyJra1example", time.Hour},
		{"UPS", upsToken, `{"token_type":"Bearer","issued_at":"1443102144106","client_id":"x","access_token":"ceTo5RCpluTfGn9B3OZXnnQkDVKM","expires_in":"14399","status":"approved"}`, "ceTo5RCpluTfGn9B3OZXnnQkDVKM", 14399 * time.Second},
	} {
		t.Run(c.server, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFetcher(t, config(answering(200, nil, c.body)))
				if c.token == "" {
					assert.Contains(t, fetchErrorOf(t.Context(), t, f).Message, "not bearer", c.page)
					return
				}
				tok, err := f.Fetch(t.Context())
				require.NoError(t, err, c.page)
				assert.Equal(t, c.token, tok.AccessToken())
				assert.Empty(t, tok.TenantAccessToken())
				assert.Equal(t, c.life, time.Until(tok.Expiry()))
			})
		})
	}
}

func TestRefusalsOfServers(t *testing.T) {
	for _, c := range []struct {
		server, page string
		status       int
		body         string
		class        string
		message      string
		code         string
		rereads      bool // a secret from a file
	}{
		{"RFC 6749", rfc6749, 400, `{"error":"invalid_request"}`,
			"permanent", "invalid_request: the request lacks something, or has something twice", "invalid_request", false},
		{"RFC 6749, unauthorized_client", rfc6749, 400, `{"error":"unauthorized_client","error_description":"no client credentials for you","error_uri":"https://e.example/x"}`,
			"permanent", "unauthorized_client: no client credentials for you", "unauthorized_client", false},
		{"RFC 6749, unsupported_grant_type", rfc6749, 400, `{"error":"unsupported_grant_type"}`,
			"permanent", "unsupported_grant_type: the server does not take client credentials here", "unsupported_grant_type", false},
		{"RFC 6749, invalid_grant", rfc6749, 400, `{"error":"invalid_grant"}`,
			"permanent", "invalid_grant: the client may not do this", "invalid_grant", false},
		{"RFC 6749, server_error", rfc6749, 500, `{"error":"server_error"}`,
			"transient", "server_error: the server cannot answer now", "server_error", false},
		{"RFC 6749, temporarily_unavailable", rfc6749, 503, `{"error":"temporarily_unavailable","error_description":"maintenance"}`,
			"transient", "temporarily_unavailable: maintenance", "temporarily_unavailable", false},
		{"RFC 6749, temporarily_unavailable as 400", rfc6749, 400, `{"error":"temporarily_unavailable"}`,
			"transient", "temporarily_unavailable: the server cannot answer now", "temporarily_unavailable", false},
		{"RFC 8628, slow_down", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5", 400, `{"error":"slow_down"}`,
			"transient", "slow_down: the server cannot answer now", "slow_down", false},
		{"RFC 8707", rfc8707, 400, `{"error":"invalid_target"}`,
			"permanent", "invalid_target: the resource or audience is unknown, malformed, or not for this client", "invalid_target", false},

		{"Auth0, wrong secret", auth0Token, 401, `{"error":"access_denied","error_description":"Unauthorized"}`,
			"permanent", "access_denied: Unauthorized", "access_denied", true},
		{"Auth0, wrong audience", auth0Token, 403, `{"error":"access_denied","error_description":"Service not enabled within domain: https://api.example/"}`,
			"permanent", "access_denied: Service not enabled within domain: https://api.example/", "access_denied", false},
		{"Auth0, no grant for the API", auth0Grant, 403, `{"error":"access_denied","error_description":"Client is not authorized to access \"https://api.example/\". You might probably want to create a \"client-grant\" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants"}`,
			"permanent", `access_denied: Client is not authorized to access "https://api.example/". You might probably want to create a "client-grant" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants…`, "access_denied", false},
		{"Auth0, grant type disabled", auth0Type, 403, `{"error":"unauthorized_client","error_description":"Grant type 'client_credentials' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}`,
			"permanent", "unauthorized_client: Grant type 'client_credentials' not allowed for the client.", "unauthorized_client", false},
		{"Auth0, rate limit", auth0Rate, 429, `{"statusCode":429,"error":"Too Many Requests","message":"Global limit has been reached"}`,
			"rate_limited", "Too Many Requests: Global limit has been reached", "", false},
		{"Auth0, quota of tokens", auth0Quota, 429, `{"error":"too_many_requests","error_description":"Client quota exceeded"}`,
			"rate_limited", "too_many_requests: Client quota exceeded", "too_many_requests", false},

		{"Okta, wrong secret", oktaToken, 401, `{"error":"invalid_client","error_description":"The client secret supplied for a confidential client is invalid."}`,
			"permanent", "invalid_client: The client secret supplied for a confidential client is invalid.", "invalid_client", true},
		{"Okta, wrong client id", oktaErrors, 401, `{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter.","errorLink":"invalid_client","errorId":"oaejDJuWCiRTQeH8n6WG2116A","errorCauses":[]}`,
			"permanent", "invalid_client: Invalid value for 'client_id' parameter.", "invalid_client", true},
		{"Okta, scope", oktaToken, 400, `{"error":"invalid_scope","error_description":"One or more scopes are not configured for the authorization server resource."}`,
			"permanent", "invalid_scope: One or more scopes are not configured for the authorization server resource.", "invalid_scope", false},
		{"Okta, policy", oktaPolicy, 401, `{"error":"access_denied","error_description":"Policy evaluation failed for this request, please check the policy configurations."}`,
			"permanent", "access_denied: Policy evaluation failed for this request, please check the policy configurations.", "access_denied", true},
		{"Okta, rate limit", oktaErrors, 429, `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests.","errorLink":"E0000047","errorId":"sampleE7p","errorCauses":[]}`,
			"rate_limited", "E0000047: API call exceeded rate limit due to too many requests.", "E0000047", false},
		{"Okta, no such authorization server", oktaErrors, 404, `{"errorCode":"E0000022","errorSummary":"The endpoint does not support the provided HTTP method","errorLink":"E0000022","errorId":"x","errorCauses":[]}`,
			"permanent", "E0000022: The endpoint does not support the provided HTTP method", "E0000022", false},

		{"Entra, scope", entraCodes, 400, `{"error":"invalid_scope","error_description":"AADSTS70011: The provided value for the input parameter 'scope' isn't valid. The scope https://example.contoso.com/activity.read isn't valid.\r\nTrace ID: 255d1aef-8c98-452f-ac51-23d051240864\r\nCorrelation ID: fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7\r\nTimestamp: 2016-01-09 02:02:12Z","error_codes":[70011],"timestamp":"2016-01-09 02:02:12Z","trace_id":"255d1aef-8c98-452f-ac51-23d051240864"}`,
			"permanent", "invalid_scope: AADSTS70011: The provided value for the input parameter 'scope' isn't valid. The scope https://example.contoso.com/activity.read isn't valid.", "invalid_scope", false},
		{"Entra, wrong secret", entraCodes, 401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret is provided. Trace ID: 1 Correlation ID: 2 Timestamp: 3","error_codes":[7000215]}`,
			"permanent", "invalid_client: AADSTS7000215: Invalid client secret is provided.", "invalid_client", true},
		{"Entra, expired secret", entraCodes, 401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}`,
			"permanent", "invalid_client: AADSTS7000222: The provided client secret keys are expired.", "invalid_client", true},
		{"Entra, no such application", entraCodes, 400, `{"error":"unauthorized_client","error_description":"AADSTS700016: Application with identifier 'x' wasn't found in the directory 'y'."}`,
			"permanent", "unauthorized_client: AADSTS700016: Application with identifier 'x' wasn't found in the directory 'y'.", "unauthorized_client", false},
		{"Entra, no such tenant", entraCodes, 400, `{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found."}`,
			"permanent", "invalid_request: AADSTS90002: Tenant 'x' not found.", "invalid_request", false},
		{"Entra, no such resource", entraCodes, 400, `{"error":"invalid_resource","error_description":"AADSTS500011: The resource principal named x was not found."}`,
			"permanent", "invalid_resource: AADSTS500011: The resource principal named x was not found.", "invalid_resource", false},
		{"Entra, in trouble", entraCodes, 503, `{"error":"temporarily_unavailable","error_description":"AADSTS90033: A transient error has occurred. Please try again."}`,
			"transient", "temporarily_unavailable: AADSTS90033: A transient error has occurred. Please try again.", "temporarily_unavailable", false},

		{"Keycloak, wrong secret", keycloakSecret, 401, `{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}`,
			"permanent", "unauthorized_client: Invalid client or Invalid client credentials", "unauthorized_client", true},
		{"Keycloak, no such client", keycloakClient, 401, `{"error":"invalid_client","error_description":"Invalid client or Invalid client credentials"}`,
			"permanent", "invalid_client: Invalid client or Invalid client credentials", "invalid_client", true},
		{"Keycloak, service accounts off", keycloakGrant, 401, `{"error":"unauthorized_client","error_description":"Client not enabled to retrieve service account"}`,
			"permanent", "unauthorized_client: Client not enabled to retrieve service account", "unauthorized_client", true},
		{"Keycloak, scope", keycloakScope, 400, `{"error":"invalid_scope","error_description":"Invalid scopes: nonsense"}`,
			"permanent", "invalid_scope: Invalid scopes: nonsense", "invalid_scope", false},
		{"Keycloak, no such realm", keycloakRealm, 404, `{"error":"Realm does not exist"}`,
			"permanent", "Realm does not exist: a code without a description", "", false},
		{"Keycloak, no such realm, with a description", keycloakError, 404, `{"error":"Realm does not exist","error_description":"For more on this error consult the server log."}`,
			"permanent", "Realm does not exist: For more on this error consult the server log.", "", false},
		{"Keycloak, in trouble", keycloakError, 500, `{"error":"unknown_error","error_description":"For more on this error consult the server log."}`,
			"transient", "unknown_error: For more on this error consult the server log.", "unknown_error", false},
		{"Keycloak, in trouble, before", keycloakOld, 500, `{"error":"unknown_error"}`,
			"transient", "unknown_error: a code without a description", "unknown_error", false},

		{"Cognito, wrong secret", cognito, 400, `{"error":"invalid_client"}`,
			"permanent", "invalid_client: client authentication failed", "invalid_client", true},
		{"Cognito, not for client credentials", cognito, 400, `{"error":"unauthorized_client"}`,
			"permanent", "unauthorized_client: the client may not do this", "unauthorized_client", false},
		{"Cognito, scope", cognito, 400, `{"error":"invalid_grant"}`,
			"permanent", "invalid_grant: the client may not do this", "invalid_grant", false},

		{"ServiceNow, wrong secret", serviceNow, 401, `{"error_description":"access_denied","error":"server_error"}`,
			"unknown", "server_error: access_denied", "server_error", true},
		{"Palo Alto, wrong secret", paloAlto, 401, `{"error":"unauthorized","resolution":"Please submit valid credentials.","error_description":"Invalid credentials"}`,
			"permanent", "unauthorized: Invalid credentials", "unauthorized", true},
		{"Apigee, wrong id", apigee, 401, `{"ErrorCode" : "invalid_request", "Error" :"Invalid client id : AVD7. ClientId is Invalid"}`,
			"permanent", "invalid_request: Invalid client id : AVD7. ClientId is Invalid", "invalid_request", true},
		{"Apigee, no id", apigee, 400, `{"ErrorCode" : "invalid_request", "Error" :"The request is missing a required parameter : client_id"}`,
			"permanent", "invalid_request: The request is missing a required parameter : client_id", "invalid_request", false},
		{"Apigee, wrong id, by a fault", apigee, 401, `{"fault":{"faultstring":"Invalid client identifier x","detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}`,
			"permanent", "oauth.v2.InvalidClientIdentifier: Invalid client identifier x", "oauth.v2.InvalidClientIdentifier", true},
		{"Apigee, wrong id, as a trouble of its own", recorded, 500, `{"fault":{"faultstring":"Invalid client identifier x","detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}`,
			"permanent", "oauth.v2.InvalidClientIdentifier: Invalid client identifier x", "oauth.v2.InvalidClientIdentifier", true},
		{"Apigee, in trouble", apigeeDown, 503, `{"fault":{"faultstring":"The Service is temporarily unavailable","detail":{"errorcode":"messaging.adaptors.http.flow.ServiceUnavailable"}}}`,
			"transient", "messaging.adaptors.http.flow.ServiceUnavailable: The Service is temporarily unavailable", "messaging.adaptors.http.flow.ServiceUnavailable", false},
		{"Apigee, quota", apigeeQuota, 429, `{"fault":{"faultstring":"Rate limit quota violation. Quota limit  exceeded. Identifier : _default","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}`,
			"rate_limited", "policies.ratelimit.QuotaViolation: Rate limit quota violation. Quota limit  exceeded. Identifier : _default", "policies.ratelimit.QuotaViolation", false},

		{"RFC 9449, no proof", rfc9449, 400, `{"error":"invalid_dpop_proof"}`,
			"permanent", "invalid_dpop_proof: the server wants a proof of possession with each request (DPoP)", "invalid_dpop_proof", false},
		{"RFC 9449, no nonce", rfc9449, 400, `{"error":"use_dpop_nonce","error_description":"Authorization server requires nonce in DPoP proof"}`,
			"permanent", "use_dpop_nonce: Authorization server requires nonce in DPoP proof", "use_dpop_nonce", false},
		{"RFC 9449, at 401", rfc9449, 401, `{"error":"use_dpop_nonce"}`,
			"permanent", "use_dpop_nonce: the server wants a proof of possession with each request (DPoP)", "use_dpop_nonce", false},
		{"RFC 6750, of an API", rfc6750, 401, `{"error":"invalid_token"}`,
			"permanent", "invalid_token: this address wants a token, as an API does", "invalid_token", false},
		{"RFC 6750, of an API, a scope", rfc6750, 403, `{"error":"insufficient_scope"}`,
			"permanent", "insufficient_scope: this address wants a token, as an API does", "insufficient_scope", false},

		{"a code that nobody has documented, at 401", "", 401, `{"error":"out_of_coffee"}`,
			"unknown", "out_of_coffee: client authentication failed", "out_of_coffee", true},
		{"a code that nobody has documented", "", 400, `{"error":"out_of_coffee","error_description":"ask at the desk"}`,
			"unknown", "out_of_coffee: ask at the desk", "out_of_coffee", false},
		{"the same at 502", "", 502, `{"error":"out_of_coffee"}`,
			"transient", "out_of_coffee: a code without a description", "out_of_coffee", false},
		{"the same at 200", "", 200, `{"error":"out_of_coffee"}`,
			"unknown", "out_of_coffee: a code without a description", "out_of_coffee", false},
		{"a known one at 200", "", 200, `{"error":"invalid_scope"}`,
			"permanent", "invalid_scope: a scope is unknown, malformed, or not for this client", "invalid_scope", false},
		{"a known one at 429", "", 429, `{"error":"invalid_client"}`,
			"permanent", "invalid_client: client authentication failed", "invalid_client", true},
		{"a wrong secret at 429", "", 429, `{"error":"unauthorized_client"}`,
			"permanent", "unauthorized_client: the client may not do this", "unauthorized_client", false},
		{"a request at 429", "", 429, `{"error":"invalid_request","error_description":"too many requests"}`,
			"rate_limited", "invalid_request: too many requests", "invalid_request", false},
		{"a scope at 429", "", 429, `{"error":"invalid_scope"}`,
			"rate_limited", "invalid_scope: a scope is unknown, malformed, or not for this client", "invalid_scope", false},
		{"access_denied at 429", "", 429, `{"error":"access_denied","error_description":"Too many requests"}`,
			"rate_limited", "access_denied: Too many requests", "access_denied", false},
		{"an API's at 429", "", 429, `{"error":"invalid_token"}`,
			"rate_limited", "invalid_token: this address wants a token, as an API does", "invalid_token", false},
		{"one that passes at 429", "", 429, `{"error":"temporarily_unavailable"}`,
			"rate_limited", "temporarily_unavailable: the server cannot answer now", "temporarily_unavailable", false},
	} {
		t.Run(c.server, func(t *testing.T) {
			e := fetchError(t, config(answering(c.status, http.Header{"X-Ms-Request-Id": {"r-1"}}, c.body)))
			assert.Equal(t, c.class, e.Class.String(), c.page)
			assert.Equal(t, c.message, e.Message)
			assert.Equal(t, c.code, oauth2cc.ErrorCode(e))
			assert.Equal(t, c.rereads, oauth2cc.RejectsSecret(e))
			assert.Equal(t, c.status, e.Status)
			assert.Equal(t, "r-1", e.LogID)
			assert.Zero(t, e.Code)
			assert.False(t, e.Local)
		})
	}
}

// An answer without a code is judged by its HTTP status.
func TestStatusWithoutCode(t *testing.T) {
	for status, class := range map[int]string{
		101: "unknown", 200: "unknown", 204: "unknown", 301: "permanent", 302: "permanent", 307: "permanent", 308: "permanent",
		400: "unknown", 401: "unknown", 403: "unknown", 404: "permanent", 405: "permanent", 407: "unknown", 408: "transient",
		410: "permanent", 425: "transient", 429: "rate_limited", 500: "transient", 502: "transient", 503: "transient", 504: "transient",
	} {
		for _, body := range []string{
			"", "404 page not found", "<html>", `{"message":"Forbidden"}`, `{"error":{"code":7}}`, `{"fault":7}`, `{"fault":{"detail":[]}}`, `{"fault":null}`,
		} {
			e := fetchError(t, config(answering(status, nil, body)))
			assert.Equal(t, class, e.Class.String(), "HTTP %d with %q", status, body)
			assert.Equal(t, status == 407, e.Local)
			assert.Empty(t, oauth2cc.ErrorCode(e), e.Message)
			assert.Equal(t, status == 401, oauth2cc.RejectsSecret(e))
			if class != "transient" && class != "rate_limited" && status != 407 {
				assert.Contains(t, e.Advice, "token URL")
			}
		}
	}
}

// Whatever the code of a 401, and if there is none, the id and the secret are what to look at.
func TestUnauthorized(t *testing.T) {
	for _, body := range []string{
		"", "<html>", `{"message":"Unauthorized"}`, `{"error":{"code":7}}`, `{"error":"out_of_coffee"}`, `{"error":"server_error"}`,
		`{"error":"invalid_client"}`, `{"error":"invalid_request"}`, `{"error":"unauthorized_client"}`, `{"error":"access_denied"}`,
		`{"ErrorCode":"invalid_request"}`, `{"fault":{"detail":{"errorcode":"x"}}}`, strings.Repeat(" ", 64<<10+1),
	} {
		e := fetchError(t, config(answering(401, nil, body)))
		assert.Contains(t, e.Advice, "check the client", body)
		assert.Contains(t, e.Advice, "the client secret", body)
		assert.True(t, oauth2cc.RejectsSecret(e), body)
	}
	for _, body := range []string{`{"error":"use_dpop_nonce"}`, `{"error":"invalid_token"}`, `{"error":"invalid_scope"}`} {
		e := fetchError(t, config(answering(401, nil, body)))
		assert.NotContains(t, e.Advice, "secret", body)
		assert.False(t, oauth2cc.RejectsSecret(e), body)
	}
}

// Where the way in which id and secret are sent may be wrong, the other way is the advice.
func TestAdviceNamesTheOtherAuth(t *testing.T) {
	for _, code := range []string{`{"error":"invalid_client"}`, `{"error":"invalid_request"}`, `{"error":"out_of_coffee"}`, `{}`, ``} {
		for auth, other := range map[oauth2cc.Auth]string{oauth2cc.Basic: "in the body", oauth2cc.Body: "by HTTP Basic"} {
			c := config(answering(401, nil, code))
			c.Auth = auth
			e := fetchError(t, c)
			assert.Contains(t, e.Advice, "whether the server wants id and secret "+other, code)
			for _, way := range []string{"in the body", "by HTTP Basic"} {
				assert.Equal(t, way == other, strings.Contains(e.Advice, way), e.Advice)
			}
		}
	}
	c := config(answering(400, nil, `{"error":"invalid_request"}`))
	assert.Contains(t, fetchError(t, c).Advice, "further pairs, and whether the server wants id and secret in the body")
	c.Auth = oauth2cc.Body
	assert.Contains(t, fetchError(t, c).Advice, "further pairs, and whether the server wants id and secret by HTTP Basic")
	c = config(answering(400, nil, `{"error":"invalid_scope"}`))
	assert.NotContains(t, fetchError(t, c).Advice, "id and secret")
}

// The request's name for the server's support is where that server has it.
func TestLogIDs(t *testing.T) {
	for _, header := range []string{
		"x-ms-request-id", "x-okta-request-id", "x-request-id", "x-auth0-requestid", "x-amz-cognito-request-id", "x-amzn-requestid",
	} {
		h := http.Header{}
		h.Set(header, "r-1")
		assert.Equal(t, "r-1", fetchError(t, config(answering(400, h, ""))).LogID, header)
	}
}

// Even an answer with a token is not taken but from a success.
func TestTokenOfNoSuccess(t *testing.T) {
	for _, status := range []int{302, 400, 401, 429, 500} {
		e := fetchError(t, config(answering(status, nil, goodAnswer)))
		assert.Equal(t, status, e.Status)
		assert.NotContains(t, e.Error(), "token-1")
	}
}

func TestWaits(t *testing.T) {
	date := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for _, c := range []struct {
		edge   string
		header http.Header
		want   time.Duration
	}{
		{"none", nil, 0},
		{"seconds", http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		{"a date", http.Header{"Retry-After": {date.Add(time.Minute).Format(http.TimeFormat)}}, time.Minute},
		{"Auth0's epoch", http.Header{"X-Ratelimit-Reset": {"1777863811"}}, 90 * time.Second},
		{"Okta's epoch", http.Header{"X-Rate-Limit-Reset": {"1777863811"}}, 90 * time.Second},
		{"the draft's seconds", http.Header{"Ratelimit-Reset": {"5"}}, 5 * time.Second},
		{"Retry-After goes first", http.Header{"Retry-After": {"7"}, "X-Ratelimit-Reset": {"1777863811"}}, 7 * time.Second},
		{"an epoch that has passed", http.Header{"X-Ratelimit-Reset": {"1577863811"}}, 0},
		{"far ahead", http.Header{"X-Ratelimit-Reset": {"2777863811"}}, time.Hour},
		{"rubbish", http.Header{"Retry-After": {"soon"}}, 0},
	} {
		header := c.header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Date", date.Format(http.TimeFormat))
		e := fetchError(t, config(answering(429, header, `{"error":"too_many_requests"}`)))
		assert.Equal(t, c.want, e.RetryAfter, c.edge)
		assert.Equal(t, rateLimited, e.Class)
	}
	for _, code := range []string{"invalid_request", "access_denied", "invalid_scope", "invalid_token", "out_of_coffee"} {
		e := fetchError(t, config(answering(429, http.Header{"Retry-After": {"7"}}, `{"error":"`+code+`"}`)))
		assert.Equal(t, 7*time.Second, e.RetryAfter, code)
		assert.Empty(t, e.Advice, "nobody has to act")
	}
	e := fetchError(t, config(answering(503, http.Header{"Retry-After": {"7"}}, `{"error":"temporarily_unavailable"}`)))
	assert.Equal(t, 7*time.Second, e.RetryAfter)
	assert.Equal(t, transient, e.Class)
}
