/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist cp: copies files between tar(1) on this side and berth-copy on the other, through a pipe
 * that the service only passes on. Names follow podman-cp(1): a copy is placed in the target if
 * that is a directory, otherwise it gets the target's name; "/." at the end of a source means its
 * contents. The reader sees the end of the pipe only once every descriptor of the other end is
 * closed, including those in messages.
 */

#include "client/verbs.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/hosts.h"
#include "client/table.h"
#include "client/tar.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* For "dist diff" with --json or --format. */
enum { MAX_CHANGES_BYTES = 64 * 1024 * 1024 };

static struct {
    gboolean archive, follow;
    char *as, *kind; /* for a stream, as given by dist on another host */
} cp_given = {.as = (char *)"", .kind = (char *)""};

typedef struct {
    char *id, *path; /* in the container */
    const char *local;
    gboolean archive;
} CopyOperation;

/* Splits "ID:PATH"; a slash before the colon makes it a local path. */
static bool split_container_path(const char *text, char **id, char **path) {
    const char *colon = strchr(text, ':');
    const char *slash = strchr(text, '/');

    if (!colon || colon == text || (slash && slash < colon))
        return false;
    *id = g_strndup(text, (gsize)(colon - text));
    *path = colon[1] == '/' ? g_strdup(colon + 1) : g_strconcat("/", colon + 1, NULL);
    /* As in docker, ".." then names a directory, which the copy gets as its name. */
    if (g_str_has_suffix(*path, "/..")) {
        char *clean = g_canonicalize_filename(*path, "/");
        g_free(*path);
        *path = clean;
    }
    return true;
}

static sd_bus_message *new_copy_out(const CopyOperation *copy, int tar, const char *name,
                                    const char *kind, GError **error) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "CopyOut");
    /* Left out unless it is needed: an older service does not know the option. */
    int options = cp_given.follow ? 3 : 2;
    int r = call ? sd_bus_message_append(call, "ssha{sv}", copy->id, copy->path, tar, options,
                                         "Name", "s", name, "Kind", "s", kind, "FollowLink", "b", 1)
                 : 0;

    if (r < 0)
        return dist_bad_reply(r, error), NULL;
    return g_steal_pointer(&call);
}

/* Runs "dist cp" on the other host, with the pipe as its stream. */
static bool copy_over_ssh(const CopyOperation *copy, const char *path, int input, int output,
                          const char *name, const char *kind, bool quiet, GError **error) {
    g_autofree char *place = g_strconcat(copy->id, ":", path, NULL);
    g_autofree char *named = g_strconcat("--as=", name, NULL);
    g_autofree char *checked = g_strconcat("--kind=", kind, NULL);
    const char *archive = copy->archive ? "--archive" : "--archive=false";
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    g_strv_builder_add_many(builder, "cp", archive, named, checked, NULL);
    /* As in new_copy_out(). */
    if (cp_given.follow)
        g_strv_builder_add(builder, "--follow-link");
    g_strv_builder_add_many(builder, "--", input >= 0 ? "-" : place, input >= 0 ? place : "-",
                            NULL);
    g_auto(GStrv) arguments = g_strv_builder_end(builder);
    return dist_host_call((const char *const *)arguments, input, output, quiet, error);
}

static bool call_copy_in(const CopyOperation *copy, const char *path, int tar, const char *name,
                         GError **error) {
    if (dist_settings.host)
        return copy_over_ssh(copy, path, tar, -1, name, "", false, error);
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "CopyIn");
    int r = call ? sd_bus_message_append(call, "ssha{sv}", copy->id, path, tar, 2, "Name", "s",
                                         name, "KeepOwners", "b", copy->archive)
                 : 0;

    if (r < 0)
        return dist_bad_reply(r, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(g_steal_pointer(&call), error) : NULL;
    return reply != NULL;
}

static bool ends_with_slash(const char *path) {
    return g_str_has_suffix(path, "/");
}

/* Whether the source is the contents of a directory, as opposed to the directory itself. */
static bool is_contents(const char *path) {
    return g_str_equal(path, ".") || g_str_has_suffix(path, "/.");
}

/* The directory and the last component of a path, which may end in slashes. The caller frees both.
 */
static void split_path(const char *path, char **directory, char **name) {
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    g_autofree char *trimmed = g_strndup(path, length);
    *directory = g_path_get_dirname(trimmed);
    *name = g_path_get_basename(trimmed);
}

/* Where a path that may be a symbolic link leads, whether or not anything is there. The caller
 * frees it. */
static char *follow_local_links(const char *path) {
    enum { MAX_LINKS = 40 };
    char *place = g_strdup(path);
    char *target;

    for (int i = 0; i < MAX_LINKS && (target = g_file_read_link(place, NULL)); i++) {
        g_autofree char *link = place;
        g_autofree char *parent = g_path_get_dirname(link);
        place = target[0] == '/' ? g_strdup(target) : g_build_filename(parent, target, NULL);
        g_free(target);
    }
    return place;
}

/* Whether a directory has a directory with this name, which a file must not replace. */
static bool has_directory(const char *directory, const char *name) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    struct stat status;

    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The local directory for a copy, and the name it gets there ("": its own, which is own_name).
 * *kind is what the source must be for that: "file", "directory", or "" for either. The caller
 * frees directory and name. */
static bool find_copy_target(const char *given, const char *own_name, char **directory, char **name,
                             const char **kind, GError **error) {
    g_autofree char *local = follow_local_links(given);
    struct stat status;

    *kind = "";
    /* tar would replace a device or a FIFO by the file. */
    if (stat(given, &status) == 0 && !S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               _("%s is neither a directory nor a regular file"), given);
    bool there = stat(local, &status) == 0;
    if (there && S_ISDIR(status.st_mode)) {
        *directory = g_strdup(given);
        *name = g_strdup("");
        *kind = has_directory(given, own_name) ? "directory" : "";
        return true;
    }
    /* A file that is named with a slash: tar would replace it by a directory. */
    if (!there && errno == ENOTDIR && ends_with_slash(local))
        return berth_error_set_errno(error, ENOTDIR, "%s", local);
    split_path(local, directory, name);
    *kind = there ? "file" : ends_with_slash(local) ? "directory" : "";
    return stat(*directory, &status) == 0 || berth_error_set_errno(error, errno, "%s", *directory);
}

static bool send_copy_out(const CopyOperation *copy, int tar, const char *name, const char *kind,
                          GError **error) {
    if (dist_settings.host)
        return copy_over_ssh(copy, copy->path, -1, tar, name, kind, false, error);
    g_autoptr(sd_bus_message) call = new_copy_out(copy, tar, name, kind, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(g_steal_pointer(&call), error) : NULL;

    return reply != NULL;
}

/* The topmost name in the archive. The caller frees it. */
static char *copy_out_get_member(const CopyOperation *copy, const char *name) {
    g_autofree char *own_name = g_path_get_basename(copy->path);

    if (name[0])
        return g_strdup(name);
    return g_str_equal(own_name, "/") || g_str_equal(own_name, "..") ? g_strdup(".")
                                                                     : g_steal_pointer(&own_name);
}

static int copy_out(const CopyOperation *copy, GError **error) {
    g_autofree char *directory = NULL, *name = NULL;
    const char *kind;
    int ends[2];

    if (g_str_equal(copy->local, "-"))
        return send_copy_out(copy, STDOUT_FILENO, cp_given.as, cp_given.kind, error) ? EXIT_SUCCESS
                                                                                     : EXIT_FAILURE;
    g_autofree char *own_name = copy_out_get_member(copy, "");
    if (!find_copy_target(copy->local, own_name, &directory, &name, &kind, error) ||
        !berth_fd_pipe(ends, error))
        return EXIT_FAILURE;
    berth_autofd int input = ends[0], output = ends[1];
    g_autofree char *member = copy_out_get_member(copy, name);
    bool is_foreign = !dist_bus_is_here();
    const char *arguments[] = {
        "tar", "-x", "-f", "-", "-C", directory, copy->archive ? "-p" : "--no-same-owner",
        /* Another host or machine must not create set-user-ID files for root here. */
        is_foreign && !copy->archive ? "--no-same-permissions" : "--no-overwrite-dir",
        "--no-overwrite-dir", "--warning=no-unknown-keyword",
        /* Nor may it create any file other than the one requested; the argument list ends here
         * otherwise. */
        is_foreign && !g_str_equal(member, ".") ? "--no-unquote" : NULL, "--no-wildcards", "--",
        member, NULL};
    berth_autofd int says = memfd_create("tar", MFD_CLOEXEC);
    pid_t pid = dist_tar_start((char *const *)arguments, input, -1, says, error);
    if (pid < 0)
        return EXIT_FAILURE;
    berth_fd_clear(&input);
    /* The message has its own descriptor. tar exits once the last one is closed. */
    bool called = send_copy_out(copy, output, name, kind, error);
    berth_fd_clear(&output);
    return dist_tar_finish(pid, called, says, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Whether the path is a directory in the container. There is no call for this, so an empty archive
 * is copied in, which fails unless the path is a directory. */
static bool is_container_directory(const CopyOperation *copy) {
    g_autoptr(GError) ignored = NULL;
    int ends[2];

    if (!berth_fd_pipe(ends, NULL))
        return false;
    berth_autofd int input = ends[0];
    close(ends[1]);
    return dist_settings.host ? copy_over_ssh(copy, copy->path, input, -1, "", "", true, &ignored)
                              : call_copy_in(copy, copy->path, input, "", &ignored);
}

/* The directory in the container for a copy, and the name it gets there. own_name is the name of
 * the source, "" for the contents of a directory. The caller frees directory and name. */
static bool find_destination(const CopyOperation *copy, const char *own_name,
                             bool source_is_directory, char **directory, char **name,
                             GError **error) {
    if (is_container_directory(copy)) {
        *directory = g_strdup(copy->path);
        *name = g_strdup(own_name);
        return true;
    }
    if (ends_with_slash(copy->path) && !source_is_directory)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               _("%s:%s is not a directory in the container"), copy->id,
                               copy->path);
    split_path(copy->path, directory, name);
    return true;
}

static int copy_in(const CopyOperation *copy, GError **error) {
    g_autofree char *directory = NULL, *name = NULL, *parent = NULL, *base = NULL;
    bool contents = is_contents(copy->local);
    struct stat status;
    int ends[2];

    if (g_str_equal(copy->local, "-"))
        return call_copy_in(copy, copy->path, STDIN_FILENO, cp_given.as, error) ? EXIT_SUCCESS
                                                                                : EXIT_FAILURE;
    g_autofree char *trimmed = g_canonicalize_filename(copy->local, NULL);
    g_autofree char *own_name = g_path_get_basename(trimmed);
    /* A symbolic link is followed, and so must lead somewhere, as with podman-cp(1). */
    g_autofree char *real = realpath(copy->local, NULL);
    if (!real || lstat(real, &status) < 0)
        return berth_error_set_errno(error, errno, "%s", copy->local), EXIT_FAILURE;
    if (!find_destination(copy, contents ? "" : own_name, S_ISDIR(status.st_mode), &directory,
                          &name, error) ||
        !berth_fd_pipe(ends, error))
        return EXIT_FAILURE;
    berth_autofd int input = ends[0], output = ends[1];
    split_path(real, &parent, &base);
    bool inside = contents && name[0] == '\0';
    /* Without the option, tar takes backslashes in names for escapes. */
    const char *arguments[] = {"tar",
                               "-c",
                               "-f",
                               "-",
                               "-C",
                               inside ? real : parent,
                               "--no-unquote",
                               "--",
                               inside ? "." : base,
                               NULL};
    berth_autofd int says = memfd_create("tar", MFD_CLOEXEC);
    pid_t pid = dist_tar_start((char *const *)arguments, -1, output, says, error);
    if (pid < 0)
        return EXIT_FAILURE;
    berth_fd_clear(&output);
    bool called = call_copy_in(copy, directory, input, name, error);
    berth_fd_clear(&input);
    return dist_tar_finish(pid, called, says, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

typedef struct {
    bool ended;
    GError *error;
} Sending;

static int copy_on_sent(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Sending *sending = userdata;

    (void)error;
    sending->ended = true;
    if (sd_bus_message_is_method_error(reply, NULL))
        berth_error_set(&sending->error,
                        berth_error_from_bus_name(sd_bus_message_get_error(reply)->name), "%s",
                        sd_bus_message_get_error(reply)->message);
    return 0;
}

/* CopyIn has failed first: its error has the reason, and CopyOut only saw that nobody reads. */
static bool copying_lost_reader(const GError *error) {
    return g_str_has_suffix(error->message, "Broken pipe");
}

/* Copies from one container to another: CopyOut writes to the pipe that CopyIn reads from. Both
 * must be under way at the same time, so the first one is sent without waiting for its reply. */
static int copy_across(const CopyOperation *from, const CopyOperation *to, GError **error) {
    g_autofree char *directory = NULL, *name = NULL, *parent = NULL, *own_name = NULL;
    bool contents = is_contents(from->path);
    Sending sending = {0};
    int ends[2], r = 0;

    split_path(from->path, &parent, &own_name);
    /* Whether the source is a directory is not known here, and find_destination() assumes it is. If
     * the target ends in a slash, "Kind" has berth-copy check it. */
    if (!find_destination(to, contents ? "" : own_name, true, &directory, &name, error) ||
        !berth_fd_pipe(ends, error))
        return EXIT_FAILURE;
    berth_autofd int input = ends[0], output = ends[1];
    bool renamed = name[0] && !g_str_equal(directory, to->path);
    g_autoptr(sd_bus_message) call =
        new_copy_out(from, output, renamed ? name : "",
                     renamed && ends_with_slash(to->path) ? "directory" : "", error);
    if (!call)
        return EXIT_FAILURE;
    r = sd_bus_call_async(dist_bus(NULL), NULL, call, copy_on_sent, &sending, UINT64_MAX);
    if (r < 0 || (r = sd_bus_flush(dist_bus(NULL))) < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    /* The message also holds a descriptor of the pipe: CopyIn does not end while one is open. */
    call = sd_bus_message_unref(call);
    berth_fd_clear(&output);
    bool called = call_copy_in(to, directory, input, "", error);
    berth_fd_clear(&input);
    while (!sending.ended && r >= 0)
        if ((r = sd_bus_process(dist_bus(NULL), NULL)) == 0)
            r = sd_bus_wait(dist_bus(NULL), UINT64_MAX);
    if (sending.error && !called && copying_lost_reader(sending.error)) {
        g_clear_error(&sending.error);
        return EXIT_FAILURE;
    }
    if (sending.error) {
        /* CopyIn only saw the pipe end: CopyOut's error has the reason. */
        g_clear_error(error);
        g_propagate_error(error, sending.error);
        return EXIT_FAILURE;
    }
    return called && r >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int copy_between(const char *from, const char *to, gboolean archive, GError **error) {
    CopyOperation source = {.local = to, .archive = archive},
                  target = {.local = from, .archive = archive};
    bool out = split_container_path(from, &source.id, &source.path),
         in = split_container_path(to, &target.id, &target.path);
    int status = EXIT_FAILURE;

    if (out && in && dist_settings.host)
        status = dist_host_run_there(error);
    else if (out && in)
        status = copy_across(&source, &target, error);
    else if (out)
        status = copy_out(&source, error);
    else if (in)
        status = copy_in(&target, error);
    else
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("one of the two must be ID:PATH"));
    g_free(source.id);
    g_free(source.path);
    g_free(target.id);
    g_free(target.path);
    return status;
}

static const DistOption cp_options[] = {
    {"archive", 'a', DIST_OPTION_FLAG, &cp_given.archive, N_("Keep owners"), NULL},
    {"follow-link", 'L', DIST_OPTION_FLAG, &cp_given.follow,
     N_("If the source is a symbolic link, copy what it leads to"), NULL},
    {"as", 0, DIST_OPTION_TEXT, &cp_given.as, N_("With \"-\": set the name of the copy"),
     N_("NAME")},
    {"kind", 0, DIST_OPTION_TEXT, &cp_given.kind,
     N_("With \"-\": fail unless the source is a file, or a directory"), N_("KIND")},
    DIST_OPTION_END,
};

static int verb_cp(char **argv, GError **error) {
    signal(SIGPIPE, SIG_IGN);
    return copy_between(argv[1], argv[2], cp_given.archive, error);
}

/* A line is a kind and a path, in which the service escapes bytes that are not text. */
static bool print_changes(int file, GError **error) {
    const DistColumn columns[] = {
        {"path", _("PATH"), DIST_CELL_TEXT}, {"kind", _("KIND"), DIST_CELL_TEXT}, {NULL, NULL, 0}};
    g_autoptr(DistTable) table = dist_table_new(columns);
    size_t size;

    if (lseek(file, 0, SEEK_SET) < 0)
        return berth_error_set_errno(error, errno, "%s", _("read the changes"));
    g_autofree char *text = berth_fd_read_stream(file, MAX_CHANGES_BYTES, &size, error);
    if (!text)
        return false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if ((*line)[0] && (*line)[1] == ' ') {
            (*line)[1] = '\0';
            dist_table_add(table, *line + 2, *line);
        }
    return dist_table_print(table, error);
}

/* The service writes lines to a descriptor: standard output itself or, for other formats, a file
 * that is read back. A pipe would fill up, since its reader waits for the reply. */
static int verb_diff(char **argv, GError **error) {
    bool is_plain = dist_table_is_unasked();
    berth_autofd int file = is_plain ? -1 : memfd_create("changes", MFD_CLOEXEC);

    if (!is_plain && file < 0)
        return berth_error_set_errno(error, errno, "%s", _("read the changes")), EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTAINERS, "Changes", "sha{sv}",
                                                argv[1], is_plain ? STDOUT_FILENO : file, 0);
    return reply && (is_plain || print_changes(file, error)) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_container_path(const char *text) {
    g_autofree char *id = NULL, *path = NULL;

    return split_container_path(text, &id, &path);
}

static bool copies_out(char **argv) {
    return is_container_path(argv[1]) && !is_container_path(argv[2]);
}

const DistVerb dist_copy_verbs[] = {
    {.name = "cp",
     .arguments = N_("ID:PATH LOCAL | LOCAL ID:PATH | ID:PATH ID:PATH"),
     .summary = N_("Copy files out of a container, into one, or between two"),
     .options = cp_options,
     .run = verb_cp,
     .flags = DIST_VERB_STREAMS,
     .writes_here = copies_out,
     .min = 2,
     .max = 2,
     .details = N_("LOCAL \"-\" reads or writes a tar archive on the standard streams."),
     .example = "dist cp web:/etc/nginx ."},
    {.name = "diff",
     .arguments = N_("ID"),
     .summary = N_("List files that a container added (A), changed (C) and deleted (D)"),
     .options = dist_table_options,
     .run = verb_diff,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = NULL},
};
