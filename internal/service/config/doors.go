package config

// Doors, by the names that the log, metrics and /api/status have for them: each is the section of the file that opens
// it, but for the socket, which is of tokens.
const (
	DoorStatus  = "status"
	DoorTokens  = "tokens"
	DoorSocket  = "socket"
	DoorGateway = "gateway"
)
