package tokencache_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	secretApp    = "a-SECRETAPP"
	secretTenant = "t-SECRETTENANT"
)

func TestTokenPrintsRedacted(t *testing.T) {
	tok := secretToken()
	redacted := tok.String()
	require.Regexp(t, `^token\([0-9a-f]{8}\)$`, redacted)

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%o", "%10.3s", "%c", "%U"} {
		assert.Contains(t, fmt.Sprintf(verb, tok), "token("+tok.Fingerprint()[:8], "%s", verb)
		for name, v := range map[string]any{
			"token":         tok,
			"pointer":       &tok,
			"struct":        withToken{"x", tok},
			"struct behind": &withToken{"x", tok},
			"hidden":        withHiddenToken{"x", tok, &tok},
			"hidden behind": &withHiddenToken{"x", tok, &tok},
			"slice":         []tokencache.Token{tok},
			"array":         [1]tokencache.Token{tok},
			"pointers":      []*tokencache.Token{&tok},
			"map value":     map[string]tokencache.Token{"x": tok},
			"map key":       map[tokencache.Token]string{tok: "x"},
			"any":           []any{tok, &tok},
			"method":        tok.AppAccessToken,
			"anonymous":     struct{ tokencache.Token }{tok},
		} {
			t.Run(name+" "+verb, func(t *testing.T) { requireRedacted(t, fmt.Sprintf(verb, v)) })
		}
	}
	requireRedacted(t, fmt.Sprint(tok, &tok, []any{tok}))
	requireRedacted(t, fmt.Sprintf("%T %p", tok, &tok))
}

func TestTokenLogsRedacted(t *testing.T) {
	tok := secretToken()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			slog.New(handler(&b)).With("with", tok).Info("hello", "token", tok, "pointer", &tok,
				"struct", withToken{"x", tok}, "hidden", withHiddenToken{"x", tok, &tok},
				"slice", []tokencache.Token{tok}, "map", map[string]any{"x": tok}, slog.Group("group", "token", tok))
			requireRedacted(t, b.String())
			assert.Equal(t, 7, strings.Count(b.String(), tok.String()), b.String())
		})
	}
	var b bytes.Buffer
	log.New(&b, "", 0).Println(tok, withToken{"x", tok})
	requireRedacted(t, b.String())
}

func TestTokenMarshalsRedacted(t *testing.T) {
	tok := secretToken()
	for name, v := range map[string]any{
		"token":     tok,
		"pointer":   &tok,
		"struct":    withToken{"x", tok},
		"map value": map[string]tokencache.Token{"x": tok},
		"map key":   map[tokencache.Token]string{tok: "x"},
		"slice":     []tokencache.Token{tok},
	} {
		t.Run("json "+name, func(t *testing.T) {
			b, err := json.Marshal(v)
			require.NoError(t, err)
			requireRedacted(t, string(b))
			assert.Contains(t, string(b), tok.String())
		})
	}
	b, err := xml.Marshal(withToken{"x", tok})
	require.NoError(t, err)
	assert.Equal(t, "<withToken><Name>x</Name><Token>"+tok.String()+"</Token></withToken>", string(b))

	var g bytes.Buffer
	_ = gob.NewEncoder(&g).Encode(withToken{"x", tok}) // may fail, may not tell
	requireRedacted(t, g.String())
}

func TestTokenInErrorsIsRedacted(t *testing.T) {
	tok := secretToken()
	err := fmt.Errorf("calling with %v: %w", tok, errors.New("refused"))
	requireRedacted(t, errors.Join(err, fmt.Errorf("%+v", withHiddenToken{"x", tok, &tok})).Error())
}

// testify prints what it compares by reflection and past String methods.
func TestFailedAssertionsAreRedacted(t *testing.T) {
	tok, other := secretToken(), tokencache.NewToken("a-OTHERSECRET", "t-OTHERSECRET", time.Hour)
	for name, assertion := range map[string]func(assert.TestingT) bool{
		"Equal":        func(t assert.TestingT) bool { return assert.Equal(t, tok, other) },
		"Equal struct": func(t assert.TestingT) bool { return assert.Equal(t, withToken{"x", tok}, withToken{"x", other}) },
		"Equal hidden": func(t assert.TestingT) bool {
			return assert.Equal(t, withHiddenToken{"x", tok, &tok}, withHiddenToken{})
		},
		"Equal pointers": func(t assert.TestingT) bool { return assert.Equal(t, &tok, &other) },
		"Equal map":      func(t assert.TestingT) bool { return assert.Equal(t, map[string]any{"x": tok}, nil) },
		"ElementsMatch":  func(t assert.TestingT) bool { return assert.ElementsMatch(t, []any{tok}, []any{other}) },
		"Contains":       func(t assert.TestingT) bool { return assert.Contains(t, []tokencache.Token{tok}, other) },
		"Nil":            func(t assert.TestingT) bool { return assert.Nil(t, &tok) },
		"Empty":          func(t assert.TestingT) bool { return assert.Empty(t, tok) },
		"Zero":           func(t assert.TestingT) bool { return assert.Zero(t, tok) },
		"NotEqual":       func(t assert.TestingT) bool { return assert.NotEqual(t, tok, tok) },
		"EqualExportedly": func(t assert.TestingT) bool {
			return assert.EqualExportedValues(t, withToken{"x", tok}, withToken{"y", other})
		},
		"IsType":  func(t assert.TestingT) bool { return assert.IsType(t, "", tok) },
		"NoError": func(t assert.TestingT) bool { return assert.NoError(t, fmt.Errorf("with %v", tok)) },
		"Same":    func(t assert.TestingT) bool { return assert.Same(t, &tok, &other) },
	} {
		t.Run(name, func(t *testing.T) {
			var r recorder
			require.False(t, assertion(&r))
			require.NotEmpty(t, r.text.String())
			requireRedacted(t, r.text.String())
		})
	}
}

func TestTokenReveals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tok := secretToken()
		assert.Equal(t, secretApp, tok.AppAccessToken())
		assert.Equal(t, secretTenant, tok.TenantAccessToken())
		assert.Equal(t, time.Now().Add(2*time.Hour), tok.Expiry())
		assert.Len(t, tok.Fingerprint(), 32)
		assert.False(t, tok.IsZero())
	})
}

func TestZeroToken(t *testing.T) {
	var zero tokencache.Token
	assert.True(t, zero.IsZero())
	assert.Empty(t, zero.AppAccessToken())
	assert.Empty(t, zero.TenantAccessToken())
	assert.Empty(t, zero.Fingerprint())
	assert.True(t, zero.Expiry().IsZero())
	assert.Equal(t, "token()", fmt.Sprintf("%#v", zero))
	assert.True(t, zero.Equal(tokencache.Token{}))
	assert.False(t, zero.Equal(tokencache.NewToken("", "", time.Hour)))
}

func TestTokensAreEqualByTheirStrings(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b tokencache.Token
		want bool
	}{
		{"same pair, other life", tokencache.NewToken("a", "t", time.Hour), tokencache.NewToken("a", "t", time.Minute), true},
		{"other tenant token", tokencache.NewToken("a", "t", time.Hour), tokencache.NewToken("a", "u", time.Hour), false},
		{"no tenant token", tokencache.NewToken("a", "t", time.Hour), tokencache.NewToken("a", "", time.Hour), false},
		{"the border moved", tokencache.NewToken("ab", "c", time.Hour), tokencache.NewToken("a", "bc", time.Hour), false},
		{"the length moved", tokencache.NewToken("1", "1:1", time.Hour), tokencache.NewToken("", "1:11", time.Hour), false},
		{"swapped", tokencache.NewToken("a", "t", time.Hour), tokencache.NewToken("t", "a", time.Hour), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, test.a.Equal(test.b))
			assert.Equal(t, test.want, test.b.Equal(test.a))
		})
	}
}

func secretToken() tokencache.Token {
	return tokencache.NewToken(secretApp, secretTenant, 2*time.Hour)
}

// requireRedacted fails if text holds a part of a secret in any of the ways fmt
// and the encoders write strings.
func requireRedacted(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"SECRET", fmt.Sprintf("%x", "SECRET"), fmt.Sprintf("%X", "SECRET"), fmt.Sprintf("%d", []byte("SECRET")), "U0VDUkVU"} {
		if strings.Contains(text, strings.Trim(secret, "[]")) {
			require.Fail(t, "a secret shows", "%q", text)
		}
	}
}

type withToken struct {
	Name  string
	Token tokencache.Token
}

type withHiddenToken struct {
	name  string
	token tokencache.Token
	ptr   *tokencache.Token
}
