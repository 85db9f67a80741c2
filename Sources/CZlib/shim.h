// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <zlib.h>

/// inflateInit2, which is a macro, for gzip streams alone: 15 bits of window, 16 for the gzip wrapper and its checksum.
static inline int czlib_begin_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
