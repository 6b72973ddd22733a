package config_test

import (
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

func TestSocketPath(t *testing.T) {
	s := newStage(t)
	assert.Equal(t, filepath.Join(s.dir, "t.sock"), s.good(empty+"tokens: {socket: t.sock, clients: []}").Tokens.Socket)
	if runtime.GOOS == "windows" {
		return // where /run is relative
	}
	longest := map[bool]int{true: 107, false: 103}[runtime.GOOS == "linux"]
	path := "/" + strings.Repeat("x", longest-1)
	assert.Equal(t, path, s.good(empty+"tokens: {socket: "+path+", clients: []}").Tokens.Socket)
	told := s.told(empty + "tokens: {socket: " + path + "x, clients: []}")
	if assert.Len(t, told, 1) {
		assert.Contains(t, told[0], "2:10: tokens.socket: is longer than the 10")
	}
	s.assertTold([]edge{
		{empty + "tokens: {socket: '@abstract', clients: []}", []string{"2:10: tokens.socket: is an abstract socket, which has no permissions: give a path in a folder"}},
		{empty + "tokens: {socket: /run/, clients: []}", []string{"2:10: tokens.socket: is a folder: give the path of the socket in it"}},
	})
}

// YAML reads 0660 in three ways; here it is always what chmod takes.
func TestSocketMode(t *testing.T) {
	if !listen.HasSocketModes {
		return // see TestSocketModeWhereSocketsHaveNone
	}
	s := newStage(t)
	of := func(mode string) string {
		return empty + "tokens: {socket: t.sock, socket_mode: " + mode + ", clients: []}"
	}
	for mode, want := range map[string]fs.FileMode{"0660": 0o660, `"0660"`: 0o660, "'0600'": 0o600, "0o660": 0o660, "0666": 0o666, "0777": 0o777} {
		assert.Equal(t, want, s.good(of(mode)).Tokens.SocketMode, "%s", mode)
	}
	assert.Equal(t, fs.FileMode(0o660), s.good(empty+"tokens: {socket: t.sock, clients: []}").Tokens.SocketMode)
	for _, mode := range []string{"660", "'660'", "432", "0x1b0", "01660", "0668", "u=rw", "[0660]", "0060", "0400", "0"} {
		told := s.told(of(mode))
		if assert.Len(t, told, 1, "%s", mode) {
			assert.Contains(t, told[0], "2:26: tokens.socket_mode: has to ", mode)
			assert.Contains(t, told[0], "four digits as of chmod, 0 first, such as 0660", mode)
		}
	}
}
