package bearer

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRFC6750Rejects(t *testing.T) {
	for edge, c := range map[string]struct {
		rejects bool
		lines   []string
		status  int
	}{
		"as in RFC 6750":           {true, []string{`Bearer realm="example", error="invalid_token", error_description="The access token expired"`}, 401},
		"the error alone":          {true, []string{`Bearer error="invalid_token"`}, 401},
		"no quotes":                {true, []string{`Bearer error=invalid_token`}, 401},
		"in other cases":           {true, []string{`bEARER ERROR="invalid_token"`}, 401},
		"spaces around":            {true, []string{"Bearer  realm = \"x\" ,\terror =\t\"invalid_token\" , "}, 401},
		"empty elements":           {true, []string{`,, Bearer realm="x",, ,error="invalid_token",`}, 401},
		"a quoted backslash":       {true, []string{`Bearer error="invalid\_token"`}, 401},
		"a quoted comma":           {true, []string{`Bearer realm="a, Basic b=c", error="invalid_token"`}, 401},
		"a quoted quote":           {true, []string{`Bearer realm="a\", error=\"x", error="invalid_token"`}, 401},
		"the second challenge":     {true, []string{`Basic realm="x", Bearer error="invalid_token"`}, 401},
		"the first of two":         {true, []string{`Bearer error="invalid_token", Basic realm="x"`}, 401},
		"after a scheme alone":     {true, []string{`Negotiate, Bearer error="invalid_token"`}, 401},
		"after a token68":          {true, []string{`Negotiate YWJj==, Bearer error="invalid_token"`}, 401},
		"the second line":          {true, []string{`Basic realm="x"`, `Bearer error="invalid_token"`}, 401},
		"a broken line before":     {true, []string{`Basic realm="x`, `Bearer error="invalid_token"`}, 401},
		"a broken challenge after": {true, []string{`Bearer error="invalid_token", Basic realm="x`}, 401},
		"two of Bearer":            {true, []string{`Bearer realm="x", Bearer error="invalid_token"`}, 401},

		"bare":                        {false, nil, 401},
		"Bearer alone":                {false, []string{`Bearer`}, 401},
		"no error":                    {false, []string{`Bearer realm="invalid_token"`}, 401},
		"a missing permission":        {false, []string{`Bearer error="insufficient_scope", scope="invalid_token"`}, 401},
		"another status":              {false, []string{`Bearer error="invalid_token"`}, 403},
		"200":                         {false, []string{`Bearer error="invalid_token"`}, 200},
		"another scheme":              {false, []string{`DPoP error="invalid_token"`}, 401},
		"another scheme, then Bearer": {false, []string{`Digest error="invalid_token", Bearer realm="x"`}, 401},
		"another case of the value":   {false, []string{`Bearer error="Invalid_Token"`}, 401},
		"within a quoted string":      {false, []string{`Basic realm="Bearer error=\"invalid_token\""`}, 401},
		"within the description":      {false, []string{`Bearer error="invalid_request", error_description="error=\"invalid_token\""`}, 401},
		"another name":                {false, []string{`Bearer x-error="invalid_token"`}, 401},
		"two errors":                  {false, []string{`Bearer error="invalid_token", error="insufficient_scope"`}, 401},
		"two errors, turned round":    {false, []string{`Bearer error="insufficient_scope", error="invalid_token"`}, 401},
		"no scheme":                   {false, []string{`error="invalid_token"`}, 401},
		"no end of the string":        {false, []string{`Bearer error="invalid_token`}, 401},
		"a backslash at the end":      {false, []string{`Bearer error="invalid_token\`}, 401},
		"something after the string":  {false, []string{`Bearer error="invalid_token"x`}, 401},
		"no comma":                    {false, []string{`Bearer realm="x" error="invalid_token"`}, 401},
		"a semicolon":                 {false, []string{`Bearer; error="invalid_token"`}, 401},
		"a value alone":               {false, []string{`Bearer invalid_token`}, 401},
	} {
		t.Run(edge, func(t *testing.T) {
			reason, rejected := RFC6750Rejects(&http.Response{StatusCode: c.status, Header: http.Header{"Www-Authenticate": c.lines}})
			assert.Equal(t, c.rejects, rejected)
			if rejected {
				assert.Equal(t, "invalid_token", reason)
			}
		})
	}
}

func TestChallenges(t *testing.T) {
	assert.Equal(t, []challenge{
		{scheme: "Newauth", params: []param{{"realm", "apps"}, {"type", "1"}, {"title", `Login to "apps"`}}},
		{scheme: "Basic", params: []param{{"realm", "simple"}}},
	}, challenges(`Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple"`), "RFC 9110, 11.6.1")
	assert.Equal(t, []challenge{{scheme: "Negotiate"}, {scheme: "NTLM"}}, challenges("Negotiate a/b+c~d==,NTLM"))
	assert.Empty(t, challenges(" ,, \t"))
}
