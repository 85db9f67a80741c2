// SPDX-License-Identifier: Apache-2.0
// Linux calls that glibc's Swift module hides or lacks. One header for each group of calls.

#pragma once

#include "clinux_openat2.h"
#include "clinux_sandbox.h"
#include "clinux_files.h"
#include "clinux_spawn.h"
#include "clinux_sandbox_scratch.h"
#include "clinux_confine.h"
#include "clinux_publish.h"
