package config

import "go.yaml.in/yaml/v3"

// identities are what clients are told apart by.
type identities struct {
	names map[string]string // and where each was given first
	shown map[string]string // secrets, names in certificates and uids, and where
}

func newIdentities() *identities {
	return &identities{names: map[string]string{}, shown: map[string]string{}}
}

// isTaken complains of what another client shows already, or this one twice: nobody could say whose
// request it is.
func (r *reader) isTaken(v value, shown, what string) bool {
	first, taken := r.clients.shown[shown]
	if taken {
		r.complain(v, what+" of "+first+": each has to be of one client alone, and once")
		return true
	}
	r.clients.shown[shown] = v.path
	return false
}

// hasKey looks into a mapping without a complaint.
func hasKey(v value, key string) bool {
	if v.node == nil || v.node.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == key {
			return true
		}
	}
	return false
}
