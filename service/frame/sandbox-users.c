/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * User namespaces of sandboxes. Their maps are written from outside, by a child that is in the
 * initial user namespace and in all other namespaces of the worker. Afterwards it exits, or stays
 * as the worker's keeper (base/keeper.h): with four capabilities, a socket to the worker and no
 * other descriptor, and system calls only for answering there. It lives in the worker's PID
 * namespace, which ends with the worker; the worker, in a child user namespace, can neither trace
 * nor signal it.
 */

#include "bare/capabilities.h"
#include "base/fd.h"
#include "base/keeper.h"
#include "frame/sandbox-parts.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Every id except the last one, which is invalid. */
#define ALL_IDS "0 0 4294967295\n"

/* The capabilities needed for the operations of base/keeper.c. CAP_DAC_OVERRIDE is for operations
 * by name, in directories of any user. */
#define KEPT                                                                                       \
    (1ull << CAP_SYS_ADMIN | 1ull << CAP_MKNOD | 1ull << CAP_SETFCAP | 1ull << CAP_DAC_OVERRIDE)

/* The number of the keeper's socket; only the standard streams are also open. */
enum { KEEPER_FD = BERTH_SANDBOX_KEEPER_FD };

static bool write_map(int process, const char *name, const char *map) {
    berth_autofd int file = openat(process, name, O_WRONLY | O_CLOEXEC);

    return file >= 0 && write(file, map, strlen(map)) == (ssize_t)strlen(map);
}

static bool restrict_keeper(int socket, GError **error) {
    /* Room for its socket and for the one descriptor in a request. */
    const struct rlimit descriptors = {KEEPER_FD + 2, KEEPER_FD + 2}, none = {0, 0};

    if (dup2(socket, KEEPER_FD) < 0 || close_range(KEEPER_FD + 1, ~0u, 0) < 0 ||
        setrlimit(RLIMIT_NOFILE, &descriptors) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return berth_error_set_errno(error, errno,
                                     "close descriptors that the keeper does not need");
    if (!berth_capabilities_bound(KEPT) || !berth_capabilities_set(KEPT, KEPT, 0))
        return berth_error_set_errno(error, errno, "set the keeper's capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return berth_error_set_errno(error, errno, "drop the keeper's privileges");
    return berth_sandbox_restrict_keeper_calls(error);
}

G_GNUC_NORETURN static void keep_capabilities(int socket, uint64_t mount) {
    g_autoptr(GError) error = NULL;

    if (!restrict_keeper(socket, &error)) {
        fprintf(stderr, "%s\n", error->message);
        _exit(EXIT_FAILURE);
    }
    berth_keeper_serve(KEEPER_FD, mount);
}

/* Waits until the worker is in its namespace or has died. */
static bool map_ids(int socket, int process, const BerthIdMaps *maps) {
    char byte;

    return read(socket, &byte, 1) == 1 && write_map(process, "gid_map", maps->gids) &&
           write_map(process, "uid_map", maps->uids) && write(socket, "x", 1) == 1;
}

/* The worker notifies the child that it is in its namespace, and waits for the maps. Until they are
 * written, it has no ids there and could not become root. */
static bool become_mapped(int socket, GError **error) {
    char byte;

    if (unshare(CLONE_NEWUSER) < 0 || write(socket, "x", 1) != 1)
        return berth_error_set_errno(error, errno, "make a user namespace");
    if (read(socket, &byte, 1) != 1)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "cannot map users into a namespace");
    return (setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0) ||
           berth_error_set_errno(error, errno, "become root of a user namespace");
}

bool berth_sandbox_enter_users(int process, const BerthIdMaps *maps, GError **error) {
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return berth_error_set_errno(error, errno, "prepare a user namespace");
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        if (!map_ids(ends[0], process, maps))
            _exit(EXIT_FAILURE);
        if (maps->has_keeper)
            keep_capabilities(ends[0], maps->mount);
        _exit(EXIT_SUCCESS);
    }
    berth_autofd int socket = ends[1];
    close(ends[0]);
    if (child < 0)
        return berth_error_set_errno(error, errno, "fork");
    bool done = become_mapped(socket, error);
    if (done && maps->has_keeper) {
        berth_keeper_use(berth_fd_steal(&socket));
        return true;
    }
    berth_fd_clear(&socket);
    /* The child has nothing left to do and exits, if only because its peer has closed the
     * socket. */
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return done;
}

/* Returns 0 if unknown. */
static uint64_t find_mount(int directory) {
    struct statx status;

    return statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 &&
                   (status.stx_mask & STATX_MNT_ID)
               ? status.stx_mnt_id
               : 0;
}

bool berth_sandbox_enter_all_users(int process, int directory, GError **error) {
    const BerthIdMaps maps = {
        .uids = ALL_IDS, .gids = ALL_IDS, .has_keeper = true, .mount = find_mount(directory)};

    return berth_sandbox_enter_users(process, &maps, error);
}
