// SPDX-License-Identifier: Apache-2.0
// The id maps of a new user namespace (user_namespaces(7)).

#include "sandbox_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// A process with the capability may write any map itself.
static int write_map(long pid, const char *name, const struct range_list *list, struct clinux_failure *failure) {
    char path[64], text[1024];
    size_t used = 0;
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    for (size_t i = 0; i < list->count; i++) {
        const struct range *range = &list->items[i];
        int length = snprintf(text + used, sizeof text - used, "%u %u %u\n", range->inside, range->outside,
                              range->count);
        if (length < 0 || (size_t)length >= sizeof text - used) {
            errno = E2BIG;
            return sandbox_fail(failure, "write an id map", path);
        }
        used += (size_t)length;
    }
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return sandbox_fail(failure, "open an id map", path);
    // The kernel takes a map in one write only.
    ssize_t written = write(file, text, used);
    if (written != (ssize_t)used) {
        sandbox_fail(failure, "write an id map", path);
        close(file);
        return -1;
    }
    close(file);
    return 0;
}

// Everybody else asks newuidmap(1) and newgidmap(1), which know the subordinate ids.
static int run_helper(const char *helper, long pid, const struct range_list *list, struct clinux_failure *failure) {
    size_t size = 3 + 3 * list->count;
    char **arguments = calloc(size, sizeof *arguments);
    char *numbers = calloc(size, 24);
    if (arguments == NULL || numbers == NULL) return sandbox_fail(failure, "map ids", helper);
    size_t next = 0;
    arguments[next++] = (char *)(unsigned long)helper;
    long values[3];
    snprintf(numbers, 24, "%ld", pid);
    arguments[next++] = numbers;
    for (size_t i = 0; i < list->count; i++) {
        values[0] = list->items[i].inside, values[1] = list->items[i].outside, values[2] = list->items[i].count;
        for (int j = 0; j < 3; j++) {
            char *text = numbers + 24 * next;
            snprintf(text, 24, "%ld", values[j]);
            arguments[next++] = text;
        }
    }
    pid_t child = fork();
    if (child == 0) {
        // Set-user-id programs belong to the system: the caller's PATH has no say.
        char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
        execvpe(helper, arguments, environment);
        _exit(127);
    }
    int status = 0;
    if (child < 0) return sandbox_fail(failure, "fork", helper);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return sandbox_fail(failure, "wait for", helper);
    free(arguments);
    free(numbers);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    errno = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ENOENT : EPERM;
    return sandbox_fail(failure, "map subordinate ids with", helper);
}

int sandbox_write_maps(const struct clinux_sandbox *plan, long pid, struct clinux_failure *failure) {
    if (geteuid() == 0) {
        if (write_map(pid, "uid_map", &plan->users, failure) < 0) return -1;
        return write_map(pid, "gid_map", &plan->groups, failure);
    }
    if (run_helper("newuidmap", pid, &plan->users, failure) < 0) return -1;
    return run_helper("newgidmap", pid, &plan->groups, failure);
}
