# What a developer runs; .ci/run runs the same. Everything is pinned in go.mod.
GO      ?= go
BIN     ?= bin
# No optimiser setting may change what is built: stripped, static, the same everywhere.
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w"
SYSTEMS  = linux/amd64 linux/arm64 linux/riscv64 linux/arm linux/386 \
           freebsd/amd64 openbsd/amd64 netbsd/amd64 darwin/amd64 darwin/arm64
FUZZTIME ?= 10s
STEPS    ?= 1000000

.PHONY: all build check fmt vet staticcheck tidy test race demo cross generate fresh \
        bench fuzz simulate image lab clean

all: build

build: ## the programs, into bin/
	mkdir -p $(BIN)
	$(BUILD) -o $(BIN)/ ./cmd/...

check: fmt vet staticcheck tidy race ## what must pass before a commit

fmt: ## fails where gofmt would change something
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || \
	  { echo "gofmt would change:"; echo "$$out"; exit 1; }

vet:
	$(GO) vet ./...

staticcheck:
	$(GO) tool staticcheck ./...

tidy: ## the house rules: imports, sizes, comments, and the rest of internal/tidy
	$(GO) test ./internal/tidy/...

test:
	$(GO) test ./...

race: ## all tests, under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

demo: ## roused in the foreground on demo/units, until ctrl-C
	$(GO) run ./demo

cross: ## vet and build for every system there is
	@for s in $(SYSTEMS); do echo "cross: $$s"; \
	  CGO_ENABLED=0 GOOS=$${s%/*} GOARCH=$${s#*/} $(GO) vet ./... && \
	  CGO_ENABLED=0 GOOS=$${s%/*} GOARCH=$${s#*/} $(GO) build -o /dev/null ./... || exit 1; \
	done

generate: ## everything that is made from something else
	$(GO) generate ./...

fresh: generate ## fails if generating changed a file
	@out=$$(git status --porcelain); test -z "$$out" || \
	  { echo "not committed, or not fresh:"; echo "$$out"; git diff | head -50; exit 1; }

bench: build ## the benchmarks beside the code, then systemd beside roused; see BENCHMARKS.md
	$(GO) test -run '^$$' -bench . -benchmem ./...
	test/bench

fuzz: ## every fuzz target for FUZZTIME
	test/fuzz $(FUZZTIME)

simulate: ## random units and faults through the engine, STEPS steps
	ROUSE_SIM_STEPS=$(STEPS) $(GO) test ./internal/engine -run Simulation -count 1 -v

image: ## a container image of the static programs and the demo's units
	image/build

lab: build ## real daemons under their packages' own units, where the lab is
	test/lab

clean:
	rm -rf $(BIN)
