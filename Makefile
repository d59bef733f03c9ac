# Thin: every target is one line of meson or a script of tools/.  OPTIONS go to meson setup.
BUILD ?= build
MINUTES ?= 1
OPTIONS ?=
DESTDIR ?=
PREFIX ?= /usr/local

.PHONY: all setup run test bench check fuzz install clean

all: setup
	@tools/build $(BUILD) $(OPTIONS)

setup:
	@tools/setup build

# FOR=10s ends it, IFACE=lo narrows it, STORE=DIR says where to (default: run/TIME).
run: all
	@BUILD=$(BUILD) FOR='$(FOR)' IFACE='$(IFACE)' STORE='$(STORE)' tools/run

test:
	@tools/setup build test
	@tools/build $(BUILD) $(OPTIONS)
	@tools/test -C $(BUILD) --no-build

bench:
	@tools/setup build bench
	@tools/bench

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
