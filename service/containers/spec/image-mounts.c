/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A mount of another image has two states: as Create asks for it, by the image's name, and with its
 * layers. A mount of an artifact is replaced by one mount for each of its files. Everything is
 * read-only, nodev and nosuid: the files belong to the store, and other containers may use them.
 */

#include "containers/spec/image-mounts.h"

#include "base/digest.h"
#include "base/names.h"
#include "plan/plan.h"

#include <string.h>

bool berth_image_mount_is(char *const *options) {
    return options && (g_strv_contains((const char *const *)options, "image") ||
                       g_strv_contains((const char *const *)options, "artifact"));
}

/* Options that take away, or are the default. */
static bool is_plain_option(const char *option) {
    static const char *const names[] = {"ro",      "nosuid",      "nodev",   "noexec",
                                        "private", "nosymfollow", "noatime", NULL};

    return g_strv_contains(names, option);
}

static bool check_options(char *const *options, GError **error) {
    for (; options && *options; options++) {
        if (g_str_equal(*options, "rw"))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "images and artifacts are mounted read-only");
        if (!is_plain_option(*options))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "the mount option \"%.100s\" is not for an image or artifact",
                                   *options);
    }
    return true;
}

static bool check_blob_choice(const BerthImageMount *image, GError **error) {
    if (!image->is_artifact && (image->title || image->digest || image->file_name))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "title, digest and name are mount options for an artifact");
    if (image->title && image->digest)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the mount options title and digest exclude each other");
    if (image->digest && !berth_digest_is_valid(image->digest))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "invalid digest \"%.100s\"",
                               image->digest);
    return !image->file_name || berth_name_is_file(image->file_name) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "\"%.100s\" cannot be the name of a file", image->file_name);
}

BerthMountRequest *berth_image_mount_new(const char *source, const char *destination,
                                         char **options, GError **error) {
    if (!berth_mount_check_destination(destination, error) ||
        !berth_name_check_image(source, error))
        return NULL;
    BerthMountRequest *request = g_new0(BerthMountRequest, 1);
    BerthImageMount *image = g_new0(BerthImageMount, 1);
    image->is_artifact = berth_mount_take_option(options, "artifact");
    (void)berth_mount_take_option(options, "image");
    image->name = g_strdup(source);
    image->title = berth_mount_take_value(options, "title=");
    image->digest = berth_mount_take_value(options, "digest=");
    image->file_name = berth_mount_take_value(options, "name=");
    request->image = image;
    request->subpath = berth_mount_take_value(options, "subpath=");
    request->type = image->is_artifact ? "artifact" : "image";
    request->source = g_strdup(source);
    request->destination = g_strdup(destination);
    request->options = g_strdupv(options);
    if (!request->options)
        request->options = g_new0(char *, 1);
    if (!check_options(options, error) || !check_blob_choice(image, error) ||
        (image->is_artifact && request->subpath &&
         !berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                          "the mount option subpath is not for an artifact"))) {
        berth_mount_request_free(request);
        return NULL;
    }
    return request;
}

void berth_image_mount_set_layers(BerthMountRequest *request, char *const *layers) {
    GPtrArray *options = g_ptr_array_new();
    g_auto(GStrv) before = request->options;

    for (; *layers; layers++)
        g_ptr_array_add(options, g_strconcat("x-berth.layer=", *layers, NULL));
    if (request->subpath)
        g_ptr_array_add(options, g_strconcat("x-berth.subpath=", request->subpath, NULL));
    g_ptr_array_add(options, g_strdup("ro"));
    request->options = berth_mount_end_options(options, before);
}

/* As podman-run(1) names them: by title, by digest, or by the name that is given, to which the
 * number is added if there are several. */
static char *make_file_name(const BerthImageMount *image, const BerthArtifactFile *file) {
    if (image->file_name)
        return file->count > 1 ? g_strdup_printf("%s-%u", image->file_name, file->number)
                               : g_strdup(image->file_name);
    return file->title[0] ? g_strdup(file->title) : g_strdelimit(g_strdup(file->digest), ":", '-');
}

BerthMountRequest *berth_image_mount_new_file(const BerthMountRequest *request,
                                              const BerthArtifactFile *file) {
    BerthMountRequest *mount = g_new0(BerthMountRequest, 1);
    GPtrArray *options = g_ptr_array_new();
    g_autofree char *name = make_file_name(request->image, file);

    mount->type = request->type;
    mount->source = g_strdup(request->source);
    mount->destination = file->count > 1 ? g_build_filename(request->destination, name, NULL)
                                         : g_strdup(request->destination);
    /* The directory is the one layer of an image of which only the blob is mounted. */
    g_ptr_array_add(options, g_strconcat("x-berth.layer=", file->directory, NULL));
    g_ptr_array_add(options, g_strconcat("x-berth.subpath=", strchr(file->digest, ':') + 1, NULL));
    if (file->count == 1)
        g_ptr_array_add(options, g_strconcat("x-berth.name=", name, NULL));
    g_ptr_array_add(options, g_strdup("ro"));
    mount->options = berth_mount_end_options(options, request->options);
    return mount;
}
