# Two commands are enough: `make sweep SPEC=sweeps/focal.yaml` and `make test`. `make help` lists the others.

SPEC ?= sweeps/focal.yaml
OUT ?=
ARGS ?=
FUZZ_SECONDS ?= 600
PEERS ?= ../shared/peers
BENCH_DATA ?= ../shared/data/forestcover.parquet
PREFIX ?= /usr/local
PROGRAMS = $(or $(CARGO_TARGET_DIR),target)/release
RUN = cargo run --release --quiet -p focalsweep --
# Without libtorch its crate is left out; the others do not need it.
CRATES = $(if $(filter none,$(TORCH)),--workspace --exclude focalsweep-torch)
export TORCH

.PHONY: help setup build sweep report wheel test test-wheel test-trackers test-slurm chaos fuzz soak lint deny bench bench-peers gpu-check install docs clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  SPEC=FILE  the sweep (default $(SPEC));  ARGS='…'  more flags for run or report, such as ARGS='--set replicates=5'"
	@echo "  OUT=DIR    the run directory of sweep and report (default runs/NAME, as the sweep names itself)"
	@echo "  TORCH=cuda fetch the libtorch for NVIDIA GPUs;  TORCH=none build without one;  LIBTORCH=DIR use the one in DIR"

setup: ## fetch libtorch once (530 MB) and tell cargo where it is
	@tools/setup-libtorch.sh

build: setup ## build the program, and focalsweep-torch beside it
	cargo build --release $(CRATES)

sweep: build ## train SPEC, or finish it, and print its ranked table
	@dir=$$($(RUN) run "$(SPEC)" --resume $(if $(OUT),--out "$(OUT)") $(ARGS)); code=$$?; \
	if [ -n "$$dir" ] && [ -e "$$dir/results.parquet" ]; then $(RUN) report "$$dir"; fi; \
	exit $$code

report: build ## rank the run of SPEC again, or that in OUT, e.g. ARGS='--on test --top 10'
	@$(RUN) report "$(or $(OUT),$(SPEC))" $(ARGS)

wheel: setup build ## wheels of the program with its Python package, and of focalsweep-torch, in target/wheels
	tools/wheel.sh

test: build ## all tests, those in a browser, of the Python package and Python's readers, and the short chaos too
	cargo test --release --no-fail-fast $(CRATES)
	tests/browser/run.sh
	tests/python/run.sh
	tests/package/run.sh
	tests/trainers/run.sh
	tests/onnx/run.sh
	tests/kubernetes/run.sh
	tests/chaos/run.sh

test-wheel: wheel ## install the wheels in a fresh venv and sweep
	tests/package/wheel.sh

test-trackers: build ## log runs to MLflow, Weights & Biases, TensorBoard and Optuna, and read them back (1 GB of libraries)
	tests/package/run.sh --trackers

test-slurm: setup ## the launcher on a real Slurm of three nodes on this machine (root; installs Debian's slurm-wlm and munge)
	tests/slurm/run.sh

chaos: build ## disturb real runs in every way and compare them with one left alone (ARGS='--long': half an hour)
	tests/chaos/run.sh $(ARGS)

fuzz: setup ## throw changed files at every reader, FUZZ_SECONDS=600 each
	FOCALSWEEP_FUZZ_SECONDS=$(FUZZ_SECONDS) RUST_BACKTRACE=0 cargo test --release -p focalsweep-core -p focalsweep-engine --test fuzz -- --nocapture
	FOCALSWEEP_FUZZ_SECONDS=$(FUZZ_SECONDS) RUST_BACKTRACE=0 cargo test --release -p focalsweep --lib fuzz -- --nocapture

soak: build ## 5,000 epochs and 2,000 jobs in one process: memory and open files stay as they are
	python3 tests/chaos/soak.py

lint: setup ## formatting, clippy, rustdoc (warnings are errors), third-party features, workflows, what is built in
	cargo fmt --check
	cargo clippy --release --all-targets $(CRATES) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --document-private-items $(CRATES)
	tools/check-features.sh
	tools/lint-workflows.sh
	tools/supply-chain.sh

deny: ## licences, sources, bans and advisories of what is built in (deny.toml), with cargo-deny
	tools/supply-chain.sh

bench: setup ## time the kernels one by one
	cargo bench --bench kernels
	$(if $(CRATES),,cargo bench -p focalsweep-torch --bench ceiling)

bench-peers: build ## time this program beside others (PEERS=DIR of their scripts), write docs/performance.md
	python3 tools/bench_peers.py --peers $(PEERS) --data $(BENCH_DATA) $(ARGS)

gpu-check: build ## on a host with a GPU: compare it with the CPU, time it, write docs/performance.md
	python3 tools/gpu_check.py --peers $(PEERS) $(ARGS)

install: build ## put the programs, completions and man pages under PREFIX (default /usr/local)
	@install -d "$(DESTDIR)$(PREFIX)/bin"
	@for program in focalsweep focalsweep-torch; do \
		if [ -x "$(PROGRAMS)/$$program" ]; then install -m 755 "$(PROGRAMS)/$$program" "$(DESTDIR)$(PREFIX)/bin/"; fi; done
	@share="$(DESTDIR)$(PREFIX)/share"; program="$(PROGRAMS)/focalsweep"; \
	install -d "$$share/bash-completion/completions" "$$share/zsh/site-functions" "$$share/fish/vendor_completions.d" && \
	"$$program" completions bash >"$$share/bash-completion/completions/focalsweep" && \
	"$$program" completions zsh >"$$share/zsh/site-functions/_focalsweep" && \
	"$$program" completions fish >"$$share/fish/vendor_completions.d/focalsweep.fish" && \
	"$$program" man --out "$$share/man/man1" >/dev/null && echo "installed under $(DESTDIR)$(PREFIX)"

docs: setup ## the library's pages, in target/doc
	cargo doc --release --no-deps --open $(CRATES) || cargo doc --release --no-deps $(CRATES)

clean: ## remove what was built (not the runs, not libtorch)
	cargo clean
