# Two commands on a fresh machine: `make demo` and `make test`. Python 3.11 or newer, make and git are enough.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export PYTHONPATH := src
STAMP  := $(VENV)/.installed
SEEDS  ?= 500
SEED_FROM ?= 0
SOAK_OUT  ?= soak.jsonl
ROUNDS    ?= 300
LAB       ?= .lab

.PHONY: demo test check fast coverage stories mutants mutmut planted run lab docs transcript lock bench fuzz simulation soak crash clean

demo: $(STAMP)          ## three companies on a stand-in gateway break and are healed, live
	$(BIN)/baileykeep demo

test: check coverage stories simulation ## everything: checks, fast tests, whole stories, simulated days

stories: $(STAMP)       ## real processes, failing disks, kills: all that takes longer than seconds
	$(BIN)/python -m tests.e2e.lab.node
	$(BIN)/python -m pytest -m slow -n 2

check: $(STAMP)         ## what every commit must pass
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not slow" -q -n 2

fast: $(STAMP)          ## only the fast tests
	$(BIN)/python -m pytest -m "not slow" -q -n 2

coverage: $(STAMP)      ## every branch of the rules and the model is reached by their own fast tests
	$(BIN)/python -m pytest tests/unit/rules tests/unit/model -m "not slow" -q -n 2 --cov=baileykeep.rules \
		--cov=baileykeep.model --cov-branch --cov-fail-under=100 --cov-report=term-missing:skip-covered

mutants: $(STAMP)       ## outside CI: small wrong changes of the rules that no test notices; MODULES="ladder.py" for some
	$(BIN)/python -m tests.mutation.run $(MODULES)

mutmut: $(STAMP)        ## outside CI: the same by mutmut, for the bodies of functions
	$(BIN)/python -m pip install --quiet mutmut==3.8.1
	$(BIN)/mutmut run --max-children 1
	$(BIN)/python -m tests.mutation.functions

planted: $(STAMP)       ## outside CI: each rule that a whole story guards, broken: it must fail; STORY="ratchet" for some
	$(BIN)/python -m tests.e2e.lab.planted $(if $(STORY),"$(STORY)")

run: $(STAMP)           ## the daemon with ./config
	$(BIN)/baileykeep run --config config

lab: $(STAMP)           ## real Baileys, to be broken by hand (docs/lab.md); BAILEYS=latest judges a release instead
	@$(BIN)/python -m tests.e2e.lab $(if $(BAILEYS),judge "$(BAILEYS)",--folder "$(LAB)" run \
		$(if $(HTTP_PORT),--http "$(HTTP_PORT)") $(if $(GATEWAY_PORT),--gateway "$(GATEWAY_PORT)"))

docs: $(STAMP)          ## write the generated pages under docs/ again
	$(BIN)/python -m tests.docs.generate

transcript: $(STAMP)     ## record the demo again for the README
	$(BIN)/python -m baileykeep.demo.record docs

simulation: $(STAMP)    ## as many simulated days as fit 8 minutes, at least 100
	$(BIN)/python -m tests.simulation.run --seeds 1000 --minutes 8 --at-least 100

crash: $(STAMP)         ## the real daemon is killed again and again: make crash ROUNDS=300
	$(BIN)/python -m tests.crash --rounds $(ROUNDS)

soak: $(STAMP)          ## simulated days; goes on where it stopped: make soak SEEDS=5000 SEED_FROM=0
	$(BIN)/python -m tests.simulation.run --seeds $(SEEDS) --from $(SEED_FROM) --out $(SOAK_OUT)

bench: $(STAMP)         ## the load figures of benchmarks/README.md
	$(BIN)/python -m benchmarks.storm
	$(BIN)/python -m benchmarks.scan
	$(BIN)/python -m benchmarks.backup

fuzz: $(STAMP)          ## TARGET=log|creds SECONDS=60: coverage-guided fuzzing of what reads foreign bytes
	$(BIN)/python -c "import atheris" 2> /dev/null || $(BIN)/python -m pip install --quiet "atheris>=2.3"
	$(BIN)/python -m tests.fuzz.run $(or $(TARGET),log) $(or $(SECONDS),60)

lock: $(STAMP)          ## pin all dependencies again; with their extras, which older pips need
	$(BIN)/python -m piptools compile --quiet --no-strip-extras --extra dev --generate-hashes --allow-unsafe \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header \
		-o requirements.lock pyproject.toml

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Baileykeep needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/e2e/lab/.modules \
		.lab .lab.lock lab-report-*.md
