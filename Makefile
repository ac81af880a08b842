# What one does with Rehome from its source. `make help` lists it.

# The same flags everywhere: others would build everything twice.
BUILD_FLAGS := --explicit-target-dependency-import-check error
FORMATTED := Package.swift Sources Tests Benchmarks Fuzz

.PHONY: help install build test simulate fuzz mutate demo lint format check bench bench-api thrash load clean dependencies

help:
	@echo 'make build   the program, .build/debug/rehome'
	@echo 'make test    everything that is tested; installs what is missing'
	@echo 'make simulate SEEDS=10000   restores that go wrong in every way; SEED=7 replays one'
	@echo 'make fuzz    random bytes for all that reads foreign ones: SECONDS_EACH=60 FORMAT=network'
	@echo 'make mutate  takes out one safeguard after the other, and sees its test fail; takes hours'
	@echo 'make demo    a restore between two real guests; installs what is missing'
	@echo 'make install  the program, its settings, user and service, on this host'
	@echo 'make lint    the rules on looks; make format puts right what it can'
	@echo 'make check   test, then a release build, more seeds and all that sanitizers can watch'
	@echo 'make bench   backups and restores beside those of other tools; a quick look: SIZE=1G ROUNDS=1'
	@echo 'make bench-api   what the API costs, beside a bare server'
	@echo 'make thrash  real guests whose server is killed again and again: MINUTES=10 SEED= GUESTS=3'
	@echo 'make load    200 restores queued, 50 clients that poll: MINUTES=10'
	@echo 'make clean   removes what was built'

dependencies:
	Scripts/install-dependencies.sh

build:
	swift build $(BUILD_FLAGS)

lint:
	swift format lint --strict --recursive --parallel $(FORMATTED)

format:
	swift format --in-place --recursive --parallel $(FORMATTED)

test: dependencies lint
	swift build --build-tests $(BUILD_FLAGS)
	Scripts/test.sh
	$(MAKE) simulate SEED=1 # Optimised, as what is installed: the optimiser has spoiled restores before.
	Scripts/sanitize.sh thread --quick
	Scripts/sanitize.sh address --quick

# One scratch path for all: with optimisation a seed takes a quarter of the time.
simulate:
	swift build -c release --product simulate --scratch-path .build-simulate $(BUILD_FLAGS)
	.build-simulate/release/simulate $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),10000))

# Variables of make's command line reach the script: SECONDS_EACH, FORMAT.
fuzz:
	Scripts/fuzz.sh

mutate:
	Scripts/mutate.sh

demo:
	Scripts/demo.sh

install:
	Scripts/install.sh

# What `make test` leaves out for the time it takes.
check: test
	swift build -c release --static-swift-stdlib --product rehome --scratch-path .build-release
	Scripts/sanitize.sh thread
	Scripts/sanitize.sh address
	$(MAKE) simulate SEEDS=2000

# Variables of make's command line reach the script: SIZE, DATA, SEED, IMAGE, ROUNDS, SECTIONS.
bench:
	Scripts/bench.sh

bench-api:
	Scripts/bench-api.sh

# Both are told by variables of make's command line: MINUTES, SEED, GUESTS, PROGRAM, QUEUE, CLIENTS.
thrash:
	Scripts/thrash.sh

load:
	Scripts/load.sh

clean:
	rm -rf .build .build-release .build-simulate .build-thread .build-address .build-benchmarks \
	  .build-fuzz .build-mutate
	-git worktree prune
