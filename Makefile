# `make demo` and `make test` set up everything they need; see README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOC ?= tests/documents/某市科技创新工作总结.txt

.PHONY: help demo test test-cluster test-label-studio check browser bench soak screenshots fuzz fuzz-api clean
help:
	@echo "make demo [DOC=文件]   标注一份文件并显示结果"
	@echo "make test              运行全部检查和测试"
	@echo "make test-cluster      运行 Spark 的测试（需要 Java；下载约 450 MB）"
	@echo "make test-label-studio 用 Label Studio 自己的类型检查答复（下载约 500 MB）"
	@echo "make check             只运行静态检查和数据检查"
	@echo "make bench             测量速度，与其他做法比较（结果写入 tests/benchmarks/RESULTS.md）"
	@echo "make screenshots       重拍 README 里的网页截图（需要 chromium 和 fonts-noto-cjk）"
	@echo "make soak              一万份文件的内存，反复 kill -9，服务过载和磁盘已满（半小时）"
	@echo "make fuzz              用检错工具和模糊测试检查快速内核（需要 clang，十分钟）"
	@echo "make fuzz-api          按接口文档生成请求，长时间检查 HTTP 服务"
	@echo "make clean             删除虚拟环境和缓存"

# Installing builds the native core, where a compiler is.
$(VENV)/installed: pyproject.toml setup.py $(wildcard model/core/*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# The default model is trained anew when what it is made from has changed.
MODEL := $(VENV)/share/policy-themes/model/manifest.json
$(MODEL): $(VENV)/installed $(shell find model training datasets -name '*.py' -o -name '*.jsonl' -o -name '*.tsv' -o -name '*.json')
	$(BIN)/policy-train

demo: $(MODEL)
	$(BIN)/policy-label --table "$(DOC)"

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/policy-train check

# The page is tested in a real browser, where one is or can be installed; elsewhere those tests are skipped, but not on CI.
browser:
	-@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
	    { apt-get update -qq && apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends chromium >/dev/null; }

test: check $(MODEL) browser
	$(BIN)/pytest

# The pictures in docs/ are of the page as it is; fonts as on an analyst's machine.
screenshots: $(MODEL) browser
	$(BIN)/python tests/page_screenshots.py docs

test-cluster: $(MODEL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,spark]'
	$(BIN)/pytest -m spark

test-label-studio: $(MODEL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,label-studio]'
	CI=true $(BIN)/pytest tests/test_label_studio.py

soak: $(MODEL)
	$(BIN)/python tests/benchmarks/memory.py --ending .jsonl --ending .xlsx
	$(BIN)/python tests/benchmarks/kills.py
	$(BIN)/python -m tests.benchmarks.service_soak

bench: $(MODEL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(BIN)/python tests/benchmarks/bench.py --output tests/benchmarks/RESULTS.md
	for part in serving reading; do echo; $(BIN)/python tests/benchmarks/$$part.py || exit 1; done >> tests/benchmarks/RESULTS.md

# What the fuzzer finds is kept in build/fuzz; it goes on from there the next time.
FUZZ_SECONDS ?= 600
FUZZ_MODEL ?= $(dir $(MODEL))
fuzz: $(MODEL)
	mkdir -p build/fuzz/corpus
	clang++ -std=c++17 -O1 -g -ffp-contract=off -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -pthread \
	    model/core/fuzz.cpp -o build/fuzz/fuzz
	cd build/fuzz && POLICY_THEMES_COMPILED=$(abspath $(FUZZ_MODEL))/compiled.bin \
	    ./fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -print_final_stats=1 corpus

# Requests generated from the OpenAPI document, for longer than the tests do.
API_EXAMPLES ?= 200
fuzz-api: $(MODEL)
	API_EXAMPLES=$(API_EXAMPLES) API_PHASES=examples,coverage,fuzzing,stateful $(BIN)/pytest tests/test_api_document.py

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
