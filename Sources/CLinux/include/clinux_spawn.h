// SPDX-License-Identifier: Apache-2.0
// Starting a program with an exact set of descriptors.

#pragma once

#include <sys/types.h>

/// Starts `path` with posix_spawn(3). The child's descriptors 0 to count-1 are copies of `descriptors`; every other one
/// is closed. Signals are unblocked and at their defaults. Returns 0 and stores the process id, or an error number.
int clinux_spawn(
    const char *path, char *const arguments[], char *const environment[], const int *descriptors, int count,
    pid_t *process);

/// waitpid(2) for one process. Returns 0 and stores the exit status, or 128 and the signal's number; or an error number.
int clinux_wait(pid_t process, int *status);

/// The same without waiting: EAGAIN while the process runs.
int clinux_wait_now(pid_t process, int *status);

/// pipe2(2) with O_CLOEXEC, made as large as an unprivileged process may have it, so that both ends wake up less often.
int clinux_pipe(int ends[2]);
