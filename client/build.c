/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist build: runs buildah(1) as the user to build a Containerfile. Base images come from the
 * service's store, which pulls those that it does not have; the result is imported. Images pass
 * between the two as archives in a directory made for this build alone. A base image is passed to
 * buildah only once; later builds find it there under a name that contains its digest.
 */

#include "client/build.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/containerfile.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/progress-view.h"
#include "client/progress.h"
#include "client/pull.h"
#include "client/run-values.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 4 * 1024 * 1024 };

static struct {
    char **tags, **arguments, **secrets, **labels, **annotations, **environment;
    char **servers, **search, **resolver_options, **volumes;
    char *file, *target, *ignore_file, *network;
    gboolean no_cache, pull, tls_verify, force_rm;
} given = {.tls_verify = TRUE};

static const char *const build_networks[] = {"host", "none", "private", NULL};

const DistOption dist_build_options[] = {
    {"tag", 't', DIST_OPTION_LIST, &given.tags, N_("Name the image; may be given several times"),
     N_("NAME")},
    {"file", 'f', DIST_OPTION_TEXT, &given.file,
     N_("Use this Containerfile; that of the directory, or its Dockerfile, if not given"),
     N_("FILE")},
    {"build-arg", 0, DIST_OPTION_LIST, &given.arguments, N_("Set the value of an ARG"),
     N_("NAME[=VALUE]")},
    {"target", 0, DIST_OPTION_TEXT, &given.target,
     N_("Build this stage; the last one if not "
        "given"),
     N_("STAGE")},
    {"secret", 0, DIST_OPTION_LIST, &given.secrets,
     N_("Pass a secret for RUN "
        "--mount=type=secret"),
     N_("id=ID,src=FILE")},
    {"label", 0, DIST_OPTION_LIST, &given.labels, N_("Add a label"), N_("KEY=VALUE")},
    {"annotation", 0, DIST_OPTION_LIST, &given.annotations, N_("Add an annotation"),
     N_("KEY=VALUE")},
    {"env", 0, DIST_OPTION_LIST, &given.environment, N_("Set a variable of the image"),
     N_("NAME[=VALUE]")},
    {"ignorefile", 0, DIST_OPTION_TEXT, &given.ignore_file,
     N_("List of files to leave out, instead of .containerignore"), N_("FILE")},
    {"volume", 'v', DIST_OPTION_LIST, &given.volumes, N_("Mount a directory for RUN"),
     N_("SOURCE:TARGET[:OPTIONS]")},
    {"network", 0, DIST_OPTION_TEXT, &given.network, N_("Network for RUN: host, none or private"),
     N_("MODE"), .choices = build_networks},
    {"dns", 0, DIST_OPTION_LIST, &given.servers, N_("Name server for RUN"), N_("ADDRESS")},
    {"dns-option", 0, DIST_OPTION_LIST, &given.resolver_options, N_("Option of resolv.conf"),
     N_("OPTION")},
    {"dns-search", 0, DIST_OPTION_LIST, &given.search, N_("Search domain"), N_("DOMAIN")},
    {"force-rm", 0, DIST_OPTION_FLAG, &given.force_rm,
     N_("Remove intermediate containers also after a failure"), NULL},
    {"tls-verify", 0, DIST_OPTION_FLAG, &given.tls_verify,
     N_("=false: allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_INCLUDE(dist_retry_options),
    {"no-cache", 0, DIST_OPTION_FLAG, &given.no_cache, N_("Do not use cached steps"), NULL},
    {"pull", 0, DIST_OPTION_FLAG, &given.pull, N_("Pull the base images again"), NULL},
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

/* State of one build. */
typedef struct {
    char *buildah;
    char *directory; /* holds the archives */
} Build;

/* Archives are large, so they are removed after an error, too. */
static void build_clear(Build *build) {
    if (build->directory) {
        for (const char *const *name = (const char *const[]){"base.tar", "image.tar", "id", NULL};
             *name; name++) {
            g_autofree char *path = g_build_filename(build->directory, *name, NULL);
            unlink(path);
        }
        rmdir(build->directory);
    }
    g_free(build->directory);
    g_free(build->buildah);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Build, build_clear)

/* Runs in the child. The output of buildah's steps is progress and goes to standard error: standard
 * output is for the name of the image. */
static void prepare_child(gpointer keeps_output) {
    signal(SIGINT, SIG_DFL);
    if (!keeps_output)
        dup2(STDERR_FILENO, STDOUT_FILENO);
}

/* Runs buildah and waits for it; output: what it prints, or NULL to show it. Ctrl-C ends buildah
 * only: dist must still remove the archives before it exits. */
static bool run_buildah(char *const *arguments, char **output, GError **error) {
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    g_autoptr(GError) local = NULL;
    int status = 0;

    sigaction(SIGINT, &ignore, &before);
    bool good = g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_CHILD_INHERITS_STDIN,
                             prepare_child, output, output, NULL, &status, &local) &&
                g_spawn_check_wait_status(status, &local);
    sigaction(SIGINT, &before, NULL);
    return good || berth_error_set(error, BERTH_ERROR_INTERNAL, _("buildah %s failed: %s"),
                                   arguments[1], local->message);
}

/* Whether buildah succeeded. Its messages are not shown, since a failure is expected. */
static bool try_buildah(const Build *build, const char *verb, const char *first,
                        const char *second) {
    char *arguments[] = {build->buildah, (char *)verb, (char *)first, (char *)second, NULL};
    int status = -1;

    return g_spawn_sync(NULL, arguments, NULL,
                        G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
                        NULL, &status, NULL) &&
           g_spawn_check_wait_status(status, NULL);
}

static bool build_begin(Build *build, GError **error) {
    const char *temporary = g_getenv("TMPDIR");

    build->buildah = g_find_program_in_path("buildah");
    if (!build->buildah)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "%s",
                               _("buildah is not installed; it is in the package \"buildah\""));
    /* Not in /tmp: an archive may be larger than the memory behind a tmpfs. */
    g_autofree char *directory =
        g_build_filename(temporary ? temporary : "/var/tmp", "dist-build-XXXXXX", NULL);
    if (!g_mkdtemp(directory))
        return berth_error_set_errno(error, errno, _("write %s"), directory);
    build->directory = g_steal_pointer(&directory);
    return true;
}

static char *find_file(const char *context, GError **error) {
    static const char *const names[] = {"Containerfile", "Dockerfile", NULL};

    if (given.file)
        return g_strdup(given.file);
    for (const char *const *name = names; *name; name++) {
        g_autofree char *path = g_build_filename(context, *name, NULL);
        if (access(path, F_OK) == 0)
            return g_steal_pointer(&path);
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("%s has no Containerfile and no Dockerfile"),
                    context);
    return NULL;
}

/* NULL with error. The list has the images that all stages are based on, except other stages. */
static char **list_bases(const char *path, GError **error) {
    size_t size;
    berth_autofd int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return berth_error_set_errno(error, errno, "%s", path), NULL;
    g_autofree char *text = berth_fd_read_stream(file, MAX_FILE_BYTES, &size, error);
    return text ? dist_containerfile_list_images(text, given.arguments) : NULL;
}

/* The digest of an image in the store, which is pulled if it is missing. */
static char *find_base(const char *name, GError **error) {
    DistTarget target = {"", "", 0};
    const DistField fields[] = {{"Target", "(sst)", &target}, {NULL, NULL, NULL}};
    g_autoptr(GError) local = NULL;

    if (given.pull && !dist_pull(name, !given.tls_verify, error))
        return NULL;
    g_autoptr(sd_bus_message) reply = dist_call(&local, DIST_IMAGES, "Get", "sa{sv}", name, 0);
    if (!reply && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)) {
        if (!dist_pull(name, !given.tls_verify, error))
            return NULL;
        reply = dist_call(error, DIST_IMAGES, "Get", "sa{sv}", name, 0);
    } else if (!reply) {
        g_propagate_error(error, g_steal_pointer(&local));
    }
    int r = reply ? dist_dictionary_read(reply, fields) : 0;
    if (r < 0)
        dist_bad_reply(r, error);
    return reply && r >= 0 ? g_strdup(target.digest) : NULL;
}

/* Exports this machine's platform only, which is the one that buildah builds for here. */
static bool export_base(const char *name, const char *path, GError **error) {
    g_auto(DistResult) result = {0};
    const char *names[] = {name, NULL};
    berth_autofd int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r;

    if (file < 0)
        return berth_error_set_errno(error, errno, _("write %s"), path);
    g_autofree char *platform = dist_get_platform();
    sd_bus_message *call = dist_new_call(error, DIST_IMAGES, "Export");
    if (!call)
        return false;
    if ((r = sd_bus_message_append_strv(call, (char **)names)) < 0 ||
        (r = sd_bus_message_append(call, "ha{sv}", file, 1, "Platform", "s", platform)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error);
    }
    return dist_wait_reply(dist_send(call, error), &result, error);
}

/* Makes an image known to buildah under the name that the Containerfile uses. */
static bool provide_base(const Build *build, const char *written, GError **error) {
    g_autofree char *name = dist_complete_reference(written);
    g_autofree char *digest = find_base(name, error);

    if (!digest)
        return false;
    const char *hex = strchr(digest, ':') + 1;
    g_autofree char *kept = g_strconcat("localhost/berth:", hex, NULL);
    /* buildah cannot tag an image with a name that has a digest: it looks such a name up by its
     * digest. */
    bool is_digest = strchr(name, '@') != NULL;
    /* The tag succeeds if buildah still has the image from an earlier build, and nothing else has
     * to be done. Otherwise the image is passed through an archive, once. */
    if (!try_buildah(build, "tag", kept, is_digest ? kept : name)) {
        g_autofree char *path = g_build_filename(build->directory, "base.tar", NULL);
        g_autofree char *archive = g_strconcat("oci-archive:", path, NULL);
        g_autofree char *id = NULL;
        char *pull[] = {build->buildah, (char *)"pull", (char *)"-q", archive, NULL};
        if (!export_base(name, path, error) || !run_buildah(pull, &id, error))
            return false;
        g_strstrip(id);
        try_buildah(build, "tag", id, kept);
        if (!is_digest)
            try_buildah(build, "tag", id, name);
    }
    return true;
}

static void add_pairs(GPtrArray *arguments, const char *option, char *const *values) {
    for (; values && *values; values++) {
        g_ptr_array_add(arguments, g_strdup(option));
        g_ptr_array_add(arguments, g_strdup(*values));
    }
}

/* Passes on the options that buildah has in the same form. */
static void add_run_options(GPtrArray *arguments) {
    const struct {
        const char *option, *value;
    } texts[] = {{"--ignorefile", given.ignore_file}, {"--network", given.network}};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value)
            g_ptr_array_add(arguments, g_strconcat(texts[i].option, "=", texts[i].value, NULL));
    add_pairs(arguments, "--annotation", given.annotations);
    add_pairs(arguments, "--env", given.environment);
    add_pairs(arguments, "--volume", given.volumes);
    add_pairs(arguments, "--dns", given.servers);
    add_pairs(arguments, "--dns-option", given.resolver_options);
    add_pairs(arguments, "--dns-search", given.search);
    if (given.force_rm)
        g_ptr_array_add(arguments, g_strdup("--force-rm"));
}

/* --pull-never: the base images have already been provided, from the service's store. --layers
 * keeps the results of steps as buildah's cache. */
static bool build_run(const Build *build, const char *file, const char *context, GError **error) {
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    const char *const fixed[] = {build->buildah, "build", "--pull-never", "--file", file, NULL};
    g_autofree char *id = g_strconcat("--iidfile=", build->directory, "/id", NULL);

    for (const char *const *word = fixed; *word; word++)
        g_ptr_array_add(arguments, g_strdup(*word));
    g_ptr_array_add(arguments, g_steal_pointer(&id));
    g_ptr_array_add(arguments, g_strdup(given.no_cache ? "--no-cache" : "--layers"));
    if (dist_settings.quiet)
        g_ptr_array_add(arguments, g_strdup("--quiet"));
    if (given.target)
        g_ptr_array_add(arguments, g_strconcat("--target=", given.target, NULL));
    add_pairs(arguments, "--build-arg", given.arguments);
    add_pairs(arguments, "--secret", given.secrets);
    add_pairs(arguments, "--label", given.labels);
    add_run_options(arguments);
    g_ptr_array_add(arguments, g_strdup(context));
    g_ptr_array_add(arguments, NULL);
    return run_buildah((char *const *)arguments->pdata, NULL, error);
}

/* Writes the image to an archive; returns the archive's descriptor, or -1. */
static int build_push(const Build *build, GError **error) {
    g_autofree char *path = g_build_filename(build->directory, "image.tar", NULL);
    g_autofree char *archive = g_strconcat("oci-archive:", path, NULL);
    g_autofree char *id_path = g_build_filename(build->directory, "id", NULL);
    g_autofree char *id = NULL;
    char *push[] = {build->buildah, (char *)"push", (char *)"-q", NULL, archive, NULL};

    if (!g_file_get_contents(id_path, &id, NULL, NULL))
        return berth_error_set(error, BERTH_ERROR_INTERNAL, _("buildah %s failed: %s"), "build",
                               id_path),
               -1;
    push[3] = g_strstrip(id);
    if (!run_buildah(push, NULL, error))
        return -1;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        berth_error_set_errno(error, errno, "%s", path);
    return file;
}

/* Imports it under its first name; build_add_name() adds the others. */
static bool build_import_image(int file, const char *name, DistResult *result, GError **error) {
    sd_bus_message *reply =
        dist_call(error, DIST_IMAGES, "Import", "ha{sv}", file, 1, "Name", "s", name);

    return dist_wait_reply(reply, result, error);
}

/* Gives an image a second name: the new name gets the target of the first. */
static bool build_add_name(const char *name, const char *other, GError **error) {
    DistTarget target = {"", "", 0};
    const DistField fields[] = {{"Target", "(sst)", &target}, {NULL, NULL, NULL}};
    g_autoptr(sd_bus_message) image = dist_call(error, DIST_IMAGES, "Get", "sa{sv}", name, 0);
    int r = image ? dist_dictionary_read(image, fields) : 0;

    if (!image || r < 0)
        return image ? dist_bad_reply(r, error) : false;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_IMAGES, "Put", "s(sst)a{ss}a{sv}", other, target.media_type,
                  target.digest, target.size, 0, 0);
    return reply != NULL;
}

/* The image is completely stored under its first name before it gets other names. */
static bool store_image(const Build *build, GError **error) {
    g_autofree char *name = dist_complete_reference(given.tags[0]);
    g_auto(DistResult) result = {0};
    berth_autofd int file = build_push(build, error);

    if (file < 0 || !build_import_image(file, name, &result, error) ||
        !dist_finish_transfer(dist_call(error, DIST_IMAGES, "Unpack", "sa{sv}", name, 0), name,
                              error))
        return false;
    for (char **tag = given.tags + 1; *tag; tag++) {
        g_autofree char *other = dist_complete_reference(*tag);
        if (!build_add_name(name, other, error))
            return false;
        puts(other);
    }
    return true;
}

int dist_verb_build(char **argv, GError **error) {
    const char *context = argv[1] ? argv[1] : ".";
    g_auto(Build) build = {0};

    if (!given.tags) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("build needs --tag: an image without a name is not kept"));
        return EXIT_FAILURE;
    }
    for (char **tag = given.tags; *tag; tag++) {
        g_autofree char *name = dist_complete_new_name(*tag, error);
        if (!name)
            return EXIT_FAILURE;
    }
    g_autofree char *file = find_file(context, error);
    g_auto(GStrv) bases = file ? list_bases(file, error) : NULL;
    if (!bases || !build_begin(&build, error))
        return EXIT_FAILURE;
    for (char **base = bases; *base; base++)
        if (!provide_base(&build, *base, error))
            return EXIT_FAILURE;
    return build_run(&build, file, context, error) && store_image(&build, error) ? EXIT_SUCCESS
                                                                                 : EXIT_FAILURE;
}
