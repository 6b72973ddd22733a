// Package lookalike has what the test issuers of packages feishutest and oauth2test share, so that
// each decision stands in one place: how an answer reaches its client with and without a socket, how
// it goes wrong on its way, how long it takes, and how much an issuer remembers.
//
//	serve.go    Server: an http.Handler and a RoundTripper of one function
//	reply.go    Reply: an answer, and what happens to it on its way
//	fault.go    Fault: what comes in place of an answer, or spoils it; Faults: whose turn it is
//	decide.go   Decide: a call is decided after the latency, whether or not its client is still there
//	book.go     Book: the tokens that were minted, within bounds
//	journal.go  Journal: the calls, within bounds
//
// Nothing here starts a goroutine that outlives a call, or blocks in ways that a testing/synctest
// bubble does not understand.
package lookalike
