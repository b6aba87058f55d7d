/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "frame/box.h"

#include "base/capabilities.h"
#include "base/fd.h"
#include "base/pivot.h"

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { MAX_DESCRIPTORS = 512 };

/* A worker that needs more is being abused: 64 MB is what its job takes at most, this is the
 * backstop that counts address space, thread stacks and libraries too. */
#define MAX_ADDRESS_SPACE (1024ul * 1024 * 1024)

/* What sd-bus, sd-event, GLib's threads and malloc need in every worker. */
static const char *const common_calls[] = {
    "accept4",
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "clone",
    "clone3",
    "close",
    "dup",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd2",
    "exit",
    "exit_group",
    "fcntl",
    "fstat",
    "futex",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getrandom",
    "getresgid",
    "getresuid",
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
    "prlimit64",
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
    "shutdown",
    "sigaltstack",
    "sysinfo",
    "tgkill",
    "timerfd_create",
    "timerfd_settime",
    "uname",
    "write",
    "writev",
    NULL,
};

static const char *const system_files[] = {
    "/etc",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/dev/urandom",
};

static bool limit(int resource, rlim_t value, const char *what, GError **error) {
    struct rlimit both = {value, value};

    if (setrlimit(resource, &both) < 0)
        return berth_error_set_errno(error, errno, "limit %s", what);
    return true;
}

static bool set_limits(const BerthBox *box, GError **error) {
    rlim_t descriptors = box->max_descriptors ? box->max_descriptors : MAX_DESCRIPTORS;

    if (!limit(RLIMIT_NOFILE, descriptors, "descriptors", error) ||
        !limit(RLIMIT_CORE, 0, "core dumps", error))
        return false;
        /* The address space of a sanitized build is terabytes of shadow. */
#if !defined(__SANITIZE_ADDRESS__)
    if (!limit(RLIMIT_AS, MAX_ADDRESS_SPACE, "address space", error))
        return false;
#endif
    /* Unlimited stays what the service itself has. */
    return box->max_file_bytes == 0 || limit(RLIMIT_FSIZE, box->max_file_bytes, "files", error);
}

/* The directory as a mount of its own. Before the mount namespace changes: only mounts of the
 * present one can be cloned. foreign: it is of another, a client's. */
static int clone_directory(int directory, bool *foreign, GError **error) {
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
        /* A clone shares mounts with what it was cloned from; a root must not. */
        .propagation = MS_PRIVATE,
    };
    berth_autofd int tree =
        syscall(SYS_open_tree, directory, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    *foreign = tree < 0 && errno == EINVAL;
    if (tree < 0) {
        if (!*foreign)
            berth_error_set_errno(error, errno, "clone the mount of the directory");
        return -1;
    }
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) {
        berth_error_set_errno(error, errno, "restrict the mount of the directory");
        return -1;
    }
    return berth_fd_steal(&tree);
}

/* A client's directory cannot be made a mount of its own here. It becomes the root all the same,
 * with nothing left that opens another and no call that leads out. */
static bool change_root(int directory, GError **error) {
    return (fchdir(directory) == 0 && chroot(".") == 0) ||
           berth_error_set_errno(error, errno, "change to the directory");
}

static bool set_namespaces(const BerthBox *box, int directory, GError **error) {
    int flags = CLONE_NEWIPC | CLONE_NEWUTS;
    berth_autofd int tree = -1;
    bool foreign = false;

    if (!box->network)
        flags |= CLONE_NEWNET;
    if (box->files == BERTH_FILES_ONE_DIRECTORY) {
        flags |= CLONE_NEWNS;
        if ((tree = clone_directory(directory, &foreign, error)) < 0 && !foreign)
            return false;
    }
    if (unshare(flags) < 0)
        return berth_error_set_errno(error, errno, "unshare namespaces");
    if (foreign)
        return change_root(directory, error);
    if (tree < 0)
        return true;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return berth_error_set_errno(error, errno, "make the mounts private");
    return berth_pivot(tree, error);
}

/* A kernel without Landlock leaves the seccomp list, which allows reading only. */
static bool restrict_files(GError **error) {
    struct landlock_ruleset_attr ruleset = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                             LANDLOCK_ACCESS_FS_MAKE_SYM,
    };
    berth_autofd int rules = syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0u);

    if (rules < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ||
               berth_error_set_errno(error, errno, "make a Landlock ruleset");
    for (size_t i = 0; i < G_N_ELEMENTS(system_files); i++) {
        berth_autofd int path = open(system_files[i], O_PATH | O_CLOEXEC);
        struct landlock_path_beneath_attr rule = {
            .allowed_access =
                LANDLOCK_ACCESS_FS_READ_FILE |
                (g_str_has_prefix(system_files[i], "/dev/") ? 0 : LANDLOCK_ACCESS_FS_READ_DIR),
            .parent_fd = path,
        };
        if (path >= 0 &&
            syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u) < 0)
            return berth_error_set_errno(error, errno, "allow reading %s", system_files[i]);
    }
    if (syscall(SYS_landlock_restrict_self, rules, 0u) < 0)
        return berth_error_set_errno(error, errno, "restrict files by Landlock");
    return true;
}

static bool set_user(const BerthBox *box, GError **error) {
    if (!box->user)
        return true;

    struct passwd *user = getpwnam(box->user);
    if (!user)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the user \"%s\" does not exist; systemd-sysusers creates it",
                               box->user);
    if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
        return berth_error_set_errno(error, errno, "become the user %s", box->user);
    return true;
}

static bool allow(scmp_filter_ctx filter, const char *name, GError **error) {
    int number = seccomp_syscall_resolve_name(name);

    /* Not every architecture has every call. */
    if (number == __NR_SCMP_ERROR)
        return true;
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    return r >= 0 || r == -EEXIST || berth_error_set_errno(error, r, "allow %s", name);
}

/* mmap and mprotect never give memory that can be executed, but where name resolution loads its
 * modules: code can then only be what the worker was linked with. */
static bool allow_memory(scmp_filter_ctx filter, bool modules, GError **error) {
    if (modules)
        return allow(filter, "mmap", error) && allow(filter, "mprotect", error);
    const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (r < 0)
            return berth_error_set_errno(error, r, "allow memory");
    }
    return true;
}

static bool allow_reading(scmp_filter_ctx filter, GError **error) {
    const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));

    return r >= 0 || berth_error_set_errno(error, r, "allow reading files");
}

/* PR_SET_NAME for threads; nothing else of prctl is needed. */
static bool allow_thread_names(scmp_filter_ctx filter, GError **error) {
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                             SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));

    return r >= 0 || berth_error_set_errno(error, r, "allow naming threads");
}

static bool add_rules(scmp_filter_ctx filter, const BerthBox *box, GError **error) {
    for (const char *const *call = common_calls; *call; call++)
        if (!allow(filter, *call, error))
            return false;
    for (const char *const *call = box->calls; call && *call; call++)
        if (!allow(filter, *call, error))
            return false;
    bool reads = box->files == BERTH_FILES_READ_SYSTEM;
    return allow_memory(filter, reads, error) && allow_thread_names(filter, error) &&
           (!reads || allow_reading(filter, error));
}

static bool set_system_calls(const BerthBox *box, GError **error) {
    /* ENOSYS rather than a kill: libraries probe for calls and fall back. */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int r;

    if (!filter)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "make a seccomp filter");
    bool done = add_rules(filter, box, error);
    if (done && ((r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)) < 0 ||
                 (r = seccomp_load(filter)) < 0))
        done = berth_error_set_errno(error, r, "load the seccomp filter");
    seccomp_release(filter);
    return done;
}

bool berth_box_enter(const BerthBox *box, int directory, GError **error) {
    if (!set_namespaces(box, directory, error) || !set_limits(box, error) ||
        !berth_capabilities_bound(box->capabilities, error) || !set_user(box, error) ||
        !berth_capabilities_set(box->capabilities, box->capabilities, 0, error))
        return false;
    /* After the user has changed, which would clear both. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return berth_error_set_errno(error, errno, "give up privileges");
    if (box->files == BERTH_FILES_READ_SYSTEM && !restrict_files(error))
        return false;
    return set_system_calls(box, error);
}
