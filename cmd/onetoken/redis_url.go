package main

import "github.com/onetoken-go/onetoken/redisurl"

// parseRedisURL says what kind of Redis is meant. Its errors, which may be several, hold nothing of
// the URL but names of known parameters.
func parseRedisURL(raw string) (*redisTarget, error) {
	t, err := redisurl.Parse(raw)
	if err != nil {
		return nil, err
	}
	return &redisTarget{single: t.Single, cluster: t.Cluster, sentinel: t.Sentinel}, nil
}
