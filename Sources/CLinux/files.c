// SPDX-License-Identifier: Apache-2.0

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "clinux_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>


int clinux_openat(int directory, const char *name, int flags, unsigned int mode) {
    return openat(directory, name, flags, mode);
}

int clinux_fchown(int file, uint32_t uid, uint32_t gid) { return fchown(file, uid, gid); }

int clinux_fchmod(int file, uint32_t mode) { return fchmod(file, mode); }

int clinux_set_modified(int file, int64_t seconds, uint32_t nanoseconds) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = nanoseconds}};
    return futimens(file, times);
}

int clinux_set_modified_at(int directory, const char *name, int64_t seconds, uint32_t nanoseconds) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = nanoseconds}};
    return utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW);
}

int clinux_fsetxattr(int file, const char *name, const void *value, size_t size) {
    return fsetxattr(file, name, value, size, 0);
}

ssize_t clinux_fgetxattr(int file, const char *name, void *value, size_t size) {
    return fgetxattr(file, name, value, size);
}

ssize_t clinux_flistxattr(int file, void *list, size_t size) { return flistxattr(file, list, size); }

int clinux_readlinkat(int directory, const char *name, void *text, size_t size) {
    return (int)readlinkat(directory, name, text, size);
}

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_can_clone(const char *from, int to) {
    int source = open(from, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (source < 0) return 0;
    int result = -1;
    int copy = openat(to, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (copy >= 0) {
        result = ioctl(copy, FICLONE, source);
        close(copy);
    }
    close(source);
    return result == 0;
}
