package main

import (
	"strconv"
	"strings"
)

// place says where a Redis is, without user and password.
func (t *redisTarget) place() string {
	at, db := "", 0
	switch {
	case t.sentinel != nil:
		at, db = "master "+t.sentinel.MasterName+" of sentinel "+strings.Join(t.sentinel.SentinelAddrs, " "), t.sentinel.DB
	case t.cluster != nil:
		at = "cluster " + strings.Join(t.cluster.Addrs, " ")
	default:
		at, db = t.single.Addr, t.single.DB
	}
	tls := "without TLS"
	switch {
	case t.unverified():
		tls = "with TLS that is not verified"
	case t.tls() != nil:
		tls = "with TLS"
	}
	return at + " database " + strconv.Itoa(db) + " " + tls
}
