// SPDX-License-Identifier: Apache-2.0
// The place a root is built in; only in a mount namespace of one's own.

#pragma once

#include <stdint.h>

/// Mounts memory, at most `bytes` of it, on the directory. No device node works there. 0, or -1 with `errno`.
int clinux_mount_scratch_memory(const char *directory, uint64_t bytes);

/// Mounts the directory on itself, so that no device node works there. 0, or -1 with `errno`.
int clinux_mount_scratch_disk(const char *directory);

/// Mounts the table of binary formats of this process's user namespace on the directory (binfmt_misc; namespaces have
/// tables of their own since Linux 6.7). 0, or -1 with `errno`.
int clinux_mount_binary_formats(const char *directory);

/// Unmounts what was mounted on the directory.
int clinux_unmount_scratch(const char *directory);

/// Whether this process's effective user is root, in its user namespace.
int clinux_is_root(void);

/// execve(2) with the environment as it is; returns only with an error number.
int clinux_replace_process(const char *path, char *const arguments[]);
