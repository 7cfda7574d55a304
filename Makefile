# The two commands of the README are "make dev" and "make test". Each does
# whatever set-up it needs; Go, git and make are all that has to be there.

BIN       := .bin
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
COMMIT    ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DATE      ?= $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS   := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
RELEASE   := $(BIN)/release
IMAGE     ?= reporting
BUILDARGS  = --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE)
PLATFORMS ?= linux_amd64 linux_arm64 darwin_amd64 darwin_arm64
# The race detector needs a C compiler; without one Go turns cgo off by itself,
# and the tests run all the same.
RACE      := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
LINT      := $(BIN)/golangci-lint-v2.15.0
VULN      := $(BIN)/govulncheck-v1.8.0
# Where known vulnerabilities are looked up: the public database, a mirror, or a copy.
VULNDB    ?= https://vuln.go.dev

.PHONY: dev
dev: build ## run the service on a private Postgres with demo jobs
	@exec $(BIN)/reporting dev

.PHONY: check
check: ## build, vet and run the short tests
	go build ./...
	go vet ./...
	go test -short ./...

.PHONY: test
test: ## run all tests, on a private Postgres
	go test $(RACE) ./...
	go -C tools/licenses test ./...
	go -C tools/bench test $(RACE) ./...
	go -C tools/observe test $(RACE) -count=1 ./dashboard ./rules # they read files beyond their module, which Go does not watch
	go -C tools/faults test $(RACE) ./...

.PHONY: pooler
pooler: ## test behind a real PgBouncer, which has to be installed
	go test $(RACE) -count=1 -tags pgbouncer -run PgBouncer ./internal/postgres

# The same sources and the same three values give the same bytes, in any folder and
# with or without a repository: so they stand for what Go would note by itself.
.PHONY: build
build: ## build the program
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BIN)/reporting ./cmd/reporting

.PHONY: lint
lint: $(LINT) ## check style and what vet and friends can find
	$(LINT) run ./...
	cd tools/licenses && $(abspath $(LINT)) run ./...
	cd tools/bench && $(abspath $(LINT)) run --disable gomoddirectives ./... # it measures this very module, so it replaces it by that
	cd tools/observe && $(abspath $(LINT)) run --disable gomoddirectives ./... # as does this
	cd tools/deploy && $(abspath $(LINT)) run --disable gomoddirectives ./... # and so does this
	cd tools/faults && $(abspath $(LINT)) run --disable gomoddirectives ./...

.PHONY: licenses
licenses: ## check the licences of what is linked, and collect their texts
	go -C tools/licenses run . -C '$(CURDIR)' -o '$(abspath $(BIN))/THIRD-PARTY-NOTICES' ./cmd/reporting

# It ends with 3 where it found something, and with another code where it could not look.
.PHONY: vuln
vuln: $(VULN) ## ask for known vulnerabilities: make vuln VULNDB=file:///path
	@$(VULN) -db '$(VULNDB)' -test ./... || { code=$$?; [ $$code = 3 ] || printf '%s\n' \
	  'The check did not finish. If the message above says that $(VULNDB) cannot be reached,' \
	  'name a mirror of it, or a copy that was unpacked from https://vuln.go.dev/vulndb.zip:' \
	  '  make vuln VULNDB=https://mirror.example' \
	  '  make vuln VULNDB=file:///path/to/copy' >&2; exit $$code; }

# Each tool is a module below tools/: its go.mod pins the versions of all that goes into
# it, its go.sum what their sources hash to. A tool is built once for each version,
# which takes the linter a minute or so; a new version needs a new name here as well.
$(LINT):
	go -C tools/golangci-lint build -o '$(abspath $@)' github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(VULN):
	go -C tools/govulncheck build -o '$(abspath $@)' golang.org/x/vuln/cmd/govulncheck

.PHONY: interop
interop: ## call the service with real FHIR clients (needs a JDK, Maven and Node)
	test/interop/run --check docs/clients.md

.PHONY: fuzz
fuzz: ## look for surprises for a while: make fuzz FUZZTIME=10m
	go test ./internal/fhir -run '^$$' -fuzz FuzzStatusBundle -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/fhir -run '^$$' -fuzz FuzzReadParameters -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/fhir/fhirjson -run '^$$' -fuzz FuzzParse -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/fhir/fhirxml -run '^$$' -fuzz FuzzParse -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/fhir/fhirxml -run '^$$' -fuzz FuzzEncode -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/httpapi/negotiation -run '^$$' -fuzz FuzzChoose -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/auth -run '^$$' -fuzz FuzzGateway -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/auth -run '^$$' -fuzz FuzzVerifier -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)
	go test ./internal/httpapi -run '^$$' -fuzz FuzzHeaders -fuzzminimizetime 10x -fuzztime $(or $(FUZZTIME),1m)

# It is built and not "go run", which would leave it behind when it is told to end.
.PHONY: bench
bench: build ## measure the service beside its database, into docs/bench: make bench BENCH='-only start' (Linux)
	go -C tools/bench build -o '$(abspath $(BIN))/bench' .
	@exec $(BIN)/bench -program $(BIN)/reporting -version '$(VERSION)' -report docs/bench/report.md -plot docs/bench/overload.svg $(BENCH)

.PHONY: dashboard
dashboard: ## write deploy/grafana/reporting.json from the tables of panels in tools/observe
	go -C tools/observe run . -dashboard '$(CURDIR)/deploy/grafana/reporting.json'

# Debian's package is unpacked and not installed, since installed it is a service.
PROMETHEUS := $(if $(shell command -v promtool && command -v prometheus),,$(BIN)/prometheus)
$(BIN)/prometheus:
	@rm -rf $@.new && mkdir -p $@.new
	@{ cd $@.new && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .; } || { printf '%s\n' \
	  'prometheus and promtool, 2.42 or later, have to be on the path. On Debian and Ubuntu "apt-get update" as root' \
	  'may be all that is missing; elsewhere install Prometheus (macOS: brew install prometheus).' >&2; exit 1; }
	@mv $@.new $@

.PHONY: observe
observe: build $(PROMETHEUS) ## prove dashboard, alerts and runbook against the running service, with a real Prometheus
	go -C tools/observe test -count=1 -timeout 5m -v ./live

# Helm comes as a library: it takes half a minute to compile once, the program two.
.PHONY: deploy-check
deploy-check: $(PROMETHEUS) ## check what is in deploy/, and run the program as its image has it (Linux)
	PATH="$$PATH:$(abspath $(BIN))/prometheus/usr/bin" promtool check config deploy/prometheus/prometheus.yaml
	go -C tools/deploy test -count=1 ./...

.PHONY: chart
chart: ## put the alerts and the dashboard into the Helm chart
	cp deploy/prometheus/rules.yaml deploy/grafana/reporting.json deploy/helm/reporting/files/

# What CI runs is the same without a report: make faults FAULTS=-quick FAULTS_REPORT=
FAULTS_REPORT ?= docs/faults.md
.PHONY: faults
faults: build ## break things while clients call, and write docs/faults.md: make faults FAULTS='-only database' (Linux, HAProxy, PgBouncer)
	go -C tools/faults build -o '$(abspath $(BIN))/faults' .
	@exec $(BIN)/faults -program $(BIN)/reporting -version '$(VERSION)' -report '$(FAULTS_REPORT)' $(FAULTS)

# What CI runs is the same without a report: make workers WORKERS=-quick WORKERS_REPORT=
WORKERS_REPORT ?= docs/workers.md
.PHONY: workers
workers: build ## kill what makes reports, look what became of the jobs, and write docs/workers.md: make workers WORKERS='-only storm' (Linux)
	go -C tools/faults build -o '$(abspath $(BIN))/workers' ./workers
	@exec $(BIN)/workers -program $(BIN)/reporting -version '$(VERSION)' -report '$(WORKERS_REPORT)' $(WORKERS)

.PHONY: image
image: ## build the container image
	docker build $(BUILDARGS) -t $(IMAGE):$(VERSION) .

# Its digest, which is what to sign and to deploy, is in .bin/image.
.PHONY: publish
publish: ## build the image for two platforms and push it: make publish IMAGE=registry.example/reporting
	mkdir -p $(BIN)
	docker buildx build $(BUILDARGS) --platform linux/amd64,linux/arm64 --provenance=true --sbom=true \
	  --metadata-file $(BIN)/image.json -t $(IMAGE):$(VERSION) --push .
	sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/$(subst /,\/,$(IMAGE))@\1/p' $(BIN)/image.json >$(BIN)/image
	test -s $(BIN)/image

# VERSION is the tag, as in v1.2.3: make release checks that chart and CHANGELOG know it.
.PHONY: release
release: licenses ## build the binaries of a release, with checksums, into .bin/release
	@case '$(VERSION)' in v[0-9]*.[0-9]*.[0-9]*-*) ;; v[0-9]*.[0-9]*.[0-9]*) \
	  grep -q '^appVersion: $(VERSION)$$' deploy/helm/reporting/Chart.yaml && grep -q '^version: $(VERSION:v%=%)$$' deploy/helm/reporting/Chart.yaml || \
	    { echo 'deploy/helm/reporting/Chart.yaml is not of $(VERSION): docs/releasing.md' >&2; exit 1; }; \
	  grep -q '^## $(VERSION:v%=%) ' CHANGELOG.md || { echo 'CHANGELOG.md has no heading for $(VERSION): docs/releasing.md' >&2; exit 1; } ;; esac
	rm -rf $(RELEASE) && mkdir -p $(RELEASE)
	for platform in $(PLATFORMS); do \
	  GOOS=$${platform%_*} GOARCH=$${platform#*_} CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' \
	    -o $(RELEASE)/reporting_$(VERSION)_$$platform ./cmd/reporting || exit 1; done
	cp LICENSE $(BIN)/THIRD-PARTY-NOTICES $(RELEASE)
	@$(MAKE) --no-print-directory checksums

.PHONY: checksums
checksums: ## write those of the files in .bin/release
	cd $(RELEASE) && rm -f SHA256SUMS && { sha256sum * 2>/dev/null || shasum -a 256 *; } >../SHA256SUMS && mv ../SHA256SUMS .

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
