//go:build unix

package doccheck_test

import "regexp"

// note is what a test has to know of a block of shell besides its page. It is found by the page and the
// block's first line, of which first is the beginning.
type note struct {
	page, first string

	folder string // where it begins, at the desk; "": where the block before it has ended, or in the checkout
	before string // what the words around it have the reader do
	after  string // what has to hold then
	prints string // by its last statement that prints, as a regular expression

	unrun string // why it does not run here; then nothing of it does
}

const awaits = "curl -s --retry-connrefused --retry 20 --retry-delay 1 "

var notes = []note{
	{
		page: "CONTRIBUTING.md", first: "git grep -lz", before: "git clone -q https://github.com/onetoken-go/onetoken ../copies/renamed && cd ../copies/renamed",
		after: "test -z \"$(git grep -l github.com/onetoken-go/onetoken)\"\ntest -z \"$(gofmt -l .)\"\ngo build -o /dev/null ./cmd/onetoken",
	},

	{page: "docs/embedding.md", first: "git clone https://github.com/", folder: "work"},

	{
		page: "docs/command.md", first: "onetoken token --kind tenant |",
		before: "export FEISHU_APP_ID=cli_try FEISHU_APP_SECRET=" + appSecret, prints: `"name":"A tenant of cli_try"`,
	},
	{
		page: "docs/command.md", first: `printf %s "$rejected"`,
		before: "export FEISHU_APP_ID=cli_try FEISHU_APP_SECRET=" + appSecret + "\nrejected=$(onetoken token --kind tenant)",
		after:  "test \"$rejected\"\ntest \"$rejected\" = \"$(onetoken token --kind tenant)\"", prints: `^\S{20,}$`,
	},

	{page: "docs/service.md", first: "mkdir -p try", folder: "work"},
	{
		page: "docs/service.md", first: `printf '{"access_token"`, prints: `^{"outcome":"invalidated"}$`,
		before: "FEISHU_APP_ID=cli_try FEISHU_APP_SECRET=" + appSecret + " onetoken issuer &\nonetoken refresher --config onetoken.yaml &\n" +
			awaits + "http://127.0.0.1:8080/readyz\n" +
			`rejected=$(curl -s -H @header http://127.0.0.1:8081/v1/tokens/crm | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`,
	},

	{
		page: "docs/gateway.md", first: "token=$(printf", folder: "work", prints: `"name":"A tenant of cli_a1b2c3d4e5f6g7h8"`,
		before: "onetoken refresher --config onetoken.yaml &\n" + awaits + "http://127.0.0.1:8082",
	},

	{page: "docs/deploying.md", first: "onetoken refresher --config onetoken.yaml --check", folder: "work"},
	{page: "docs/deploying.md", first: "docker build", unrun: "no engine; internal/deploycheck compiles what the Dockerfile does"},
	{page: "docs/deploying.md", first: "docker compose up --build", unrun: "no engine; internal/e2e runs what the file says"},
	{page: "docs/deploying.md", first: "kubectl apply -f", unrun: "no cluster; internal/deploycheck reads the manifests, and has the Secrets of the page"},
	{page: "docs/deploying.md", first: "kubectl -n billing", unrun: "no cluster; internal/deploycheck runs the sidecar, and asks at its socket"},
	{page: "docs/deploying.md", first: "CGO_ENABLED=0 go build", unrun: "it installs into the host; internal/deploycheck has systemd's own tools read the unit"},

	{page: "docs/runbook.md", first: "promtool check rules", folder: "work", before: "cp ../onetoken/deploy/prometheus/*.yml ."},

	{page: "examples/basic/README.md", first: "curl http://127.0.0.1:8080/", before: `issuer=$(sed -n 's|.* counts calls at \(.*\)/_stats|\1|p' served)`},
	{
		page: "examples/tokendoor/README.md", first: "onetoken refresher --config", folder: "work",
		before: "kill $served && wait $served || true\ncp ../onetoken/examples/tokendoor/{onetoken.yaml,door.py} .\nmkdir -m 700 secrets && cd secrets\n" +
			"printf redis://127.0.0.1:6379 >redis; printf " + appSecret + " | tee crm erp >m2m; printf python-0123456789 >python; printf node-0123456789ab >node; cd ..",
		prints: "^crm: a token for .* s, kept for .* s\nm2m: a token for .* s, kept for .* s\ncrm: the API says: A tenant of cli_crm\n",
	},

	{page: "docs/performance.md", first: "make bench ", unrun: "it measures for minutes; the step run_bench_smoke does a little of it"},
}

// unread are blocks of other languages that nothing here reads, by the page, the language and the beginning of the block.
var unread = []struct{ page, language, first, why string }{
	{"docs/acl.md", "text", "ACL SETUSER onetoken", "internal/acl runs a fleet under these lines, and compares the page"},
	{"docs/acl.md", "text", "user onetoken on", "internal/acl starts a server with this line, and compares the page"},
	{"docs/deploying.md", "ini", "[Service]", "internal/deploycheck has systemd read the unit with it"},
	{"docs/design.md", "mermaid", "", "what draws it is a browser's"},
	{"docs/outage.md", "text", "", "make outage writes it of a run, and internal/acceptance/page compares it with another"},
	{"examples/gateway/README.md", "text", "REDIS_URL and", "there is no SDK for Node here: internal/acceptance runs the example with it"},
	{"docs/gateway.md", "java", "Client client", "there is no SDK for Java here: it was read beside the SDK's source"},
}

// elsewhere are statements in blocks that run, which do not: a step of .ci/run does what they say.
var elsewhere = []struct{ page, statement, step, why string }{
	{"README.md", "go run ./cmd/onetoken demo", "run_demo", "it counts what the issuer is asked in seconds, and wants the machine for itself"},
	{"README.md", "go test ./...", "run_tests", "it takes minutes"},
}

// instead are statements that go another way here. $1 is in them what the first group has matched.
var instead = []struct {
	statement *regexp.Regexp
	runs      string
}{
	// What only the tests of others need is not at hand.
	{regexp.MustCompile(`^(go mod tidy)$`), "$1 -e"},
	// A reader has another terminal for what comes next. One that has said something ends when the next begins.
	{
		regexp.MustCompile(`^(.*)go run ./examples/(basic|gateway|tokendoor|webservice)$`),
		"[[ -z $${served:-} ]] || { kill $$served && wait $$served || true; }\nrm -f served; go build -o bin/$2 ./examples/$2\n${1}bin/$2 >served 2>&1 & served=$$!\n" +
			"until grep -qE 'listening on|is up' served; do kill -0 $$served; sleep 0.1; done; cat served",
	},
	{
		regexp.MustCompile(`^(onetoken refresher --config \S+)$`),
		"$1 & refresher=$$!\n" + awaits + "http://127.0.0.1:8080/readyz >/dev/null",
	},
	// The log is what it says.
	{regexp.MustCompile(`^(.*go run ./examples/(?:larksdk|oauth2))$`), "$1 2>&1"},
	// A reader interrupts it.
	{regexp.MustCompile(`^(onetoken status --watch .*)$`), "timeout --foreground --preserve-status -s INT 2 $1"},
}

// prose are comments behind commands that promise no output.
var prose = []string{
	"for curl, as every user of the host can read arguments",
	"if it came up above",
	"imports are sorted by path",
	"in a clone",
	"keys of its own, lest it finds the token of an earlier try",
	"keys of its own, so that it does not find the token of an earlier try",
	"or a Redis of yours; elsewhere than 127.0.0.1:6379: export REDIS_URL",
	"calls the issuer",
	"reads Redis, and calls nobody",
	"reads Redis: the same token",
	"says all that is wrong with the file, and starts nothing",
	"the app's secret",
	"the secret of a client",
	"the token is worth nothing any more",
	"waits for the first token",
	"waits until it listens",
	"what the page shows, once a second",
	"where the secret files exist at the paths in the file",
	"without a service: what Redis knows of the file's credentials",
}
