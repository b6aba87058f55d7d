/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A MountReading goes through the mounts of a creation's options, one after the other: each image
 * is read like the container's own, of an artifact the manifest. It is owned by the reading that is
 * under way, reports once, and frees itself then. The one thing to know: its caller was allowed to
 * use each of the images by name (container_list_create_details in bus/containers-bus.c); here only
 * the names count, and content that a name does not reach is not here.
 */

#include "containers/mounted-images.h"

#include "base/limits.h"
#include "containers/core/object.h"
#include "containers/spec/image-mounts.h"
#include "store/provenance.h"

#include <string.h>

typedef struct {
    BerthContainers *containers;
    BerthCreateOptions *options;
    BerthImage *image; /* of the mount that is being read */
    guint next;        /* its index among the mounts */
    BerthPins *pins;
    GPtrArray *pinned; /* of char *, the same for the record */
    BerthMountedImagesRead read;
    void *userdata;
} MountReading;

static void mount_reading_go_on(MountReading *reading);

static void mount_reading_end(MountReading *reading, const GError *error) {
    BerthCreateOptions *options = reading->options;

    if (!error) {
        g_ptr_array_add(reading->pinned, NULL);
        options->pinned = (char **)g_ptr_array_free(g_steal_pointer(&reading->pinned), FALSE);
    }
    if (error)
        g_clear_pointer(&reading->pins, berth_pins_free);
    reading->read(reading->pins, error, reading->userdata);
    g_clear_pointer(&reading->pinned, g_ptr_array_unref);
    g_clear_pointer(&reading->image, berth_image_free);
    g_free(reading);
}

static void mount_reading_pin(MountReading *reading, const char *digest) {
    berth_pins_add(reading->pins, digest);
    g_ptr_array_add(reading->pinned, g_strdup(digest));
}

static BerthMountRequest *get_mount(const MountReading *reading) {
    return reading->options->mounts->pdata[reading->next];
}

static bool take_image(MountReading *reading, const BerthImageInfo *info, GError **error) {
    BerthImages *images = reading->containers->images;
    const char *name = reading->image->name;

    if (info->chain_id[0] == '\0')
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the image \"%s\" has no layers, so there is nothing to mount",
                               name);
    if (!berth_images_check_chain(images, name, info, error))
        return false;
    g_auto(GStrv) layers =
        berth_snapshot_store_list_chain(images->snapshots, info->chain_id, error);
    if (!layers)
        return false;
    mount_reading_pin(reading, info->chain_id);
    berth_image_mount_set_layers(get_mount(reading), layers);
    return true;
}

static void mount_reading_on_image(const BerthImageInfo *info, const GError *error,
                                   void *userdata) {
    MountReading *reading = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!info || !take_image(reading, info, &local)) {
        mount_reading_end(reading, local);
        return;
    }
    reading->next++;
    mount_reading_go_on(reading);
}

static bool is_wanted(const BerthImageMount *image, const char *digest, const char *title) {
    return (!image->title || g_str_equal(image->title, title)) &&
           (!image->digest || g_str_equal(image->digest, digest));
}

static guint count_wanted(const BerthImageMount *image, const BerthDocument *manifest) {
    guint count = 0;

    for (guint i = 0; i < manifest->layers->len; i++)
        count += is_wanted(image, ((BerthDescriptor *)manifest->layers->pdata[i])->digest,
                           manifest->titles[i]);
    return count;
}

/* A blob that the artifact's name does not reach may be another user's (store/provenance.h). */
static bool check_blob(const MountReading *reading, const char *digest, GError **error) {
    const BerthImages *images = reading->containers->images;

    return (berth_provenance_reaches(images->database, reading->image->name, digest) &&
            berth_content_store_has(berth_contents_get_store(images->contents), digest)) ||
           berth_error_set(error, BERTH_ERROR_NOT_FOUND, "content %s is not here", digest);
}

static char *make_blob_directory(const MountReading *reading, const char *digest) {
    g_auto(GStrv) parts = g_strsplit(digest, ":", 2);

    return g_build_filename(reading->containers->state_path, "content", "blobs", parts[0], NULL);
}

/* The mounts of the artifact's files are added behind the one that asks for them, and take its
 * place: in the order of mounting, they stand where it did. */
static bool take_blobs(MountReading *reading, const BerthDocument *manifest, GError **error) {
    BerthCreateOptions *options = reading->options;
    const BerthMountRequest *request = get_mount(reading);
    guint count = count_wanted(request->image, manifest), at = reading->next;

    if (count == 0)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "the artifact \"%s\" has no such file",
                               reading->image->name);
    /* The mount itself is replaced. */
    if (options->mounts->len - 1 + count > BERTH_MAX_MOUNTS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %u mounts",
                               BERTH_MAX_MOUNTS);
    for (guint i = 0, number = 0; i < manifest->layers->len; i++) {
        const char *digest = ((BerthDescriptor *)manifest->layers->pdata[i])->digest;
        if (!is_wanted(request->image, digest, manifest->titles[i]))
            continue;
        if (!check_blob(reading, digest, error))
            return false;
        g_autofree char *directory = make_blob_directory(reading, digest);
        const BerthArtifactFile file = {
            .directory = directory,
            .digest = digest,
            .title = manifest->titles[i],
            .number = number++,
            .count = count,
        };
        mount_reading_pin(reading, digest);
        g_ptr_array_insert(options->mounts, (gint)++at, berth_image_mount_new_file(request, &file));
    }
    g_ptr_array_remove_index(options->mounts, reading->next);
    reading->next += count;
    return true;
}

static void mount_reading_on_artifact(const BerthDocument *manifest, const GError *error,
                                      void *userdata) {
    MountReading *reading = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (manifest && berth_media_type_get_kind(manifest->config->media_type) == BERTH_KIND_CONFIG)
        berth_error_set(&local, BERTH_ERROR_UNSUPPORTED, "\"%s\" is an image, not an artifact",
                        reading->image->name);
    if (local || !take_blobs(reading, manifest, &local)) {
        mount_reading_end(reading, local);
        return;
    }
    mount_reading_go_on(reading);
}

/* Begins to read what the next mount needs, or ends. */
static void mount_reading_go_on(MountReading *reading) {
    const BerthContainers *containers = reading->containers;
    const GPtrArray *mounts = reading->options->mounts;
    g_autoptr(GError) error = NULL;

    while (reading->next < mounts->len && !get_mount(reading)->image)
        reading->next++;
    g_clear_pointer(&reading->image, berth_image_free);
    if (reading->next < mounts->len)
        reading->image =
            berth_image_store_get(containers->database, get_mount(reading)->image->name, &error);
    if (!reading->image)
        mount_reading_end(reading, error);
    else if (get_mount(reading)->image->is_artifact)
        berth_images_read_manifest(containers->images, reading->image->name, reading->image->target,
                                   mount_reading_on_artifact, reading);
    else
        berth_images_read_info(containers->images, reading->image->name, reading->image->target,
                               NULL, mount_reading_on_image, reading);
}

bool berth_mounted_images_given(const BerthCreateOptions *options) {
    for (guint i = 0; options->mounts && i < options->mounts->len; i++)
        if (((BerthMountRequest *)options->mounts->pdata[i])->image)
            return true;
    return false;
}

void berth_mounted_images_read(BerthContainers *containers, BerthCreateOptions *options,
                               BerthMountedImagesRead read, void *userdata) {
    MountReading *reading = g_new0(MountReading, 1);

    *reading = (MountReading){
        .containers = containers,
        .options = options,
        .pins = berth_pins_new(containers->images->contents),
        .pinned = g_ptr_array_new_with_free_func(g_free),
        .read = read,
        .userdata = userdata,
    };
    mount_reading_go_on(reading);
}
