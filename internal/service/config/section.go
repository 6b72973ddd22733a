package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// keys of a section.
type keys struct {
	known   []string          // in the order in which a person is told of them
	refused map[string]string // that people write there all the same, and what to do instead
}

// section is a mapping, taken apart.
type section struct {
	value
	values map[string]value // of known keys
}

// section complains of keys that are repeated or not known. It is false of an absent one, and after
// the complaint that it is none.
func (t *tree) section(v value, k keys) (section, bool) {
	if !t.checkGiven(v) {
		return section{}, false
	}
	if v.node.Kind != yaml.MappingNode {
		t.complain(v, "has to be keys with values, one a line, and not "+kindName(v.node)+": "+oneOf(k.known, ""))
		return section{}, false
	}
	s := section{value: v, values: map[string]value{}}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		t.addKey(s, k, v.node.Content[i], v.node.Content[i+1])
	}
	return s, true
}

func (t *tree) addKey(s section, k keys, key, node *yaml.Node) {
	v := value{path: s.below(key.Value), key: key.Value, line: key.Line, column: key.Column, node: node}
	first, repeated := s.values[key.Value]
	why, refused := k.refused[key.Value]
	switch {
	case key.Kind != yaml.ScalarNode || !slices.Contains(k.known, key.Value) && !refused:
		t.complainOfKey(s, k, key)
	case refused:
		t.complain(v, why)
	case repeated:
		t.complainf(v, "is there twice, and in line %d first: keep one", first.line)
	default:
		s.values[key.Value] = v
	}
}

// complainOfKey does not quote it: where a colon went wrong it may be a secret.
func (t *tree) complainOfKey(s section, k keys, key *yaml.Node) {
	if t.isFull() {
		return
	}
	at := value{path: s.path, line: key.Line, column: key.Column}
	near := ""
	if key.Kind == yaml.ScalarNode {
		near = nearest(key.Value, k.known)
	}
	t.complain(at, "a key that is not known here: "+oneOf(k.known, near))
}

// below is the path of a key of the section.
func (s section) below(key string) string {
	if s.path == "" {
		return key
	}
	return s.path + "." + key
}

// has is true of a key that is there, whatever its value.
func (s section) has(key string) bool {
	_, ok := s.values[key]
	return ok
}

// get has the value of a known key. An absent one has the place of the section, for complaints.
func (s section) get(key string) value {
	if v, ok := s.values[key]; ok {
		return v
	}
	return value{path: s.below(key), key: key, line: s.line, column: s.column}
}

// need is get of a key that has to be there.
func (t *tree) need(s section, key, what string) value {
	v := s.get(key)
	if v.node == nil {
		t.complain(v, "is missing: "+what)
	}
	return v
}
