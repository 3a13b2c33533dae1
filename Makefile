# Two commands set up everything: `make demo` and `make test`.

SWIFT ?= swift
CAIRN := .build/release/cairn
CONFORMANCE := .build/release/cairn-conformance
# With Swift's libraries within it the command begins in half the time, and runs where there is no Swift.
RELEASE := -c release $(if $(filter Linux,$(shell uname)),--static-swift-stdlib)

.PHONY: help demo build test test-swift conformance test-decoders test-real test-keras test-models \
  test-formats models detection test-asan \
  test-tsan test-crash examples bench bench-build bench-commands bench-large bench-predict fuzz hostile lint clean

help:
	@echo "make demo           the main job on real weights: save, restore, copy, prove"
	@echo "make test           all tests"
	@echo "make conformance    the suite of the format, against Cairn's reader and two in Python"
	@echo "make test-decoders  what Cairn codes, decoded by zlib, zlib-ng and ISA-L; SHA-256"
	@echo "make test-keras     Keras's models through Cairn and back, against Keras itself"
	@echo "make test-models    400 generated models of Keras, and its large architectures (1 GB)"
	@echo "make models         the table of layers and options, and their distance from Keras"
	@echo "make test-formats   real checkpoints of other formats, against their own libraries (3 GB)"
	@echo "make detection      millions of damaged files, each of which must be found out: minutes"
	@echo "make test-asan      the Swift tests under the address sanitizer"
	@echo "make test-tsan      the Swift tests under the thread sanitizer; FILTER=… for some of them"
	@echo "make test-crash     200 kills, and every fault and loss of power that is simulated"
	@echo "make examples       packages that stand on the library as a user's do, built and run"
	@echo "make fuzz           the fuzzers, FUZZ_SECONDS=60 each; FUZZ_TARGET=open for one of them"
	@echo "make hostile        structured hostile files, COUNT=20000 of them, against the command"
	@echo "make bench          Cairn beside its peers: sizes, rates, copies; ARGUMENTS=… for some of it"
	@echo "make bench-commands whole processes: the command beside cp, cmp, sha256sum, zstd and Python"
	@echo "make bench-predict  forward passes of five models, beside Keras on TensorFlow"
	@echo "make bench-large    a million tensors, and a file of 20 GB"
	@echo "make lint           formatting and the project's own rules"
	@echo "make build          the release build of the cairn command"
	@echo "make clean          removes what was built"

build:
	@Scripts/setup.sh build
	$(SWIFT) build $(RELEASE) --product cairn

demo:
	@Scripts/setup.sh build
	@Scripts/setup.sh python || echo "cairn: going on without Python, which fetches real weights" >&2
	$(SWIFT) build $(RELEASE) --product cairn
	@weights=$$(Scripts/fetch-minilm.sh) && $(CAIRN) demo $${weights:+--weights "$$weights"}

test: test-swift conformance test-decoders test-real test-keras

test-swift:
	@Scripts/setup.sh build
	$(SWIFT) test

conformance:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --product cairn-conformance
	python3 Tests/Conformance/run.py --large --reader '$(CONFORMANCE) read' \
	  --salvager '$(CONFORMANCE) salvage'
	python3 Tests/Conformance/run.py --large --exhaustive

detection:
	@Scripts/setup.sh build
	$(SWIFT) build $(RELEASE) --product cairn-conformance
	$(CONFORMANCE) detect Fixtures/conformance/ok-*.cairn

test-decoders:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --product cairn
	Tests/Decoders/run.sh

test-formats:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --product cairn
	Tests/Keras2/run.sh
	Tests/Formats/run.sh

test-keras:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --product cairn
	Tests/Keras/run.sh

# MODELS: how many are generated.
test-models:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --product cairn
	Tests/Keras/models.sh $(MODELS)

# The large architectures, where the environment of `make test-models` is there already.
models: build
	$(CAIRN) models Fixtures/keras/layers
	@if [ -x .venv-models/bin/python ]; then \
	  .venv-models/bin/python -W ignore Tests/Keras/test_applications.py --cairn $(CAIRN) 2>/dev/null; \
	else echo "models: 'make test-models' also compares the architectures of keras.applications"; fi

test-real:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --product cairn
	Tests/RealWeights/run.sh

# FILTER: a regular expression of the tests to run; all without one.
test-asan test-tsan: test-%san:
	@Scripts/setup.sh build
	CAIRN_TEST_SANITIZER=$(SANITIZER) \
	ASAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/address.txt \
	LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/leaks.txt:print_suppressions=0 \
	  $(SWIFT) test --sanitize=$(SANITIZER) --scratch-path .build-$*san --disable-xctest $(if $(FILTER),--filter '$(FILTER)')
test-asan: SANITIZER := address
test-tsan: SANITIZER := thread

# Fuzz/README.md names the targets.
FUZZ_SECONDS ?= 60
fuzz:
	@Scripts/setup.sh python
	SWIFT='$(SWIFT)' Fuzz/Scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGET)

# Fuzz/README.md tells what they are. ARGUMENTS: as `Fuzz/Hostile/run.py --help` lists them.
COUNT ?= 20000
hostile:
	@Scripts/setup.sh build
	$(SWIFT) build $(RELEASE) --product cairn
	python3 Fuzz/Hostile/run.py $(CAIRN) --count $(COUNT) --jobs 2 $(ARGUMENTS)

# Each is a package of its own, which knows the product Cairn alone.
examples:
	@Scripts/setup.sh build
	$(SWIFT) run --package-path Examples/OwnFormat

bench-build:
	@Scripts/setup.sh python
	@Benchmarks/setup.sh >/dev/null
	$(SWIFT) build $(RELEASE) --package-path Benchmarks

# ARGUMENTS: as `Benchmarks/run.py --help` lists them, such as --publish. Unless it chooses some of it, whole
# processes are measured too.
bench: bench-build
	@python=$$(Benchmarks/setup.sh) && "$$python" Benchmarks/run.py $(ARGUMENTS)
	@$(if $(filter-out --publish,$(ARGUMENTS)),true,$(MAKE) bench-commands ARGUMENTS=)

bench-commands:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --product cairn
	@python=$$(Benchmarks/setup.sh) && "$$python" Benchmarks/commands.py $(ARGUMENTS)

bench-large: ARGUMENTS ?= --count 1000000 --bytes 20000000000
bench-large: bench-build
	@python=$$(Benchmarks/setup.sh) && "$$python" Benchmarks/large.py $(ARGUMENTS)

# Beside Keras on TensorFlow, where its environment can be made. ARGUMENTS: as `predict.py --help` says.
bench-predict:
	@Scripts/setup.sh python
	$(SWIFT) build $(RELEASE) --package-path Benchmarks --product cairn-bench
	@mkdir -p .cache/benchmarks
	@if Scripts/python-environment.sh .cache/benchmarks/venv-predict \
	  Benchmarks/requirements-predict.txt 'tensorflow, keras'; then \
	  .cache/benchmarks/venv-predict/bin/python -W ignore Benchmarks/predict.py $(ARGUMENTS); \
	else echo "bench-predict: SKIPPED, there is no environment with Keras and TensorFlow"; fi

# The suites are also in every run of the tests, with fewer kills and states.
test-crash:
	@Scripts/setup.sh build
	$(SWIFT) build $(RELEASE) --product cairn
	CAIRN_TEST_CRASH=full CAIRN_COMMAND=$(CURDIR)/$(CAIRN) $(SWIFT) test \
	  --filter 'KillTests|AtOnceTests|PowerLossTests|BrokenSaveTests|FaultyRoadTests|RefusedMemoryTests'

lint:
	@Scripts/setup.sh python
	@Scripts/lint.sh

clean:
	$(SWIFT) package clean
	rm -rf .build-asan .build-tsan Benchmarks/.build Fuzz/.build Fuzz/.fuzzing
