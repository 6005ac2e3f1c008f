# `make demo` and `make test` set up everything they need; see README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOC ?= tests/documents/某市科技创新工作总结.txt

.PHONY: help demo test check bench clean
help:
	@echo "make demo [DOC=文件]   标注一份文件并显示结果"
	@echo "make test              运行全部检查和测试"
	@echo "make check             只运行静态检查和数据检查"
	@echo "make clean             删除虚拟环境和缓存"

$(VENV)/installed: pyproject.toml
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

test: check $(MODEL)
	$(BIN)/pytest

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
