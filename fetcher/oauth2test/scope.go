package oauth2test

import (
	"slices"
	"strings"
)

// parseScope splits a scope into its parts, each once, and reports whether it is well-formed (RFC
// 6749 3.3). "" has none.
func parseScope(scope string) (parts []string, ok bool) {
	if scope == "" {
		return nil, true
	}
	for part := range strings.SplitSeq(scope, " ") {
		if !isScopeToken(part) {
			return nil, false
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return parts, true
}

func isScopeToken(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b >= 0x7f || b == '"' || b == '\\' {
			return false
		}
	}
	return s != ""
}

// subset reports whether every one of asked is allowed; nil allows any.
func subset(asked, allowed []string) bool {
	if allowed == nil {
		return true
	}
	for _, a := range asked {
		if !slices.Contains(allowed, a) {
			return false
		}
	}
	return true
}
