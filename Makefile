# The one door for contributors: `make` lints and tests.
.PHONY: all lint test proofs docs native wheels test-aarch64 benchmarks pictures notebooks
PYTHON ?= .venv/bin/python
BIOME = @biomejs/biome@2.6.8
CPP = $(wildcard native/kernel/* native/tests/*)

all: lint test

.venv:
	python3 -m venv .venv
	$(PYTHON) -m pip install --quiet -e '.[dev]' -c constraints.txt

lint: .venv
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m pyright --pythonpath $(PYTHON)
	.venv/bin/lint-imports
	npx --yes $(BIOME) check .
	.venv/bin/clang-format --dry-run -Werror $(CPP)

test: .venv
	$(PYTHON) -m pytest -n auto

# The slow proofs, which `make test` leaves out.
proofs: .venv
	$(PYTHON) -m pytest -n auto -m slow

# The recurrence in C++, built again into the package of this clone.
native: .venv
	cmake -S native -B build/native -DPython_EXECUTABLE=$(abspath $(PYTHON))
	cmake --build build/native
	cmake --install build/native --prefix src

# A wheel for each platform, in dist.
wheels: .venv
	$(PYTHON) -m pip install --quiet 'ziglang>=0.17'
	$(PYTHON) native/wheels.py dist

# The kernel's own tests for aarch64, under qemu-user (Debian: qemu-user, libc6-arm64-cross).
test-aarch64: .venv
	$(PYTHON) -m pip install --quiet 'ziglang>=0.17'
	ZIG=$$($(PYTHON) -c 'import ziglang; print(ziglang.__path__[0])')/zig \
	ZIG_SYSTEM=Linux ZIG_PROCESSOR=aarch64 ZIG_TARGET=aarch64-linux-gnu.2.17 \
	cmake -S native -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=zig.cmake -DLIBRARY=OFF -DTESTS=ON \
		-DCMAKE_CROSSCOMPILING_EMULATOR='qemu-aarch64;-L;/usr/aarch64-linux-gnu'
	cmake --build build/aarch64
	ctest --test-dir build/aarch64 --output-on-failure

# The site, in build/docs; a warning is an error.
docs: .venv
	$(PYTHON) -m pip install --quiet -e '.[docs]' -c constraints.txt
	$(PYTHON) -m sphinx -q -E -W --keep-going -b html -d build/doctrees docs build/docs

benchmarks: .venv
	$(PYTHON) -m pip install --quiet -e '.[bench]' -c constraints.txt
	$(PYTHON) -m benchmarks.solve --seeds 100 --write
	$(PYTHON) -m benchmarks.solve --plain --seeds 5 --write
	$(PYTHON) -m benchmarks.solve --no-curriculum --seeds 3 --write
	$(PYTHON) -m benchmarks.startup --write
	$(PYTHON) -m benchmarks.speed --write
	$(PYTHON) -m benchmarks.speed --batch-size 32 --write
	$(PYTHON) -m benchmarks.speed --batch-size 512 --batches 25 --write
	$(PYTHON) -m benchmarks.speed --batch-size 32 --length 1000 --batches 20 --rounds 5 --write
	$(PYTHON) -m benchmarks.speed --batch-size 32 --length 10000 --batches 2 --rounds 3 --write
	$(PYTHON) -m benchmarks.time_to_target --write
	$(PYTHON) -m benchmarks.together --write
	$(PYTHON) -m benchmarks.scaling --write

# The pictures of the documentation, and the README's table of spans.
pictures: .venv
	$(PYTHON) -m tools.pictures

# What the notebooks of the examples show: each is executed, and its outputs are written back.
notebooks: .venv
	$(PYTHON) -m tools.notebooks
