# The habits of this repository; .ci/run is what has to pass.
FOR ?= 30s
SEEDS ?= 1000
# Modules of their own, into which ./... does not reach:
ADAPTERS := adapters/oauth2source
MODULES := bench internal/acceptance internal/deploycheck internal/doccheck $(ADAPTERS)
export PATH := $(PATH):$(shell go env GOPATH)/bin

.DEFAULT_GOAL := help
.PHONY: help check format vet fix lint test race test-real fuzz soak mutants model chaos bench bench-smoke acceptance page screenshots outage deploycheck docs cast demo vuln build ci

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: format vet fix lint race vuln ## all of it, before you push

format: ## complain about files that gofmt would change
	@files=$$(gofmt -l .); test -z "$$files" || { echo "run gofmt -w on:"; echo "$$files"; exit 1; }

vet: ## go vet
	go vet ./...
	set -e; for m in $(MODULES); do (cd $$m && go vet ./...); done

fix: ## complain about code that go fix would modernise
	go fix -diff ./...
	set -e; for m in $(MODULES); do (cd $$m && go fix -diff ./...); done

lint: ## golangci-lint v2; see .golangci.yml
	@command -v golangci-lint >/dev/null || { echo "golangci-lint is missing: '.ci/run install_linter' installs it"; exit 1; }
	golangci-lint run ./...
	set -e; for m in $(MODULES); do (cd $$m && golangci-lint run ./...); done

test: ## the tests; those on a real Redis are skipped without redis-server
	go test ./...
	set -e; for m in $(ADAPTERS); do (cd $$m && go test ./...); done

race: ## the tests, with the race detector
	go test -race ./...
	set -e; for m in $(ADAPTERS); do (cd $$m && go test -race ./...); done

test-real: ## the tests, and it is a failure if redis-server is missing
	ONETOKEN_REQUIRE_REDIS=1 go test -race -count=1 ./...
	set -e; for m in $(ADAPTERS); do (cd $$m && ONETOKEN_REQUIRE_REDIS=1 go test -race -count=1 ./...); done

fuzz: ## every fuzz target: make fuzz FOR=5m (KEEP=1: keep the corpus)
	.ci/fuzz $(FOR)

soak: ## fleets with faults of every kind, from many seeds: make soak SEEDS=10000
	go test ./internal/sim -run 'TestSeeds$$' -count=1 -timeout 0 -v -sim.seeds=$(SEEDS)

mutants: ## rules taken out of the product, one by one: each has to make a seed, or a test, fail (15 min)
	go test ./internal/sim -run 'TestMutants$$' -count=1 -timeout 0 -v -sim.mutants=all

model: ## all states of the protocol's models, and rules taken out of these; needs spin: see docs/model
	docs/model/run

chaos: FOR = 1m
chaos: ## twenty processes on a real Redis, killed, stopped, cut off: make chaos FOR=2m SEED=7
	.ci/chaos $(FOR) $(SEED)

bench: ## onetoken beside its peers, in some 10 minutes; writes docs/performance.md and docs/scaling.md
	cd bench && ONETOKEN_REQUIRE_REDIS=1 go test -v -count=1 -timeout 20m . -args -results results/latest.json
	cd bench && go run ./cmd/report results/latest.json ../docs

bench-smoke: ## a little of each measurement, to see that it works
	cd bench && ONETOKEN_REQUIRE_REDIS=1 go test -count=1 ./...

acceptance: ## clients that others wrote, against the test issuers; needs node 20 and npm
	cd internal/acceptance && npm ci --ignore-scripts --no-audit --no-fund
	cd internal/acceptance/gateway && npm ci --ignore-scripts --no-audit --no-fund
	cd internal/acceptance && ONETOKEN_REQUIRE_REDIS=1 go test -count=1 .

page: ## the service's page in Chromium; needs chromium, node 20 and npm
	cd internal/acceptance/page && npm ci --ignore-scripts --no-audit --no-fund
	cd internal/acceptance/page && ONETOKEN_REQUIRE_REDIS=1 go test -count=1 -v .

screenshots: ## docs/page/*.png, of real runs; needs what page needs
	cd internal/acceptance/page && npm ci --ignore-scripts --no-audit --no-fund
	cd internal/acceptance/page && ONETOKEN_REQUIRE_REDIS=1 go test -count=1 -run Screenshots . -args -shots $(CURDIR)/docs/page

outage: ## docs/outage.md and its screenshots, of a run of 15 min; needs what page needs, and prometheus
	cd internal/acceptance/page && npm ci --ignore-scripts --no-audit --no-fund
	cd internal/acceptance/page && ONETOKEN_REQUIRE_REDIS=1 go test -count=1 -timeout 40m -v -run Outage . -args -outage $(CURDIR)/docs

deploycheck: ## manifests, the systemd unit and the dashboard, by their own types and tools; needs redis-server, curl, systemd
	cd internal/deploycheck && ONETOKEN_REQUIRE_REDIS=1 go test -count=1 ./...

docs: ## the documents: links, names, pairs of languages, and every command; needs redis-server, curl, node, promtool
	cd internal/doccheck && ONETOKEN_REQUIRE_REDIS=1 go test -count=1 ./...

cast: build ## docs/demo.svg, of a real run of the demo (half a minute): look at it afterwards
	go run ./internal/cast/cmd bin/onetoken docs/demo.svg

demo: ## fifty replicas, one token, one of them killed
	go run ./cmd/onetoken demo

vuln: ## known vulnerabilities; needs the network
	@command -v govulncheck >/dev/null || { echo "govulncheck is missing: '.ci/run install_govulncheck' installs it"; exit 1; }
	govulncheck ./...
	set -e; for m in $(ADAPTERS); do (cd $$m && govulncheck ./...); done

build: ## the binary, into bin/
	go build -trimpath -o bin/onetoken ./cmd/onetoken

ci: ## what has to pass; installs what it needs
	.ci/run
