package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNearest(t *testing.T) {
	options := []string{"app_id", "app_secret_file", "app_secret_env", "base_url"}
	for text, want := range map[string]string{
		"app_di": "app_id", "appid": "app_id", "app_secrte_file": "app_secret_file", "baseurl": "base_url", "BASE_URL": "",
		"": "", "secret": "", "zzz": "", strings.Repeat("a", 1<<20): "",
	} {
		assert.Equal(t, want, nearest(text, options), "%.20s", text)
	}
	assert.Equal(t, "ab", nearest("ba", []string{"ab"}))
	assert.Empty(t, nearest("app_id", []string{strings.Repeat("a", 100)}))
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {strings.Repeat("a", 64), strings.Repeat("b", 64), 64}} {
		assert.Equal(t, c.want, distance(c.a, c.b))
		assert.Equal(t, c.want, distance(c.b, c.a))
	}
}
