package listen_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

func TestWhatConfigComplainsOf(t *testing.T) {
	secured := listen.NewTLS(newAuthority(t).identity(t, nil))
	for name, c := range map[string]struct {
		config listen.Config
		want   string
	}{
		"nothing":           {listen.Config{}, "nothing to listen on: set Address, such as 127.0.0.1:8081, or Socket, a path"},
		"two at once":       {listen.Config{Address: "127.0.0.1:0", Socket: "/s"}, "Address and Socket are both set: open a listener for each"},
		"TLS on a socket":   {listen.Config{Socket: "/s", TLS: secured}, "TLS on a Unix socket: leave it out, SocketMode says who may connect"},
		"mode with setuid":  {listen.Config{Socket: "/s", SocketMode: 0o4660}, "SocketMode 04660: only permissions will do, such as 0660"},
		"headers":           {listen.Config{Address: "127.0.0.1:0", MaxHeaderBytes: 1<<20 + 1}, "MaxHeaderBytes 1048577: it is between 1 and 1048576, 0 for 8 KiB"},
		"headers below 0":   {listen.Config{Address: "127.0.0.1:0", MaxHeaderBytes: -1}, "MaxHeaderBytes -1: it is between 1 and 1048576, 0 for 8 KiB"},
		"two complaints":    {listen.Config{Address: "127.0.0.1:0", MaxConnections: -1, MaxStreams: -2}, "MaxConnections -1: it is 1 or more, 0 for 10,000\nMaxStreams -2: it is 1 or more, 0 for 100"},
		"no header timeout": {listen.Config{Address: "127.0.0.1:0", ReadHeaderTimeout: -1}, "ReadHeaderTimeout -1ns: it cannot be switched off"},
		"stall below 0":     {listen.Config{Address: "127.0.0.1:0", StallTimeout: -1}, "StallTimeout -1ns: it is positive, 0 for no limit"},
		"no idle timeout":   {listen.Config{Address: "127.0.0.1:0", IdleTimeout: -time.Second}, "IdleTimeout -1s: it cannot be switched off"},
		"grace below 0":     {listen.Config{Address: "127.0.0.1:0", Grace: -time.Second}, "Grace -1s: it is positive, 0 for 10 s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := listen.Open(t.Context(), c.config)
			assert.EqualError(t, err, c.want)
		})
	}
}
