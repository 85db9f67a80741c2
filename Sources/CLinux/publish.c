// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "clinux_publish.h"

#include <string.h>
#include <unistd.h>

ssize_t clinux_copy_file_range(int from, int to, size_t count) {
    return copy_file_range(from, NULL, to, NULL, count, 0);
}

ssize_t clinux_find(const void *bytes, size_t count, const void *word, size_t length) {
    const char *found = memmem(bytes, count, word, length);
    return found ? found - (const char *)bytes : -1;
}
