# The front door. Each target calls a program or a script that has a name; `make help` lists them.
.DEFAULT_GOAL := help
# What `authd version` and /health show; a tree without git has no revision to tell.
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo devel)
.PHONY: help run build quick test e2e e2e-pgbouncer fuzz bench bench-check clients generate check-generated prove-drift lint fmt tools hooks backup restore clean-dev FORCE

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Bring up the whole service for development; Ctrl-C ends all of it
	@exec bin/authdev up

build: bin/authd bin/authdev ## Build bin/authd and bin/authdev

bin/authd bin/authdev: bin/%: FORCE
	@[ -e $@ ] || echo "Building $@ (the first time, modules are fetched and compiled: some minutes)"
	@CGO_ENABLED=0 go build -ldflags='-X main.revision=$(VERSION)' -o $@ ./cmd/$*

quick: build ## Run what belongs before each commit: go vet and the rooms' tests, in some minutes
	@tools/quick.sh

test: build ## Run every test against real PostgreSQL, Redis and identity providers
	@tools/test.sh

e2e: build ## Run the black-box tests only
	@tools/test.sh ./e2e/...

e2e-pgbouncer: build ## Run the black-box tests through PgBouncer in transaction mode
	@tools/pgbouncer-e2e.sh

fuzz: ## Fuzz each parser for a while: make fuzz FUZZTIME=5m
	@tools/fuzz.sh

bench: build ## Measure the service beside a bare handler, in one run
	@tools/bench.sh

bench-check: build ## Measure again, and fail where a path lost more than a fifth against bench/ratios.json
	@tools/bench.sh check

clients: build ## Generate clients by the generators that other teams use, and run each against the service
	@tools/clients.sh

generate: ## Regenerate gen/ and db/schema.sql from the contract, the migrations and the queries
	@tools/generate.sh

check-generated: ## Fail when regenerating changes a byte
	@tools/check-generated.sh

prove-drift: ## Show that drift of contract or schema does not compile
	@tools/prove-drift.sh

lint: build ## Run gofumpt, golangci-lint, sqlc vet and the contract's linters
	@tools/lint.sh

fmt: ## Format every Go file
	@tools/fmt.sh

tools: ## Build the pinned generators and linters, once for all checkouts
	@tools/tool.sh --build

hooks: ## Let git check what is staged before every commit, in seconds
	@tools/hooks.sh

backup: bin/authd ## Back up the schema auth of the development stack (or DATABASE_URL) into backups/, and prove it (WHOLE=yes: the whole database)
	@tools/backup.sh create --dir backups $(if $(WHOLE),--whole-database)

restore: bin/authd ## Restore a backup: make restore FILE=backups/... (REPLACE=yes: over the people that are there)
	@tools/backup.sh restore $(if $(REPLACE),--replace) '$(or $(FILE),$(error name the backup: make restore FILE=backups/NAME.dump))'

clean-dev: bin/authdev ## Forget the development stack's data
	@bin/authdev clean

FORCE:
