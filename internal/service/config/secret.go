package config

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/onetoken-go/onetoken/internal/smallfile"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Ends of the keys that say where a value is.
const (
	inFile     = "_file"
	inVariable = "_env"
)

// elsewhere are the two keys of a secret.
func elsewhere(key string) []string { return []string{key + inFile, key + inVariable} }

// inline is what to tell of a secret that stands in the file itself.
func inline(key string) string {
	return "is a secret, and none stands in this file: write it into a file and name that by " + key + inFile +
		", or a variable by " + key + inVariable
}

// found is a text, and the key by which it was found, to which belongs what is wrong with the text.
type found struct {
	value
	text string
	ok   bool // false: there is none, or a complaint
}

func (f found) secret() tokencache.Secret { return tokencache.NewSecret(f.text) }

// secret reads what KEY_file or KEY_env names. whose says what it is, where one has to be there; "":
// there need be none.
func (in *inputs) secret(ctx context.Context, s section, key, whose string) found {
	f := in.either(ctx, s, key)
	if whose != "" && f.node == nil {
		f.path = s.below(key + inFile)
		in.complain(f.value, "is missing: name the file that holds "+whose+", or a variable by "+key+inVariable)
	}
	return f
}

// either reads the one of KEY, KEY_file and KEY_env that is there, where the section knows these keys.
func (in *inputs) either(ctx context.Context, s section, key string) found {
	var f found
	for _, name := range append([]string{key}, elsewhere(key)...) {
		v := s.get(name)
		switch {
		case v.node == nil:
		case f.node != nil:
			in.complain(v, "stands beside "+f.key+": keep one of the two")
		default:
			f = in.find(ctx, v, name[len(key):])
		}
	}
	if f.node == nil {
		f.value = s.get(key)
	}
	return f
}

// find reads the value by the end of its key.
func (in *inputs) find(ctx context.Context, v value, by string) found {
	f := found{value: v}
	f.text, f.ok = in.text(v)
	switch {
	case !f.ok:
	case by == inFile:
		f.text, f.ok = in.fileText(ctx, v, f.text)
		f.text = smallfile.CutNewline(f.text)
	case by == inVariable:
		f.text, f.ok = in.variableText(v, f.text)
	}
	return f
}

// fileText is all of a file.
func (in *inputs) fileText(ctx context.Context, v value, name string) (string, bool) {
	text, err := in.files.text(ctx, name)
	switch {
	case err == nil:
		in.files.named = append(in.files.named, File{Key: v.path, Path: in.files.path(name), Secret: !slices.Contains(certificates, v.key)})
		return text, true
	case !errors.Is(err, errUnread):
		in.complain(v, "the file cannot be taken: "+err.Error())
	default: // the file that took the time has been told
		in.told[v.path] = true
	}
	return "", false
}

var isVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

func (in *inputs) variableText(v value, name string) (string, bool) {
	if !isVariable.MatchString(name) {
		in.complain(v, "is no name of a variable: letters, digits and _")
		return "", false
	}
	text := in.files.variable(name)
	switch {
	case text == "":
		in.complain(v, "the variable that it names is not set, or empty")
	case len(text) > maxNamed:
		in.complainf(v, "the variable that it names is larger than %d KiB", maxNamed>>10)
	default:
		return text, true
	}
	return "", false
}
