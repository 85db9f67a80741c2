// SPDX-License-Identifier: Apache-2.0
// Giving up what a process does not need, before it looks at bytes from outside. For single-threaded programs.

#pragma once

#include <stdint.h>

/// Asks the kernel to kill this process when its parent ends (PR_SET_PDEATHSIG), and ends it if the parent, whose id was
/// `parent`, is gone already.
int clinux_die_with_parent(int parent);

/// Makes `directory` the root and current directory. Returns 0, or -1 with `errno`.
int clinux_enter_root(int directory);

/// Leaves the caller's network, IPC and host-name namespaces for empty ones. Returns 0, or -1 with `errno`.
int clinux_leave_namespaces(void);

/// Keeps only the capabilities of unpacking (CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP) if `unpacking`, else none, and
/// sets no_new_privs so that none comes back. Returns 0, or -1 with `errno`.
int clinux_drop_capabilities(int unpacking);

/// Sets limits: address space, size of any one file, open files, seconds of processor time; no core file.
/// Returns 0, or -1 with `errno`.
int clinux_limit(uint64_t memory, uint64_t file_size, uint64_t files, uint64_t seconds);

/// From now on, system calls outside the list that reading, unpacking and ending need answer EPERM. `files` allows those
/// that create and change files (1), and also those that copy them from elsewhere (2). Returns 0, 1 where the kernel or the architecture has no such filter, or -1 with `errno`.
int clinux_filter_system_calls(int files);

/// Tries a system call that a confined process has no business with, to see that it is refused. Returns its name and
/// leaves the error number, or 0 for success, in `error`; returns null when `index` is past the last.
const char *clinux_attempt(int index, int *error);
