# SPDX-License-Identifier: Apache-2.0
#
#   make deps     install by name what is missing (root, network)
#   make build    the four programs, in .build/release
#   make test     every test; the last line is `N passed, N failed, N skipped` (root)
#   make demo     the main job, for real, step by step (root); KEEP=1 leaves the tree and the server up
#   make soak     the long forms of the rigs that `make test` runs for a moment
#   make fuzz     libFuzzer on every reader of bytes from outside; SECONDS=60 for each
#   make bench    ours against the stock tools (root)
#   make screenshots  pictures of the pages at three widths, into docs/screenshots
#   make check    format, licence headers, the house's arrows
#   make install  programs, upstream keys and LXC template below DESTDIR and PREFIX; make uninstall takes them out again
#                 with man pages and completions for bash, zsh and fish
#                 DIVERT=1 also puts the template in the place of LXC's own lxc-download, which dpkg then keeps aside
#   make package  Debian packages of all that, and of the units of a server, in .build/packages (no root)

PREFIX ?= /usr/local
BINARIES ?= .build/release
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
COMPLETIONS = $(PREFIX)/share/bash-completion/completions $(ZSH_COMPLETIONS) $(PREFIX)/share/fish/vendor_completions.d
LXC_TEMPLATES ?= /usr/share/lxc/templates
SWIFT ?= swift
SHELL = /bin/bash
SECONDS ?= 60
SHARE = $(PREFIX)/share/rootcellar
PROGRAMS = rootcellar rootcellar-client rootcellar-unpack rootcellar-sandbox
# No library is looked for beside the programs: the runtime is in them, and /usr/bin holds none. What is installed is stripped, so
# debug information would only be made to be thrown away.
RELEASE = -c release --static-swift-stdlib --disable-local-rpath -debug-info-format none

.PHONY: all deps build test demo soak fuzz bench screenshots check format install uninstall package clean

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
	@bench/serve

screenshots: build
	@mkdir -p docs/screenshots
	@ROOTCELLAR_SCREENSHOTS='$(CURDIR)/docs/screenshots' $(SWIFT) test --filter PagesInBrowserTests/browser

check:
	@scripts/check

format:
	@git ls-files '*.swift' | xargs $(SWIFT) format format -i --configuration .swift-format

install:
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(LXC_TEMPLATES)'
	for program in $(PROGRAMS); do install -s -m 755 "$(BINARIES)/$$program" '$(DESTDIR)$(PREFIX)/bin/' || exit 1; done
	install -m 755 templates/lxc-rootcellar '$(DESTDIR)$(LXC_TEMPLATES)/lxc-rootcellar'
	install -d '$(DESTDIR)$(SHARE)/keys' '$(DESTDIR)$(SHARE)/images' '$(DESTDIR)$(SHARE)/buildbot'
	install -m 644 keys/*.asc '$(DESTDIR)$(SHARE)/keys/'
	install -m 644 builder/images/*.yaml '$(DESTDIR)$(SHARE)/images/'
	install -m 644 builder/catalog.yaml '$(DESTDIR)$(SHARE)/'
	install -m 644 templates/buildbot/master.cfg '$(DESTDIR)$(SHARE)/buildbot/'
	scripts/man-pages '$(BINARIES)' '$(DESTDIR)$(PREFIX)/share/man'
	scripts/completions '$(BINARIES)' '$(DESTDIR)' $(COMPLETIONS)
	[ -z '$(DIVERT)' ] || DESTDIR='$(DESTDIR)' LXC_TEMPLATES='$(LXC_TEMPLATES)' scripts/divert add

uninstall:
	for program in $(PROGRAMS); do rm -f '$(DESTDIR)$(PREFIX)/bin/'"$$program"; done
	DESTDIR='$(DESTDIR)' LXC_TEMPLATES='$(LXC_TEMPLATES)' scripts/divert remove
	rm -f '$(DESTDIR)$(LXC_TEMPLATES)/lxc-rootcellar'
	rm -f '$(DESTDIR)$(PREFIX)'/share/man/man[15]/rootcellar*.[15] '$(DESTDIR)$(PREFIX)/share/man/man1/lxc-rootcellar.1'
	for place in $(COMPLETIONS); do rm -f '$(DESTDIR)'"$$place"/{,_}rootcellar{,-client}{,.fish}; done
	for key in keys/*.asc; do rm -f '$(DESTDIR)$(SHARE)/'"$$key"; done
	for image in builder/images/*.yaml; do rm -f '$(DESTDIR)$(SHARE)/images/'"$${image##*/}"; done
	rm -f '$(DESTDIR)$(SHARE)/catalog.yaml' '$(DESTDIR)$(SHARE)/buildbot/master.cfg'
	-rmdir '$(DESTDIR)$(SHARE)'/{keys,images,buildbot} '$(DESTDIR)$(SHARE)' 2>/dev/null

package: build
	@scripts/package

clean:
	rm -rf .build
