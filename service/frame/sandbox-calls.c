/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The system calls that a sandbox permits. Others fail with ENOSYS instead of killing the process,
 * since libraries probe for calls and fall back: the C library, for example, from clone3, whose
 * flags a filter cannot see, to clone, whose flags it can. All 64 bits of values are compared; if
 * the kernel uses only the lower half of an argument, this permits exact matches only. There is no
 * state but the prepared programs of a template.
 */

#include "base/fd.h"
#include "frame/sandbox-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From linux/fcntl.h, which cannot be included together with fcntl.h. */
#ifndef F_OFD_SETLK
#define F_OFD_SETLK 37
#endif

/* On s390, the flags are the second argument. */
#if defined(__s390__)
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* The system calls that sd-bus, sd-event, GLib's threads and malloc need in every worker. Without
 * epoll_create1, since the event loop exists already, and one instance cannot use up the watches
 * that all processes of a user may have. */
static const char *const common_calls[] = {
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "dup",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd2",
    "exit",
    "exit_group",
    "fstat",
    "futex",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getrandom",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "lseek",
    "madvise",
    "membarrier",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "pipe2",
    "poll",
    "ppoll",
    "pread64",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "sched_yield",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "setsockopt",
    "sigaltstack",
    "sysinfo",
    "timerfd_create",
    "timerfd_settime",
    "uname",
    "write",
    "writev",
    NULL,
};

/* The system calls for the operations in base/keeper.c, in addition to those with conditions
 * below. */
static const char *const keeper_calls[] = {
    "close",        "exit_group", "fchdir",    "fgetxattr",    "flistxattr",
    "fremovexattr", "fsetxattr",  "lsetxattr", "rt_sigreturn", "statx",
/* ASan calls it before every function that does not return. */
#if defined(__SANITIZE_ADDRESS__)
    "sigaltstack",
#endif
    NULL,
};

/* Excludes F_SETOWN and F_SETSIG, with which a process can have a signal sent to another one when a
 * descriptor becomes ready. */
static const int fcntl_commands[] = {
    F_DUPFD,      F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,     F_GETFL,     F_SETFL,
    F_GETPIPE_SZ, F_SETPIPE_SZ,    F_GET_SEALS, F_ADD_SEALS, F_OFD_SETLK,
};

/* How many bytes can be read, which the C library asks about a resolver's answer. */
static const int ioctl_requests[] = {FIONREAD};

/* Of netlink, only the family that reports addresses and routes, which getaddrinfo() uses for
 * sorting. */
static const struct {
    int family;
    int protocol; /* -1: any */
} socket_families[] = {{AF_INET, -1}, {AF_INET6, -1}, {AF_NETLINK, 0}};

/* The PID of a worker in its own PID namespace. */
enum { WORKER_PID = 1 };

typedef struct {
    struct sock_filter *instructions;
    size_t count;
} SandboxProgram;

/* Compiled by a template (berth_sandbox_prepare_calls()), and inherited in the memory of its
 * workers; never freed. */
static SandboxProgram prepared, prepared_keeper;

static bool allow_call(scmp_filter_ctx filter, const char *name, GError **error) {
    int number = seccomp_syscall_resolve_name(name);

    /* Some calls do not exist on every architecture. */
    if (number == __NR_SCMP_ERROR)
        return true;
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    return r >= 0 || r == -EEXIST || berth_error_set_errno(error, r, "allow %s", name);
}

/* All conditions must be met; several rules for one call are alternatives. */
static bool sandbox_allow_where(scmp_filter_ctx filter, int number, unsigned count,
                                const struct scmp_arg_cmp *conditions, GError **error) {
    int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, conditions);

    if (r >= 0 || r == -EEXIST)
        return true;
    g_autofree char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    return berth_error_set_errno(error, r, "allow %s", name ? name : "a call");
}

static bool allow_values(scmp_filter_ctx filter, int number, unsigned argument, const int *values,
                         size_t count, GError **error) {
    for (size_t i = 0; i < count; i++) {
        struct scmp_arg_cmp condition = SCMP_CMP64(argument, SCMP_CMP_EQ, (uint64_t)values[i]);
        if (!sandbox_allow_where(filter, number, 1, &condition, error))
            return false;
    }
    return true;
}

/* mmap and mprotect must not create executable memory, so that the only code is what the worker was
 * linked with. Only name resolution needs to load modules. */
static bool allow_memory(scmp_filter_ctx filter, bool modules, GError **error) {
    const struct scmp_arg_cmp condition = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

    if (modules)
        return allow_call(filter, "mmap", error) && allow_call(filter, "mprotect", error);
    return sandbox_allow_where(filter, SCMP_SYS(mmap), 1, &condition, error) &&
           sandbox_allow_where(filter, SCMP_SYS(mprotect), 1, &condition, error);
}

/* Permits creating threads, without new namespaces, but never another process. */
static bool allow_threads(scmp_filter_ctx filter, GError **error) {
    const uint64_t of_thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    const struct scmp_arg_cmp flags =
        SCMP_CMP64(CLONE_FLAGS, SCMP_CMP_MASKED_EQ,
                   of_thread | namespaces | CLONE_PARENT | CLONE_PTRACE | CLONE_VFORK, of_thread);
    const struct scmp_arg_cmp name = SCMP_CMP64(0, SCMP_CMP_EQ, PR_SET_NAME);

    return sandbox_allow_where(filter, SCMP_SYS(clone), 1, &flags, error) &&
           sandbox_allow_where(filter, SCMP_SYS(prctl), 1, &name, error);
}

/* Permits signals to the worker's own threads, as sent by abort(), and reading its own limits. */
static bool allow_itself(scmp_filter_ctx filter, pid_t pid, GError **error) {
    const struct scmp_arg_cmp self = SCMP_CMP64(0, SCMP_CMP_EQ, (uint64_t)pid);
    const struct scmp_arg_cmp reading[] = {SCMP_CMP64(0, SCMP_CMP_EQ, 0),
                                           SCMP_CMP64(2, SCMP_CMP_EQ, 0)};

    return sandbox_allow_where(filter, SCMP_SYS(tgkill), 1, &self, error) &&
           sandbox_allow_where(filter, SCMP_SYS(prlimit64), 2, reading, error);
}

static bool allow_reading(scmp_filter_ctx filter, GError **error) {
    const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    const struct scmp_arg_cmp flags = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, writing, O_RDONLY);

    return sandbox_allow_where(filter, SCMP_SYS(openat), 1, &flags, error);
}

/* libcurl wakes its threads through a socket pair, which leads to no other process. */
static bool allow_sockets(scmp_filter_ctx filter, bool local, GError **error) {
    const struct scmp_arg_cmp pair = SCMP_CMP64(0, SCMP_CMP_EQ, AF_UNIX);

    for (size_t i = 0; i < G_N_ELEMENTS(socket_families); i++) {
        const struct scmp_arg_cmp conditions[] = {
            SCMP_CMP64(0, SCMP_CMP_EQ, (uint64_t)socket_families[i].family),
            SCMP_CMP64(2, SCMP_CMP_EQ, (uint64_t)socket_families[i].protocol),
        };
        unsigned count = socket_families[i].protocol < 0 ? 1 : 2;
        if (!sandbox_allow_where(filter, SCMP_SYS(socket), count, conditions, error))
            return false;
    }
    return (!local || sandbox_allow_where(filter, SCMP_SYS(socket), 1, &pair, error)) &&
           sandbox_allow_where(filter, SCMP_SYS(socketpair), 1, &pair, error) &&
           allow_values(filter, SCMP_SYS(ioctl), 1, ioctl_requests, G_N_ELEMENTS(ioctl_requests),
                        error);
}

static bool sandbox_add_rules(scmp_filter_ctx filter, const BerthSandbox *sandbox, bool local,
                              pid_t pid, GError **error) {
    for (const char *const *call = common_calls; *call; call++)
        if (!allow_call(filter, *call, error))
            return false;
    for (const char *const *call = sandbox->calls; call && *call; call++)
        if (!allow_call(filter, *call, error))
            return false;
    bool resolves = sandbox->files == BERTH_FILES_RESOLVER;
    return allow_memory(filter, resolves, error) && allow_threads(filter, error) &&
           allow_itself(filter, pid, error) &&
           allow_values(filter, SCMP_SYS(fcntl), 1, fcntl_commands, G_N_ELEMENTS(fcntl_commands),
                        error) &&
           (!sandbox->network || allow_sockets(filter, local, error)) &&
           (!resolves || allow_reading(filter, error));
}

/* 2 selects a binary tree of system calls instead of a list (seccomp_attr_set(3)). */
static bool sandbox_arrange_filter(scmp_filter_ctx filter, GError **error) {
    int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);

    return r >= 0 || berth_error_set_errno(error, r, "arrange the seccomp filter");
}

static bool sandbox_load_filter(scmp_filter_ctx filter, GError **error) {
    if (!sandbox_arrange_filter(filter, error))
        return false;
    int r = seccomp_load(filter);
    return r >= 0 || berth_error_set_errno(error, r, "load the seccomp filter");
}

static bool program_compile(SandboxProgram *program, scmp_filter_ctx filter, GError **error) {
    berth_autofd int file = memfd_create("filter", MFD_CLOEXEC);
    size_t size;
    int r = file < 0 ? -errno : 0;

    if (r < 0 || !sandbox_arrange_filter(filter, error) ||
        (r = seccomp_export_bpf(filter, file)) < 0)
        return r >= 0 ? false : berth_error_set_errno(error, r, "compile the seccomp filter");
    program->instructions = (struct sock_filter *)berth_fd_read_whole(
        file, BPF_MAXINSNS * sizeof(struct sock_filter), &size, error);
    program->count = program->instructions ? size / sizeof(struct sock_filter) : 0;
    return program->instructions != NULL;
}

/* Does the same as seccomp_load(3); no_new_privs is already set. */
static bool program_load(const SandboxProgram *program, GError **error) {
    const struct sock_fprog filter = {(unsigned short)program->count, program->instructions};

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0 ||
           berth_error_set_errno(error, errno, "load the seccomp filter");
}

/* The keeper uses only its own descriptor for messages, and creates only nodes that require a
 * capability. */
static bool add_keeper_rules(scmp_filter_ctx filter, GError **error) {
    const struct scmp_arg_cmp socket = SCMP_CMP64(0, SCMP_CMP_EQ, BERTH_SANDBOX_KEEPER_FD);
    const struct scmp_arg_cmp block = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFBLK);
    const struct scmp_arg_cmp character = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFCHR);

    for (const char *const *call = keeper_calls; *call; call++)
        if (!allow_call(filter, *call, error))
            return false;
    return sandbox_allow_where(filter, SCMP_SYS(recvmsg), 1, &socket, error) &&
           sandbox_allow_where(filter, SCMP_SYS(sendmsg), 1, &socket, error) &&
           sandbox_allow_where(filter, SCMP_SYS(mknodat), 1, &block, error) &&
           sandbox_allow_where(filter, SCMP_SYS(mknodat), 1, &character, error);
}

/* If program is not NULL, the filter is compiled into it instead of being loaded. */
static bool sandbox_make_keeper_filter(SandboxProgram *program, GError **error) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

    if (!filter)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "make a seccomp filter");
    bool done =
        add_keeper_rules(filter, error) &&
        (program ? program_compile(program, filter, error) : sandbox_load_filter(filter, error));
    seccomp_release(filter);
    return done;
}

static bool sandbox_make_filter(const BerthSandbox *sandbox, bool local, pid_t pid,
                                SandboxProgram *program, GError **error) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

    if (!filter)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "make a seccomp filter");
    bool done =
        sandbox_add_rules(filter, sandbox, local, pid, error) &&
        (program ? program_compile(program, filter, error) : sandbox_load_filter(filter, error));
    seccomp_release(filter);
    return done;
}

bool berth_sandbox_prepare_calls(const BerthSandbox *sandbox, GError **error) {
    g_assert(sandbox->files != BERTH_FILES_RESOLVER && !sandbox->owner);
    return sandbox_make_filter(sandbox, false, WORKER_PID, &prepared, error) &&
           sandbox_make_keeper_filter(&prepared_keeper, error);
}

bool berth_sandbox_restrict_keeper_calls(GError **error) {
    return prepared_keeper.instructions ? program_load(&prepared_keeper, error)
                                        : sandbox_make_keeper_filter(NULL, error);
}

bool berth_sandbox_restrict_calls(const BerthSandbox *sandbox, bool local, GError **error) {
    return prepared.instructions && getpid() == WORKER_PID
               ? program_load(&prepared, error)
               : sandbox_make_filter(sandbox, local, getpid(), NULL, error);
}
