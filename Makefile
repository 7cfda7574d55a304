# The README's commands are "make dev" and "make test". They need Go, git and make, and set up
# the rest themselves.

.DEFAULT_GOAL := help
include tools/common.mk

BIN       := .bin
LDFLAGS   := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
RELEASE   := $(BIN)/release
PLATFORMS ?= linux_amd64 linux_arm64 darwin_amd64 darwin_arm64
LINT      := $(BIN)/golangci-lint-v2.15.0
TOOLS     := bench deploy faults licenses observe

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-9s %s\n", $$1, $$2 }' Makefile
	@echo 'More targets, described in tools/Makefile: $(MORE)'

.PHONY: dev
dev: build ## run the service on a private Postgres with demo jobs
	@exec $(BIN)/reporting dev

.PHONY: check
check: build ## build, vet and run the short tests
	go vet ./...
	go test -short ./...

.PHONY: test
test: ## run all tests, on a private Postgres
	go test $(RACE) ./...
	go -C tools/licenses test ./...
	go -C tools/bench test $(RACE) ./...
	go -C tools/observe test $(RACE) -count=1 ./dashboard ./rules # -count=1: they read files outside their module
	go -C tools/faults test $(RACE) ./...

.PHONY: lint
lint: $(LINT) ## check the style of all modules
	$(LINT) run ./...
	@set -e; for tool in $(TOOLS); do echo "lint tools/$$tool"; \
	  (cd tools/$$tool && $(abspath $(LINT)) run --disable gomoddirectives ./...); done # they replace this module by its folder

# go.mod and go.sum of a tool pin its sources. A new version takes a new file name here.
$(LINT):
	go -C tools/golangci-lint build -o '$(abspath $@)' github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# The same sources and the same three values give the same bytes in every folder, with and
# without a repository.
.PHONY: build
build: ## build the program into .bin
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BIN)/reporting ./cmd/reporting

.PHONY: image
image: ## build the container image
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE) -t $(IMAGE):$(VERSION) .

# The program is built and not run by "go run", which would outlive an interrupt.
.PHONY: bench
bench: build ## measure cost and throughput into docs/bench: make bench BENCH='-only start' (Linux)
	go -C tools/bench build -o '$(abspath $(BIN))/bench' .
	@exec $(BIN)/bench -program $(BIN)/reporting -version '$(VERSION)' -report docs/bench/report.md -plot docs/bench/overload.svg $(BENCH)

# CI runs it without a report: make faults FAULTS=-quick FAULTS_REPORT=
FAULTS_REPORT ?= docs/faults.md
.PHONY: faults
faults: build ## cause faults under load, into docs/faults.md: make faults FAULTS='-only database' (Linux, HAProxy, PgBouncer)
	go -C tools/faults build -o '$(abspath $(BIN))/faults' .
	@exec $(BIN)/faults -program $(BIN)/reporting -version '$(VERSION)' -report '$(FAULTS_REPORT)' $(FAULTS)

.PHONY: interop
interop: ## call the service with real FHIR clients (JDK, Maven, Node)
	test/interop/run --check docs/clients.md

# VERSION is the tag, such as v1.2.3. Chart and CHANGELOG must know it.
.PHONY: release
release: licenses ## build the binaries of a release, with checksums, into .bin/release
	@case '$(VERSION)' in v[0-9]*.[0-9]*.[0-9]*-*) ;; v[0-9]*.[0-9]*.[0-9]*) \
	  grep -q '^appVersion: $(VERSION)$$' deploy/helm/reporting/Chart.yaml && grep -q '^version: $(VERSION:v%=%)$$' deploy/helm/reporting/Chart.yaml || \
	    { echo 'deploy/helm/reporting/Chart.yaml is not of $(VERSION): see docs/releasing.md' >&2; exit 1; }; \
	  grep -q '^## $(VERSION:v%=%) ' CHANGELOG.md || { echo 'CHANGELOG.md has no heading for $(VERSION): see docs/releasing.md' >&2; exit 1; } ;; esac
	rm -rf $(RELEASE) && mkdir -p $(RELEASE)
	for platform in $(PLATFORMS); do \
	  GOOS=$${platform%_*} GOARCH=$${platform#*_} CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' \
	    -o $(RELEASE)/reporting_$(VERSION)_$$platform ./cmd/reporting || exit 1; done
	cp LICENSE $(BIN)/THIRD-PARTY-NOTICES $(RELEASE)
	@$(MAKE) --no-print-directory checksums

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)

# Targets of tools/Makefile that can be called from here.
MORE := chart checksums dashboard deploy-check fuzz licenses observe pooler publish vuln workers
.PHONY: $(MORE)
chart checksums dashboard deploy-check fuzz licenses observe pooler publish vuln workers:
	@$(MAKE) --no-print-directory -C tools $@
