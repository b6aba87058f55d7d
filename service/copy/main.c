/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-copy: copies files out of a container and into it. It first makes the container's root its
 * own (root.c) and enters a sandbox (frame/sandboxes.c), and only then reads the first byte of a
 * tar or a file. Whatever links an image contains, they only lead to places within that root.
 *
 *   berth-copy out|in ID PATH [NAME]       with the tar on standard output or input
 *   berth-copy out-file|out-directory ID PATH [NAME]   if the source must be of that type
 *   berth-copy out[…]-following ID PATH [NAME]   what PATH leads to, if it is a symbolic link
 *   berth-copy out-names ID PATH           the names in a directory, as lines
 *   berth-copy in-with-owners ID PATH [NAME]
 *   berth-copy changes ID -                what the container has changed, as lines
 *
 * Descriptors are those of bare/launch-protocol.h.
 */

#include "bare/launch-protocol.h"
#include "base/fd.h"
#include "copy/changes.h"
#include "copy/copy-in.h"
#include "copy/copy-out.h"
#include "copy/copy.h"
#include "copy/root.h"
#include "frame/sandbox.h"
#include "launch/namespaces.h"
#include "launch/peer.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The number of the only additional descriptor that is kept, after the standard ones and the
 * socket. */
enum { KEPT_FD = BERTH_CONFIG_FD };

/* Reports the result to berthd; error is NULL on success. */
static int answer_request(const GError *error) {
    berth_peer_send(BERTH_SOCKET_FD, error ? BERTH_LAUNCH_FAILED : BERTH_LAUNCH_DONE,
                    error ? error->message : NULL, -1);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Closes all of the host's descriptors except the kept one, and enters the sandbox, which kills
 * this process when berthd dies. If berthd has died before that, for example while this process
 * waited for the lock, nothing knows any more that it is at work, and it must not begin. */
static void copy_enter_sandbox(const char *name, int kept) {
    g_autoptr(GError) error = NULL;
    int first = kept < 0 ? KEPT_FD : KEPT_FD + 1;

    if (kept >= 0 && kept != KEPT_FD && dup2(kept, KEPT_FD) < 0)
        berth_fail_errno("sandbox", NULL);
    if (close_range((unsigned)first, ~0u, 0) < 0 || chdir("/") < 0)
        berth_fail_errno("root", NULL);
    if (!berth_sandbox_enter(berth_sandbox_find(name), -1, &error))
        berth_fail("sandbox", NULL, error->message, BERTH_EXIT_LAUNCH);
    if (berth_peer_has_left(BERTH_SOCKET_FD))
        _exit(BERTH_EXIT_LAUNCH);
}

static int write_changes(void) {
    g_autoptr(GError) error = NULL;
    const BerthSetup *setup = berth_peer_map_setup();

    if (!setup->layers.texts) {
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the container has no image to compare it with");
        return answer_request(error);
    }
    copy_enter_sandbox("copy-out", berth_copy_enter_image(setup));
    berth_autofd int image = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (image < 0)
        berth_fail_errno("image", NULL);
    berth_changes_write(KEPT_FD, image, STDOUT_FILENO, &error);
    return answer_request(error);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;

    if (argc < 4 || fcntl(BERTH_CONFIG_FD, F_GETFD) < 0)
        return BERTH_EXIT_LAUNCH;
    berth_peer_begin("berth-copy");
    berth_sandbox_offer_to_oom_killer();
    berth_peer_open_streams();
    /* A reader that closes the pipe is an error to report, not a signal to die from. */
    signal(SIGPIPE, SIG_IGN);
    if (g_str_equal(argv[1], "changes"))
        return write_changes();
    const char *name = argc > 4 && argv[4][0] ? argv[4] : NULL;
    bool out = g_str_has_prefix(argv[1], "out");
    bool follows = g_str_has_suffix(argv[1], BERTH_COPY_FOLLOWING);
    BerthCopyKind kind = g_str_has_prefix(argv[1], "out-file")        ? BERTH_COPY_FILE
                         : g_str_has_prefix(argv[1], "out-directory") ? BERTH_COPY_DIRECTORY
                                                                      : BERTH_COPY_ANY;
    pid_t pid = berth_pid_read_pidfd(BERTH_DIRECTORY_FD);
    int lock = -1;
    if (pid > 0) {
        berth_copy_enter_running(pid);
    } else {
        lock = berth_copy_enter_stopped(berth_peer_map_setup(), !out);
    }
    if (!out)
        berth_copy_become_owner(argv[3]);
    /* For directories that a tar implies; whatever it lists has its own permissions. */
    umask(022);
    copy_enter_sandbox(out ? "copy-out" : "copy-in", lock);
    if (g_str_has_prefix(argv[1], "out-names"))
        berth_copy_list_names(argv[3], STDOUT_FILENO, &error);
    else if (out)
        berth_copy_out(argv[3], name, kind, follows, STDOUT_FILENO, &error);
    else
        berth_copy_in(argv[3], name, STDIN_FILENO, g_str_equal(argv[1], "in-with-owners"), &error);
    return answer_request(error);
}
