// SPDX-License-Identifier: Apache-2.0

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "clinux_confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_die_with_parent(int parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return -1;
    if (getppid() != parent) _exit(1);
    return 0;
}

int clinux_enter_root(int directory) {
    if (fchdir(directory) != 0 || chroot(".") != 0) return -1;
    return chdir("/");
}

int clinux_leave_namespaces(void) { return unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS); }

int clinux_drop_capabilities(int unpacking) {
    uint64_t keep = 0;
    if (unpacking) {
        keep = 1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER | 1ULL << CAP_FSETID
            | 1ULL << CAP_SETFCAP;
    }
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
        // EPERM: a process that may not shrink the set has no privilege that the set could give back.
        if (!(keep >> capability & 1) && prctl(PR_CAPBSET_DROP, capability) != 0 && errno != EPERM) return -1;
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[2] = {{0}}, kept[2] = {{0}};
    if (syscall(SYS_capget, &header, now) != 0) return -1;
    for (int word = 0; word < 2; word++) {
        kept[word].permitted = kept[word].effective = now[word].permitted & (uint32_t)(keep >> (32 * word));
    }
    if (syscall(SYS_capset, &header, kept) != 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int limit(int what, uint64_t most) {
    struct rlimit now;
    if (getrlimit(what, &now) != 0) return -1;
    if (now.rlim_max != RLIM_INFINITY && most > now.rlim_max) most = now.rlim_max;
    struct rlimit next = {.rlim_cur = most, .rlim_max = most};
    return setrlimit(what, &next);
}

int clinux_limit(uint64_t memory, uint64_t file_size, uint64_t files, uint64_t seconds) {
    if (limit(RLIMIT_AS, memory) != 0 || limit(RLIMIT_FSIZE, file_size) != 0) return -1;
    if (limit(RLIMIT_NOFILE, files) != 0 || limit(RLIMIT_CPU, seconds) != 0) return -1;
    return limit(RLIMIT_CORE, 0);
}
