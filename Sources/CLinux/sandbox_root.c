// SPDX-License-Identifier: Apache-2.0
// The file system that a build script sees.
//
// Everything from outside is taken by descriptor first, then the root is changed, and only then are things mounted by
// path: so no symbolic link of the root, which may be hostile, can lead a mount outside of it.

#include "sandbox_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc's and the kernel's headers both define the new mount calls, in ways that differ by version; so by number.
static int open_tree_clone(const char *path, unsigned flags) {
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

static int attach(int tree, const char *target) {
    int result = (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
    int error = errno;
    // An open descriptor would keep scripts from unmounting it.
    close(tree);
    errno = error;
    return result;
}

static int set_read_only(const char *target) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attributes, sizeof attributes);
}

// The only device nodes there are; from the host's, because a user namespace may not make any (mknod(2)).
static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
enum { NODE_COUNT = sizeof nodes / sizeof *nodes, BIND_LIMIT = 16 };

// Files of /proc that reach the whole machine, and those that may be read but not changed.
static const char *const masked[] = {"/proc/sysrq-trigger", "/proc/kcore",    "/proc/keys",
                                     "/proc/kmsg",          "/proc/key-users", "/proc/timer_list"};
static const char *const frozen[] = {"/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs"};

// What scripts expect to find below /sys. The real one is out of reach in a user namespace without a network of its
// own, so that nobody gets it and both ways to build see the same.
static const char *const sys_directories[] = {"/sys/block", "/sys/bus",    "/sys/class", "/sys/dev",   "/sys/devices",
                                              "/sys/firmware", "/sys/fs", "/sys/kernel", "/sys/module", "/sys/power"};

static int make_directory(const char *path, mode_t mode) {
    return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -1;
}

static int mount_memory(const char *target, const char *options, unsigned long flags,
                        struct clinux_failure *failure) {
    if (make_directory(target, 0755) < 0) return sandbox_fail(failure, "make directory", target);
    if (mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV | flags, options) < 0)
        return sandbox_fail(failure, "mount a tmpfs on", target);
    return 0;
}

static int mount_devices(const int trees[], struct clinux_failure *failure) {
    // Nodes are bind mounts of their own, so the directory itself needs no MS_NODEV exception.
    if (mount_memory("/dev", "mode=755,size=64k", MS_NOEXEC, failure) < 0) return -1;
    for (int i = 0; i < NODE_COUNT; i++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/%s", nodes[i]);
        int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0) return sandbox_fail(failure, "make a mount point at", path);
        close(file);
        if (attach(trees[i], path) < 0) return sandbox_fail(failure, "bind", path);
    }
    static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                           {"/proc/self/fd/0", "/dev/stdin"},
                                           {"/proc/self/fd/1", "/dev/stdout"},
                                           {"/proc/self/fd/2", "/dev/stderr"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i][0], links[i][1]) < 0) return sandbox_fail(failure, "link", links[i][1]);
    return mount_memory("/dev/shm", "mode=1777", MS_NOEXEC, failure);
}

static int mount_proc(int outside, struct clinux_failure *failure) {
    if (make_directory("/proc", 0755) < 0) return sandbox_fail(failure, "make directory", "/proc");
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        // In a container whose own proc has files covered the kernel grants no new one (mount_too_revealing in its
        // fs/namespace.c). The old one shows more processes, which belong to another user namespace.
        if (errno != EPERM || outside < 0 || attach(outside, "/proc") < 0)
            return sandbox_fail(failure, "mount proc on", "/proc");
    } else {
        close(outside);
    }
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
        if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
            return sandbox_fail(failure, "mask", masked[i]);
    for (size_t i = 0; i < sizeof frozen / sizeof *frozen; i++) {
        if (mount(frozen[i], frozen[i], NULL, MS_BIND | MS_REC, NULL) < 0) {
            if (errno == ENOENT) continue;
            return sandbox_fail(failure, "bind", frozen[i]);
        }
        if (set_read_only(frozen[i]) < 0) return sandbox_fail(failure, "make read-only", frozen[i]);
    }
    return 0;
}

// Makes the directory that a path lies in, and those above it.
static void make_parents(const char *path) {
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return;
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(copy, 0755);
        *slash = '/';
    }
}

static const char resolver_path[] = "/etc/resolv.conf";

static int mount_resolver(int tree, bool *is_made, struct clinux_failure *failure) {
    const char *target = resolver_path;
    make_parents(target);
    int file = open(target, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    *is_made = file >= 0;
    if (file < 0) file = open(target, O_RDONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
    if (file < 0 && errno == ENOENT) {
        // A link into /run, which is empty now.
        char link[PATH_MAX];
        ssize_t length = readlink(target, link, sizeof link - 1);
        if (length > 0) {
            link[length] = 0;
            if (chdir("/etc") == 0) make_parents(link);
            file = open(target, O_RDONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
            if (chdir("/") < 0) return sandbox_fail(failure, "enter", "/");
        }
    }
    if (file < 0) return sandbox_fail(failure, "make a mount point at", target);
    close(file);
    if (attach(tree, target) < 0) return sandbox_fail(failure, "bind", target);
    return set_read_only(target) < 0 ? sandbox_fail(failure, "make read-only", target) : 0;
}

void sandbox_leave_root(const struct clinux_sandbox_root *root) {
    struct stat status;
    if (!root->has_own_resolver || umount2(resolver_path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0) return;
    // Unless the program put something else there in the meantime.
    if (lstat(resolver_path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0) unlink(resolver_path);
}

static int copy_script(int source, struct clinux_failure *failure) {
    make_parents(SANDBOX_SCRIPT);
    unlink(SANDBOX_SCRIPT);  // of an earlier script, where /run outlives one
    int target = open(SANDBOX_SCRIPT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (target < 0) return sandbox_fail(failure, "create", SANDBOX_SCRIPT);
    char buffer[65536];
    ssize_t count;
    while ((count = read(source, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0; done < count;) {
            ssize_t written = write(target, buffer + done, (size_t)(count - done));
            if (written < 0) return sandbox_fail(failure, "write", SANDBOX_SCRIPT);
            done += written;
        }
    if (count < 0) return sandbox_fail(failure, "read the script for", SANDBOX_SCRIPT);
    // A descriptor open for writing would make execve(2) fail with ETXTBSY.
    return close(target) < 0 ? sandbox_fail(failure, "write", SANDBOX_SCRIPT) : 0;
}

int sandbox_enter_root(const struct clinux_sandbox *plan, struct clinux_sandbox_root *root,
                       struct clinux_failure *failure) {
    int node_trees[NODE_COUNT], bind_trees[BIND_LIMIT], resolver = -1, script = -1;
    if (plan->bind_sources.count > BIND_LIMIT) {
        errno = E2BIG;
        return sandbox_fail(failure, "bind so many directories", "");
    }
    for (int i = 0; i < NODE_COUNT; i++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/%s", nodes[i]);
        node_trees[i] = open_tree_clone(path, 0);
        if (node_trees[i] < 0) return sandbox_fail(failure, "take device node", path);
    }
    for (size_t i = 0; i < plan->bind_sources.count; i++) {
        bind_trees[i] = open_tree_clone(plan->bind_sources.items[i], 0);
        if (bind_trees[i] < 0) return sandbox_fail(failure, "take", plan->bind_sources.items[i]);
    }
    int proc = open_tree_clone("/proc", AT_RECURSIVE);
    if (plan->resolver != NULL && (resolver = open_tree_clone(plan->resolver, 0)) < 0)
        return sandbox_fail(failure, "take", plan->resolver);
    if (plan->script != NULL && (script = open(plan->script, O_RDONLY | O_CLOEXEC)) < 0)
        return sandbox_fail(failure, "open", plan->script);

    // pivot_root(2) wants a mount point, and accepts its own directory as the place for the old root.
    if (mount(plan->root, plan->root, NULL, MS_BIND | MS_REC, NULL) < 0)
        return sandbox_fail(failure, "bind the root", plan->root);
    if (chdir(plan->root) < 0) return sandbox_fail(failure, "enter the root", plan->root);
    if (syscall(SYS_pivot_root, ".", ".") < 0) return sandbox_fail(failure, "change the root to", plan->root);
    int old_root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old_root < 0) return sandbox_fail(failure, "hold the old root", "");
    if (chdir("/") < 0) return sandbox_fail(failure, "enter", "/");

    // The kernel grants a new proc only while another one is fully visible, so the old root leaves afterwards.
    if (mount_devices(node_trees, failure) < 0 || mount_proc(proc, failure) < 0) return -1;
    if (fchdir(old_root) < 0) return sandbox_fail(failure, "enter the old root", "");
    if (umount2(".", MNT_DETACH) < 0) return sandbox_fail(failure, "leave the old root", "");
    close(old_root);
    if (chdir("/") < 0) return sandbox_fail(failure, "enter", "/");

    if (mount_memory("/sys", "mode=755,size=1m", MS_NOEXEC, failure) < 0) return -1;
    for (size_t i = 0; i < sizeof sys_directories / sizeof *sys_directories; i++)
        if (make_directory(sys_directories[i], 0755) < 0)
            return sandbox_fail(failure, "make directory", sys_directories[i]);
    if (mount_memory("/run", "mode=755", 0, failure) < 0 || mount_memory("/tmp", "mode=1777", 0, failure) < 0)
        return -1;
    for (size_t i = 0; i < plan->bind_targets.count; i++) {
        const char *target = plan->bind_targets.items[i];
        make_parents(target);
        if (make_directory(target, 0755) < 0) return sandbox_fail(failure, "make directory", target);
        if (attach(bind_trees[i], target) < 0) return sandbox_fail(failure, "bind", target);
    }
    if (make_directory("/run/lock", 01777) < 0 || chmod("/run/lock", 01777) < 0)
        return sandbox_fail(failure, "make directory", "/run/lock");
    if (resolver >= 0 && mount_resolver(resolver, &root->has_own_resolver, failure) < 0) return -1;
    if (script >= 0 && copy_script(script, failure) < 0) return -1;
    return 0;
}
