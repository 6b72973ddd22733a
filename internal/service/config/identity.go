package config

import "go.yaml.in/yaml/v3"

// identities are what clients are told apart by.
type identities struct {
	names map[string]map[string]string // by the path of the door: names, and where each was given first
	shown map[string][]shown           // secrets, names in certificates and uids
}

// shown is where a client shows something.
type shown struct{ door, name, path string }

func newIdentities() *identities {
	return &identities{names: map[string]map[string]string{}, shown: map[string][]shown{}}
}

// namesAt are those of the clients of a door.
func (i *identities) namesAt(d door) map[string]string {
	if i.names[d.path] == nil {
		i.names[d.path] = map[string]string{}
	}
	return i.names[d.path]
}

// claim notes what a client shows. It is false after a complaint, of what another client shows already, or this one
// twice: nobody could say whose request it is. Two of one name at two doors are one program.
func (r *reader) claim(a applicant, v value, what, words string) bool {
	now := shown{door: a.door.path, name: a.name, path: v.path}
	for _, before := range r.clients.shown[what] {
		switch {
		case before.door == now.door:
			r.complain(v, words+" of "+before.path+": each has to be of one client alone, and once")
			return false
		case before.name != now.name:
			r.complain(v, words+" of "+before.path+": each has to be of one client alone, at both doors; if the two are one program, give them one name")
			return false
		}
	}
	r.clients.shown[what] = append(r.clients.shown[what], now)
	return true
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
