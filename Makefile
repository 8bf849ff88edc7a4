# `make` alone lists what there is. Each target calls the `carryout` tool or cargo; `cargo run -q -p carryout -- --help` says more.
.DEFAULT_GOAL := help
.PHONY: help tool unit demo demo-scaling test up down deploy seed e2e check bench sim soak soak-applicants statemachines stacks package nextest asl

CARRYOUT := cargo run --quiet --package carryout --
NEXTEST_VERSION := 0.9.143
ASL_VALIDATOR_VERSION := 4.0.0

# What `make unit` leaves out of shared/: adapters, which bring in the AWS SDK, HTTP or a database.
IMPURE := aws lambda partners postgres
PURE := $(addprefix --package carryout-,$(filter-out $(IMPURE),$(notdir $(wildcard shared/*))))

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: deploy seed ## set everything up, start, deploy, seed, and send a round of orders
	@$(CARRYOUT) dev demo

demo-scaling: deploy ## play a day of the scaler in fast motion, and draw it (SEED=)
	@$(CARRYOUT) forecast demo

test: nextest asl tool ## run every test, end to end on a local cloud too
	@$(CARRYOUT) dev with-cloud -- cargo nextest run --workspace --test-threads 4

unit: nextest ## run the tests of the pure crates: no AWS SDK, no local cloud
	@cargo nextest run --package dev-features $(PURE)

e2e: nextest tool ## run the end-to-end tests only (EMULATOR=ministack|localstack)
	@$(CARRYOUT) dev with-cloud -- cargo nextest run --workspace -E 'package(e2e)' --test-threads 4

up: tool ## start the local cloud (EMULATOR=ministack|localstack, ENDPOINT=URL, ENFORCE_IAM=1)
	@$(CARRYOUT) dev up

down: tool ## stop it, with everything that it runs
	@$(CARRYOUT) dev down

deploy: up ## build the functions and deploy all stacks, or some, to the local cloud (STACK="checkout orders")
	@$(CARRYOUT) dev build
	@$(CARRYOUT) dev deploy $(addprefix --stack ,$(STACK))

seed: tool ## fill the deployed stack with stores, menus, stock, consumers and promotions
	@$(CARRYOUT) dev seed

soak: tool ## send 2000 orders with faults to a local cloud (LocalStack unless EMULATOR says otherwise; ORDERS=, SEED=)
	@EMULATOR=$${EMULATOR:-localstack} $(CARRYOUT) dev with-cloud -- cargo run --quiet --package carryout -- dev soak

soak-applicants: nextest tool ## send 200 applicants to a local cloud, and kill its functions meanwhile (EMULATOR=, APPLICANTS=)
	@APPLICANTS=$${APPLICANTS:-200} $(CARRYOUT) dev with-cloud -- cargo nextest run --profile soak --workspace -E 'test(applicants_of_every_market)'

sim: ## prove the checkout by faults, in virtual time (SEEDS=, CASE=, SEED= replays, WITHOUT=guard)
	@cargo run --quiet --profile sim --package sim

check: asl tool ## formatting, lints, stacks, state machines, documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(CARRYOUT) dev stacks --check
	$(CARRYOUT) dev tool cfn-lint infra/templates/*.yaml
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

bench: tool ## measure: task plan, prices, forecasts (DATA=file of load), requests, latency, start, size
	@$(CARRYOUT) dev build --release
	@$(CARRYOUT) dev with-cloud -- cargo run --quiet --package bench

statemachines: tool ## compile the workflows into statemachines/*.asl.json
	@$(CARRYOUT) dev statemachines

stacks: tool ## write infra/templates/*.yaml from infra/stacks/*.yaml, and print how many resources each stack has
	@$(CARRYOUT) dev stacks

package: tool ## build the functions as they are shipped to AWS
	@$(CARRYOUT) dev build --release

# Shows what cargo compiles; `cargo run --quiet` would be silent for minutes.
tool:
	@echo "Building the command line tool (the first time compiles the AWS SDK, which takes minutes)"
	@cargo build --package carryout

# A second opinion on the compiled state machines, from outside this project: as they are deployed, with their substitutions.
asl:
	@if command -v npx >/dev/null; then \
		folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && \
		for file in $(notdir $(wildcard statemachines/*.asl.json)); do \
			sed -e 's/$${FunctionPrefix}/arn:aws:lambda:us-east-1:123456789012:function:carryout/' -e 's/$${Alias}/live/' \
				statemachines/$$file > $$folder/$$file || exit 1; \
		done && \
		npx --yes asl-validator@$(ASL_VALIDATOR_VERSION) $$(printf -- '--json-path %s ' $$folder/*.json); \
	else echo "npx is not there, so asl-validator does not look at the state machines"; fi

nextest:
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest --version $(NEXTEST_VERSION)
