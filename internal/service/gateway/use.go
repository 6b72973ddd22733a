package gateway

// Use is one request of a client's and what became of it. It has no secret, and no text of the request's.
type Use struct {
	Client     string // its name; "" if it is not known who asked
	Credential string // its name; "" unless there is such a credential
	Status     int    // of HTTP; StatusGone: the client went away
	// Refused is why the gateway has refused it, in fixed words such as "wrong secret"; "" if it was answered, or
	// passed on, whatever the API said.
	Refused string
	// Cause is why there was no token, or no answer of the API's; nil of all else.
	Cause error
}

// StatusGone is of a client that went away before there was an answer: nginx' number.
const StatusGone = 499
