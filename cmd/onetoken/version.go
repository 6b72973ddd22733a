package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

// versionText falls back to what the toolchain recorded: the module's version
// for `go install`, the commit for a build in a checkout.
func versionText() string {
	main, commit := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		main = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = ", commit " + s.Value
			}
		}
	}
	return fmt.Sprintf("%s (%s, %s/%s%s)", cmp.Or(version, main, "(devel)"),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, commit)
}
