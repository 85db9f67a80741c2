// SPDX-License-Identifier: Apache-2.0

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "clinux_confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_RISCV64
#endif

// Memory, descriptors, signals and the end of the process: what any program of ours needs.
static const int always[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_fcntl, SYS_dup,
    SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_futex, SYS_sched_yield,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_getrandom,
    SYS_clock_gettime, SYS_exit, SYS_exit_group, SYS_restart_syscall,
};

// What puts members into a rootfs and takes them out again.
static const int with_files[] = {
    SYS_openat, SYS_openat2, SYS_mkdirat, SYS_symlinkat, SYS_linkat, SYS_mknodat, SYS_unlinkat, SYS_renameat,
    SYS_renameat2, SYS_fchown, SYS_fchownat, SYS_fchmod, SYS_fchmodat, SYS_fsetxattr, SYS_utimensat, SYS_getdents64,
    SYS_ftruncate, SYS_fsync, SYS_readlinkat,
};

// What copies files from another directory besides.
static const int with_copies[] = {SYS_copy_file_range, SYS_flistxattr, SYS_fgetxattr};

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))
enum { head = 4, most = head + COUNT(always) + COUNT(with_files) + COUNT(with_copies) + 2 };

static int number_at(int index) {
    if (index < COUNT(always)) return always[index];
    index -= COUNT(always);
    return index < COUNT(with_files) ? with_files[index] : with_copies[index - COUNT(with_files)];
}

int clinux_filter_system_calls(int files) {
#ifdef CLINUX_AUDIT_ARCH
    int count = COUNT(always) + (files > 0 ? COUNT(with_files) : 0) + (files > 1 ? COUNT(with_copies) : 0);
    struct sock_filter program[most] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        // Calls of another architecture (32-bit ones on a 64-bit kernel) have other numbers.
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLINUX_AUDIT_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    for (int index = 0; index < count; index++) {
        int number = number_at(index);
        // A jump over the rest of the list and the refusal, to the permission at the end.
        program[head + index] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, (unsigned char)(count - index), 0);
    }
    program[head + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    program[head + count + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = (unsigned short)(head + count + 2), .filter = program};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0) return 0;
    // EINVAL: a kernel without CONFIG_SECCOMP_FILTER (prctl(2)).
    return errno == EINVAL ? 1 : -1;
#else
    (void)files;
    (void)number_at;
    return 1;
#endif
}
