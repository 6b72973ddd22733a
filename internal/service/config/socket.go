package config

import (
	"io/fs"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

const defaultSocketMode = fs.FileMode(0o660)

// longestSocket is what the kernel has room for, with a zero at the end: unix(7) of Linux, afunix.h of
// Windows; unix(4) of the BSDs and macOS.
func longestSocket() int {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return 108 - 1
	}
	return 104 - 1
}

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
	case len(path) > longestSocket():
		in.complainf(v, "is longer than the %d bytes that a socket may have, with the folder of this file if it is relative", longestSocket())
	default:
		return path
	}
	return ""
}

var isMode = regexp.MustCompile(`^0[oO]?([0-7]{3})$`)

// socketMode takes what chmod does, in quotes or not: YAML reads 0660 as a number, some of its versions
// as 660, so the text counts.
func (in *inputs) socketMode(v value) fs.FileMode {
	const form = "has to be four digits as of chmod, 0 first, such as 0660"
	if !in.isGiven(v) {
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
