// SPDX-License-Identifier: Apache-2.0
// Entering namespaces: what must be done in C because it happens between fork(2) and execve(2), and only in a process
// with a single thread (unshare(2) of a user namespace refuses any other).

#pragma once

#include <stdbool.h>

/// The status a sandbox ends with when it could not be set up; the program's own statuses pass through unchanged.
static const int CLINUX_SANDBOX_FAILED = 125;

/// Where the set-up of a sandbox failed.
struct clinux_failure {
    char stage[64];     // what was being done, as in "mount proc"
    char subject[256];  // on what; may be empty
    int error;          // errno of the failing call
};

/// The plan of a sandbox; grows by the functions below, which copy their arguments.
struct clinux_sandbox;

/// An empty plan, or null when there is no memory. Never freed: its process executes one plan and ends.
struct clinux_sandbox *clinux_sandbox_new(void);

/// Makes a new user namespace in which `count` ids from `inside` on are those from `outside` on.
void clinux_sandbox_map_users(struct clinux_sandbox *plan, unsigned inside, unsigned outside, unsigned count);
/// The same for groups.
void clinux_sandbox_map_groups(struct clinux_sandbox *plan, unsigned inside, unsigned outside, unsigned count);
/// Makes `path` the root; without it the file system stays as it is.
void clinux_sandbox_set_root(struct clinux_sandbox *plan, const char *path);
/// Lets the kernel say that it is one of 32 bits (PER_LINUX32, personality(2)).
void clinux_sandbox_set_32_bits(struct clinux_sandbox *plan);
/// The host name inside.
void clinux_sandbox_set_hostname(struct clinux_sandbox *plan, const char *name);
/// Shows `source` of the outside, read-only, as `/etc/resolv.conf`.
void clinux_sandbox_set_resolver(struct clinux_sandbox *plan, const char *source);
/// Executes a copy of this file instead of a program of the root.
void clinux_sandbox_set_script(struct clinux_sandbox *plan, const char *source);
/// Shows the directory `source` of the outside as `target`.
void clinux_sandbox_add_bind(struct clinux_sandbox *plan, const char *source, const char *target);
/// Adds `NAME=value` to the program's environment, which is empty but for these; or keeps the caller's whole one.
void clinux_sandbox_add_variable(struct clinux_sandbox *plan, const char *assignment);
void clinux_sandbox_keep_environment(struct clinux_sandbox *plan);
/// Adds one argument; the first is the program.
void clinux_sandbox_add_argument(struct clinux_sandbox *plan, const char *argument);
/// Gives the program a network namespace of its own, with nothing in it.
void clinux_sandbox_set_network(struct clinux_sandbox *plan);
/// Ends everything when standard input, a pipe, is closed at its other end.
void clinux_sandbox_set_lifeline(struct clinux_sandbox *plan);

/// How many threads this process has, or -1 with `errno`.
int clinux_thread_count(void);

/// Whether "/" is where a file system is mounted: 1; it is not in a plain chroot(2): 0. Or -1 with `errno`.
int clinux_root_is_mount_point(void);

/// The inode number of this process's mount namespace, by which a program knows that it runs in a certain one; 0 if
/// it cannot be read.
unsigned long long clinux_mount_namespace(void);

/// Executes the plan and waits for its end. Returns the program's exit status (128 and the number of the signal that
/// killed it), or -1 with `failure` filled. When it returns, no process of the sandbox is left.
int clinux_sandbox_run(const struct clinux_sandbox *plan, struct clinux_failure *failure);
