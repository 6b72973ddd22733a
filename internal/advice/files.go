package advice

import "regexp"

// Files are the variables whose value came from a file, each with its path. All messages are
// written as if there were no files, and Named then tells of the variable that was set.
type Files map[string]string

// variable is the one that a person has set.
func (f Files) variable(name string) string {
	if _, ok := f[name]; ok {
		return name + "_FILE"
	}
	return name
}

// Named has text name the variables that a person has set. Those with _FILE stay as they are.
func (f Files) Named(text string) string {
	return fileable.ReplaceAllStringFunc(text, f.variable)
}

// fileable are the variables that a file can stand in for.
var fileable = regexp.MustCompile(`\b(FEISHU_APP_SECRET|OAUTH2_CLIENT_SECRET|REDIS_URL)\b`)
