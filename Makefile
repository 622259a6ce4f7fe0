# The go command is enough for everything here; this file only remembers the
# long command lines. "make test" is what .ci/run calls.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

.PHONY: help test install lint faults bench build screens

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

# Two packages at a time: some start a cluster of real services for themselves.
# Those that need the machine for themselves come after them, one by one.
alone := bench/browser|bench/fault|bench/hunt|bench/roll
test: install lint ## install what is missing, then run everything against real services
	FIRSTCOME_REQUIRE_SERVICES=1 go test -race -timeout 15m -p 2 $$(go list ./... | grep -vE '/($(alone))$$')
	FIRSTCOME_REQUIRE_SERVICES=1 go test -race -timeout 20m -p 1 $$(go list ./... | grep -E '/($(alone))$$')
	FIRSTCOME_REQUIRE_SERVICES=1 go test -race -timeout 15m -p 1 -tags badengine ./bench/rival/... ./bench/mutant

install: ## install Redis, Sentinel, PostgreSQL, Java, Kafka's jars, Chromium where they are missing
	@bench/stack/install.sh

lint: ## gofmt and go vet
	@unformatted=$$(git ls-files '*.go' | xargs -r gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted" >&2; exit 1; fi
	go vet ./...

build: ## the program, as ./firstcome
	go build -trimpath -o firstcome ./cmd/firstcome

screens: install ## the journeys through the pages in Chromium: about 2 minutes, screenshots in .cache/screenshots
	FIRSTCOME_REQUIRE_SERVICES=1 FIRSTCOME_SCREENSHOTS=$${FIRSTCOME_SCREENSHOTS:-$(CURDIR)/.cache/screenshots} go test -race -count=1 -timeout 10m ./bench/browser

faults: install ## 10,000 seeds of the simulation, then every fault on real processes: about 25 minutes
	go run ./cmd/bench simulate -seeds 10000
	go run ./cmd/bench faults

bench: install ## the published benchmarks: about 14 minutes
	go run ./cmd/bench noon --shape both
	go run ./cmd/bench stampede --shape both
	go run ./cmd/bench like --shape both
	go run ./cmd/bench streams
	go run ./cmd/bench watched --shape cluster
