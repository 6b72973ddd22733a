// Package sdk holds the Go code of the documents that calls libraries of others: the whole SDKs, which
// take half a minute to compile. That of Feishu's SDK is left out where an int has 32 bits: the SDK has a
// constant that does not fit.
package sdk
