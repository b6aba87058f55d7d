/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See sandbox.h. It differs from a worker's sandbox (frame/sandbox.h), since the relay briefly
 * outlives the service and has thousands of descriptors. System calls that are not listed fail with
 * ENOSYS.
 */

#include "relay/sandbox.h"

#include "bare/capabilities.h"
#include "bare/landlock.h"
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* On s390, the flags are the second argument. */
#if defined(__s390__)
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* Includes the calls that describe the file in an envelope (bare/envelope.h). */
static const int calls[] = {
    SCMP_SYS(brk),         SCMP_SYS(close),           SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait),      SCMP_SYS(exit),
    SCMP_SYS(exit_group),  SCMP_SYS(futex),           SCMP_SYS(getpid),
    SCMP_SYS(gettid),      SCMP_SYS(madvise),         SCMP_SYS(munmap),
    SCMP_SYS(readlink),    SCMP_SYS(readlinkat),      SCMP_SYS(recvmsg),
    SCMP_SYS(rseq),        SCMP_SYS(rt_sigprocmask),  SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sendmsg),     SCMP_SYS(set_robust_list), SCMP_SYS(shutdown),
    SCMP_SYS(sigaltstack), SCMP_SYS(statx),           SCMP_SYS(write),
};

static bool relay_allow_where(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition) {
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

/* Only threads, of everything that clone(2) can make; only memory that is not executable; only
 * pairs of sockets. */
static bool allow_parts_of_calls(scmp_filter_ctx filter) {
    const uint64_t of_thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    const uint64_t others = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                            CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PARENT |
                            CLONE_PTRACE | CLONE_VFORK;
    const struct scmp_arg_cmp data = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

    return relay_allow_where(
               filter, SCMP_SYS(clone),
               SCMP_CMP64(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, of_thread | others, of_thread)) &&
           relay_allow_where(filter, SCMP_SYS(mmap), data) &&
           relay_allow_where(filter, SCMP_SYS(mprotect), data) &&
           relay_allow_where(filter, SCMP_SYS(socketpair), SCMP_CMP64(0, SCMP_CMP_EQ, AF_UNIX));
}

static bool restrict_calls(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    bool done = filter && allow_parts_of_calls(filter);

    for (size_t i = 0; done && i < sizeof calls / sizeof *calls; i++)
        done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
    done = done && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return done;
}

/* Unlike a worker, the relay is not killed when the service dies: its socket closes, and it shuts
 * the bus connection down. SIGCONT makes it do so even if it was stopped; otherwise the name on the
 * bus would outlive the service. */
static bool relay_drop_privileges(void) {
    struct passwd *user = getpwnam(BERTH_USER);
    struct rlimit none = {0, 0};

    return user && berth_capabilities_bound(0) && setgroups(0, NULL) == 0 &&
           setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
           setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 &&
           setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
           prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0) == 0;
}

bool berth_relay_sandbox_enter(void) {
    const BerthLandlock denied = {
        .files = BERTH_LANDLOCK_EXECUTE | BERTH_LANDLOCK_READ | BERTH_LANDLOCK_WRITE,
        .net = BERTH_LANDLOCK_BIND | BERTH_LANDLOCK_CONNECT,
        .scoped = BERTH_LANDLOCK_ABSTRACT_SOCKETS | BERTH_LANDLOCK_SIGNALS,
    };

    return relay_drop_privileges() && berth_landlock_restrict(&denied, -1) && restrict_calls();
}
