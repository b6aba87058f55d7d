/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs the steps of a sandbox in their order: first those that need privileges, then those that
 * drop them. There is no state; entering a sandbox cannot be undone.
 */

#include "frame/sandbox.h"

#include "bare/capabilities.h"
#include "base/fd.h"
#include "base/limits.h"
#include "frame/sandbox-parts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_DESCRIPTORS = 512 };

/* A worker that needs more is being abused. Its job takes 64 MB at most; this is a safety net that
 * also counts address space, thread stacks and libraries. */
#define MAX_ADDRESS_SPACE (1024ul * 1024 * 1024)

static bool limit_resource(int resource, rlim_t value, const char *what, GError **error) {
    struct rlimit both = {value, value};

    if (setrlimit(resource, &both) < 0)
        return berth_error_set_errno(error, errno, "limit %s", what);
    return true;
}

static bool set_sandbox_limits(const BerthSandbox *sandbox, GError **error) {
    rlim_t descriptors = sandbox->max_descriptors ? sandbox->max_descriptors : MAX_DESCRIPTORS;

    if (!limit_resource(RLIMIT_NOFILE, descriptors, "descriptors", error) ||
        !limit_resource(RLIMIT_CORE, 0, "core dumps", error))
        return false;
    /* A file in memory, which berthd has passed, does not count as address space. */
    if (!sandbox->writes_files &&
        !limit_resource(RLIMIT_FSIZE, BERTH_MAX_DOCUMENT_BYTES, "files", error))
        return false;
        /* A sanitized build uses terabytes of address space for shadow memory. */
#if !defined(__SANITIZE_ADDRESS__)
    if (!limit_resource(RLIMIT_AS, MAX_ADDRESS_SPACE, "address space", error))
        return false;
#endif
    return true;
}

static bool set_namespaces(const BerthSandbox *sandbox, GError **error) {
    int flags = CLONE_NEWIPC | CLONE_NEWUTS | (sandbox->network ? 0 : CLONE_NEWNET);

    return unshare(flags) == 0 || berth_error_set_errno(error, errno, "unshare namespaces");
}

/* Set in a template, and inherited by its workers. They share its empty namespaces, but can use
 * nothing through which they could reach each other there: their filter permits neither sockets nor
 * IPC objects. */
static bool is_prepared;

bool berth_sandbox_prepare(const BerthSandbox *sandbox, GError **error) {
    g_assert(!sandbox->network);
    is_prepared = berth_sandbox_prepare_calls(sandbox, error) && set_namespaces(sandbox, error);
    return is_prepared;
}

/* Looked up before the view of files changes, which may hide the user database. */
static bool find_sandbox_user(const BerthSandbox *sandbox, uid_t *uid, gid_t *gid, GError **error) {
    struct passwd *user = sandbox->user    ? getpwnam(sandbox->user)
                          : sandbox->owner ? getpwuid(sandbox->owner)
                                           : NULL;

    if (sandbox->owner && !user)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "user %u is not in the user database", (unsigned)sandbox->owner);
    if (sandbox->user && !user)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the user \"%s\" does not exist; systemd-sysusers creates it",
                               sandbox->user);
    *uid = user ? user->pw_uid : 0;
    *gid = user ? user->pw_gid : 0;
    return true;
}

static bool sandbox_set_user(const BerthSandbox *sandbox, uid_t uid, gid_t gid, GError **error) {
    if (sandbox->user &&
        (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
        return berth_error_set_errno(error, errno, "become the user %s", sandbox->user);
    return true;
}

void berth_sandbox_offer_to_oom_killer(void) {
    berth_autofd int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    char sign;

    if (file >= 0 && read(file, &sign, 1) == 1 && sign == '-')
        (void)berth_fd_write_all(file, "0", 1);
}

bool berth_sandbox_enter(const BerthSandbox *sandbox, int directory, GError **error) {
    uid_t uid = 0;
    gid_t gid = 0;

    /* The other namespaces are created first, so that they belong to the initial user namespace and
     * not to one in which the worker is root. */
    if (!find_sandbox_user(sandbox, &uid, &gid, error) ||
        (!is_prepared && !set_namespaces(sandbox, error)) ||
        !(sandbox->owner ? berth_sandbox_become_owner(directory, uid, gid, error)
                         : berth_sandbox_change_files(sandbox, directory, error)) ||
        !set_sandbox_limits(sandbox, error))
        return false;
    /* Changing the bounding set needs CAP_SETPCAP (capabilities(7)), so it comes before the change
     * of user. */
    if (!berth_capabilities_bound(sandbox->capabilities))
        return berth_error_set_errno(error, errno, "drop capabilities");
    if (!sandbox_set_user(sandbox, uid, gid, error))
        return false;
    if (!berth_capabilities_set(sandbox->capabilities, sandbox->capabilities, 0))
        return berth_error_set_errno(error, errno, "set the capabilities");
    /* The kernel resets both dumpability and the parent-death signal when the user changes
     * (prctl(2)). If berthd has died before this, the worker finds its socket closed. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return berth_error_set_errno(error, errno, "give up privileges");
    /* The resolver is looked up in the new root. The filter comes last, since the steps above need
     * system calls that it forbids. */
    bool local = sandbox->files == BERTH_FILES_RESOLVER && berth_sandbox_has_resolver();
    return berth_sandbox_restrict_access(sandbox, error) &&
           berth_sandbox_restrict_calls(sandbox, local, error);
}
