package door

import "github.com/onetoken-go/onetoken/internal/service/clients"

// Use is one request of a client's and what it was answered. It has no secret, and no text of the request's.
type Use struct {
	Client     string      // its name; "" if it is not known who asked
	Way        clients.Way // by what it was identified; "" as well
	Credential string      // its name; "" unless there is such a credential
	Action     Action
	Status     int    // of HTTP
	Error      string // as the client was told, such as "access_denied"; "" for none
	// Outcome of a rejection; "" of any other request, or if there is an Error.
	Outcome Outcome
	// Cause is why there is no token or outcome; nil unless Status is 502 or 503.
	Cause error
}

// Action is what a client wanted.
type Action string

// All actions that there are.
const (
	Get    Action = "get" // also by OAuth
	Reject Action = "reject"
)
