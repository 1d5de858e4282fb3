SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?=
export PYTHON

VENV_STAMP := .venv/.installed
NODE_STAMP := contracts/node_modules/.installed
BIN := .venv/bin
TOOLS := scripts/with_contract_tools.sh

.PHONY: help install demo test test-python test-contracts lint contracts gas bench standard crossarch picture figures backtest mutation slither invariants halmos coverage node clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV_STAMP) ## the locked Python environment in .venv, with the keeper command

demo: install ## one full cycle on an embedded chain, no Node and no network
	$(BIN)/keeper demo

test: install node ## everything below
	@$(MAKE) --no-print-directory test-python
	@$(MAKE) --no-print-directory test-contracts

test-python: install ## pytest
	$(BIN)/pytest -n 2 --dist loadfile

test-contracts: install node ## forge test, and that abis/ is what the contracts compile to
	cd contracts && ../$(TOOLS) forge test
	$(TOOLS) $(BIN)/python scripts/compile_contracts.py --check

lint: install node ## ruff, pyright, forge fmt
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --project pyproject.toml
	cd contracts && ../$(TOOLS) forge fmt --check

contracts: install node ## compile the contracts and rewrite abis/
	$(TOOLS) $(BIN)/python scripts/compile_contracts.py

gas: install node ## rewrite contracts/snapshots, which the gas tests are held to within 2 percent
	cd contracts && FORGE_SNAPSHOT_EMIT=true ../$(TOOLS) forge test --match-path "test/gas/*"

bench: install ## ratios to numpy, scipy, QuantLib and the machine, in one run; BENCH="--quick"
	$(BIN)/python -m scripts.bench $(BENCH)

standard: install ## how often the scenarios ask more than standard margin, on random books, calm and stressed
	$(BIN)/python -m scripts.measure_standard_margin

backtest: install ## margins against a folder of option chains, into backtest.html; CHAINS=DIR SEED=1
	$(BIN)/keeper backtest chains $(CHAINS) --seed $(or $(SEED),1) --report backtest.html

figures: install ## every measured figure of docs/model.md, calibration.md, backtest.md and restore.md anew, in build/figures; CHAINS=DIR DAILY=FILE HOURLY=FILE
	mkdir -p build/figures
	$(BIN)/python -m scripts.measure_ranges $(DAILY) --hourly $(HOURLY) > build/figures/ranges.txt
	$(BIN)/python -m scripts.measure_scan_rule $(DAILY) > build/figures/scan-rule.txt
	$(BIN)/python -m scripts.measure_history $(DAILY) > build/figures/history.txt
	$(BIN)/python -m scripts.measure_standard_margin > build/figures/standard.txt
	$(BIN)/python -m scripts.measure_add_ons > build/figures/add-ons.txt
	$(BIN)/python -m scripts.measure_restore > build/figures/restore.txt
	$(BIN)/python -m scripts.measure_restore --legs 20 >> build/figures/restore.txt
	$(BIN)/python -m scripts.measure_surfaces $(CHAINS) > build/figures/surfaces.txt
	$(BIN)/python -m scripts.measure_table $(CHAINS) > build/figures/table.txt
	$(BIN)/python -m scripts.measure_floor $(CHAINS) > build/figures/floor.txt
	$(BIN)/python -m scripts.derive_episode_limits $(HOURLY) --out build/figures/episode_limits.py
	$(BIN)/python -m keeper backtest prices $(DAILY) > build/figures/prices.txt
	for seed in 1 2; do $(BIN)/python -m keeper backtest chains $(CHAINS) --seed $$seed \
	    --report build/figures/chains-$$seed.html > build/figures/chains-$$seed.txt; done
	$(BIN)/python -m scripts.draw_backtest $(CHAINS)

picture: install ## docs/margin.png and docs/margin.txt: an account of a book from a seed, explained
	$(BIN)/python -m scripts.draw_margin

crossarch: install ## the same digest under CPython 3.13 and on aarch64 (qemu-user); takes minutes, needs apt-get
	scripts/crossarch.sh

mutation: install node ## every mutant of contracts/test/mutants.toml must be caught; MUTATION="--only NAME"
	$(TOOLS) $(BIN)/python -m scripts.mutation $(MUTATION)

slither: install node ## static analysis of the contracts: every finding has an answer in contracts/analysis
	scripts/analysis_env.sh slither
	$(TOOLS) $(BIN)/python -m scripts.answer_slither

halmos: install node ## symbolic proofs of the libraries in contracts/test/halmos, each with a control that must be refuted
	scripts/analysis_env.sh halmos
	$(TOOLS) $(BIN)/python -m scripts.prove_contracts

invariants: install node ## the hostile handlers of contracts/test/invariant, with longer runs
	cd contracts && FOUNDRY_PROFILE=deep ../$(TOOLS) forge test --match-contract InvariantTest

coverage: install node ## lines and branches of contracts/src that forge test reaches
	cd contracts && ../$(TOOLS) forge coverage --report summary --no-match-coverage "test|mocks" --no-match-path "test/gas/*"

node: $(NODE_STAMP)

$(VENV_STAMP): pyproject.toml requirements.lock scripts/make_venv.sh
	scripts/make_venv.sh
	touch $@

# Install scripts stay off: the binaries come as packages of their own, and the lock checks those.
$(NODE_STAMP): contracts/package.json contracts/package-lock.json | $(VENV_STAMP)
	cd contracts && ../$(TOOLS) npm ci --ignore-scripts --no-progress --loglevel=error
	touch $@

clean: ## remove the environments, build outputs and caches
	rm -rf .venv contracts/node_modules contracts/out contracts/cache build dist
	rm -rf .pytest_cache .ruff_cache .hypothesis
	find keeper scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
