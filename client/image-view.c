/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * docker's and podman's members for templates about an image. The image's configuration has those
 * of its contents; its names and its size come from the service. Templates prefer a name that
 * matches in case, so the configuration's own members, which begin with a small letter, remain.
 */

#include "client/image-view.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/listing.h"

#include <string.h>

/* The names of one target. */
typedef struct {
    const char *digest;
    json_object *tags, *digests;
    GHashTable *repositories; /* those in digests */
} SameNames;

static int append_properties(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return sd_bus_message_append(call, "{sv}", "Properties", "as", 1, "Target");
}

static int take_same_name(sd_bus_message *reply, char **key, void *userdata) {
    SameNames *same = userdata;
    DistTarget target = {"", "", 0};
    const DistField fields[] = {{"Target", "(sst)", &target}, {NULL, NULL, NULL}};
    const char *name;
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    *key = g_strdup(name);
    if (!g_str_equal(target.digest, same->digest))
        return 1;
    g_autofree char *repository = NULL, *tag = NULL;
    dist_split_reference(name, &repository, &tag);
    if (tag[0] && tag[0] != '@')
        berth_document_append_string(same->tags, name);
    g_autofree char *with_digest = g_strconcat(repository, "@", target.digest, NULL);
    if (g_hash_table_add(same->repositories, g_steal_pointer(&repository)))
        berth_document_append_string(same->digests, with_digest);
    return 1;
}

static bool add_names(json_object *image, const char *digest, GError **error) {
    const DistListing listing = {DIST_IMAGES, "List", .filter = append_properties};
    g_autoptr(GHashTable) repositories =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    SameNames same = {
        .digest = digest,
        .tags = berth_document_add_array(image, "RepoTags"),
        .digests = berth_document_add_array(image, "RepoDigests"),
        .repositories = repositories,
    };

    return dist_list(&listing, take_same_name, &same, error);
}

static void add_layers(json_object *image) {
    json_object *rootfs = json_object_object_get(image, "rootfs");
    json_object *view = berth_document_add_object(image, "RootFS");

    berth_document_add_string(view, "Type", "layers");
    json_object_object_add(view, "Layers",
                           json_object_get(json_object_object_get(rootfs, "diff_ids")));
}

bool dist_image_view_add(json_object *image, const char *text, const char *name, bool with_names,
                         GError **error) {
    g_autofree char *checksum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    g_autofree char *id = g_strconcat("sha256:", checksum, NULL);
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Get", "sa{sv}", name, 0);
    DistTarget target = {"", "", 0};
    uint64_t size = 0;
    const DistField fields[] = {
        {"Target", "(sst)", &target}, {"Size", "t", &size}, {NULL, NULL, NULL}};
    int r = reply ? dist_dictionary_read(reply, fields) : 0;

    if (!reply || r < 0)
        return reply ? dist_bad_reply(r, error) : false;
    berth_document_add_string(image, "Id", id);
    berth_document_add_string(image, "Digest", target.digest);
    berth_document_add_int(image, "Size", (int64_t)size);
    add_layers(image);
    /* docker's names of the configuration's own members. */
    berth_document_add_same(image, "Architecture", json_object_object_get(image, "architecture"));
    berth_document_add_same(image, "Os", json_object_object_get(image, "os"));
    berth_document_add_same(image, "Created", json_object_object_get(image, "created"));
    berth_document_add_same(image, "Config", json_object_object_get(image, "config"));
    return !with_names || add_names(image, target.digest, error);
}
