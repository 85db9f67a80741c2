// SPDX-License-Identifier: Apache-2.0

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "clinux_sandbox_scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

int clinux_mount_scratch_memory(const char *directory, uint64_t bytes) {
    char options[64];
    snprintf(options, sizeof options, "mode=711,size=%llu", (unsigned long long)bytes);
    return mount("tmpfs", directory, "tmpfs", MS_NODEV, options);
}

int clinux_mount_scratch_disk(const char *directory) {
    if (mount(directory, directory, NULL, MS_BIND, NULL) < 0) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NODEV};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, directory, 0, &attributes, sizeof attributes);
}

int clinux_mount_binary_formats(const char *directory) {
    return mount("binfmt_misc", directory, "binfmt_misc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

int clinux_unmount_scratch(const char *directory) { return umount2(directory, MNT_DETACH); }

int clinux_is_root(void) { return geteuid() == 0; }

int clinux_replace_process(const char *path, char *const arguments[]) {
    execve(path, arguments, environ);
    return errno;
}
