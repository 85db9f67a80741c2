// SPDX-License-Identifier: Apache-2.0
// What is shared by the files of the sandbox: the plan, and how a failing stage is noted.

#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stddef.h>

#include "clinux_sandbox.h"

struct text_list {
    char **items;  // ends with a null pointer
    size_t count;
};

struct range {
    unsigned inside, outside, count;
};

struct range_list {
    struct range *items;
    size_t count;
};

struct clinux_sandbox {
    struct range_list users, groups;
    char *root, *hostname, *resolver, *script;
    struct text_list bind_sources, bind_targets, environment, arguments;
    bool keep_environment, lifeline, has_32_bits, network;
};

/// Notes the failing stage with the present `errno`; returns -1, so that callers can `return sandbox_fail(…)`.
int sandbox_fail(struct clinux_failure *failure, const char *stage, const char *subject);

/// Makes the root of this process a mount point of a mount namespace of its own, if it is none and this is root.
int sandbox_leave_chroot(struct clinux_failure *failure);

/// Gives process `pid`, which has just made its user namespace, the plan's ids. Runs in another process.
int sandbox_write_maps(const struct clinux_sandbox *plan, long pid, struct clinux_failure *failure);

/// What entering the root put into it.
struct clinux_sandbox_root {
    bool has_own_resolver;  // the file that the host's resolv.conf is mounted on
};

/// Builds the plan's file system in this process's new mount namespace and makes it the root.
int sandbox_enter_root(const struct clinux_sandbox *plan, struct clinux_sandbox_root *root,
                       struct clinux_failure *failure);

/// Takes that out again: whether the host has a resolv.conf is nothing that an image should tell.
void sandbox_leave_root(const struct clinux_sandbox_root *root);

/// Where the copy of the plan's script lies inside.
#define SANDBOX_SCRIPT "/run/rootcellar/script"
