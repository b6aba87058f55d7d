/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist cp: files pass between a tar(1) on this side and berth-copy on the other, through a pipe
 * that the service only hands over. */

#include "verbs-copy.h"

#include "base/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct {
    char *id, *path; /* in the container */
    const char *local;
    gboolean archive;
} Copy;

/* "ID:PATH"; what has a slash before its colon is local. */
static bool split(const char *text, char **id, char **path) {
    const char *colon = strchr(text, ':');
    const char *slash = strchr(text, '/');

    if (!colon || colon == text || (slash && slash < colon))
        return false;
    *id = g_strndup(text, (gsize)(colon - text));
    *path = colon[1] == '/' ? g_strdup(colon + 1) : g_strconcat("/", colon + 1, NULL);
    return true;
}

/* tar with the pipe as its standard input or output; -1 with error. */
static pid_t start_tar(char *const *arguments, int input, int output, GError **error) {
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        if ((input >= 0 && dup2(input, STDIN_FILENO) < 0) ||
            (output >= 0 && dup2(output, STDOUT_FILENO) < 0))
            _exit(127);
        close_range(STDERR_FILENO + 1, ~0u, 0);
        execvp("tar", arguments);
        _exit(127);
    }
    if (pid < 0)
        berth_error_set_errno(error, errno, "fork");
    return pid;
}

static bool finish_tar(pid_t pid, bool called, GError **error) {
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!called || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return called;
    return berth_error_set(error, BERTH_ERROR_INTERNAL, "%s",
                           WIFEXITED(status) && WEXITSTATUS(status) == 127
                               ? _("tar cannot be run")
                               : _("tar failed on this side"));
}

static bool call_copy(const char *member, const Copy *copy, const char *path, int tar,
                      const char *name, bool owners, GError **error) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, member);
    int r;

    if (!call)
        return false;
    if ((r = sd_bus_message_append(call, "ssh", copy->id, path, tar)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = sd_bus_message_append(call, "{sv}", "Name", "s", name)) < 0 ||
        (owners && (r = sd_bus_message_append(call, "{sv}", "KeepOwners", "b", 1)) < 0) ||
        (r = sd_bus_message_close_container(call)) < 0)
        return dist_bad_reply(r, error);
    g_autoptr(sd_bus_message) reply = dist_send(g_steal_pointer(&call), error);
    return reply != NULL;
}

/* The directory and the name that a copy gets: into a directory that is there, or as what is named.
 */
static void find_target(const char *local, char **directory, char **name) {
    struct stat status;
    size_t length = strlen(local);

    if (stat(local, &status) == 0 && S_ISDIR(status.st_mode)) {
        *directory = g_strdup(local);
        *name = g_strdup("");
        return;
    }
    g_autofree char *trimmed =
        g_strndup(local, length > 1 && local[length - 1] == '/' ? length - 1 : length);
    *directory = g_path_get_dirname(trimmed);
    *name = g_path_get_basename(trimmed);
}

static int copy_out(const Copy *copy, GError **error) {
    g_autofree char *directory = NULL, *name = NULL;
    int ends[2];

    if (g_str_equal(copy->local, "-"))
        return call_copy("CopyOut", copy, copy->path, STDOUT_FILENO, "", false, error)
                   ? EXIT_SUCCESS
                   : EXIT_FAILURE;
    find_target(copy->local, &directory, &name);
    if (!berth_fd_pipe(ends, error))
        return EXIT_FAILURE;
    berth_autofd int input = ends[0], output = ends[1];
    char *arguments[] = {(char *)"tar",
                         (char *)"-x",
                         (char *)"-f",
                         (char *)"-",
                         (char *)"-C",
                         directory,
                         (char *)(copy->archive ? "-p" : "--no-same-owner"),
                         NULL};
    pid_t pid = start_tar(arguments, input, -1, error);
    if (pid < 0)
        return EXIT_FAILURE;
    berth_fd_clear(&input);
    /* The service has its own descriptor of it by the time that the call is sent; tar ends when the
     * last is closed. */
    bool called = call_copy("CopyOut", copy, copy->path, output, name, false, error);
    berth_fd_clear(&output);
    return finish_tar(pid, called, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Whether there is a directory of this name in the container, by asking for it. */
static bool is_directory(const Copy *copy, const char *path) {
    g_autoptr(GError) ignored = NULL;
    int ends[2];

    /* An empty tar can be put into a directory and into nothing else. */
    if (!berth_fd_pipe(ends, NULL))
        return false;
    berth_autofd int input = ends[0];
    close(ends[1]);
    return call_copy("CopyIn", copy, path, input, "", false, &ignored);
}

static int copy_in(const Copy *copy, GError **error) {
    g_autofree char *parent = NULL, *base = NULL, *directory = NULL, *name = NULL;
    int ends[2];

    if (g_str_equal(copy->local, "-"))
        return call_copy("CopyIn", copy, copy->path, STDIN_FILENO, "", copy->archive, error)
                   ? EXIT_SUCCESS
                   : EXIT_FAILURE;
    g_autofree char *trimmed = g_canonicalize_filename(copy->local, NULL);
    parent = g_path_get_dirname(trimmed);
    base = g_path_get_basename(trimmed);
    if (access(trimmed, F_OK) < 0)
        return berth_error_set_errno(error, errno, "%s", copy->local), EXIT_FAILURE;
    if (is_directory(copy, copy->path)) {
        directory = g_strdup(copy->path);
        name = g_strdup("");
    } else {
        directory = g_path_get_dirname(copy->path);
        name = g_path_get_basename(copy->path);
    }
    if (!berth_fd_pipe(ends, error))
        return EXIT_FAILURE;
    berth_autofd int input = ends[0], output = ends[1];
    char *arguments[] = {(char *)"tar", (char *)"-c", (char *)"-f", (char *)"-", (char *)"-C",
                         parent,        (char *)"--", base,         NULL};
    pid_t pid = start_tar(arguments, -1, output, error);
    if (pid < 0)
        return EXIT_FAILURE;
    berth_fd_clear(&output);
    bool called = call_copy("CopyIn", copy, directory, input, name, copy->archive, error);
    berth_fd_clear(&input);
    return finish_tar(pid, called, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int dist_verb_cp(int argc, char **argv, GError **error) {
    Copy copy = {0};
    const GOptionEntry options[] = {
        {"archive", 'a', 0, G_OPTION_ARG_NONE, &copy.archive, N_("Keep owners"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = EXIT_FAILURE;

    if (!dist_parse(_("ID:PATH LOCAL | LOCAL ID:PATH"),
                    _("Copy files out of a container or into one; LOCAL \"-\" is a tar."), options,
                    false, &argc, &argv, error) ||
        !dist_check_count(argc, 2, 2, error))
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    bool out = split(argv[1], &copy.id, &copy.path);
    bool in = !out && split(argv[2], &copy.id, &copy.path);
    copy.local = out ? argv[2] : argv[1];
    if (out || in)
        status = out ? copy_out(&copy, error) : copy_in(&copy, error);
    else
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("one of the two is written as ID:PATH"));
    g_free(copy.id);
    g_free(copy.path);
    return status;
}

int dist_verb_diff(int argc, char **argv, GError **error) {
    if (!dist_parse(_("ID"), _("List what a container has added (A), changed (C) and deleted (D)."),
                    NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Changes", "sh", argv[1], STDOUT_FILENO);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}
