# `make demo`, `make test` and `make test-long` set up all they need in .venv, from nothing the first time and not at all the second.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# UV=1 installs with uv: about four times faster, but it does not read pip's configuration.
UV ?=
ifeq ($(UV),1)
INSTALL := $(BIN)/uv pip install --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet
endif

# A few of the samples: enough to see something, little enough for a minute or two on two cores.
DEMO := $(addprefix samples/degraded/,astronaut.jpg cameraman.jpg hopper.jpg montage_border.jpg)

.PHONY: demo test test-long check format fuzz clean

demo: $(VENV)/.standalone
	rm -rf samples/out
	$(BIN)/facerestore restore $(DEMO) --output samples/out --compare --report samples/out/report.json
	$(BIN)/facerestore restore samples/degraded/hopper.jpg --output samples/out --scale 4 --name '{name}-4x' --compare

# Two processes, each with hosts of its own; one where a real WebUI is tried, which can run only once in its folder.
WORKERS ?= $(if $(FACERESTORE_WEBUI),0,2)
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20
# Threads that wait leave the processor to the other process: model tests in two processes took 98 s instead of 150 s.
test test-long: export OMP_WAIT_POLICY := passive
test: $(VENV)/.test $(VENV)/.hosts
	$(PYTEST) -m "not long" $(PYTEST_ARGS)

# The rest; what is left to it says the marker `long` in pyproject.toml.
test-long: $(VENV)/.test $(VENV)/.hosts
	$(PYTEST) -m long $(PYTEST_ARGS)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Needs no network after the first time; adds to the corpus in .fuzz and stops after half an hour.
fuzz: $(VENV)/.test
	$(INSTALL) atheris
	PYTHONPATH=tests $(BIN)/python tests/fuzz/fuzz_read.py --seeds .fuzz
	PYTHONPATH=tests $(BIN)/python tests/fuzz/fuzz_read.py -timeout=10 -rss_limit_mb=2048 -max_len=20000 -max_total_time=1800 .fuzz tests/fuzz/corpus

clean:
	rm -rf $(VENV) samples/out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/pyvenv.cfg:
	$(PYTHON) -m venv $(VENV)
ifeq ($(UV),1)
	$(BIN)/python -m pip install --quiet uv
endif

# The stamps depend on what is installed; pyvenv.cfg comes after | because pip's own writes make it newer each time.
$(VENV)/.standalone: pyproject.toml | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable '.[standalone]'
	touch $@

# gradio 3.41.2 and 4.40.0 as the hosts pin them, and 4.40.0 among the newer packages of Neo, each in an environment of its own beside the packages of this one.
$(VENV)/.hosts: tests/stub_host/environments.py tests/stub_host/constraints-gradio3.txt tests/stub_host/constraints-gradio4.txt \
  tests/stub_host/constraints-neo.txt $(VENV)/.test
	$(BIN)/python tests/stub_host/environments.py
	touch $@

# gfpgan would pull a basicsr that no longer imports, so both come without their dependencies.
$(VENV)/.test: pyproject.toml tests/requirements-parity.txt | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable '.[standalone,test]'
	$(INSTALL) --no-deps --requirement tests/requirements-parity.txt
	touch $(VENV)/.standalone $@
