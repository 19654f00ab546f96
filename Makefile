# Every target works on a fresh machine: it makes .venv first. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check
# What bulk embedding and its tests need, and nothing else: the image leaves it out with RAY=
RAY ?= locks/ray.txt
Q ?= How do Minsk and Moscow define the Union State?

help:            ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

# torch comes as a CPU build (small) where pip is configured to see one, else as the public build.
$(VENV)/.ready: pyproject.toml locks/base.txt locks/torch.txt locks/torch-cpu.txt locks/ray.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	if $(PIP) index versions torch 2>/dev/null | grep -q '2\.13\.0+cpu'; \
	then $(PIP) install --quiet --no-deps --require-hashes -r locks/torch-cpu.txt; \
	else $(PIP) install --quiet --no-deps --require-hashes -r locks/torch.txt; fi
	$(PIP) install --quiet --no-deps --require-hashes -r locks/base.txt $(addprefix -r ,$(RAY))
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup: $(VENV)/.ready  ## make .venv with the locked dependencies

serve: setup     ## build the index from sources/ and serve the chat on http://127.0.0.1:8000
	$(RUN) -m index build || test $$? -eq 2  # 2: some document was broken, the rest is served
	exec $(RUN) -m assistant serve

# Two processes share the suite. What fails beside the other is asked once more alone: some tests measure time.
test: setup      ## run the whole test suite
	$(RUN) -m pytest -n 2 --dist loadfile || $(RUN) -m pytest --last-failed --last-failed-no-failures none

ask: setup       ## one answer: make ask Q="..."
	@$(RUN) -m index build --if-missing
	@$(RUN) -m assistant ask "$(Q)"

eval: setup      ## ask the gold questions of the dev half; fails where something got worse. Report in out/evals
	$(RUN) -m evals run --split dev --gate --report out/evals

model: setup     ## fetch a small real chat model (1.2 GB) and serve it on http://127.0.0.1:8081/v1
	$(RUN) -m tests.real_model --install
	$(RUN) -m tests.real_model --serve 8081

check: setup     ## lint, types, import rules
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: setup     ## measure against the stock pipeline, both in one run
	$(RUN) -m evals.bench

# Both tools have a place of their own: what they need does not belong to what is shipped.
.audit/.ready: locks/audit.txt
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r locks/audit.txt
	touch $@

sbom: .audit/.ready  ## write out/sbom.json, what is shipped with all hashes (CycloneDX), from the locks
	mkdir -p out
	cat locks/base.txt locks/torch.txt | .audit/bin/cyclonedx-py requirements --pyproject pyproject.toml \
	  --output-reproducible --of JSON -o out/sbom.json -

audit: .audit/.ready  ## ask the advisory database for known holes in what is locked (needs the network)
	.audit/bin/pip-audit --disable-pip --require-hashes --progress-spinner off -r locks/base.txt -r locks/torch.txt -r locks/ray.txt
	.audit/bin/pip-audit --disable-pip --require-hashes --progress-spinner off -r locks/audit.txt

drill: setup     ## run the long commands of fault and attack, some hours; report in docs/reliability
	$(RUN) -m tests.drill

lock:            ## resolve the dependencies again (needs uv on the PATH)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --no-annotate --upgrade -o locks/all.txt
	awk '/^[a-z]/ {f = /^(torch|triton|nvidia-|cuda-)/ ? "locks/torch.txt" : \
	  /^(ray|msgpack)=/ ? "locks/ray.txt" : "locks/base.txt"} {print > f}' locks/all.txt
	rm locks/all.txt
	printf 'cyclonedx-bom\npip-audit\n' | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --no-annotate --upgrade -o locks/audit.txt

.PHONY: help setup serve test ask eval model check bench sbom audit drill lock
.DEFAULT_GOAL := help
