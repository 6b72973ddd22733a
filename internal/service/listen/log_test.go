package listen_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

func TestAFailedHandshakeIsLoggedAtDebug(t *testing.T) {
	expectNoGoroutines(t)
	journal := &journal{}
	s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: listen.NewTLS(newAuthority(t).identity(t, nil)), Logger: journal.logger()}, ok)
	conn := s.dial(t)
	_, err := io.WriteString(conn, "GET /sesame HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sesame\r\n\r\n")
	require.NoError(t, err)
	assertClosed(t, conn)
	s.end()
	require.NoError(t, <-s.done)
	assert.True(t, strings.HasPrefix(journal.String(), `level=DEBUG msg="a client was not served" error="http: TLS handshake error from 127.0.0.1:`), journal.String())
	assert.NotContains(t, journal.String(), "sesame")
}

// Without descriptors nobody gets in: whoever runs the service has to know.
func TestNoMoreFileDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &journal{}
		pipes := newPipes()
		p := servePipesOn(t, &exhausted{pipes: pipes, failures: 2}, pipes, listen.Config{Logger: journal.logger()}, ok)
		assert.Equal(t, "200 OK", ask(t, p.dial(t), hello), "it tries again")
		assert.Equal(t, `level=WARN msg="cannot accept clients" error="accept: too many open files; retrying in 5ms"`+"\n"+
			`level=WARN msg="cannot accept clients" error="accept: too many open files; retrying in 10ms"`+"\n", journal.String())
	})
}

// exhausted has no descriptors at first.
type exhausted struct {
	*pipes
	failures int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.failures > 0 {
		e.failures--
		return nil, noDescriptors{errors.New("accept: too many open files")}
	}
	return e.pipes.Accept()
}

// noDescriptors is temporary, as EMFILE is.
type noDescriptors struct{ error }

func (noDescriptors) Timeout() bool   { return false }
func (noDescriptors) Temporary() bool { return true }
