package config

import (
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

const defaultSocketMode = fs.FileMode(0o660)

// socket is "" where it is absent, and after a complaint.
func (in *inputs) socket(v value) string {
	text, ok := in.text(v)
	if !ok {
		return ""
	}
	path := in.files.path(text)
	switch {
	case strings.HasPrefix(text, "@"):
		in.complain(v, "is an abstract socket, which has no permissions: give a path in a folder")
	case strings.HasSuffix(text, "/"):
		in.complain(v, "is a folder: give the path of the socket in it")
	case len(path) > listen.LongestSocket:
		in.complainf(v, "is longer than the %d bytes that a socket may have, with the folder of this file if it is relative", listen.LongestSocket)
	default:
		return path
	}
	return ""
}

var isMode = regexp.MustCompile(`^0[oO]?([0-7]{3})$`)

// socketMode takes what chmod does, in quotes or not: YAML reads 0660 as a number, some of its versions
// as 660, so the text counts. Without modes on this system it is 0.
func (in *inputs) socketMode(v value, hasModes bool) fs.FileMode {
	const form = "has to be four digits as of chmod, 0 first, such as 0660"
	switch given := in.checkGiven(v); {
	case given && !hasModes:
		in.complain(v, "is of no use here, where sockets have no modes: leave it out, and guard the folder of the socket")
		return 0
	case !hasModes:
		return 0
	case !given:
		return defaultSocketMode
	}
	parts := isMode.FindStringSubmatch(v.node.Value)
	if parts == nil {
		in.complain(v, form)
		return defaultSocketMode
	}
	bits, _ := strconv.ParseUint(parts[1], 8, 32) // three octal digits
	mode := fs.FileMode(bits)
	if mode&0o600 != 0o600 {
		in.complain(v, "has to let its owner read and write: "+form)
	}
	return mode
}
