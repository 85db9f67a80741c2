// SPDX-License-Identifier: Apache-2.0
// Making a chroot(2) a root in its own right.
//
// In a plain chroot the kernel keeps "/" from being made private (mount(2): it is no mount point), refuses pivot_root(2),
// and refuses user namespaces (user_namespaces(7): EPERM for a process in a chroot environment). So root goes out of it,
// in a mount namespace of its own, and comes back by pivot_root: the same files, at the same paths.

#include "sandbox_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_root_is_mount_point(void) {
    struct statx status;
    if (statx(AT_FDCWD, "/", AT_NO_AUTOMOUNT, 0, &status) < 0) return -1;
    // Where the kernel (before 5.8) cannot tell, it is taken for one.
    if ((status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) return 1;
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// To the top of the mount namespace: a working directory that lies outside of the root is not held by it (chroot(2)).
static int climb_out(int own) {
    if (chroot("/proc") < 0 || fchdir(own) < 0) return -1;
    struct stat here, above;
    do
        if (stat(".", &here) < 0 || chdir("..") < 0 || stat(".", &above) < 0) return -1;
    while (here.st_dev != above.st_dev || here.st_ino != above.st_ino);
    return chroot(".");
}

int sandbox_leave_chroot(struct clinux_failure *failure) {
    if (geteuid() != 0 || clinux_root_is_mount_point() != 0) return 0;
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof directory) == NULL) return sandbox_fail(failure, "find the directory", ".");
    if (unshare(CLONE_NEWNS) < 0) return sandbox_fail(failure, "make a mount namespace", "");
    int own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return sandbox_fail(failure, "hold the chroot", "/");
    if (climb_out(own) < 0) return sandbox_fail(failure, "leave the chroot", "");
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) return sandbox_fail(failure, "keep mounts private", "/");
    int tree = (int)syscall(SYS_open_tree, own, "",
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    if (tree < 0) return sandbox_fail(failure, "take the chroot", "");
    if (syscall(SYS_move_mount, tree, "", own, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return sandbox_fail(failure, "bind the chroot", "");
    if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
        return sandbox_fail(failure, "change the root to the chroot", "");
    close(tree);
    close(own);
    return chdir(directory) < 0 ? sandbox_fail(failure, "enter", directory) : 0;
}
