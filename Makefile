# `make demo` runs the workflow on the embedded cohort, `make test` lints and tests.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := results/demo
IMAGES := images
VIEWER := workflow/histoniche/viewer
SNAKEMAKE := $(BIN)/snakemake

.PHONY: demo viewer browser image test test-cluster test-viewer lint unit bench-slides bench-segmentation bench-noise bench-omics bench-survival bench-traits bench-scale bench-capacity bench-viewer format docs lock clean help
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up, run the demo cohort, show where its results are"
	@echo "make viewer  set up what histoniche view shows results with"
	@echo "make test    set up, lint and test"
	@echo "make image   build the images of both environments with Apptainer; BASE=FOLDER where no hub is"
	@echo "make test-cluster   failures and recovery on a SLURM cluster on this machine; needs root"
	@echo "make browser what tests of the viewer in a real browser need beside chromium"
	@echo "make test-viewer   the viewer in a real browser; needs chromium and npm"
	@echo "make lint    style, types, workflow"
	@echo "make bench-slides   reading and tiling against other libraries"
	@echo "make bench-segmentation   applying a network against the same network used plainly"
	@echo "make bench-noise   what wrong labels cost, and what each remedy brings back"
	@echo "make bench-survival   scans of all genes for survival against lifelines and statsmodels"
	@echo "make bench-omics   genome-wide statistics and activity against the libraries' own functions"
	@echo "make bench-traits   classifying tiles against the same networks used plainly, and 10 min a slide"
	@echo "make bench-scale   what planning a run of 10,000 slides takes, and statistics of 60,000 genes x 10,000 patients"
	@echo "make bench-capacity   what 100,000 slides take, written into docs/scale.md"
	@echo "make bench-viewer   how fast the viewer's tiles come, and memory of fifty viewers"
	@echo "make format  put all files into the project's style"
	@echo "make docs    renew config/README.md from the schema"
	@echo "make lock    renew the pinned environments"

# The environments, hash by hash as the locks say. A lock that changes renews them. Compiled here,
# because every job of a run imports anew: Lightning takes 9 s compiled and 29 s where no job may write.
$(BIN)/uv: envs/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit("error: Python $(PYTHON) is older than 3.11; run make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { echo "error: no venv module; run apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement envs/bootstrap.txt
	@touch $@

$(VENV)/.%: envs/%.lock pyproject.toml | $(BIN)/uv
	@echo "setting up the environment ($*), some minutes the first time"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes --requirement $<
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# Written again when what draws it has changed; `make clean` removes it with all results of the demo.
$(DEMO)-cohort/slides.tsv: $(wildcard workflow/histoniche/demo/*.py) | $(BIN)/histoniche
	@$(BIN)/histoniche demo $(DEMO)-cohort
	@touch $@

$(BIN)/histoniche: | $(VENV)/.workflow ;

demo: $(VENV)/.workflow $(DEMO)-cohort/slides.tsv
	@$(SNAKEMAKE) --profile workflow/profiles/demo
	@test $(DEMO)/report.zip -nt $(DEMO)/summary.html || $(SNAKEMAKE) --profile workflow/profiles/demo --report $(DEMO)/report.zip
	@echo
	@echo "summary page   $(DEMO)/summary.html"
	@echo "full report    $(DEMO)/report.zip"
	@echo "sealed bundle  $(DEMO)/histoniche-demo.crate.zip"
	@echo "in a browser   make viewer, then $(BIN)/histoniche view $(DEMO)"
	@echo "region maps    $(DEMO)/regions/SLIDE/overlay.png, map.ome.zarr, regions.geojson"

# What pages bring to the browser. npm checks it against package-lock.json and runs none of its scripts.
viewer: $(VENV)/.workflow $(VIEWER)/node_modules/.served
	@echo "results in a browser: $(BIN)/histoniche view $(DEMO)"

$(VIEWER)/node_modules/.served: $(VIEWER)/package-lock.json
	@command -v npm >/dev/null || { echo "error: no npm here; run apt-get install npm" >&2; exit 1; }
	@cd $(VIEWER) && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# From the lock alone: an image outlives changes of the code, which containers see from outside.
image: $(IMAGES)/imaging.sif $(IMAGES)/analysis.sif

$(IMAGES)/%.sif: envs/container.def envs/install.sh envs/bootstrap.txt envs/%.lock
	@command -v apptainer >/dev/null || { echo "error: no apptainer here; install it, or build envs/Containerfile with Docker or Podman" >&2; exit 1; }
	@mkdir -p $(IMAGES)
	@rm -rf $@.part
	@apptainer build $(IMAGE_OPTIONS) $(if $(BASE),--build-arg BOOTSTRAP=localimage --build-arg BASE=$(BASE)) --build-arg NAME=$* $@.part $<
	@rm -rf $@
	@mv $@.part $@

lint: $(VENV)/.dev $(DEMO)-cohort/slides.tsv
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile workflow/rules
	@$(SNAKEMAKE) --lint --configfile config/demo.yaml
	@$(BIN)/histoniche config-docs --check

unit: $(VENV)/.dev $(VENV)/.crate
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

test: lint unit

# Its studies and clusters take gigabytes, which are left for failed tests alone.
test-cluster: $(VENV)/.dev
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder \
		--override-ini tmp_path_retention_policy=failed --override-ini tmp_path_retention_count=1 tests/cluster

# In a real browser; pictures of the pages are left in results/viewer-screenshots, to be looked at.
test-viewer: $(VENV)/.dev browser
	@command -v chromium >/dev/null || test -n "$$HISTONICHE_CHROMIUM" || { echo "error: no chromium here; run apt-get install chromium, or name one in HISTONICHE_CHROMIUM" >&2; exit 1; }
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/viewer

# What the viewer's pages and their tests bring to the browser; where it is, `make test` runs them too.
browser: $(VIEWER)/node_modules/.tools

$(VIEWER)/node_modules/.tools: $(VIEWER)/package-lock.json
	@command -v npm >/dev/null || { echo "error: no npm here; run apt-get install npm" >&2; exit 1; }
	@cd $(VIEWER) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $(VIEWER)/node_modules/.served $@

# The peers come without what they would bring along, which has no part in what is measured.
$(VENV)/.bench: envs/bench.lock $(VENV)/.dev
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement $<
	@touch $@

# What validates bundles comes without what it would bring along, an older rich than typer's.
$(VENV)/.crate: envs/crate.lock $(VENV)/.dev
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement $<
	@touch $@

bench-slides: $(VENV)/.bench
	@$(BIN)/python tests/benchmarks/slides.py results/benchmarks/slides.json

bench-segmentation: demo
	@$(BIN)/python tests/benchmarks/segmentation.py $(DEMO) results/benchmarks/segmentation.json

bench-noise: demo
	@$(BIN)/python tests/benchmarks/noise.py . $(DEMO) results/benchmarks/noise.json

bench-survival: $(VENV)/.dev
	@$(BIN)/python tests/benchmarks/survival.py results/benchmarks/survival.json

bench-omics: $(VENV)/.dev
	@$(BIN)/python tests/benchmarks/omics.py results/benchmarks/omics.json

bench-traits: $(VENV)/.workflow
	@$(BIN)/python tests/benchmarks/traits.py results/benchmarks/traits.json

bench-scale: $(VENV)/.dev
	@PYTHONPATH=tests $(BIN)/python tests/benchmarks/scale.py results/benchmarks/scale.json
	@$(BIN)/python tests/benchmarks/genome.py results/benchmarks/genome.json

bench-viewer: $(VENV)/.dev $(VIEWER)/node_modules/.served
	@PYTHONPATH=tests $(BIN)/python tests/benchmarks/viewer.py results/benchmarks/viewer.json

bench-capacity: $(VENV)/.dev bench-scale
	@$(BIN)/python tests/benchmarks/capacity.py results/benchmarks/scale.json docs/scale.md

format: $(VENV)/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/snakefmt Snakefile workflow/rules

docs: $(VENV)/.dev
	@$(BIN)/histoniche config-docs

lock: | $(BIN)/uv
	@UV=$(CURDIR)/$(BIN)/uv envs/lock.sh

clean:
	@rm -rf $(DEMO) $(DEMO)-cohort .snakemake
