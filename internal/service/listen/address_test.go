package listen_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

func TestAddressInUse(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer first.Close()
	address := first.Addr().String()
	_, err = listen.Open(t.Context(), listen.Config{Address: address})
	assert.ErrorIs(t, err, listen.ErrInUse)
	_, raw := net.Listen("tcp", address)
	assert.True(t, listen.IsInUse(raw), "what the system returns: %v", raw)
	assert.EqualError(t, err, "address in use: "+address+": stop the process that listens there, or choose another port")
}

func TestAddressesThatCannotBeListenedOn(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1":        `listen on "127.0.0.1": missing port in address: write host:port, such as 127.0.0.1:8081 or [::1]:8081`,
		"::1:8081":         `listen on "::1:8081": too many colons in address: write host:port, such as 127.0.0.1:8081 or [::1]:8081`,
		"127.0.0.1:65536":  `listen on "127.0.0.1:65536": invalid port: write host:port, such as 127.0.0.1:8081 or [::1]:8081`,
		"192.0.2.1:8081":   "listen on 192.0.2.1:8081: this machine has no such address: use one of its own, or leave out the host for all of them",
		"127.0.0.1:nosuch": "listen on 127.0.0.1:nosuch: the host or the port has no number: write both as numbers, such as 127.0.0.1:8081: ",
	} {
		t.Run(address, func(t *testing.T) {
			_, err := listen.Open(t.Context(), listen.Config{Address: address})
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), want), "%v", err)
		})
	}
}

func TestPathsThatCannotBeListenedOn(t *testing.T) {
	dir := socketDir(t)
	missing, long := filepath.Join(dir, "none", "s"), filepath.Join(dir, strings.Repeat("s", 100))
	for path, want := range map[string]string{
		"tokens.sock": `socket "tokens.sock": write an absolute path, such as /run/onetoken/tokens.sock`,
		"@tokens":     `socket "@tokens": write an absolute path, such as /run/onetoken/tokens.sock`,
		missing:       "socket " + missing + ": there is no directory " + filepath.Dir(missing) + ": create it, or set RuntimeDirectory= in the unit",
		long:          "socket " + long + ": the path has ",
	} {
		t.Run(path, func(t *testing.T) {
			_, err := listen.Open(t.Context(), listen.Config{Socket: path})
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), want), "%v", err)
		})
	}
}
