# Two commands do everything on a fresh Debian machine with Swift: `make quickstart`, `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BUILD := swift build -c release
BIN := .build/release/compress
# Benchmarks are a package of their own; what it builds goes where `make clean` finds it.
BENCHMARKS := swift build -c release --package-path Benchmarks --scratch-path .build/benchmarks
SOURCES := Package.swift Sources Tests Examples Tools $(wildcard Benchmarks)
VENV := .venv

.PHONY: help packages build quickstart check test lint format bench parity conformance study fuzz results check-results docs install clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

packages: ## Install the Debian packages that are missing.
	@Tools/install-packages

build: packages ## Build in release mode.
	$(BUILD) --product compress

quickstart: build ## Install, build, and compress a detector.
	@Examples/quickstart/run

# What trains networks, and what starts the built command, takes most of the suite's time.
check: lint ## Lint and the library's tests without training, within three minutes after a build.
	$(BUILD) --product compressPackageTests
	swift test -c release --skip-build --skip '^(Command|Example|Training)Tests\.'

# Naming the product leaves out what dependencies build for themselves: swift-protobuf would compile protoc.
test: quickstart lint ## The same, then the whole test suite.
	$(BUILD) --product compressPackageTests
	swift test -c release --skip-build

lint: ## Check the format strictly, the prose, and tables and picture where there is Python.
	swift format lint --strict --parallel --recursive $(SOURCES)
	Tools/lint-prose
	@! command -v python3 >/dev/null || python3 Tools/study/results.py --check
	@! command -v python3 >/dev/null || Tools/draw-house --check

format: ## Format the sources in place.
	swift format --in-place --parallel --recursive $(SOURCES)

$(VENV)/ready: Tools/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tools/requirements.txt
	touch $@

parity: build $(VENV)/ready ## Compare outputs with ONNX Runtime's on every shared model, whole, with channels cut out and factorised.
	$(VENV)/bin/python Tools/parity/parity.py --compress $(BIN)
	$(VENV)/bin/python Tools/parity/channel_property.py --compress $(BIN)
	$(VENV)/bin/python Tools/parity/lowrank_property.py --compress $(BIN)

conformance: build $(VENV)/ready ## Run ONNX's node tests of the operators that are registered.
	$(BENCHMARKS) --product node-tests
	$(VENV)/bin/python Tools/parity/conformance.py

$(VENV)/train-ready: $(VENV)/ready Tools/requirements-train.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tools/requirements-train.txt
	touch $@

bench: build $(VENV)/train-ready ## Time every operator, and verbs against ONNX Runtime, pycocotools, PyTorch, scikit-learn and TensorLy, side by side; calibration too.
	$(BENCHMARKS)
	.build/benchmarks/release/operator-bench
	$(VENV)/bin/python Tools/bench/inference.py --compress $(BIN)
	$(VENV)/bin/python Tools/bench/training.py
	$(VENV)/bin/python Tools/bench/lasso.py
	$(VENV)/bin/python Tools/bench/lowrank.py
	$(VENV)/bin/python Tools/bench/quantize.py --compress $(BIN)

study: build $(VENV)/ready ## Sparsity, channels and ranks against mAP on the shared detectors and the embedded one.
	$(VENV)/bin/python Tools/study/sparsity.py --compress $(BIN)
	$(VENV)/bin/python Tools/study/channels.py embedded --compress $(BIN)
	$(VENV)/bin/python Tools/study/channels.py shared --compress $(BIN)
	$(VENV)/bin/python Tools/study/lowrank.py embedded --compress $(BIN)
	$(VENV)/bin/python Tools/study/lowrank.py shared --compress $(BIN)
	$(VENV)/bin/python Tools/study/quantize.py --compress $(BIN)
	$(VENV)/bin/python Tools/study/distill.py recovery --compress $(BIN)
	$(VENV)/bin/python Tools/study/distill.py effect --compress $(BIN)

results: ## Write the tables of Documentation/Results from their JSON.
	python3 Tools/study/results.py

check-results: ## Fail where a table of Documentation/Results differs from its JSON.
	python3 Tools/study/results.py --check

# Damaged files of every kind: RUNS of them (a hundred a second and worker), drawn with SEED.
RUNS ?= 20000
SEED ?= 0

fuzz: build ## Read damaged files of every kind and count what goes wrong; RUNS=1000000 SEED=7 for a long hunt.
	$(BUILD) --product fuzz
	.build/release/fuzz --runs $(RUNS) --seed $(SEED) --command $(BIN)

docs: packages ## Build the documentation of the libraries into .build/documentation.
	Tools/build-docs

install: build ## Install the binary and shell completions under PREFIX (/usr/local).
	Tools/install $(BIN) "$${PREFIX:-/usr/local}"

clean: ## Remove everything that was built.
	rm -rf .build $(VENV) out
