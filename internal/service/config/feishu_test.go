package config_test

import (
	"strings"
	"testing"
)

// What fetcher.FeishuConfig complains of is told by the keys, where they stand.
func TestFeishuRefused(t *testing.T) {
	s := newStage(t)
	s.write("short", "abc")
	s.write("id", "cli_0123456789abcdef")
	const known = "credentials: [{name: crm, kind: feishu, "
	edges := []edge{
		{known + "app_id: cli_1}]", []string{"1:15: credentials[0].app_secret_file: is missing: name the file that holds the app's secret, or a variable by app_secret_env"}},
		{known + "app_secret_file: app}]", []string{"1:15: credentials[0].app_id: is missing: it is the app's id, from the developer console, and begins with cli_"}},
		{known + "app_id: 123, app_secret_file: app}]", []string{"1:41: credentials[0].app_id: is read as a number, where a text is wanted: put it in quotes"}},
		{known + "app_id: " + strings.Repeat("x", 129) + ", app_secret_file: app}]", []string{"1:41: credentials[0].app_id: is longer than 128 bytes"}},
		{known + "app_id: 'cli 1', app_secret_file: app}]", []string{"1:41: credentials[0].app_id: its character 4 is a space"}},
		{known + "app_id: " + inlineSecret + ", app_secret_file: id}]", []string{"1:41: credentials[0].app_id: and the secret look swapped: it is the id that begins with cli_"}},
		{known + "app_id: cli_1, app_secret_file: short}]", []string{"1:56: credentials[0].app_secret_file: is shorter than 4 characters, which no app's is: copy all of it from the developer console"}},
	}
	for _, c := range [][2]string{
		{"base_url: '" + inlineSecret + "'", "base_url: has to look like https://open.feishu.cn (http:// for a test)"},
		{"base_url: 'https://me:" + inlineSecret + "@open.feishu.cn'", "base_url: holds a user name or password: none is needed"},
		{"base_url: 'https://open.feishu.cn/open-apis/auth'", "base_url: has the path of an API: leave out /open-apis and what follows, they are added to it"},
		{"window: 3h", "window: has to be 1ms to 2h0m0s"},
		{"window: 1ns", "window: has to be 1ms to 2h0m0s"},
		{"max_life: 25h", "max_life: has to be 1s to 24h0m0s"},
		{"max_life: 1ms", "max_life: has to be 1s to 24h0m0s"},
		{"life: 1h", "life: is a key of kind: oauth2, and this is kind: feishu"},
	} {
		edges = append(edges, edge{withKeys + c[0] + "}]", []string{"1:78: credentials[0]." + c[1]}})
	}
	s.assertTold(edges)
}
