package standing

import (
	"errors"
	"slices"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Failure is the failed call that keeps a credential from a newer token, of what Redis knows; nil: none does. One that
// Redis remembers beside a fresh token is over: that token was got around Redis, and putting it back leaves the failure.
func Failure(st tokencache.Status) *tokencache.IssuerError {
	if st.State == tokencache.StateFresh {
		return nil
	}
	return st.Failure
}

// NeedsPerson reports whether an error is a refusal after which a person has to act before the issuer answers
// otherwise.
func NeedsPerson(err error) bool {
	refusal, ok := errors.AsType[*tokencache.IssuerError](err)
	return ok && refusal.Class.NeedsPerson()
}

// ClassNeedsPerson is NeedsPerson by the word for the class, where there is nothing else. A word of a later version
// needs nobody.
func ClassNeedsPerson(word string) bool {
	return slices.ContainsFunc(classes, func(c tokencache.Class) bool { return c.String() == word && c.NeedsPerson() })
}

var classes = []tokencache.Class{
	tokencache.ClassTransient, tokencache.ClassUnknown, tokencache.ClassRateLimited, tokencache.ClassQuota, tokencache.ClassPermanent,
}
