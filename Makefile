# Thin: every target is one line of meson or a script of tools/.  OPTIONS go to meson setup.
BUILD ?= build
MINUTES ?= 1
OPTIONS ?=
DESTDIR ?=
PREFIX ?= /usr/local

.PHONY: all setup run windows dist test bench check fuzz install clean

all: setup
	@tools/build $(BUILD) $(OPTIONS)

setup:
	@tools/setup build

# FOR=10s ends it, IFACE=lo narrows it, STORE=DIR says where to (default: run/TIME).
run: all
	@BUILD=$(BUILD) FOR='$(FOR)' IFACE='$(IFACE)' STORE='$(STORE)' tools/run

# build-windows/weir.exe, cross-built.
windows:
	@tools/setup build windows
	@tools/build-windows build-windows $(OPTIONS)

# dist/: the Linux tarball, the zip for Windows, their sums.
dist:
	@tools/setup build windows dist
	@tools/dist

# The program of this system, then weir.exe under wine (suite `windows`).
test:
	@tools/setup build test windows
	@tools/build $(BUILD) $(OPTIONS)
	@tools/build-windows build-windows $(OPTIONS)
	@tools/test -C $(BUILD) -C build-windows --no-build

# ROWS=1,3 picks, ROUNDS=5 sets how often, QUICK=1 only shows that it works; default: all.
bench:
	@tools/setup build bench
	@tools/bench $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick)

check:
	@tools/setup build check
	@tools/check

fuzz:
	@tools/setup build check sanitizers
	@tools/fuzz $(MINUTES)

install: all
	meson install -C $(BUILD) --destdir '$(DESTDIR)'

clean:
	rm -rf build build-*
