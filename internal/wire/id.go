package wire

import (
	"fmt"
	"net/url"
	"strings"
)

// LongestName is how many bytes an issuer's or an app's name has at most.
const LongestName = 128

// ID is that of a credential: under it stand its keys and its channel.
func ID(issuer, app, digest string) string { return escape(issuer) + ":" + escape(app) + ":" + digest }

// AppOf is the app of an ID, or nothing if it is none.
func AppOf(id string) string {
	parts := strings.Split(id, ":")
	if len(parts) != 3 {
		return ""
	}
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil || len(plain) > LongestName || escape(plain) != part {
			return "" // no Credential has such an ID
		}
		parts[i] = plain
	}
	return parts[1]
}

// escape keeps [A-Za-z0-9_.-] and percent-encodes every other byte, the colon
// too: it separates the parts of an ID.
func escape(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
