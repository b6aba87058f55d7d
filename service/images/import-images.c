/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Determines which images an archive contains, once all its members are in the store. In a layout,
 * the index lists them. In a docker archive, manifest.json lists configurations and layers, for
 * which manifests are created here, one after the other. A root file system becomes a single layer,
 * for which a configuration is created first. The import owns the object.
 */

#include "base/digest.h"
#include "base/limits.h"
#include "base/names.h"
#include "images/import-private.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <string.h>

/* An image without a manifest; its members belong to the table. */
typedef struct {
    const BerthImportMember *config;
    GPtrArray *layers; /* of BerthImportMember */
    char **tags;
} DockerImage;

struct BerthImportImages {
    const BerthImportContext *context;
    BerthImportKind kind;
    int document;
    int docker_document; /* manifest.json beside the index of a layout; -1: none */
    BerthImportMembers *members;
    char *name;
    char **command;
    GPtrArray *docker;         /* of DockerImage */
    guint next;                /* the one to get a manifest next */
    GPtrArray *found;          /* of BerthImportedImage */
    BerthTextStoring *storing; /* a document created here, while it is being stored */
    BerthImportFound done;
    void *userdata;
};

static void import_images_write_next(BerthImportImages *images);

static void docker_image_free(gpointer data) {
    DockerImage *image = data;

    g_ptr_array_unref(image->layers);
    g_strfreev(image->tags);
    g_free(image);
}

static void imported_image_free(gpointer data) {
    BerthImportedImage *image = data;

    berth_descriptor_free(image->target);
    g_free(image->name);
    g_free(image);
}

BerthImportImages *berth_import_images_new(const BerthImportContext *context,
                                           const BerthImportImagesRequest *request,
                                           BerthImportFound done, void *userdata) {
    BerthImportImages *images = g_new0(BerthImportImages, 1);

    images->context = context;
    images->kind = request->kind;
    images->document = request->document;
    images->docker_document = request->docker;
    images->members = request->members;
    images->name = g_strdup(request->name);
    images->command = g_strdupv((char **)request->command);
    images->docker = g_ptr_array_new_with_free_func(docker_image_free);
    images->found = g_ptr_array_new_with_free_func(imported_image_free);
    images->done = done;
    images->userdata = userdata;
    return images;
}

void berth_import_images_free(BerthImportImages *images) {
    if (!images)
        return;
    berth_contents_forget_text(images->storing);
    g_ptr_array_unref(images->docker);
    g_ptr_array_unref(images->found);
    g_strfreev(images->command);
    g_free(images->name);
    g_free(images);
}

static void import_images_fail(BerthImportImages *images, const GError *error) {
    images->done(NULL, error, images->userdata);
}

static void import_images_finish(BerthImportImages *images) {
    g_autoptr(GError) error = NULL;

    if (images->found->len > 0) {
        images->done(images->found, NULL, images->userdata);
        return;
    }
    if (images->kind == BERTH_IMPORT_LAYOUT && images->docker_document >= 0) {
        /* Some tools write an index without entries beside manifest.json. */
        images->kind = BERTH_IMPORT_DOCKER;
        images->document = images->docker_document;
        berth_import_images_start(images);
        return;
    }
    berth_error_set(&error, BERTH_ERROR_INVALID_ARGUMENT, "the archive holds no image");
    import_images_fail(images, error);
}

/* Completes a name as docker does. In a layout, the name may be just a tag. */
static char *complete_name(const char *fallback, const char *name) {
    if (name[0] == '\0')
        return g_strdup(fallback);
    if (strpbrk(name, "/:@"))
        return berth_name_complete_image(name);
    /* A tag on its own belongs to the requested name. */
    return fallback[0] ? g_strdup(fallback) : g_strconcat("localhost/imported:", name, NULL);
}

/* A name with the digest of something else would lie about what it stands for. */
static bool check_digest_of_name(const char *name, const BerthDescriptor *target, GError **error) {
    const char *at = strchr(name, '@');

    return !at || !berth_digest_is_valid(at + 1) || g_str_equal(at + 1, target->digest) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the archive gives the name \"%.300s\" to an image with the digest %s",
                           name, target->digest);
}

/* Records an image that was found, unless one of the same name ranks higher. Whether it is complete
 * is checked later. */
static bool import_images_add(BerthImportImages *images, const BerthDescriptor *target,
                              const char *name, unsigned rank, GError **error) {
    g_autofree char *whole = complete_name(images->name, name);

    if (!check_digest_of_name(whole, target, error))
        return false;
    for (guint i = 0; whole[0] && i < images->found->len; i++) {
        const BerthImportedImage *other = images->found->pdata[i];
        if (!g_str_equal(other->name, whole))
            continue;
        if (other->rank > rank)
            return true;
        g_ptr_array_remove_index(images->found, i);
        break;
    }
    BerthImportedImage *image = g_new0(BerthImportedImage, 1);
    image->target = berth_descriptor_copy(target);
    image->name = g_steal_pointer(&whole);
    image->rank = rank;
    g_ptr_array_add(images->found, image);
    return true;
}

/* An image with several tags becomes one image for each tag, all with this manifest. */
static void import_images_on_manifest(const char *digest, uint64_t size, const GError *error,
                                      void *userdata) {
    BerthImportImages *images = userdata;
    const DockerImage *image = images->docker->pdata[images->next];
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    images->storing = NULL;
    if (local || !berth_import_pin(images->context, digest, &local)) {
        import_images_fail(images, local);
        return;
    }
    g_autoptr(BerthDescriptor) target =
        berth_descriptor_new(BERTH_MEDIA_OCI_MANIFEST, digest, size);
    bool good = image->tags[0] || import_images_add(images, target, "", 0, &local);
    for (char **tag = image->tags; good && *tag; tag++)
        good = import_images_add(images, target, *tag, 0, &local);
    if (!good) {
        import_images_fail(images, local);
        return;
    }
    images->next++;
    import_images_write_next(images);
}

/* Stores one document at a time; if the import is freed meanwhile, its result is dropped. */
static void import_images_store(BerthImportImages *images, const char *text, BerthTextStored done) {
    images->storing =
        berth_contents_store_text(images->context->images->contents, text, done, images);
}

static void import_images_write_next(BerthImportImages *images) {
    if (images->next >= images->docker->len) {
        import_images_finish(images);
        return;
    }
    const DockerImage *image = images->docker->pdata[images->next];
    g_autofree char *text = berth_import_format_manifest(image->config, image->layers);
    import_images_store(images, text, import_images_on_manifest);
}

static DockerImage *import_images_add_docker(BerthImportImages *images, char **tags) {
    DockerImage *image = g_new0(DockerImage, 1);

    image->layers = g_ptr_array_new();
    image->tags = g_strdupv(tags);
    g_ptr_array_add(images->docker, image);
    return image;
}

static const BerthImportMember *import_images_find(BerthImportImages *images, const char *name,
                                                   GError **error) {
    const BerthImportMember *member = berth_import_members_find(images->members, name);

    if (!member)
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "the archive lacks \"%.200s\", which its manifest.json names", name);
    return member;
}

static bool import_images_take_docker(BerthImportImages *images, const char *config, char **tags,
                                      char **layers, GError **error) {
    DockerImage *image = import_images_add_docker(images, tags);

    if (!(image->config = import_images_find(images, config, error)))
        return false;
    for (char **layer = layers; *layer; layer++) {
        const BerthImportMember *member = import_images_find(images, *layer, error);
        if (!member)
            return false;
        g_ptr_array_add(image->layers, (gpointer)member);
    }
    return true;
}

static bool import_images_read_docker(BerthImportImages *images, sd_bus_message *reply,
                                      GError **error) {
    const char *config;
    int r = sd_bus_message_enter_container(reply, 'a', "(sasas)");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sasas")) > 0) {
        g_auto(GStrv) tags = NULL, layers = NULL;
        if (images->docker->len >= BERTH_MAX_REPLY_ITEMS ||
            !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &config) ||
            !berth_reply_read_strings(reply, &tags) || !berth_reply_read_strings(reply, &layers) ||
            sd_bus_message_exit_container(reply) < 0)
            return berth_reply_set_malformed("inspect", error);
        if (!import_images_take_docker(images, config, tags, layers, error))
            return false;
    }
    return r >= 0 || berth_reply_set_malformed("inspect", error);
}

/* Images in a docker archive have no manifests yet: one is written for each. */
static void import_images_on_docker(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImportImages *images = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (local || !import_images_read_docker(images, reply, &local))
        import_images_fail(images, local);
    else
        import_images_write_next(images);
}

/* A layout may have one name for several platforms (the example in image-layout.md): the image for
 * the requested platform then counts, before one that does not tell its platform. An index is for
 * all platforms. */
static unsigned rank_layout_entry(const BerthImportImages *images, const BerthDescriptor *target,
                                  const BerthPlatform *platform) {
    enum { RANK_OF_UNKNOWN = 1 };

    if (platform->os[0] || platform->architecture[0]) {
        unsigned match = berth_platform_match(images->context->platform, platform);
        return match > 0 ? RANK_OF_UNKNOWN + match : 0;
    }
    return berth_media_type_get_kind(target->media_type) == BERTH_KIND_INDEX ? G_MAXUINT
                                                                             : RANK_OF_UNKNOWN;
}

/* Adds one entry of index.json, whose container has been entered, and exits the container. */
static bool import_images_read_entry(BerthImportImages *images, sd_bus_message *reply,
                                     GError **error) {
    g_autoptr(BerthDescriptor) target = NULL;
    const char *name, *os, *architecture, *variant;

    if (images->found->len >= BERTH_MAX_REPLY_ITEMS ||
        berth_reply_read_descriptor(reply, &target) <= 0 ||
        !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &name) ||
        !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &os) ||
        !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &architecture) ||
        !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &variant) ||
        sd_bus_message_exit_container(reply) < 0)
        return berth_reply_set_malformed("inspect", error);
    /* Documents of other kinds may be listed, too, and need not be there (image-layout.md). */
    if (!name[0] && berth_media_type_get_kind(target->media_type) == BERTH_KIND_OTHER)
        return true;
    g_autoptr(BerthPlatform) platform = berth_platform_new(os, architecture, variant);
    return import_images_add(images, target, name, rank_layout_entry(images, target, platform),
                             error);
}

/* Reads the entries of index.json, with the names given by their annotations. If the reply is
 * malformed in part, nothing of it is used, since the import fails. */
static bool import_images_read_layout(BerthImportImages *images, sd_bus_message *reply,
                                      GError **error) {
    int r = sd_bus_message_enter_container(reply, 'a', "((sst)ssss)");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "(sst)ssss")) > 0)
        if (!import_images_read_entry(images, reply, error))
            return false;
    return r >= 0 || berth_reply_set_malformed("inspect", error);
}

static void import_images_on_layout(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImportImages *images = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (local || !import_images_read_layout(images, reply, &local))
        import_images_fail(images, local);
    else
        import_images_finish(images);
}

/* The configuration and the layer now look like those of a docker archive, and the manifest is
 * created in the same way. The names "config" and "rootfs" are used only here: such an archive has
 * no other members in the table. */
static void import_images_on_config(const char *digest, uint64_t size, const GError *error,
                                    void *userdata) {
    BerthImportImages *images = userdata;
    char *no_tags[] = {NULL};
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    images->storing = NULL;
    if (local || !berth_import_pin(images->context, digest, &local)) {
        import_images_fail(images, local);
        return;
    }
    DockerImage *image = import_images_add_docker(images, no_tags);
    berth_import_members_add(images->members, "config", digest, size);
    image->config = berth_import_members_find(images->members, "config");
    g_ptr_array_add(image->layers, (gpointer)berth_import_members_find(images->members, "rootfs"));
    import_images_write_next(images);
}

/* Creates the configuration of a root file system. Its layer is stored uncompressed, so that its
 * digest is its diff ID. */
static void import_images_make_config(BerthImportImages *images) {
    const BerthImportMember *layer = berth_import_members_find(images->members, "rootfs");
    g_autoptr(GError) error = NULL;

    if (!layer) {
        berth_error_set(&error, BERTH_ERROR_INVALID_ARGUMENT, "the root file system is empty");
        import_images_fail(images, error);
        return;
    }
    g_autofree char *text =
        berth_import_format_config(images->context->platform, images->command, layer->digest);
    import_images_store(images, text, import_images_on_config);
}

/* Layouts and docker archives are described by a document, which only berth-inspect reads. */
void berth_import_images_start(BerthImportImages *images) {
    BerthWorker *inspect = images->context->inspect;

    switch (images->kind) {
    case BERTH_IMPORT_LAYOUT:
        berth_call_inspect_layout(inspect, images->document, import_images_on_layout, images);
        break;
    case BERTH_IMPORT_DOCKER:
        berth_call_inspect_docker_archive(inspect, images->document, import_images_on_docker,
                                          images);
        break;
    case BERTH_IMPORT_ROOTFS:
    default:
        import_images_make_config(images);
    }
}
