# Targets of the Pocket Fisherman. A comment after ## is a target's line in `make help`.
.DEFAULT_GOAL := help

# Flags for bin/pocket localnet, as in: make localnet_up ARGS="--servicers 24 --slow 0"
ARGS ?=
# How long each fuzz target runs.
FUZZTIME ?= 10s
# How often the fisherman is killed by `make test_crash`.
KILLS ?= 200
# And how often leader, fishermen and collector of several vantage points.
KILLS_VANTAGE ?= 50
# Which benchmarks run.
BENCH ?= .

# Everything but the race detector is built without a C compiler.
GO := CGO_ENABLED=0 go
# This module is compiled as releases are, without the checkout's path, so that what one checkout has compiled serves all.
TRIMMED := GOFLAGS="$$(go env GOFLAGS) -trimpath"
OWN := $(TRIMMED) $(GO)
BUF := $(GO) tool -modfile=tools/buf/go.mod buf
OAPI_CODEGEN := $(GO) run -C tools/oapi-codegen .
K8S := $(GO) run -C tools/k8s .
GOVULNCHECK := $(GO) tool -modfile=tools/govulncheck/go.mod govulncheck
# Prometheus without its clients of cloud providers, which nothing here needs and which take longest to build.
PROMETHEUS := -C tools/prometheus -tags remove_all_sd
PROMTOOL := $(GO) run $(PROMETHEUS) github.com/prometheus/prometheus/cmd/promtool
RELEASE := $(GO) run -C tools/release .
STATICCHECK := $(OWN) tool -modfile=tools/staticcheck/go.mod staticcheck

# What is released, as GOOS/GOARCH, and how. The toolchain stamps the commit into the binaries.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
BUILD_RELEASE := $(GO) build -trimpath -buildvcs=true -ldflags='-s -w'

# How many packages are tested at once: tests wait more than they compute.
AT_ONCE = $$((2 * $$(getconf _NPROCESSORS_ONLN)))

# Packages with goroutines of their own. Those that take longest come first.
CONCURRENT := ./persistence/... ./consensus/... ./app/... ./collector/... ./feed/... ./fisherman/... ./localnet/... ./network/endpoints/... ./network/shannon/chain/... ./node/... \
	./relay/... ./rpc/... ./runtime/... ./samples/... ./servicer/... ./telemetry/... ./upstream/...
# Packages among them that have none; what uses them runs under the race detector.
SEQUENTIAL := /(fisherman/(judge|question|schedule|verify)|app/client/cli/(genesis|keys|query|request|tx|version))$$
# Sets $packages to all packages but the end-to-end tests, which measure time and run alone.
LIST_UNIT = packages=$$($(GO) list ./...) && packages=$$(printf '%s\n' $$packages | grep -Ev '/(e2e|build)(/|$$)')

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9_]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/pocket, without a C compiler
	$(OWN) build -o bin/pocket ./app/pocket
	@# The kernel may hold what the linker has written in pieces of 2 MB, each of which counts as memory of the running program
	@# once a page of it was read. It holds a copy in small ones.
	@cp bin/pocket bin/pocket.copy && mv bin/pocket.copy bin/pocket

# An Ethereum node for 'pocket localnet --ethereum'. Its module is its own, so that the product does not depend on it.
bin/geth: tools/geth/go.mod tools/geth/go.sum
	$(GO) build -modfile=tools/geth/go.mod -o $@ github.com/ethereum/go-ethereum/cmd/geth

.PHONY: geth
geth: bin/geth ## Build bin/geth, the Ethereum node of 'pocket localnet --ethereum'

# The software of the live Pocket network, for tests of network/shannon. RelayMiners start only with a version, which a
# release stamps.
COSMOS_VERSION := github.com/cosmos/cosmos-sdk/version
bin/pocketd: tools/pocketd/go.mod tools/pocketd/go.sum
	version=$$($(GO) list -modfile=tools/pocketd/go.mod -m -f '{{.Version}}' github.com/pokt-network/poktroll) && \
	$(GO) build -modfile=tools/pocketd/go.mod -o $@ -ldflags "-s -w -X $(COSMOS_VERSION).Version=$${version#v} \
	-X $(COSMOS_VERSION).Name=pocket -X $(COSMOS_VERSION).AppName=pocketd" github.com/pokt-network/poktroll/cmd/pocketd

.PHONY: pocketd
pocketd: bin/pocketd ## Build bin/pocketd, the live network's node and RelayMiner, for tests; minutes the first time

.PHONY: localnet_up
localnet_up: build ## Build and run a LocalNet until Ctrl-C; flags of 'pocket localnet' go in ARGS="..."
	@exec bin/pocket localnet $(ARGS)

.PHONY: compare_demo
compare_demo: build bin/geth ## Compare three local geth, of which one is slow and one stopped; flags of 'pocket compare' go in ARGS="..."
	@demo=$$(mktemp -d) && trap 'rm -rf "$$demo"' EXIT && $(OWN) build -o "$$demo/compare_demo" ./build/compare_demo && \
	"$$demo/compare_demo" -- $(ARGS)

.PHONY: localnet_k8s_up
localnet_k8s_up: build ## Run a LocalNet in Kubernetes: LOADER=kind, k3s, minikube or none; SERVICERS=6 VALIDATORS=4; VANTAGE=1 for three fishermen and a collector
	@build/localnet/k8s.sh up

.PHONY: localnet_k8s_down
localnet_k8s_down: ## Remove it from Kubernetes, with its volumes
	@build/localnet/k8s.sh down

COMPOSE := --file build/localnet/compose.yaml $(if $(VANTAGE),--file build/localnet/compose.vantage.yaml)

.PHONY: localnet_compose_up
localnet_compose_up: build ## Run a LocalNet in containers, by docker compose; VANTAGE=1 for three fishermen and a collector
	@command -v docker >/dev/null || { echo "make localnet_compose_up: docker is not installed"; exit 1; }
	docker compose $(COMPOSE) build
	docker compose $(COMPOSE) up --detach

.PHONY: localnet_compose_down
localnet_compose_down: ## Remove it, with its volume
	@command -v docker >/dev/null || { echo "make localnet_compose_down: docker is not installed"; exit 1; }
	docker compose $(COMPOSE) down --volumes

.PHONY: k8s_check
k8s_check: ## Check the manifests against Kubernetes' schemas, and the compose file against its specification's
	@$(K8S) check $(CURDIR)/build/localnet/k8s
	@$(K8S) check $(CURDIR)/build/localnet/k8s-vantage
	@$(K8S) compose $(CURDIR)/build/localnet/compose.yaml
	@$(K8S) compose $(CURDIR)/build/localnet/compose.yaml $(CURDIR)/build/localnet/compose.vantage.yaml
	$(GO) test -C tools/k8s -count=1 ./...

.PHONY: test_all
test_all: ## Run vet and all tests; needs Go, make and the module proxy only
	$(OWN) vet ./...
	@$(MAKE) --no-print-directory test_unit
	@$(MAKE) --no-print-directory k8s_check
	@$(MAKE) --no-print-directory test_e2e
	@$(MAKE) --no-print-directory observability_check
	@echo "test_all: everything passed"

.PHONY: test_unit
test_unit: ## Run the tests of all packages but e2e
	@$(LIST_UNIT) && $(OWN) test -p $(AT_ONCE) -timeout 5m $$packages
	$(GO) test -C tools/release ./...

# The program that the tests of networks run; each of them would link its own otherwise.
test_e2e test_browser: export POCKET_TEST_PROGRAM := $(CURDIR)/bin/pocket

.PHONY: test_browser
test_browser: build ## Run the tests of the dashboard in Chromium; without a Chromium they are skipped, and say so
	$(OWN) test -count=1 -timeout 6m -v -run Dashboard ./e2e/browser

# The checks of accessibility, pinned by hash. The dashboard's tests run them when the file is there.
bin/axe.min.js: tools/axe/package.json tools/axe/package-lock.json
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && cp tools/axe/package.json tools/axe/package-lock.json "$$made" && \
	npm ci --prefix "$$made" --ignore-scripts --no-audit --no-fund && \
	mkdir -p bin && cp "$$made/node_modules/axe-core/axe.min.js" $@

.PHONY: axe
axe: bin/axe.min.js ## Fetch the checks of accessibility for test_browser; needs npm

.PHONY: screenshots
screenshots: bin/geth ## Make the pictures of the documents from a LocalNet and its nodes; needs Chromium and script (util-linux)
	POCKET_SCREENSHOTS=$(CURDIR)/docs/images $(OWN) test -count=1 -timeout 6m -run Screenshots ./e2e/browser

.PHONY: test_e2e
test_e2e: build bin/geth ## Run the end-to-end features, which measure time, with nothing beside them, then the other networks of processes
	$(OWN) test -count=1 -parallel 3 -timeout 12m ./e2e
	@# These wait more than they measure. The browser's say what they skip, and why.
	$(OWN) test -count=1 -p 2 -timeout 12m -v ./e2e/browser ./e2e/vantage ./e2e/pocketd ./build/...

.PHONY: observability_check
observability_check: build ## Check alerts and dashboard with promtool, then against a LocalNet that Prometheus scrapes
	$(PROMTOOL) check config $(CURDIR)/build/observability/prometheus/prometheus.yaml
	$(PROMTOOL) check rules --lint=all --lint-fatal $(CURDIR)/build/observability/prometheus/alerts.yaml
	$(PROMTOOL) test rules $(CURDIR)/build/observability/prometheus/alerts_test.yaml
	$(GO) test $(PROMETHEUS) -count=1 -timeout 5m ./...

.PHONY: test_race
test_race: ## Run the packages with goroutines under the race detector; needs a C compiler
	@# -short leaves out the networks of several processes: the detector looks into one process only. And it makes what nothing
	@# runs beside smaller. By default the detector waits a second at the end of each process, hundreds of which are commands.
	@packages=$$($(GO) list $(CONCURRENT)) && packages=$$(printf '%s\n' $$packages | grep -Ev '$(SEQUENTIAL)') && \
	$(TRIMMED) GORACE=atexit_sleep_ms=50 CGO_ENABLED=1 go test -race -short -vet=off -p $(AT_ONCE) -timeout 8m $$packages

.PHONY: test_crash
test_crash: ## Kill a sampling fisherman KILLS times (200), and several vantage points 50 times, and look at what was stored
	POCKET_TEST_KILLS=$(KILLS) $(OWN) test -count=1 -timeout 30m -v -run '^TestKilledFisherman$$|^TestKilledFeed$$' ./fisherman ./feed
	POCKET_TEST_KILLS=$(KILLS_VANTAGE) $(OWN) test -count=1 -timeout 30m -v -run '^TestKills$$' ./e2e/vantage

.PHONY: test_hostile
test_hostile: ## Run the long tests of what accounts, servicers, raw connections and a full disk can do to a network
	POCKET_TEST_HOSTILE=1 $(OWN) test -count=1 -timeout 5m -v -run '^TestHostile' -skip '^TestHostileDisk$$' ./app/client/cli
	@# These wait more than they compute.
	POCKET_TEST_HOSTILE=1 $(OWN) test -count=1 -p 2 -timeout 5m -v -run '^TestHostileDisk$$|^Test(Dear|Hanging)Answers$$' ./fisherman ./app/client/cli

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s)
	@listed=$$($(OWN) test -list '^Fuzz' ./...) && \
	printf '%s\n' "$$listed" | awk '/^Fuzz/ { found[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, found[i]; n = 0 }' | \
	{ while read -r package target; do \
		echo "$$package $$target"; \
		$(OWN) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null || exit 1; \
	done; }

.PHONY: bench
bench: ## Run the benchmarks that match BENCH (all), one package at a time
	@$(LIST_UNIT) && $(OWN) test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 -timeout 20m $$packages

# SHORT=1 leaves out what takes long.
SHORT ?=

.PHONY: bench_report
bench_report: ## Measure the project against its own bars, in 10 minutes, or with SHORT=1 in less than one; says which are met
	@$(OWN) run ./build/bench_report $(if $(SHORT),-short)

.PHONY: bench_growth
bench_growth: ## Measure how cost grows with servicers and sessions, and draw docs/images/growth.svg; on a machine that does nothing else
	$(OWN) run ./build/bench_report -growth docs/images

.PHONY: lint
lint: ## Check formatting, vet, staticcheck and the .proto files
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	$(OWN) vet ./...
	$(GO) vet -C tools/release ./...
	$(GO) vet $(PROMETHEUS) ./...
	$(GO) vet -C tools/k8s ./...
	$(STATICCHECK) ./...
	$(BUF) lint

.PHONY: generate
generate: ## Regenerate the Go code of the .proto files and of the API's document, and the command reference in docs/cli
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && \
	$(BUF) generate --output "$$made" && \
	find . -name '*.pb.go' -not -path './.git/*' -delete && cp -R "$$made/." .
	@made=$$(mktemp) && trap 'rm -f "$$made"' EXIT && \
	$(OAPI_CODEGEN) < rpc/v1/openapi.yaml > "$$made" && cat "$$made" > rpc/api/types.gen.go
	@$(OWN) test -count=1 -run '^TestCommandReference$$' ./app/client/cli -update

.PHONY: generate_check
generate_check: generate ## Regenerate, and fail if that changes, adds or removes a file
	@git --no-pager diff --exit-code -- '*.pb.go' '*.gen.go' docs/cli
	@untracked=$$(git ls-files --others --exclude-standard -- '*.pb.go' '*.gen.go' docs/cli) && \
	if [ -n "$$untracked" ]; then echo "generated but not committed:"; echo "$$untracked"; exit 1; fi

.PHONY: tidy_check
tidy_check: ## Fail if go.mod or go.sum is not tidy
	go mod tidy -diff
	cd tools/release && go mod tidy -diff
	cd tools/k8s && go mod tidy -diff
	cd tools/oapi-codegen && go mod tidy -diff

.PHONY: release
release: ## Build reproducible binaries of the committed source for PLATFORMS into dist, with bills of materials and checksums
	@if [ -n "$$(git status --porcelain)" ]; then echo "make release: there are changes that are not committed"; exit 1; fi
	rm -rf dist && mkdir dist
	@for platform in $(PLATFORMS); do \
		os=$${platform%/*} arch=$${platform#*/} && binary=dist/pocket-$$os-$$arch && echo "$$binary" && \
		GOOS=$$os GOARCH=$$arch $(BUILD_RELEASE) -o $$binary ./app/pocket && \
		$(RELEASE) sbom $(CURDIR)/$$binary > $$binary.cdx.json || exit 1; \
	done
	@$(RELEASE) notices $(patsubst %,$(CURDIR)/dist/pocket-%,$(subst /,-,$(PLATFORMS))) > THIRD_PARTY_NOTICES.made && \
	mv THIRD_PARTY_NOTICES.made dist/THIRD_PARTY_NOTICES && cp LICENSE dist/ && \
	$(RELEASE) sums $(CURDIR)/dist > SHA256SUMS.made && mv SHA256SUMS.made dist/SHA256SUMS
	@cat dist/SHA256SUMS

.PHONY: release_check
release_check: ## Release twice from two clean clones for this platform, and fail if a byte differs
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && platform=$$(go env GOOS)/$$(go env GOARCH) && \
	for place in one another/place; do \
		git clone -q . "$$made/$$place" && $(MAKE) --no-print-directory -C "$$made/$$place" release PLATFORMS=$$platform || exit 1; \
	done && diff -r "$$made/one/dist" "$$made/another/place/dist" && echo "release_check: the same bytes twice"

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in what is built in; needs the Go vulnerability database, so not part of CI
	$(GOVULNCHECK) ./...

.PHONY: clean
clean: ## Remove what the targets above have built
	rm -rf bin dist coverage.out
