// SPDX-License-Identifier: Apache-2.0
// openat2(2) and renameat2(2), which the Swift module of glibc does not offer; and fstat(2), whose structure belongs to
// different Clang modules in Swift, depending on what else a target imports.

#pragma once

#include <stdint.h>

/// The flags of `resolve` in `struct open_how`, under names of ours so that no system header can redefine them.
static const uint64_t CLINUX_RESOLVE_NO_XDEV = 0x01;
static const uint64_t CLINUX_RESOLVE_NO_MAGICLINKS = 0x02;
static const uint64_t CLINUX_RESOLVE_NO_SYMLINKS = 0x04;
static const uint64_t CLINUX_RESOLVE_BENEATH = 0x08;
static const uint64_t CLINUX_RESOLVE_IN_ROOT = 0x10;

/// The flags of renameat2(2).
static const uint32_t CLINUX_RENAME_NOREPLACE = 0x1;
static const uint32_t CLINUX_RENAME_EXCHANGE = 0x2;

/// O_PATH of open(2), which glibc's Swift module hides: a descriptor that only names the file.
#define CLINUX_O_PATH 0x200000

/// Opens `path` relative to `dirfd`, as openat2(2): `flags` and `mode` as for open(2), `resolve` from the list above.
/// O_CLOEXEC is always added. Returns a descriptor, or -1 with `errno`; ENOSYS means a kernel before 5.6.
int clinux_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// Renames as renameat2(2). Returns 0, or -1 with `errno`.
int clinux_renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, uint32_t flags);

/// What fstat(2) says, with times in nanoseconds since the epoch (held at the ends of 64 bits).
struct clinux_status {
    uint32_t mode;
    uint64_t inode;
    int64_t size;
    int64_t modified;
    int64_t changed;
};

/// Fills `status` for an open descriptor. Returns 0, or -1 with `errno`.
int clinux_fstat(int fd, struct clinux_status *status);
