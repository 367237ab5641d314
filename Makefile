# `make` lists the targets. Everything that is built or fetched goes to bin/, .cache/
# and node_modules/.

BIN      := bin/damso
PAGE     := internal/page/dist/site/index.html
WEB      := $(shell find web -type f -not -path '*/node_modules/*' 2>/dev/null)
GO_FILES  = $(shell find . -name '*.go' -not -path './.cache/*' -not -path '*/node_modules/*' -not -name '*_test.go')
FUZZTIME ?= 30s
VERSION  ?= $(shell git describe --tags --exact-match 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help run serve build page test check lint fmt fuzz soak bench deps clean tools-go tools-node
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## the whole thing: two nodes on 3000 and 3001, nothing else needed (ARGS="--help")
	@exec $(BIN) dev $(ARGS)

serve: build ## one node, as the environment and .env have it
	@exec $(BIN) serve $(ARGS)

build: $(BIN) ## build bin/damso with the page in it

page: $(PAGE) ## build the page alone

test: ## install what the tests need and run them all
	@scripts/test

check: tools-go $(PAGE) ## what to run before a commit: format, lint, quick tests
	@scripts/check

lint: tools-go $(PAGE) ## gofmt, go vet, staticcheck, import rules
	@scripts/lint

fmt: tools-go ## format the Go files
	@gofmt -l -w $$(git ls-files -co --exclude-standard '*.go')

fuzz: tools-go $(PAGE) ## run every fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

soak: tools-go tools-node ## many clients through each load balancer, for long (ARGS="CLIENTS SECONDS BALANCER")
	@scripts/soak $(ARGS)

bench: tools-go tools-node ## compare with other servers; takes long (ARGS="--help")
	@bench/run $(ARGS)

deps: ## install what the tests need: Redis, Chromium, npm packages
	@scripts/deps

clean: ## remove what was built
	rm -rf bin .cache internal/page/dist/site internal/page/dist/client

tools-go:
	@scripts/need go

tools-node:
	@scripts/need node

# The page is built again only when its sources are newer, and npm asked only when a
# lock file is newer than what it installed.
$(PAGE): $(WEB) web/node_modules/.package-lock.json
	@scripts/quiet "build the page" npm --prefix web run build
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json | tools-node
	@scripts/quiet "npm packages of $*" npm --prefix $* ci --no-audit --no-fund
	@touch $@

$(BIN): $(PAGE) $(GO_FILES) go.mod go.sum | tools-go
	@scripts/quiet "build $@" go build -trimpath -ldflags '-s -w -X main.release=$(VERSION)' -o $@ ./cmd/damso
	@touch $@
