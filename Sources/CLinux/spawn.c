// SPDX-License-Identifier: Apache-2.0

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_descriptors = 8 };

int clinux_spawn(
    const char *path, char *const arguments[], char *const environment[], const int *descriptors, int count,
    pid_t *process) {
    if (count < 0 || count > most_descriptors) return EINVAL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int copies[most_descriptors];
    int copied = 0;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) return result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    // Copies above the child's range first, so that no dup2 overwrites a descriptor that a later one needs.
    while (result == 0 && copied < count) {
        copies[copied] = fcntl(descriptors[copied], F_DUPFD_CLOEXEC, most_descriptors);
        if (copies[copied] < 0) result = errno;
        else copied++;
    }
    for (int index = 0; result == 0 && index < count; index++) {
        result = posix_spawn_file_actions_adddup2(&actions, copies[index], index);
    }
    if (result == 0) result = posix_spawn_file_actions_addclosefrom_np(&actions, count);
    sigemptyset(&none);
    sigfillset(&all);
    if (result == 0) result = posix_spawnattr_setsigmask(&attributes, &none);
    if (result == 0) result = posix_spawnattr_setsigdefault(&attributes, &all);
    if (result == 0) result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (result == 0) result = posix_spawn(process, path, &actions, &attributes, arguments, environment);
    for (int index = 0; index < copied; index++) close(copies[index]);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static int wait_with(pid_t process, int *status, int options) {
    int raw;
    pid_t found;
    while ((found = waitpid(process, &raw, options)) < 0) {
        if (errno != EINTR) return errno;
    }
    if (found == 0) return EAGAIN;
    *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return 0;
}

int clinux_wait(pid_t process, int *status) { return wait_with(process, status, 0); }

int clinux_wait_now(pid_t process, int *status) { return wait_with(process, status, WNOHANG); }

int clinux_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    // pipe(7): 1 MiB is the default limit; a smaller pipe works as well.
    (void)fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    return 0;
}
