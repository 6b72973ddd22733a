package alerts

// Signs are what a person sees of a trouble besides the alert, at a service that is in it: the runbook names them, and
// the rehearsal of each alert looks for them.
type Signs struct {
	Page   []string          // texts on the service's page; none: it does not answer
	Status []string          // what `onetoken status --service` prints
	API    map[string]string // values in /api/status, as JSON, by path, on which credentials and doors stand by name
}

// Some is any value in /api/status but null, false, 0 and "".
const Some = "some"

// SignsOf are the signs by alert. The credential is [Credential], and the door that of tokens.
var SignsOf = map[string]Signs{
	"OnetokenDown": {
		Status: []string{"no service answers at "},
	},
	"OnetokenNoToken": {
		Page:   []string{"has no token: crm", "No token"},
		Status: []string{"has no token: crm", "No token", "no usable token of crm"},
		API:    map[string]string{"credentials.crm.usable": "false"},
	},
	"OnetokenTokenEndsUnrefreshed": {
		Page:   []string{"ends soon, and nobody has brought another: crm", "Ending", "to be replaced"},
		Status: []string{"ends soon, and nobody has brought another: crm", "Ending"},
		API:    map[string]string{"credentials.crm.usable": "true", "credentials.crm.next_refresh_seconds": "0", "credentials.crm.state": `"urgent"`},
	},
	"OnetokenNobodyRefreshes": {
		Page:   []string{"Refreshing", "being replaced"},
		Status: []string{"Refreshing"},
		API:    map[string]string{"credentials.crm.next_refresh_seconds": "0", "credentials.crm.trouble": "null", "credentials.crm.locked_seconds": Some},
	},
	"OnetokenRefreshFailing": {
		Page:   []string{"is being retried, and its token still serves: crm", "Retrying", "the issuer is asked again"},
		Status: []string{"is being retried, and its token still serves: crm", "Retrying", "tried again in ", "attempts in a row: "},
		API:    map[string]string{"credentials.crm.usable": "true", "credentials.crm.trouble.needs_person": "false", "credentials.crm.trouble.redis": "false"},
	},
	"OnetokenCredentialRefused": {
		Page:   []string{"needs you: crm", "Needs you", "To do", "a changed secret is tried at once"},
		Status: []string{"needs you: crm", "Needs you", "attempts in a row: "},
		API:    map[string]string{"credentials.crm.trouble.needs_person": "true"},
	},
	"OnetokenRedisDegraded": {
		Page:   []string{"Redis is in trouble.", "Degraded for", "this service asks the issuers itself"},
		Status: []string{"Redis has been in trouble for "},
		API:    map[string]string{"redis.state": `"degraded"`, "redis.trouble": Some},
	},
	"OnetokenMoreCallsThanRotations": { // of services that do not share a Redis each is well: they name different moments
		Page:   []string{"is well", "Calls"},
		Status: []string{"fetched "},
		API:    map[string]string{"credentials.crm.calls": Some, "credentials.crm.fetched_at": Some},
	},
	"OnetokenConfigRefused": {
		Page:   []string{"The configuration in the file is refused, and the one before is in use.", "Refused"},
		Status: []string{"The configuration in the file is refused, and the one before is in use: "},
		API:    map[string]string{"config.ok": "false", "config.error": Some},
	},
	"OnetokenNewerSecretUnused": {
		Page:   []string{"Needs you", "as it stands in the file it is not in use, and the one before serves"},
		Status: []string{"Needs you", "as it is in the file now: "},
		API:    map[string]string{"credentials.crm.newer.error": Some, "credentials.crm.usable": "true"},
	},
	"OnetokenDoorRefuses": {
		Page:   []string{" requests, ", " refused"},
		Status: []string{"requests at tokens: ", " refused"},
		API:    map[string]string{"doors.tokens.refused": Some},
	},
}
