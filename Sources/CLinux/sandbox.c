// SPDX-License-Identifier: Apache-2.0
// The processes of a sandbox:
//
//     caller          makes the namespaces, waits, passes signals on
//      └ init         pid 1 inside; builds the file system, reaps; when it ends, the kernel kills everything inside
//         └ program
//
// The kernel kills init when the caller dies in whatever way (PR_SET_PDEATHSIG), and all that was mounted goes with
// the last process of the mount namespace. So nothing has to be cleaned up, ever.

#include "sandbox_plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int sandbox_fail(struct clinux_failure *failure, const char *stage, const char *subject) {
    failure->error = errno;
    snprintf(failure->stage, sizeof failure->stage, "%s", stage);
    snprintf(failure->subject, sizeof failure->subject, "%s", subject);
    return -1;
}

int clinux_thread_count(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) return -1;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

unsigned long long clinux_mount_namespace(void) {
    struct stat status;
    return stat("/proc/self/ns/mnt", &status) == 0 ? status.st_ino : 0;
}

// Everything that asks for capabilities over the machine rather than over the tree being built. What a rootless build
// could not do anyway, a build by root must not do either: mknod, for one.
static const int dropped[] = {CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT,    CAP_SYS_TIME,      CAP_SYSLOG,
                              CAP_MKNOD,      CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_WAKE_ALARM,   CAP_BLOCK_SUSPEND,
                              CAP_AUDIT_READ, CAP_AUDIT_CONTROL, CAP_PERFMON,  CAP_BPF,          CAP_SYS_PACCT};

static int status_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

// Tells the caller which stage failed; a pipe takes so few bytes whole.
static _Noreturn void report(int pipe, const struct clinux_failure *failure) {
    ssize_t ignored = write(pipe, failure, sizeof *failure);
    (void)ignored;
    _exit(CLINUX_SANDBOX_FAILED);
}

static void reset_signals(void) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Signals that a user or a service manager sends to end a build.
static void ending_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
    sigaddset(set, SIGCHLD);
}

static _Noreturn void run_program(const struct clinux_sandbox *plan, int pipe) {
    struct clinux_failure failure = {0};
    reset_signals();
    char *script[] = {SANDBOX_SCRIPT, NULL};
    char **arguments = plan->script != NULL ? script : plan->arguments.items;
    char **environment = plan->keep_environment ? environ : plan->environment.items;
    // Files of an image are the same whatever mask its builder's user prefers.
    umask(022);
    if (plan->has_32_bits && personality(PER_LINUX32) < 0)
        sandbox_fail(&failure, "choose a personality", ""), report(pipe, &failure);
    if (plan->root != NULL) {
        if (setsid() < 0) sandbox_fail(&failure, "start a session", ""), report(pipe, &failure);
        for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
            if (prctl(PR_CAPBSET_DROP, dropped[i], 0, 0, 0) < 0 && errno != EINVAL)
                sandbox_fail(&failure, "drop a capability", ""), report(pipe, &failure);
        // The soft limit that programs expect; some close every descriptor below it one by one.
        struct rlimit files = {1024, 4096};
        setrlimit(RLIMIT_NOFILE, &files);
        struct rlimit cores = {0, 0};
        setrlimit(RLIMIT_CORE, &cores);
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null < 0 || dup2(null, 0) < 0) sandbox_fail(&failure, "open", "/dev/null"), report(pipe, &failure);
        // Closes all others at the moment of execve(2), so that a failure of it can still be told.
        if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) < 0)
            sandbox_fail(&failure, "close descriptors", ""), report(pipe, &failure);
    }
    // PATH is searched as the program itself will see it. A script is not searched for: execvp(3) would give one
    // without an interpreter line to the shell.
    environ = environment;
    if (plan->script != NULL)
        execve(arguments[0], arguments, environment);
    else
        execvp(arguments[0], arguments);
    sandbox_fail(&failure, "execute", plan->script != NULL ? "the script" : arguments[0]);
    report(pipe, &failure);
}

static _Noreturn void run_init(const struct clinux_sandbox *plan, int pipe, int lifeline) {
    struct clinux_failure failure = {0};
    struct clinux_sandbox_root root = {0};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        sandbox_fail(&failure, "ask to die with the parent", ""), report(pipe, &failure);
    // The parent may have died before that call: then nobody holds the other end of this pipe.
    struct pollfd parent = {.fd = lifeline, .events = 0};
    if (poll(&parent, 1, 0) > 0) _exit(CLINUX_SANDBOX_FAILED);
    close(lifeline);
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        sandbox_fail(&failure, "keep mounts private", "/"), report(pipe, &failure);
    if (plan->hostname != NULL && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
        sandbox_fail(&failure, "set the host name", plan->hostname), report(pipe, &failure);
    if (plan->root != NULL) {
        umask(0);
        if (sandbox_enter_root(plan, &root, &failure) < 0) report(pipe, &failure);
    } else {
        // Where the outside hides parts of its proc this is refused; the old one still serves.
        (void)!mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    }
    if (plan->keep_environment) {
        char number[32];
        snprintf(number, sizeof number, "%llu", clinux_mount_namespace());
        setenv("ROOTCELLAR_NAMESPACE", number, 1);
    }
    sigset_t ending;
    ending_signals(&ending);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    pid_t program = fork();
    if (program < 0) sandbox_fail(&failure, "fork", ""), report(pipe, &failure);
    if (program == 0) run_program(plan, pipe);
    close(pipe);
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&ending, &info);
        if (number > 0 && number != SIGCHLD) {
            kill(program, number);
            continue;
        }
        int status;
        for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;)
            if (child == program) {
                sandbox_leave_root(&root);
                _exit(status_of(status));
            }
    }
}

// Passes ending signals on until init has ended; kills it when the lifeline breaks.
static int wait_for_init(const struct clinux_sandbox *plan, pid_t init, int signals) {
    struct pollfd polled[2] = {{.fd = signals, .events = POLLIN}, {.fd = plan->lifeline ? 0 : -1, .events = 0}};
    for (;;) {
        int status;
        if (waitpid(init, &status, WNOHANG) == init) return status_of(status);
        if (poll(polled, 2, -1) < 0) continue;
        if (polled[1].revents != 0) {
            kill(init, SIGKILL);
            polled[1].fd = -1;
        }
        struct signalfd_siginfo info;
        if (polled[0].revents != 0 && read(signals, &info, sizeof info) == sizeof info &&
            info.ssi_signo != SIGCHLD)
            kill(init, (int)info.ssi_signo);
    }
}

// Makes the user namespace; a process that stays outside writes its maps.
static int enter_user_namespace(const struct clinux_sandbox *plan, struct clinux_failure *failure) {
    int ready[2], answer[2];
    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0) return sandbox_fail(failure, "make a pipe", "");
    pid_t self = getpid();
    pid_t helper = fork();
    if (helper < 0) return sandbox_fail(failure, "fork", "");
    if (helper == 0) {
        close(ready[1]);
        close(answer[0]);
        char byte;
        struct clinux_failure fault = {0};
        if (read(ready[0], &byte, 1) != 1) _exit(0);
        if (sandbox_write_maps(plan, self, &fault) < 0) report(answer[1], &fault);
        _exit(0);
    }
    close(ready[0]);
    close(answer[1]);
    int result = unshare(CLONE_NEWUSER);
    if (result < 0)
        sandbox_fail(failure, "make a user namespace", "");
    else if (write(ready[1], "x", 1) != 1)
        result = sandbox_fail(failure, "ask for the id maps", "");
    close(ready[1]);
    struct clinux_failure fault;
    if (read(answer[0], &fault, sizeof fault) == sizeof fault) {
        *failure = fault;
        result = -1;
    }
    close(answer[0]);
    waitpid(helper, NULL, 0);
    if (result < 0) return -1;
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) return sandbox_fail(failure, "become root inside", "");
    return 0;
}

int clinux_sandbox_run(const struct clinux_sandbox *plan, struct clinux_failure *failure) {
    if (plan->arguments.count == 0 && plan->script == NULL) {
        errno = EINVAL;
        return sandbox_fail(failure, "run nothing", "");
    }
    if (sandbox_leave_chroot(failure) < 0) return -1;
    if (plan->users.count > 0 && enter_user_namespace(plan, failure) < 0) return -1;
    int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | (plan->hostname != NULL ? CLONE_NEWUTS : 0) |
                     (plan->network ? CLONE_NEWNET : 0);
    if (unshare(namespaces) < 0) return sandbox_fail(failure, "make mount, pid and ipc namespaces", "");
    if (setgroups(0, NULL) < 0) return sandbox_fail(failure, "leave all groups", "");

    int reports[2], lifeline[2];
    if (pipe2(reports, O_CLOEXEC) < 0 || pipe2(lifeline, O_CLOEXEC) < 0)
        return sandbox_fail(failure, "make a pipe", "");
    sigset_t ending;
    ending_signals(&ending);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    if (signals < 0) return sandbox_fail(failure, "wait for signals", "");
    pid_t init = fork();
    if (init < 0) return sandbox_fail(failure, "fork", "");
    if (init == 0) {
        close(reports[0]);
        close(lifeline[1]);
        close(signals);
        run_init(plan, reports[1], lifeline[0]);
    }
    close(reports[1]);
    close(lifeline[0]);
    int status = wait_for_init(plan, init, signals);
    // Whoever wrote a report has ended by now, so that this never blocks.
    fcntl(reports[0], F_SETFL, O_NONBLOCK);
    struct clinux_failure fault;
    if (read(reports[0], &fault, sizeof fault) == sizeof fault) {
        *failure = fault;
        return -1;
    }
    return status;
}
