// SPDX-License-Identifier: Apache-2.0

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "clinux_openat2.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
_Static_assert(CLINUX_O_PATH == O_PATH, "the number of O_PATH");
#endif

// glibc has no wrapper for openat2 before 2.42.
int clinux_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
}

int clinux_renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, uint32_t flags) {
    return (int)syscall(SYS_renameat2, olddirfd, oldpath, newdirfd, newpath, flags);
}

static int64_t nanoseconds(struct timespec time) {
    int64_t product, sum;
    int overflow = __builtin_mul_overflow((int64_t)time.tv_sec, (int64_t)1000000000, &product) ||
                   __builtin_add_overflow(product, (int64_t)time.tv_nsec, &sum);
    if (overflow) {
        return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

int clinux_fstat(int fd, struct clinux_status *status) {
    struct stat raw;
    if (fstat(fd, &raw) != 0) {
        return -1;
    }
    status->mode = raw.st_mode;
    status->inode = raw.st_ino;
    status->size = raw.st_size;
    status->modified = nanoseconds(raw.st_mtim);
    status->changed = nanoseconds(raw.st_ctim);
    return 0;
}
