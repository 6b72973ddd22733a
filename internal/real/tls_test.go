package real

import (
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F17: one side does not accept the other. The error says what to look at, and the
// issuer is asked directly.
func TestF17CertificatesRefused(t *testing.T) {
	t.Parallel()
	server := redistest.StartTLSServer(t)
	for name, test := range map[string]struct {
		config *tls.Config
		name   string
		says   string
	}{
		"a client without a certificate": {server.Stranger(), "tls", "tls: certificate required: check the certificates"},
		"an unknown authority":           {&tls.Config{MinVersion: tls.VersionTLS12}, "tls", "unknown authority: check the certificates"},
		"a client without TLS":           {nil, "unreachable", "whether it wants TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(name, time.Hour)
			client := func() *redis.Client { return server.Client(t, func(o *redis.Options) { o.TLSConfig = test.config }) }
			_, err := newReplica(t, client(), i, noDirect, patient).Get(t.Context())
			trouble, ok := errors.AsType[*tokencache.RedisError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, test.name, string(trouble.Trouble))
			assert.ErrorContains(t, err, test.says)
			_, err = newReplica(t, client(), i, patient).Get(t.Context())
			require.NoError(t, err)
		})
	}
}
