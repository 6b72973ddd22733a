package doccheck_test

import (
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/internal/doccheck"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	readmeLines = 150
	oneFact     = 120 // characters in a row, by which two documents say the same
)

// hosts that documents may lead to.
var hosts = []string{
	"github.com",
	"keepachangelog.com",
	"semver.org",
	"spinroot.com",
}

// inChinese are the pages that there have to be in Chinese as well. Others may be.
var inChinese = []string{
	"README.md",
	"docs/command.md",
	"docs/configuration.md",
	"docs/embedding.md",
	"docs/faq.md",
	"docs/gateway.md",
	"docs/redis.md",
	"docs/runbook.md",
	"docs/sdk.md",
}

// checks are all that look at the whole repository, by name.
func checks(t *testing.T, r *doccheck.Repository) map[string]func() doccheck.Complaints {
	t.Helper()
	return map[string]func() doccheck.Complaints{
		"fences":        r.Fences,
		"links":         func() doccheck.Complaints { return r.Links(hosts) },
		"reach":         r.Reach,
		"length":        func() doccheck.Complaints { return r.Length("README.md", readmeLines) },
		"twice":         func() doccheck.Complaints { return r.Twice(oneFact) },
		"uses":          func() doccheck.Complaints { return r.Uses(usage(t)) },
		"named":         func() doccheck.Complaints { return r.Named(tools(t)) },
		"configuration": func() doccheck.Complaints { return configuration(t, r) },
		"pairs":         func() doccheck.Complaints { return r.Pairs(inChinese) },
	}
}

func TestTheDocuments(t *testing.T) {
	for name, check := range checks(t, repository(t)) {
		t.Run(name, func(t *testing.T) {
			for _, complaint := range check() {
				assert.Fail(t, complaint)
			}
		})
	}
}

// A host that no document leads to any more is in no list.
func TestHostsAreNeeded(t *testing.T) {
	assert.Equal(t, repository(t).Hosts(), hosts)
}

var (
	isField    = regexp.MustCompile(`[A-Z][A-Za-z0-9]*`)
	isVariable = regexp.MustCompile(`TERM|[A-Z][A-Z0-9]*(_[A-Z0-9]+)+`)
)

// configuration wants every field and every variable on docs/configuration.md, and none that does not exist.
func configuration(t *testing.T, r *doccheck.Repository) (all doccheck.Complaints) {
	t.Helper()
	const page = "docs/configuration.md"
	for section, config := range map[string]any{
		"tokencache.Config":    tokencache.Config{},
		"fetcher.FeishuConfig": fetcher.FeishuConfig{},
		"oauth2cc.Config":      oauth2cc.Config{},
		"bearer.Config":        bearer.Config{},
	} {
		var fields []string
		for _, field := range reflect.VisibleFields(reflect.TypeOf(config)) {
			if field.IsExported() {
				fields = append(fields, field.Name)
			}
		}
		all = append(all, r.Listed(page, section, isField, fields, othersOf[section])...)
	}
	slices.Sort(all)
	return append(all, r.Listed(page, "The environment", isVariable, usage(t).Variables, nil)...)
}

// othersOf are names of a section that are no fields of its own.
var othersOf = map[string][]string{
	"oauth2cc.Config": {"FeishuConfig"},
	"bearer.Config":   {"GetBody", "Authorization", "WeChatRejects", "UnauthorizedRejects"},
}
