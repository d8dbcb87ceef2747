# Targets for people and for .ci/run. `make test` is all that a landing needs.
GO ?= go
BIN ?= bin/skep
LDFLAGS := -s -w

# Programs that tests compare with; the product needs none of them.
PACKAGES := clang-19 llvm-19 libbpf-dev linux-libc-dev bpftrace bpftool gcc libc6-dev iproute2 util-linux procps

# Largest size of the binary in bytes.
MAX_SIZE := 15728640

.PHONY: all build packages check format vet test race fuzz size install clean
all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='$(LDFLAGS)' -o $(BIN) ./cmd/skep

# Install what is missing of PACKAGES. Without root or apt-get the tests that
# need them are skipped, and listed at the end of `make test`.
packages:
	@missing=; for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then echo "not installed:$$missing"; exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing

check: format vet

format:
	@bad=$$(gofmt -l $$(find . -name '*.go' -not -path './.git/*')); if [ -n "$$bad" ]; then echo "gofmt: $$bad"; exit 1; fi

# Everything that needs no kernel also builds elsewhere.
vet:
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...

test: packages
	@skips=$$(mktemp); \
	SKEP_SKIPS=$$skips $(GO) test -timeout 20m ./...; status=$$?; \
	if [ -s $$skips ]; then echo "$$(wc -l <$$skips) tests were skipped:"; sort $$skips | sed 's/^/  /'; fi; \
	rm -f $$skips; exit $$status

# What runs goroutines, under the race detector (which needs a C compiler).
race:
	$(GO) test -race ./kernel/... ./internal/tracepipe/...

# A minute for each fuzz test: make fuzz [FUZZTIME=10m]
FUZZTIME ?= 1m
fuzz:
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s $$p; \
	  done; \
	done

size: build
	@size=$$(stat -c %s $(BIN)); echo "$(BIN): $$size bytes"; \
	if [ $$size -gt $(MAX_SIZE) ]; then echo "more than $(MAX_SIZE)"; exit 1; fi; \
	if file $(BIN) 2>/dev/null | grep -q 'dynamically linked'; then echo "not static"; exit 1; fi

install: build
	install -m 755 $(BIN) $(or $(PREFIX),/usr/local)/bin/skep

clean:
	rm -rf bin
