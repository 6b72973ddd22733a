package config_test

import "testing"

// Keys that are unknown, repeated or missing. None is quoted but those that there are.
func TestKeys(t *testing.T) {
	newStage(t).assertTold([]edge{
		{"redis: {}", []string{"1:1: credentials: is missing: list what is kept fresh, or write credentials: [] for nothing yet"}},
		{"credential: []\n" + empty, []string{"1:1: a key that is not known here: did you mean credentials?"}},
		{empty + "door: {}", []string{"2:1: a key that is not known here: there are redis, credentials, status, tokens and gateway"}},
		{empty + inlineSecret + ": {}", []string{"2:1: a key that is not known here: there are redis, credentials, status, tokens and gateway"}},
		{empty + "redis: {urll: x, " + inlineSecret + "}", []string{
			"2:9: redis: a key that is not known here: did you mean url?",
			"2:18: redis: a key that is not known here: there are url, url_file, url_env, prefix, user, password_file, password_env and tls",
		}},
		{empty + "redis: {prefix: a, prefix: b}", []string{"2:20: redis.prefix: is there twice, and in line 2 first: keep one"}},
		{empty + empty, []string{"2:1: credentials: is there twice, and in line 1 first: keep one"}},
		{empty + "redis: x", []string{"2:1: redis: has to be keys with values, one a line, and not a text: there are url, url_file, url_env, prefix, user, password_file, password_env and tls"}},
		{empty + "redis:", []string{"2:1: redis: has no value: give it one, or leave the key out"}},
		{"credentials:", []string{"1:1: credentials: has no value: give it one, or leave the key out"}},
		{"credentials: {}", []string{"1:1: credentials: has to be a list, such as - {name: crm, kind: feishu, ...}, and not keys with values"}},
		{"credentials: [crm, ~]", []string{
			"1:15: credentials[0]: has to be keys with values, one a line, and not a text: there are name, kind, window, max_life, proxy_url, proxy_url_file, proxy_url_env, ca_file, disabled, app_id, base_url, app_secret_file, app_secret_env, token_url, client_id, auth, scopes, audience, resource, params, life, client_secret_file and client_secret_env",
			"1:20: credentials[1]: has no value: give it one, or leave the key out",
		}},
		{"credentials: [{name: crm, kind: feishu, app_id: cli_1, app_secret: " + inlineSecret + "}]", []string{
			"1:15: credentials[0].app_secret_file: is missing: name the file that holds the app's secret, or a variable by app_secret_env",
			"1:56: credentials[0].app_secret: is a secret, and none stands in this file: write it into a file and name that by app_secret_file, or a variable by app_secret_env",
		}},
		{"credentials: [{name: crm, kind: feishu, app_id: cli_1, app_secret_file: app, client_id: x}]", []string{
			"1:78: credentials[0].client_id: is a key of kind: oauth2, and this is kind: feishu",
		}},
	})
}
