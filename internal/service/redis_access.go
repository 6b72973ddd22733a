package service

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// Defaults where the URL does not say otherwise. Those of go-redis take longer to say that nobody
// answers than the Cache waits for it.
const (
	redisDialTimeout = time.Second
	redisDialTries   = 1
	redisReadTimeout = 2 * time.Second
	redisPoolSize    = 16
)

// redisAccess is how Redis is spoken to. It looks up for each connection what a reload may change: passwords and
// certificates.
type redisAccess struct{ current atomic.Pointer[config.Redis] }

// NewRedis makes a client of what a configuration says, for whoever looks without a service. It has connected to
// nothing yet. The caller closes it.
func NewRedis(c config.Redis) redis.UniversalClient {
	a := &redisAccess{}
	a.current.Store(&c)
	return a.client()
}

// client makes a client, which has connected to nothing yet. The caller closes it.
func (a *redisAccess) client() redis.UniversalClient {
	c := a.current.Load()
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // a round trip on each connection, for nothing here
	switch t := c.Target; {
	case t.Sentinel != nil:
		o := t.Sentinel
		hasten(&o.DialTimeout, &o.ReadTimeout, &o.DialerRetries, &o.PoolSize)
		o.Dialer = a.dialer(o.TLSConfig, o.DialTimeout)
		o.CredentialsProviderContext = a.credentials
	case t.Cluster != nil:
		o := t.Cluster
		hasten(&o.DialTimeout, &o.ReadTimeout, &o.DialerRetries, &o.PoolSize)
		o.Dialer = a.dialer(o.TLSConfig, o.DialTimeout)
		o.CredentialsProviderContext = a.credentials
		o.MaintNotificationsConfig = quiet
	default:
		o := t.Single
		hasten(&o.DialTimeout, &o.ReadTimeout, &o.DialerRetries, &o.PoolSize)
		o.Dialer = a.dialer(o.TLSConfig, o.DialTimeout)
		o.CredentialsProviderContext = a.credentials
		o.MaintNotificationsConfig = quiet
	}
	return c.Target.NewClient()
}

// hasten fills in what the URL left open.
func hasten(dial, read *time.Duration, tries, pool *int) {
	*dial = cmp.Or(*dial, redisDialTimeout)
	*read = cmp.Or(*read, redisReadTimeout)
	*tries = cmp.Or(*tries, redisDialTries)
	*pool = cmp.Or(*pool, redisPoolSize)
}

// credentials are those of the files, else of the URL, of the moment.
func (a *redisAccess) credentials(context.Context) (user, password string, err error) {
	c := a.current.Load()
	switch t := c.Target; {
	case t.Sentinel != nil:
		user, password = t.Sentinel.Username, t.Sentinel.Password
	case t.Cluster != nil:
		user, password = t.Cluster.Username, t.Cluster.Password
	default:
		user, password = t.Single.Username, t.Single.Password
	}
	return cmp.Or(c.User, user), cmp.Or(c.Password.Reveal(), password), nil
}

// dialer connects with the certificates of the moment.
func (a *redisAccess) dialer(byURL *tls.Config, timeout time.Duration) func(context.Context, string, string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: timeout, KeepAlive: time.Minute}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c := a.tls(byURL)
		if c == nil {
			return plain.DialContext(ctx, network, addr)
		}
		return (&tls.Dialer{NetDialer: plain, Config: c}).DialContext(ctx, network, addr)
	}
}

// tls is nil without it.
func (a *redisAccess) tls(byURL *tls.Config) *tls.Config {
	files := a.current.Load().TLS
	if files == nil {
		return byURL
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if byURL != nil {
		c = byURL.Clone()
	}
	if files.CA != nil {
		c.RootCAs = files.CA
	}
	if files.Certificate != nil {
		c.Certificates = []tls.Certificate{*files.Certificate}
	}
	return c
}
