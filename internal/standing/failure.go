package standing

import "github.com/onetoken-go/onetoken/tokencache"

// Failure is the failed call that keeps a credential from a newer token, of what Redis knows; nil: none does. One that
// Redis remembers beside a fresh token is over: that token was got around Redis, and putting it back leaves the failure.
func Failure(st tokencache.Status) *tokencache.IssuerError {
	if st.State == tokencache.StateFresh {
		return nil
	}
	return st.Failure
}
