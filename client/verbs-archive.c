/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * import, export and commit. The service reads and writes archives through a descriptor that dist
 * opens; for a directory that is a pipe to tar(1), whose process and descriptor a Stream owns.
 */

#include "client/verbs.h"

#include "base/fd.h"
#include "client/build.h"
#include "client/bus.h"
#include "client/containers.h"
#include "client/format.h"
#include "client/hosts.h"
#include "client/progress-view.h"
#include "client/progress.h"
#include "config.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static gboolean rootfs, no_unpack;
static char *name, *platform, *output, *input;

static const DistOption import_options[] = {
    {"input", 'i', DIST_OPTION_TEXT, &input,
     N_("File or directory to read, instead of an argument"), N_("PATH")},
    {"name", 0, DIST_OPTION_TEXT, &name, N_("Name for an image that has none in the archive"),
     N_("NAME")},
    {"rootfs", 0, DIST_OPTION_FLAG, &rootfs,
     N_("Make an image from an archive that is a root file system"), NULL},
    {"platform", 0, DIST_OPTION_TEXT, &platform,
     N_("Platform to choose or, with --rootfs, of the new image"), N_("OS/ARCH[/VARIANT]")},
    {"no-unpack", 0, DIST_OPTION_FLAG, &no_unpack, N_("Do not unpack it"), NULL},
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

/* podman's: an archive is in both formats at once, and may have several images. */
static const char *const export_formats[] = {"oci-archive", "docker-archive", "oci-dir", NULL};
static char *export_format;

static const DistOption export_options[] = {
    {"format", 0, DIST_OPTION_TEXT, &export_format,
     N_("oci-dir: make a directory; an archive can be read as oci-archive and as docker-archive"),
     N_("FORMAT"), .choices = export_formats},
    {"compress", 0, DIST_OPTION_REFUSED, NULL, N_("layers keep their own compression"), NULL},
    {"uncompressed", 0, DIST_OPTION_REFUSED, NULL, N_("layers keep their own compression"), NULL},
    {"multi-image-archive", 'm', DIST_OPTION_FLAG, NULL, NULL, NULL},
    {"output", 'o', DIST_OPTION_TEXT, &output,
     N_("File or directory to write to; standard output if not given"), N_("PATH")},
    {"platform", 0, DIST_OPTION_TEXT, &platform, N_("Export only this platform of an index"),
     N_("OS/ARCH[/VARIANT]")},
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

/* The descriptor for the service: a file, standard input or output, or a pipe to tar. */
typedef struct {
    pid_t pid; /* of tar, or 0 */
    int fd;
} Stream;

/* The pipe is closed first, which ends tar: one that still waited for bytes would never exit. */
static void clear_stream(Stream *stream) {
    berth_fd_clear(&stream->fd);
    if (stream->pid > 0)
        waitpid(stream->pid, NULL, 0);
    stream->pid = 0;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Stream, clear_stream)

/* Both ends are O_CLOEXEC: adddup2 clears the flag on tar's own end, and tar must not hold the
 * other one, or it would never see the end of the pipe. --no-same-owner, since dist may run as root
 * and the archive's owners have no meaning here. */
static bool spawn_tar(const char *directory, bool extracts, Stream *stream, GError **error) {
    char *arguments[] = {(char *)"tar",
                         (char *)"-C",
                         (char *)directory,
                         (char *)(extracts ? "-x" : "-c"),
                         (char *)"-f",
                         (char *)"-",
                         (char *)(extracts ? "--no-same-owner" : "."),
                         NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return berth_error_set_errno(error, errno, "%s", _("make a pipe"));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[extracts ? 0 : 1],
                                     extracts ? STDIN_FILENO : STDOUT_FILENO);
    int r = posix_spawnp(&stream->pid, "tar", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[extracts ? 0 : 1]);
    stream->fd = ends[extracts ? 1 : 0];
    return r == 0 || berth_error_set_errno(error, r, "%s", _("start tar"));
}

static bool is_local_directory(const char *path) {
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* tar exits when its pipe is closed; waits for it and checks that it could write everything. */
static bool finish_archive_tar(Stream *stream, GError **error) {
    int status = 0;

    berth_fd_clear(&stream->fd);
    if (stream->pid <= 0)
        return true;
    waitpid(stream->pid, &status, 0);
    stream->pid = 0;
    return status == 0 || berth_error_set(error, BERTH_ERROR_INTERNAL, "%s", _("tar failed"));
}

static bool open_input(const char *path, Stream *stream, GError **error) {
    if (!path || g_str_equal(path, "-"))
        stream->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (is_local_directory(path))
        return spawn_tar(path, false, stream, error);
    else
        stream->fd = open(path, O_RDONLY | O_CLOEXEC);
    return stream->fd >= 0 ||
           berth_error_set_errno(error, errno, _("open %s"), path ? path : _("standard input"));
}

static sd_bus_message *call_import(int fd, char **command, GError **error) {
    g_autofree char *complete = name ? dist_complete_new_name(name, error) : NULL;
    sd_bus_message *call = name && !complete ? NULL : dist_new_call(error, DIST_IMAGES, "Import");
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "h", fd)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (complete && (r = sd_bus_message_append(call, "{sv}", "Name", "s", complete)) < 0) ||
        (platform && (r = sd_bus_message_append(call, "{sv}", "Platform", "s", platform)) < 0) ||
        (rootfs && (r = sd_bus_message_append(call, "{sv}", "RootFS", "b", 1)) < 0) ||
        (command[0] && (r = dist_append_strings(call, "Command", command)) < 0) ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        dist_bad_reply(r, error);
        return NULL;
    }
    return dist_send(call, error);
}

/* Artifacts and images for other platforms cannot be unpacked. They are stored nevertheless, so
 * this is reported as a message and not as an error. */
static bool unpack_images(char **names, GError **error) {
    for (char **image = names; image && *image; image++) {
        g_autoptr(GError) local = NULL;
        sd_bus_message *reply = dist_call(&local, DIST_IMAGES, "Unpack", "sa{sv}", *image, 0);
        if (dist_finish_transfer(reply, *image, &local))
            continue;
        if (!g_error_matches(local, BERTH_ERROR, BERTH_ERROR_UNSUPPORTED) &&
            !g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        puts(*image);
        g_autofree char *reason = dist_format_message(local->message);
        fprintf(stderr, _("dist: stored, but not unpacked: %s\n"), reason);
    }
    return true;
}

static void print_names(const DistResult *result) {
    for (char **image = result->names; image && *image; image++)
        puts(*image);
    if ((!result->names || !result->names[0]) && result->digest) {
        puts(result->digest);
        fprintf(stderr, "%s\n", _("the archive has no name for it; give one with --name"));
    }
}

static int verb_import(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    const char *path = input ? input : argc > 1 ? argv[1] : NULL;
    /* The words after the path are a command. */
    char **command = argv + MIN(argc, input ? 1 : 2);
    g_auto(Stream) stream = {0, -1};
    g_auto(DistResult) result = {0};

    if (command[0] && !rootfs) {
        berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            _("\"%s\": a command can only be given with --rootfs; to make an image of a "
              "root file system, use --rootfs --name=NAME"),
            command[0]);
        return EXIT_FAILURE;
    }
    if (!open_input(path, &stream, error))
        return EXIT_FAILURE;
    if (dist_settings.host)
        return dist_host_run_with((DistWordReplacement){path, input ? NULL : "-"}, stream.fd, -1,
                                  error) &&
                       finish_archive_tar(&stream, error)
                   ? EXIT_SUCCESS
                   : EXIT_FAILURE;
    sd_bus_message *reply = call_import(stream.fd, command, error);
    /* The service has its own descriptor. If this one stayed open, tar would not notice when the
     * service closes its end. */
    berth_fd_clear(&stream.fd);
    if (!dist_wait_reply(reply, &result, error) || !finish_archive_tar(&stream, error))
        return EXIT_FAILURE;
    if (!no_unpack && result.names && result.names[0])
        return unpack_images(result.names, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    print_names(&result);
    return EXIT_SUCCESS;
}

/* An archive is written to a temporary file, which is renamed once it is complete. The caller frees
 * the temporary name, and renames or removes the file. */
static bool open_output(Stream *stream, char **temporary, GError **error) {
    if (!output) {
        if (isatty(STDOUT_FILENO))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                                   _("refusing to write an archive to a terminal; use --output"));
        stream->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    } else if (is_local_directory(output)) {
        return spawn_tar(output, true, stream, error);
    } else {
        *temporary = g_strconcat(output, ".XXXXXX", NULL);
        /* With the mode that the umask leaves, as for any file that a user writes. */
        stream->fd = g_mkstemp_full(*temporary, O_WRONLY | O_CLOEXEC, 0666);
    }
    return stream->fd >= 0 || berth_error_set_errno(error, errno, _("write %s"), output);
}

static bool export_to(int fd, char **images, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_auto(DistResult) result = {0};
    int r;

    for (; *images; images++)
        g_ptr_array_add(names, dist_complete_reference(*images));
    g_ptr_array_add(names, NULL);
    sd_bus_message *call = dist_new_call(error, DIST_IMAGES, "Export");
    if (!call)
        return false;
    if ((r = sd_bus_message_append_strv(call, (char **)names->pdata)) < 0 ||
        (r = sd_bus_message_append(call, "h", fd)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (platform && (r = sd_bus_message_append(call, "{sv}", "Platform", "s", platform)) < 0) ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error);
    }
    return dist_wait_reply(dist_send(call, error), &result, error);
}

/* In docker and podman, export is about containers. */
static void export_explain(const char *id, GError **error) {
    g_autoptr(DistContainer) container =
        g_error_matches(*error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND) && !dist_settings.host
            ? dist_container_get(id, NULL)
            : NULL;

    if (!container)
        return;
    g_clear_error(error);
    berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                    _("\"%s\" is not an image; \"dist cp %s:/ -\" writes a container's files"), id,
                    id);
}

/* The directory of an OCI layout is made, as podman does; an existing one is used. */
static bool prepare_format(GError **error) {
    if (!export_format)
        return true;
    if (!g_strv_contains(export_formats, export_format)) {
        g_autofree char *known = g_strjoinv(", ", (char **)export_formats);
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               _("--format=%s is not supported; use %s"), export_format, known);
    }
    if (!g_str_equal(export_format, "oci-dir"))
        return true;
    if (!output)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("%s needs %s"),
                               "--format=oci-dir", "--output");
    return mkdir(output, 0777) == 0 || errno == EEXIST ||
           berth_error_set_errno(error, errno, _("write %s"), output);
}

/* An existing file is replaced only by a complete archive. */
static int verb_export(char **argv, GError **error) {
    g_autofree char *temporary = NULL;
    g_auto(Stream) stream = {0, -1};

    if (!prepare_format(error) || !open_output(&stream, &temporary, error))
        return EXIT_FAILURE;
    bool sent = dist_settings.host
                    ? dist_host_run_with((DistWordReplacement){output, NULL}, -1, stream.fd, error)
                    : export_to(stream.fd, argv + 1, error);
    bool done = sent && finish_archive_tar(&stream, error);
    if (done && temporary && rename(temporary, output) < 0)
        done = berth_error_set_errno(error, errno, _("write %s"), output);
    if (!done && temporary)
        unlink(temporary);
    if (!done)
        export_explain(argv[1], error);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct {
    char *author;
    char *comment;
    gboolean no_unpack, pause;
} commit_given = {.pause = TRUE};

static const DistOption commit_options[] = {
    {"author", 'a', DIST_OPTION_TEXT, &commit_given.author, N_("Set the author"), N_("NAME")},
    {"message", 'm', DIST_OPTION_TEXT, &commit_given.comment, N_("Set the comment"), N_("TEXT")},
    {"no-unpack", 0, DIST_OPTION_FLAG, &commit_given.no_unpack, N_("Do not unpack it"), NULL},
    {"pause", 'p', DIST_OPTION_FLAG, &commit_given.pause,
     N_("Pause a running container meanwhile (default); with =false, refuse it"), NULL},
    {"change", 'c', DIST_OPTION_REFUSED, NULL,
     N_("a configuration comes from the image, or from a Containerfile; see \"dist build\""), NULL},
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

static int verb_commit(char **argv, GError **error) {
    g_autofree char *image = dist_complete_new_name(argv[2], error);
    if (!image)
        return EXIT_FAILURE;
    sd_bus_message *reply = dist_call(
        error, DIST_CONTAINERS, "Commit", "ssa{sv}", argv[1], image, 3, "Author", "s",
        commit_given.author ? commit_given.author : "", "Comment", "s",
        commit_given.comment ? commit_given.comment : "", "Pause", "b", (int)commit_given.pause);
    if (!dist_finish_transfer(reply, commit_given.no_unpack ? image : NULL, error))
        return EXIT_FAILURE;
    char *names[] = {image, NULL};
    return commit_given.no_unpack || unpack_images(names, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool exports_here(char **argv) {
    (void)argv;
    return true;
}

const DistVerb dist_archive_verbs[] = {
    {.name = "build",
     .arguments = N_("[DIRECTORY]"),
     .summary = N_("Build an image from a Containerfile"),
     .options = dist_build_options,
     .run = dist_verb_build,
     .flags = DIST_VERB_HERE,
     .max = 1,
     .details =
         N_("buildah(1) builds it, with the permissions of the user. Base images come from the "
            "service's store, and are pulled if they are missing."),
     .example = "dist build -t example/web:new ."},
    {.name = "import",
     .arguments = N_("[FILE|DIRECTORY [COMMAND…]]"),
     .summary = N_("Import images from an archive"),
     .options = import_options,
     .run = verb_import,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_STREAMS | DIST_VERB_STRICT,
     .details = N_("Reads an OCI layout or an archive of \"docker save\" or \"podman save\", from "
                   "standard input if no file is named."),
     .example = "dist import redis.tar"},
    {.name = "export",
     .arguments = N_("NAME…"),
     .summary = N_("Export images into an archive"),
     .options = export_options,
     .run = verb_export,
     .flags = DIST_VERB_STREAMS,
     .writes_here = exports_here,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist export -o redis.tar redis"},
    {.name = "commit",
     .arguments = N_("ID NAME"),
     .summary = N_("Create an image from a container"),
     .options = commit_options,
     .run = verb_commit,
     .min = 2,
     .max = 2,
     .example = "dist commit -m 'with my files' web example/web:mine"},
    {.name = NULL},
};
