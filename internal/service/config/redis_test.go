package config_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestRedisRefused(t *testing.T) {
	s := newStage(t)
	s.write("url", "redis://me:"+password+"@h:1")
	s.write("bad", "redis://me:"+password+"@h:port")
	s.write("ca", newAuthority(t).pem())
	const inline = "2:9: redis.url: has a password in it, and no secret stands in this file: leave user and password out, and set user and password_file, or write the whole URL into a file and name that by url_file"
	s.assertTold([]edge{
		{empty + "redis: {url: 'redis://:" + inlineSecret + "@h:1'}", []string{inline}},
		{empty + "redis: {url: 'redis://me:" + inlineSecret + "@h:1?cluster=true'}", []string{inline}},
		{empty + "redis: {url: 'redis://h:1?master_name=m&username=me&password=" + inlineSecret + "'}", []string{inline}},
		{empty + "redis: {url: 'redis://me:" + inlineSecret + "@h:1?master_name=m'}", []string{inline}},
		{empty + "redis: {url: '" + inlineSecret + "'}", []string{"2:9: redis.url: has no scheme: it has to look like redis://127.0.0.1:6379"}},
		{empty + "redis: {url: 'redis://h:0?zzz=" + inlineSecret + "'}", []string{"2:9: redis.url: has a port that is no number from 1 to 65535; write %2F for a / and %3F for a ? in user and password"}},
		{empty + "redis: {url_file: bad}", []string{"2:9: redis.url_file: has a port that is no number from 1 to 65535; write %2F for a / and %3F for a ? in user and password"}},
		{empty + "redis: {url_file: url, url: 'redis://h'}", []string{"2:9: redis.url_file: stands beside url: keep one of the two"}},
		{empty + "redis: {url_file: url, password_file: password}", []string{"2:9: redis.url_file: has a password in it, beside the one of its own key: keep one"}},
		{empty + "redis: {url_file: url, user: you}", []string{"2:24: redis.user: stands beside a URL with a password in it: write both into the URL, or neither"}},
		{empty + "redis: {user: me}", []string{"2:9: redis.user: has no password, so that nobody would be logged in: set password_file or password_env"}},
		{empty + "redis: {user: 'm e', password_env: PASSWORD}", []string{"2:9: redis.user: has a blank or a control character, which no user of Redis has"}},
		{empty + "redis: {password: " + inlineSecret + "}", []string{"2:9: redis.password: is a secret, and none stands in this file: write it into a file and name that by password_file, or a variable by password_env"}},
		{empty + "redis: {username: me}", []string{"2:9: redis.username: is called user here"}},
		{empty + "redis: {prefix: 'a{b}'}", []string{"2:9: redis.prefix: has braces, spaces or control characters: leave them out"}},
		{empty + "redis: {prefix: '" + strings.Repeat("x", 129) + "'}", []string{"2:9: redis.prefix: is longer than 128 bytes"}},
		{empty + "redis: {url: 'unix:///run/redis.sock', tls: {ca_file: ca}}", []string{"2:40: redis.tls: is not for a socket: leave it out, or give a URL with host and port"}},
		{empty + "redis: {url: 'rediss://h?skip_verify=true', tls: {ca_file: ca}}", []string{"2:45: redis.tls: stands beside a URL with skip_verify=true, by which no certificate is looked at: leave that out"}},
		{empty + "redis: {tls: {cert_file: ca}}", []string{
			"2:9: redis.tls.key_file: is missing: name the file that holds the certificate's private key",
		}},
		{empty + "redis: {tls: x}", []string{"2:9: redis.tls: has to be keys with values, one a line, and not a text: there are ca_file, cert_file and key_file"}},
	})
}

func TestRedisTaken(t *testing.T) {
	s := newStage(t)
	s.write("url", "rediss://me:"+password+"@h:1\n")
	c := s.good(empty + "redis: {url_file: url}")
	assert.Equal(t, []string{"h:1", "me", password}, []string{c.Redis.Target.Single.Addr, c.Redis.Target.Single.Username, c.Redis.Target.Single.Password})
	assert.NotNil(t, c.Redis.Target.Single.TLSConfig)
	c = s.good(empty + "redis: {url: 'redis://h:1?master_name=m', password_env: PASSWORD, tls: {}}")
	assert.Equal(t, password, c.Redis.Password.Reveal())
	require.NotNil(t, c.Redis.TLS)
	assert.Nil(t, c.Redis.TLS.CA)
	assert.Nil(t, c.Redis.TLS.Certificate)
	assert.Empty(t, c.Redis.Target.Sentinel.Password)
}

// The rules for a prefix are those of tokencache, which only New tells.
func TestPrefixIsThatOfTokencache(t *testing.T) {
	s := newStage(t)
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer client.Close()
	for _, prefix := range []string{"a", "a:b/c.d-e_f", "ü", "a b", "a{b", "a}b", strings.Repeat("x", 128), strings.Repeat("x", 129)} {
		cache, err := tokencache.New(client, tokencache.Config{Prefix: prefix})
		if err == nil {
			cache.Close()
		}
		assert.Equal(t, err == nil, s.told(empty+"redis: {prefix: '"+prefix+"'}") == nil, "%s", prefix)
	}
}

// A password may change in a process that runs, also where it stands in the URL; all else of that may not.
func TestRestartHeedsNoPassword(t *testing.T) {
	s := newStage(t)
	of := func(url string) string {
		s.write("url", url)
		return s.good("credentials: []\nredis: {url_file: url}\n").Redis.Restart
	}
	before := of("redis://user:one@h:1/2")
	assert.Equal(t, before, of("redis://user:two@h:1/2"))
	for _, other := range []string{"redis://other:one@h:1/2", "redis://user:one@h:1/3", "redis://user:one@g:1/2", "redis://user:one@h:1/2?dial_timeout=1s"} {
		assert.NotEqual(t, before, of(other), other)
	}
}
