package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// The linker sets these where the toolchain has no checkout to look at, as in an image:
// -ldflags "-X main.version=v1.2.3 -X main.commit=0123abc".
var version, commit string

// build is what this program was made of. The names of the fields do not change.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

const versionHelp = "Print what this program was made of, on the line that --version prints:\n" +
	"version, Go, platform, and the commit if it is known.\n\n" +
	"--json prints an object in one line:\n" +
	"  version      such as v1.2.3; (devel) if it was built without one\n" +
	"  commit       \"\" if it was built where there was none to be seen\n" +
	"  modified     true: the checkout had changes that were in no commit\n" +
	"  go           the version of Go that compiled it\n" +
	"  platform     system and processor, such as linux/amd64"

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print version, commit, Go and platform",
		Long:    versionHelp,
		Example: "  onetoken version --json | jq -r .commit",
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return json.NewEncoder(a.stdout).Encode(thisBuild())
			}
			_, err := io.WriteString(a.stdout, "onetoken "+versionText()+"\n")
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an object in one line")
	return cmd
}

// thisBuild falls back to what the toolchain recorded: the module's version
// for `go install`, the commit for a build in a checkout.
func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(version, commit, info)
}

func buildOf(version, commit string, info *debug.BuildInfo) build {
	b := build{
		Version:  cmp.Or(version, info.Main.Version, "(devel)"),
		Commit:   commit,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if b.Commit != "" {
		return b // the linker's word: what the toolchain saw may be another checkout
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// versionText is a build in a few words, as /api/status and the metrics have it, too.
func versionText() string { return thisBuild().text() }

func (b build) text() string {
	commit := ""
	if b.Commit != "" {
		commit = ", commit " + b.Commit
	}
	if b.Modified {
		commit += " with changes"
	}
	return fmt.Sprintf("%s (%s, %s%s)", b.Version, b.Go, b.Platform, commit)
}
