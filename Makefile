# The commands that people type. CI runs .ci/run, which does more.

.PHONY: help check test lint deny demo ci

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

check: ## Compile everything
	cargo check --all-targets

test: ## Run all tests
	cargo test

lint: ## Check formatting and run clippy as CI does
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

deny: ## Check licences, sources and banned crates (needs cargo-deny)
	cargo deny check licenses bans sources

demo: ## Play the demo at http://127.0.0.1:8888
	cargo run -- demo

ci: ## Run everything that CI runs
	.ci/run
