// SPDX-License-Identifier: Apache-2.0
// Calls that a publisher needs and glibc's Swift module leaves out.

#pragma once

#include <stddef.h>
#include <sys/types.h>

/// copy_file_range(2) from and to the current offsets: copies in the kernel, or shares blocks where the file system can.
/// Returns the number of bytes copied, 0 at the end of `from`, or -1 with `errno`.
ssize_t clinux_copy_file_range(int from, int to, size_t count);

/// memmem(3), which is GNU's: the offset of the first `word` in `bytes`, or -1.
ssize_t clinux_find(const void *bytes, size_t count, const void *word, size_t length);
