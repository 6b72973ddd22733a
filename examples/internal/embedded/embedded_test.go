package embedded_test

import (
	"bytes"
	"errors"
	"log"
	"net/http"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/redisurl"
)

// environment is one with these variables, and no other.
func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// logged is what a function logs.
func logged(t *testing.T, f func()) string {
	t.Helper()
	var all bytes.Buffer
	log.SetOutput(&all)
	defer log.SetOutput(os.Stderr)
	f()
	return all.String()
}

var doubles = map[string]struct {
	run       func(func(string) string, embedded.Program) error
	url       string   // of the issuer, or below it
	variables []string // of which any one is a choice
}{
	"Feishu": {embedded.Feishu, "FEISHU_BASE_URL", []string{"REDIS_URL", "FEISHU_APP_ID", "FEISHU_APP_SECRET", "FEISHU_APP_SECRET_FILE", "FEISHU_BASE_URL"}},
	"OAuth2": {embedded.OAuth2, "API_URL", []string{"REDIS_URL", "OAUTH2_TOKEN_URL", "OAUTH2_CLIENT_ID", "OAUTH2_CLIENT_SECRET", "API_URL"}},
}

func TestStandsInForWhatIsNotSet(t *testing.T) {
	for name, d := range doubles {
		t.Run(name, func(t *testing.T) {
			var rdb redis.UniversalClient
			said := logged(t, func() {
				require.NoError(t, d.run(environment(map[string]string{"LISTEN": "here"}), func(getenv func(string) string) error {
					assert.Equal(t, "here", getenv("LISTEN"), "what it does not set is the environment's")
					target, err := redisurl.Parse(getenv("REDIS_URL"))
					require.NoError(t, err)
					rdb = target.NewClient()
					require.NoError(t, rdb.Ping(t.Context()).Err())
					res, err := http.Get(getenv(d.url))
					require.NoError(t, err)
					return res.Body.Close()
				}))
			})
			defer rdb.Close()
			assert.Contains(t, said, "are not set: this process plays Redis and the issuer")
			assert.Contains(t, said, "calls of the issuer for a token: 0")
			assert.Error(t, rdb.Ping(t.Context()).Err(), "it ends with the program")
		})
	}
}

// Half of an environment is a mistake that the program complains of: to play the rest would hide it.
func TestOneVariableIsAChoice(t *testing.T) {
	for name, d := range doubles {
		for _, variable := range d.variables {
			t.Run(name+" "+variable, func(t *testing.T) {
				said := logged(t, func() {
					require.NoError(t, d.run(environment(map[string]string{variable: "x"}), func(getenv func(string) string) error {
						for _, other := range d.variables {
							assert.Equal(t, other == variable, getenv(other) == "x", other)
						}
						return nil
					}))
				})
				assert.Empty(t, said)
			})
		}
	}
}

func TestErrorIsThePrograms(t *testing.T) {
	broken := errors.New("broken")
	for name, d := range doubles {
		t.Run(name, func(t *testing.T) {
			_ = logged(t, func() {
				assert.ErrorIs(t, d.run(environment(nil), func(func(string) string) error { return broken }), broken)
			})
		})
	}
}
