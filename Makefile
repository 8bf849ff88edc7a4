# `make` alone lists what there is. Each target calls the `carryout` tool or cargo; `cargo run -p carryout -- --help` says more.
.DEFAULT_GOAL := help
.PHONY: help demo test up down deploy e2e check sim bench statemachines package seed

CARRYOUT := cargo run --quiet --package carryout --
NEXTEST_VERSION := 0.9.143

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: deploy seed ## start, build, deploy and seed the whole system on this machine

test: ## run every test that needs no local cloud
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest --version $(NEXTEST_VERSION)
	cargo nextest run --workspace

up: ## start the local cloud (EMULATOR=ministack|localstack, ENDPOINT=URL, ENFORCE_IAM=1)
	$(CARRYOUT) up

down: ## stop it, with everything that it runs
	$(CARRYOUT) down

deploy: up ## build the functions and deploy the stack to the local cloud
	$(CARRYOUT) build
	$(CARRYOUT) deploy

e2e: deploy ## run the end-to-end tests against the local cloud
	cargo test --package e2e

check: ## formatting, lints, template, documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(CARRYOUT) tool cfn-lint infra/template.yaml
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

sim: ## run the seeded fault simulation
	cargo test --package sim

bench: ## measure the hot paths
	cargo bench --workspace

statemachines: ## generate statemachines/*.asl.json from the workflows
	$(CARRYOUT) statemachines

package: ## build the functions as they are shipped to AWS
	$(CARRYOUT) build --release

seed: ## fill the deployed stack with stores and menus
	$(CARRYOUT) seed
