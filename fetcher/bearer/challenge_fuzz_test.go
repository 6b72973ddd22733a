package bearer

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzChallenges: whatever a line says, the parser ends, and what it finds is found again if it is
// written out anew; nothing is a rejection that does not have the words.
func FuzzChallenges(f *testing.F) {
	f.Add(`Bearer realm="example", error="invalid_token", error_description="The access token expired"`)
	f.Add(`Negotiate YWJj==, Bearer error=invalid_token`)
	f.Add(`Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple"`)
	f.Add(`,, Bearer , a="\`)
	f.Add(`Bearer error="invalid_token"x`)
	f.Fuzz(func(t *testing.T, line string) {
		all := challenges(line)
		require.LessOrEqual(t, len(all), len(line))
		if again := challenges(written(all)); len(all) > 0 {
			assert.Equal(t, all, again)
		}

		resp := &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {line}}}
		if _, rejected := RFC6750Rejects(resp); rejected {
			assert.Contains(t, strings.ToLower(line), "bearer")
			assert.Contains(t, strings.ReplaceAll(line, `\`, ""), invalidToken)
		}
		resp.Header["Www-Authenticate"] = []string{line, `Bearer error="invalid_token"`}
		_, rejected := RFC6750Rejects(resp)
		assert.True(t, rejected, "no line spoils another")
	})
}

// written writes challenges with every value in quotes.
func written(all []challenge) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var lines []string
	for _, c := range all {
		var params []string
		for _, p := range c.params {
			params = append(params, p.name+`="`+escape.Replace(p.value)+`"`)
		}
		lines = append(lines, strings.TrimSpace(c.scheme+" "+strings.Join(params, ", ")))
	}
	return strings.Join(lines, ", ")
}
