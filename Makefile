# SPDX-License-Identifier: Apache-2.0
#
#   make deps     install by name what is missing (root, network)
#   make build    the four programs, in .build/release
#   make test     every test; the last line is `N passed, N failed, N skipped` (root)
#   make demo     the main job, for real, step by step (root); KEEP=1 leaves the tree and the server up
#   make soak     the long forms of the rigs that `make test` runs for a moment
#   make fuzz     libFuzzer on every reader of bytes from outside; SECONDS=60 for each
#   make bench    ours against the stock tools (root)
#   make check    format, licence headers, the house's arrows
#   make install  programs, upstream keys and LXC template below DESTDIR and PREFIX; make uninstall takes them out again
#                 DIVERT=1 also puts the template in the place of LXC's own lxc-download, which dpkg then keeps aside

PREFIX ?= /usr/local
LXC_TEMPLATES ?= /usr/share/lxc/templates
SWIFT ?= swift
SECONDS ?= 60
PROGRAMS = rootcellar rootcellar-client rootcellar-unpack rootcellar-sandbox
RELEASE = -c release --static-swift-stdlib

.PHONY: all deps build test demo soak fuzz bench check format install uninstall clean

all: build

deps:
	@scripts/deps

build: deps
	@for program in $(PROGRAMS); do $(SWIFT) build $(RELEASE) --product $$program || exit 1; done

test: build
	@scripts/test

soak: build
	@ROOTCELLAR_SOAK=1 scripts/test

demo: build
	@demo/main-job

fuzz: deps
	@scripts/fuzz $(SECONDS)

bench: build
	@bench/create
	@bench/build
	@bench/delta
	@bench/publish

check:
	@scripts/check

format:
	@git ls-files '*.swift' | xargs $(SWIFT) format format -i --configuration .swift-format

install:
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(LXC_TEMPLATES)'
	for program in $(PROGRAMS); do install -s -m 755 ".build/release/$$program" '$(DESTDIR)$(PREFIX)/bin/'; done
	install -m 755 templates/lxc-rootcellar '$(DESTDIR)$(LXC_TEMPLATES)/lxc-rootcellar'
	install -d '$(DESTDIR)$(PREFIX)/share/rootcellar/keys'
	install -m 644 keys/*.asc '$(DESTDIR)$(PREFIX)/share/rootcellar/keys/'
	[ -z '$(DIVERT)' ] || DESTDIR='$(DESTDIR)' LXC_TEMPLATES='$(LXC_TEMPLATES)' scripts/divert add

uninstall:
	for program in $(PROGRAMS); do rm -f '$(DESTDIR)$(PREFIX)/bin/'"$$program"; done
	DESTDIR='$(DESTDIR)' LXC_TEMPLATES='$(LXC_TEMPLATES)' scripts/divert remove
	rm -f '$(DESTDIR)$(LXC_TEMPLATES)/lxc-rootcellar'
	for key in keys/*.asc; do rm -f '$(DESTDIR)$(PREFIX)/share/rootcellar/'"$$key"; done
	-rmdir '$(DESTDIR)$(PREFIX)/share/rootcellar/keys' '$(DESTDIR)$(PREFIX)/share/rootcellar' 2>/dev/null

clean:
	rm -rf .build
