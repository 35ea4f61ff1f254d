# Two commands do everything on a fresh Debian machine with Swift: `make quickstart`, `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BUILD := swift build -c release
BIN := .build/release/compress
SOURCES := Package.swift Sources Tests Examples Tools $(wildcard Benchmarks)
VENV := .venv

.PHONY: help packages build quickstart test lint format bench parity study fuzz docs install clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

packages: ## Install the Debian packages that are missing.
	@Tools/install-packages

build: packages ## Build in release mode.
	$(BUILD) --product compress

quickstart: build ## Install, build, and compress a detector.
	@Examples/quickstart/run

# Naming the product leaves out what dependencies build for themselves: swift-protobuf would compile protoc.
test: quickstart lint ## The same, then the whole test suite.
	$(BUILD) --product compressPackageTests
	swift test -c release --skip-build

lint: ## Check the format strictly.
	swift format lint --strict --parallel --recursive $(SOURCES)

format: ## Format the sources in place.
	swift format --in-place --parallel --recursive $(SOURCES)

$(VENV)/ready: Tools/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tools/requirements.txt
	touch $@

parity: build $(VENV)/ready ## Compare outputs with ONNX Runtime's on every shared model, whole, with channels cut out and factorised.
	$(VENV)/bin/python Tools/parity.py --compress $(BIN)
	$(VENV)/bin/python Tools/channel_property.py --compress $(BIN)
	$(VENV)/bin/python Tools/lowrank_property.py --compress $(BIN)

$(VENV)/train-ready: $(VENV)/ready Tools/requirements-train.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tools/requirements-train.txt
	touch $@

bench: build $(VENV)/train-ready ## Time against ONNX Runtime, pycocotools, PyTorch, scikit-learn and TensorLy, side by side; calibration too.
	$(BUILD) --product lasso-bench
	$(BUILD) --product lowrank-bench
	$(VENV)/bin/python Tools/bench.py --compress $(BIN)
	$(VENV)/bin/python Tools/bench_train.py
	$(VENV)/bin/python Tools/bench_lasso.py
	$(VENV)/bin/python Tools/bench_lowrank.py
	$(VENV)/bin/python Tools/bench_quantize.py --compress $(BIN)

study: build $(VENV)/ready ## Sparsity, channels and ranks against mAP on the shared detectors and the embedded one.
	$(VENV)/bin/python Tools/study.py --compress $(BIN)
	$(VENV)/bin/python Tools/channel_study.py embedded --compress $(BIN)
	$(VENV)/bin/python Tools/channel_study.py shared --compress $(BIN)
	$(VENV)/bin/python Tools/lowrank_study.py embedded --compress $(BIN)
	$(VENV)/bin/python Tools/lowrank_study.py shared --compress $(BIN)
	$(VENV)/bin/python Tools/quantize_study.py --compress $(BIN)
	$(VENV)/bin/python Tools/distill_study.py recovery --compress $(BIN)
	$(VENV)/bin/python Tools/distill_study.py effect --compress $(BIN)

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
