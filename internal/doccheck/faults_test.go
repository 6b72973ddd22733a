package doccheck_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/doccheck"
)

// planted is this repository with further pages, or others in the place of those that it has.
func planted(t *testing.T, pages map[string]string) *doccheck.Repository {
	t.Helper()
	r := &doccheck.Repository{Files: maps.Clone(repository(t).Files), Pages: maps.Clone(repository(t).Pages)}
	for name, text := range pages {
		r.Files[name] = true
		r.Pages[name] = doccheck.Read(name, []byte(text))
	}
	return r
}

// Each fault is found by the check that is named, at its line, and by no other.
func TestEachFaultIsFound(t *testing.T) {
	fact := longest(repository(t).Pages["docs/redis.md"].Facts)
	require.Greater(t, len(fact), 2*oneFact)
	for _, f := range []struct{ check, text, complaint string }{
		{"fences", "# A\n\n```\ntext\n```\n", "4: the block has no language: text"},

		{"links", "[a](redis.md)\n\n[b](none.md)\n", "3: none.md: there is no such file"},
		{"links", "[a](redis.md#none)\n", "1: redis.md#none: the page has no such heading"},
		{"links", "[a](#none)\n", "1: #none: the page has no such heading"},
		{"links", "[a](../Makefile#none)\n", "1: ../Makefile#none: an anchor in what is no document"},
		{"links", "![a](none.png)\n", "1: none.png: there is no such file"},
		{"links", "[a](../../more/page.md)\n", "1: ../../more/page.md: leads out of the repository"},
		{"links", "[a](/etc/passwd)\n", "1: /etc/passwd: leads out of the repository"},
		{"links", "[a](https://nowhere.example/)\n", "1: https://nowhere.example/: leads to a host that is not in the list"},
		{"links", "\n<https://nowhere.example/>\n", "2: https://nowhere.example/: leads to a host that is not in the list"},
		{"links", "\n\nhttps://nowhere.example/\n", "3: https://nowhere.example/: leads to a host that is not in the list"},
		{"links", "[a](ftp://nowhere.example/)\n", "1: ftp://nowhere.example/: is neither a file here nor a page of the web"},
		{"links", "[a]: none.md\n\nsee [a]\n", "3: none.md: there is no such file"},

		{"twice", "# A\n\n" + strings.ToUpper(strings.ReplaceAll(fact, ". ", ":\n")) + "\n", "3: stands in docs/redis.md:"},
		{"twice", "| a | b |\n|---|---|\n| x | " + fact + " |\n", "3: stands in docs/redis.md:"},

		{"uses", "```sh\ntrue\nonetoken none\n```\n", `3: onetoken has no command "none"`},
		{"uses", "`onetoken token --none`\n", "1: onetoken token knows no --none"},
		{"uses", "`onetoken refresher [--none]`\n", "1: onetoken refresher knows no --none"},
		{"uses", "| a |\n|---|\n| `onetoken token [--kind app\\|tenant] [--none]` |\n", "3: onetoken token knows no --none"},
		{"uses", "```sh\nx=$(true | bin/onetoken token --none)\n```\n", "2: onetoken token knows no --none"},
		{"uses", "    go run ./cmd/onetoken demo --none\n", "1: onetoken demo knows no --none"},
		{"uses", "`kubectl exec pod -- onetoken version --none`\n", "1: onetoken version knows no --none"},
		{"uses", "`docker run --rm registry.example/onetoken:v1 none`\n", `1: onetoken has no command "none"`},
		{"uses", "```sh\nif true; then\n```\n", "2: "},

		{"named", "`make none`\n", "1: none is not a target of make"},
		{"named", "`.ci/run run_none`\n", "1: run_none is not a step of .ci/run"},
		{"named", "`go test ./none`\n", "1: there is no package none"},
		{"named", "`go test -run TestNone ./internal/docs`\n", "1: -run TestNone chooses no test"},
		{"named", "`go test -run 'Bearer|TestNone' ./internal/docs`\n", "1: -run TestNone chooses no test"},
		{"named", "`docs/model/none`\n\n    docs/model/none events\n", "3: docs/model/none is not there"},
		{"named", "`ONETOKEN_" + "NONE=1 go test ./lock`\n", "1: no code knows ONETOKEN_" + "NONE"},
	} {
		t.Run(f.complaint, func(t *testing.T) {
			for name, check := range checks(t, planted(t, map[string]string{"docs/wrong.md": f.text})) {
				if name == "twice" && f.check != name {
					continue // it takes its time
				}
				complaints := about("docs/wrong.md", check())
				switch name {
				case f.check:
					require.Len(t, complaints, 1, name)
					assert.Contains(t, complaints[0], "docs/wrong.md:"+f.complaint)
				case "reach":
					assert.Len(t, complaints, 1, "no page leads to it")
				default:
					if f.check != "uses" || f.complaint != "2: " { // a block that cannot be read
						assert.Empty(t, complaints, name)
					}
				}
			}
		})
	}
}

func longest(facts []doccheck.Fact) string {
	return slices.MaxFunc(facts, func(a, b doccheck.Fact) int { return len(a.Text) - len(b.Text) }).Text
}

func about(page string, complaints doccheck.Complaints) (some doccheck.Complaints) {
	for _, complaint := range complaints {
		if strings.HasPrefix(complaint, page+":") {
			some = append(some, complaint)
		}
	}
	return some
}

func TestAReadmeThatIsLongIsFound(t *testing.T) {
	r := planted(t, map[string]string{"README.md": strings.Repeat("x\n", readmeLines)})
	assert.Empty(t, r.Length("README.md", readmeLines))
	r = planted(t, map[string]string{"README.md": strings.Repeat("x\n", readmeLines+1)})
	assert.Len(t, r.Length("README.md", readmeLines), 1)
}

// A page that README.md does not lead to is found, and one that it leads to by another page is not.
func TestReach(t *testing.T) {
	r := planted(t, map[string]string{"README.md": "[a](docs/a.md)\n", "docs/a.md": "[b](b.md)\n", "docs/b.md": "[c](c.md)\n", "docs/c.md": ""})
	complaints := r.Reach()
	assert.Empty(t, about("docs/a.md", complaints))
	assert.Empty(t, about("docs/b.md", complaints))
	assert.Len(t, about("docs/c.md", complaints), 1, "two pages between are too many")
	assert.Len(t, about("docs/redis.md", complaints), 1)
}

func TestNamesOfAConfigurationThatAreMissingOrTooManyAreFound(t *testing.T) {
	const page = "docs/configuration.md"
	var text strings.Builder
	text.WriteString("# Configuration\n\n## tokencache.Config\n\n| field | meaning |\n|---|---|\n| `Prefix` | |\n| `Prefixes` | |\n")
	text.WriteString("## fetcher.FeishuConfig\n## oauth2cc.Config\n## The environment\n`REDIS_URL` and `REDIS_URLS`\n")
	complaints := strings.Join(configuration(t, planted(t, map[string]string{page: text.String()})), "\n")
	assert.Contains(t, complaints, page+":8: tokencache.Config has no Prefixes\n")
	assert.Contains(t, complaints, page+":3: tokencache.Config: FetchTimeout is missing\n")
	assert.NotContains(t, complaints, "Prefix is missing")
	assert.Contains(t, complaints, page+":1: there is no section bearer.Config\n")
	assert.Contains(t, complaints, page+":12: The environment has no REDIS_URLS\n")
	assert.Contains(t, complaints, page+":11: The environment: FEISHU_APP_ID is missing\n")
	assert.NotContains(t, complaints, ": REDIS_URL is missing")
}

// paired is a page and what its counterpart has to keep.
const paired = "# A\n\n[中文](zh-CN/a.md) [b](b.md#two) [c](acl.md)\n\n## B\n\n```sh\ntrue # fine\ncurl x # {\"calls\":1}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"

func TestPairs(t *testing.T) {
	const counterpart = "# 甲\n\n[c](../acl.md) [English](../a.md) [b](b.md#二)\n\n## 乙\n\n```sh\n# 注\ntrue\ncurl x # 得到 {\"calls\":1}\n```\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n"
	complaints := func(before, after string) doccheck.Complaints {
		require.Contains(t, counterpart, before)
		return about("docs/zh-CN/a.md", planted(t, map[string]string{
			"docs/a.md": paired, "docs/b.md": "# One\n## Two\n", "docs/zh-CN/b.md": "# 一\n## 二\n",
			"docs/zh-CN/a.md": strings.Replace(counterpart, before, after, 1),
		}).Pairs([]string{"docs/a.md", "docs/b.md"}))
	}
	assert.Empty(t, complaints("", ""))
	for _, f := range []struct{ before, after, complaint string }{
		{"## 乙", "### 乙", "docs/zh-CN/a.md:5: heading 2 is of level 3; in docs/a.md:5 it is of level 2"},
		{"## 乙\n", "", "docs/zh-CN/a.md:1: heading 2 is none"},
		{"true\n", "false\n", "docs/zh-CN/a.md:8: block 1 is sh "},
		{`{"calls":1}`, `{"calls":2}`, "docs/zh-CN/a.md:8: output in a comment 1 is "},
		{"| 1 | 2 |\n", "| 1 | 2 |\n| 3 | 4 |\n", "table 1 is 2 rows of 2; in docs/a.md:12 it is 1 rows of 2"},
		{"[c](../acl.md)", "[c](../design.md)", "docs/zh-CN/a.md:3: link 2 is docs/b.md#1; in docs/a.md:3 it is docs/acl.md"},
		{"# 甲\n", "# 甲\n\n`x`\n", "docs/zh-CN/a.md:3: code 1 is x; in docs/a.md:1 it is none"},
		{"b.md#二", "b.md#一", "link 3 is docs/b.md#0; in docs/a.md:3 it is docs/b.md#1"},
		{"b.md#二", "../b.md#two", "docs/zh-CN/a.md:3: ../b.md#two is in the other language"},
	} {
		t.Run(f.complaint, func(t *testing.T) {
			all := complaints(f.before, f.after)
			require.Len(t, all, 1)
			assert.Contains(t, all[0], f.complaint)
		})
	}
	missing := planted(t, map[string]string{"docs/a.md": paired}).Pairs([]string{"docs/a.md", "README.md"})
	assert.Contains(t, strings.Join(missing, "\n"), "docs/a.md:1: it and docs/zh-CN/a.md have to be there")
}

func TestSlugs(t *testing.T) {
	for text, slug := range map[string]string{
		"What is promised":                    "what-is-promised",
		"When `x` is down, or not?":           "when-x-is-down-or-not",
		"tokencache.Config":                   "tokencacheconfig",
		"More than calls: may":                "more-than-calls-may",
		"Redis for onetoken":                  "redis-for-onetoken",
		"A_b - c":                             "a_b---c",
		"刷新 token：怎样？":                        "刷新-token怎样",
		"Why not `SETNX` and a loop?":         "why-not-setnx-and-a-loop",
		"API says 99991663, although it is 1": "api-says-99991663-although-it-is-1",
	} {
		assert.Equal(t, slug, doccheck.Slug(strings.ReplaceAll(text, "`", "")), text)
	}
	page := doccheck.Read("a.md", []byte("# A\n## A\n## `A`\n"))
	assert.Equal(t, []string{"a", "a-1", "a-2"}, []string{page.Headings[0].Anchor, page.Headings[1].Anchor, page.Headings[2].Anchor})
}

func TestStatements(t *testing.T) {
	block := doccheck.Block{Line: 10, Text: "# first\na b | # piped\n  c # what c says\nx=$(d\ne) & f; g # \"1\"\n"}
	all, err := block.Statements()
	require.NoError(t, err)
	assert.Equal(t, []doccheck.Statement{
		{Line: 11, Text: "a b | # piped\n  c", Comment: "what c says"},
		{Line: 13, Text: "x=$(d\ne) &"},
		{Line: 14, Text: "f;"},
		{Line: 14, Text: "g", Comment: `"1"`},
	}, all)

	_, err = doccheck.Block{Line: 10, Text: "true\ncat <<X\ntext\nX\n"}.Statements()
	assert.EqualError(t, err, "line 11 has a here-document, which no test runs")
	_, err = doccheck.Block{Text: "if true\n"}.Statements()
	assert.Error(t, err)
}
