package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

const withKeys = "credentials: [{name: crm, kind: feishu, app_id: cli_1, app_secret_file: app, "

// What YAML takes for something else than it was meant to be.
func TestTypes(t *testing.T) {
	const at = "1:78: credentials[0]."
	edges := []edge{}
	for _, c := range [][2]string{
		{"base_url: 123", "base_url: is read as a number, where a text is wanted: put it in quotes"},
		{"base_url: 1.5", "base_url: is read as a number, where a text is wanted: put it in quotes"},
		{"base_url: true", "base_url: is read as true or false, where a text is wanted: put it in quotes"},
		{"base_url: 2020-01-01", "base_url: is read as a date, where a text is wanted: put it in quotes"},
		{"base_url: ~", "base_url: has no value: give it one, or leave the key out"},
		{"base_url: null", "base_url: has no value: give it one, or leave the key out"},
		{"base_url: ''", "base_url: is empty: give it a value, or leave the key out"},
		{"base_url: [x]", "base_url: has to be one text, and not a list"},
		{"base_url: {x: y}", "base_url: has to be one text, and not keys with values"},
		{"disabled: yes", `disabled: "yes" is neither true nor false`},
		{"disabled: on", `disabled: "on" is neither true nor false`},
		{"disabled: 1", `disabled: "1" is neither true nor false`},
		{"disabled: 'true'", "disabled: is a text: leave the quotes out"},
		{"disabled: [true]", "disabled: has to be true or false, and not a list"},
		{"disabled: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", `disabled: "aaaaaaaaaaaaaaaaaaaaaaaa"... is neither true nor false`},
		{"window: 20", "window: is a number without a unit: write a duration, such as 90s, 30m or 1h30m"},
		{"window: 0", "window: is a number without a unit: write a duration, such as 90s, 30m or 1h30m"},
		{"window: 1.5", "window: is a number without a unit: write a duration, such as 90s, 30m or 1h30m"},
		{"window: 30 min", "window: is no duration: write one such as 90s, 30m or 1h30m"},
		{"window: 1:30", "window: is no duration: write one such as 90s, 30m or 1h30m"},
		{"window: -1s", "window: is no duration: write one such as 90s, 30m or 1h30m"},
		{"window: 99999999h", "window: is no duration: write one such as 90s, 30m or 1h30m"},
		{"window: [1s]", "window: has to be one text, and not a list"},
	} {
		edges = append(edges, edge{withKeys + c[0] + "}]", []string{at + c[1]}})
	}
	newStage(t).assertTold(edges)
}

func TestValuesTaken(t *testing.T) {
	s := newStage(t)
	for _, text := range []string{"disabled: true", "disabled: True", "disabled: TRUE"} {
		assert.True(t, s.good(withKeys + text + "}]").Credentials[0].Disabled)
	}
	assert.False(t, s.good(withKeys + "disabled: false}]").Credentials[0].Disabled)
	for text, want := range map[string]time.Duration{"1m30s": 90 * time.Second, "'10m'": 10 * time.Minute, "0s": 30 * time.Minute} {
		assert.Equal(t, want, s.good(withKeys + "window: " + text + "}]").Credentials[0].Fetcher.Credential().Window())
	}
}
