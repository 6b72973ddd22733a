package deploycheck

import (
	"slices"
	"strings"
)

// Unit is a file of systemd: the values of each key of each section, in their order.
type Unit map[string][]string

// ReadUnit takes what the units here have: no quotes, and no lines that go on.
func ReadUnit(text string) Unit {
	u, section := Unit{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, isKey := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case isKey:
			u[section+"."+key] = append(u[section+"."+key], value)
		}
	}
	return u
}

// Last value of a key, such as Service.Type; "": none.
func (u Unit) Last(key string) string {
	if len(u[key]) == 0 {
		return ""
	}
	return u[key][len(u[key])-1]
}

// Credentials are the names of LoadCredential, sorted.
func (u Unit) Credentials() (names []string) {
	for _, value := range u["Service.LoadCredential"] {
		name, _, _ := strings.Cut(value, ":")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
