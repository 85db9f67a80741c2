// SPDX-License-Identifier: Apache-2.0
// Calls on files whose C form is variadic, behind _GNU_SOURCE, or in a header that the Swift module of glibc leaves out.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/// openat(2), which is variadic in C.
int clinux_openat(int directory, const char *name, int flags, unsigned int mode);

/// fchown(2).
int clinux_fchown(int file, uint32_t uid, uint32_t gid);

/// fchmod(2).
int clinux_fchmod(int file, uint32_t mode);

/// futimens(2): sets the time of last modification and leaves that of last access alone.
int clinux_set_modified(int file, int64_t seconds, uint32_t nanoseconds);

/// utimensat(2) with AT_SYMLINK_NOFOLLOW, to the same effect.
int clinux_set_modified_at(int directory, const char *name, int64_t seconds, uint32_t nanoseconds);

/// fsetxattr(2), creating or replacing.
int clinux_fsetxattr(int file, const char *name, const void *value, size_t size);

/// fgetxattr(2).
ssize_t clinux_fgetxattr(int file, const char *name, void *value, size_t size);

/// flistxattr(2): names, each with its NUL.
ssize_t clinux_flistxattr(int file, void *list, size_t size);

/// readlinkat(2). Returns the number of bytes, or -1 with `errno`.
int clinux_readlinkat(int directory, const char *name, void *text, size_t size);

/// memfd_create(2) with MFD_CLOEXEC: a file without a name, in memory. Returns a descriptor, or -1 with `errno`.
int clinux_memory_file(const char *name);

/// Whether files in the directory `to` can share the content of files in the directory `from` (FICLONE of
/// ioctl_ficlone(2)). Tried with files without names. Returns 1 or 0.
int clinux_can_clone(const char *from, int to);
