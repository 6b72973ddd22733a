package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBuildOf(t *testing.T) {
	t.Parallel()
	checkout := &debug.BuildInfo{
		Main:     debug.Module{Version: "v0.3.0"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "true"}},
	}
	where := "(" + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH
	for _, c := range []struct {
		edge            string
		version, commit string
		info            *debug.BuildInfo
		text            string
		modified        bool
	}{
		{"nothing is known", "", "", &debug.BuildInfo{}, "(devel) " + where + ")", false},
		{"the toolchain's", "", "", checkout, "v0.3.0 " + where + ", commit 0123abc with changes)", true},
		{"the linker's version", "v1.2.3", "", checkout, "v1.2.3 " + where + ", commit 0123abc with changes)", true},
		{"the linker's commit", "v1.2.3", "456def", checkout, "v1.2.3 " + where + ", commit 456def)", false},
		{"no changes", "", "", &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "false"}}}, "(devel) " + where + ")", false},
	} {
		t.Run(c.edge, func(t *testing.T) {
			t.Parallel()
			b := buildOf(c.version, c.commit, c.info)
			assert.Equal(t, c.text, b.text())
			assert.Equal(t, c.modified, b.Modified)
		})
	}
}

func TestVersionCommand(t *testing.T) {
	t.Parallel()
	flag := world{}.run(t, "--version")
	got := world{}.run(t, "version")
	assert.Equal(t, exitOK, got.code)
	assert.Equal(t, flag.stdout, got.stdout, "the flag and the command say the same")
	assert.Empty(t, got.stderr)
}

func TestVersionAsJSON(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "version", "--json")
	require.Equal(t, exitOK, got.code, got.stderr)
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &fields))
	assert.Equal(t, runtime.Version(), fields["go"])
	assert.Equal(t, runtime.GOOS+"/"+runtime.GOARCH, fields["platform"])
	assert.NotEmpty(t, fields["version"])
	assert.Contains(t, fields, "commit")
	assert.Contains(t, fields, "modified")
	assert.Len(t, fields, 5)
}
