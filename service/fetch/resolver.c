/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Resolution asks one remote after the other and frees itself after done. The result of the first
 * remote that has the object counts. For each remote it goes through these steps:
 *
 *     MANIFEST_HEAD ──► MANIFEST_GET   HEAD is refused or says too little; 404 for a tag
 *           └─────┬──────────┘
 *                 ▼
 *             BLOB_HEAD                404, and the object is a digest
 */

#include "fetch/resolver.h"

#include "base/document.h"
#include "base/hash.h"
#include "base/names.h"

typedef enum { RESOLVE_MANIFEST_HEAD, RESOLVE_MANIFEST_GET, RESOLVE_BLOB_HEAD } ResolveStep;

typedef struct {
    GPtrArray *remotes;
    guint next; /* the next one to ask */
    BerthRemote *remote;
    char *object;
    bool has_digest;
    char *accept;
    char **media_types; /* those explicitly requested */
    ResolveStep first;  /* for each remote: MANIFEST_GET if HEAD is not to be tried */
    ResolveStep step;
    BerthResolved done;
    void *userdata;
} Resolution;

static void resolver_ask(Resolution *resolution);

/* A digest takes precedence over a tag: for "name:tag@digest", the digest is resolved. */
const char *berth_resolve_get_object(const BerthReference *reference, GError **error) {
    g_autoptr(GError) local = NULL;

    if (reference->digest[0] == '\0')
        return reference->tag;
    if (berth_digest_parse(reference->digest, NULL, &local))
        return reference->digest;
    berth_error_set(error, BERTH_ERROR_INVALID_REFERENCE, "%s%s%s: %s", reference->locator,
                    reference->object[0] == '@' ? "" : ":", reference->object, local->message);
    return NULL;
}

static char *make_path(const Resolution *resolution) {
    return g_strconcat(resolution->step == RESOLVE_BLOB_HEAD ? "blobs/" : "manifests/",
                       resolution->object, NULL);
}

/* If a mirror does not have the object or does not answer, the next remote is asked. */
static bool resolver_ask_next(Resolution *resolution) {
    if (resolution->next >= resolution->remotes->len)
        return false;
    resolution->remote = resolution->remotes->pdata[resolution->next++];
    resolution->step = resolution->first;
    resolver_ask(resolution);
    return true;
}

/* After an error the next remote is asked; done gets the error of the last one, which is the
 * registry itself. */
static void resolver_finish(Resolution *resolution, const BerthDescriptor *target,
                            const GString *body, const GError *error) {
    if (error && resolver_ask_next(resolution))
        return;
    resolution->done(target, body, error, resolution->userdata);
    g_free(resolution->object);
    g_free(resolution->accept);
    g_strfreev(resolution->media_types);
    g_free(resolution);
}

/* The digest of the object in the response: the one requested, or the one in the header, or, if the
 * server sends none that can be used, that of the body. */
static char *find_digest(const Resolution *resolution, const BerthResponse *response,
                         GError **error) {
    const char *object = resolution->object;

    if (resolution->has_digest) {
        /* The registry's own digest may have another algorithm than the requested one (distribution
         * specification, "Pulling manifests"). The content is checked against the latter. */
        if (berth_digest_is_contradicted(object, response->digest)) {
            berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                            "%s: the registry offers %.200s instead of %s",
                            berth_remote_get_locator(resolution->remote), response->digest, object);
            return NULL;
        }
        return g_strdup(object);
    }
    if (berth_digest_is_valid(response->digest))
        return g_strdup(response->digest);
    return berth_hash_data(BERTH_ALGORITHM_SHA256, response->body->str, response->body->len);
}

static bool is_manifest(const char *media_type) {
    BerthKind kind = berth_media_type_get_kind(media_type);

    return kind == BERTH_KIND_MANIFEST || kind == BERTH_KIND_INDEX;
}

/* Whether the type says what the object is: servers that keep manifests as plain files send a
 * generic one. */
static bool type_is_conclusive(const Resolution *resolution, const char *media_type) {
    return is_manifest(media_type) ||
           g_strv_contains((const char *const *)resolution->media_types, media_type);
}

/* The type that the document states or, if it states none, the one that its members suggest. NULL
 * if it is neither a manifest nor an index. */
static const char *find_own_type(json_object *object) {
    const char *own = NULL;
    uint64_t version = 0;
    json_object *entries = NULL;
    json_object *config = NULL;

    if (berth_document_get_string(object, "mediaType", &own, NULL) && own && is_manifest(own))
        return own;
    /* Such documents have no media type of their own; the pull refuses it by name. */
    if (berth_document_get_size(object, "schemaVersion", &version, NULL) && version == 1)
        return "application/vnd.docker.distribution.manifest.v1+json";
    if (own && own[0])
        return NULL;
    berth_document_get_array(object, "manifests", &entries, NULL);
    berth_document_get_object(object, "config", &config, NULL);
    return entries && !config   ? BERTH_MEDIA_OCI_INDEX
           : config && !entries ? BERTH_MEDIA_OCI_MANIFEST
                                : NULL;
}

/* The header counts if it is a document's type; otherwise the document itself is examined, which is
 * only available after GET. Blobs have no type of their own. */
static char *find_media_type(const Resolution *resolution, const BerthResponse *response) {
    const char *said = response->content_type, *own = NULL;

    if (resolution->step == RESOLVE_BLOB_HEAD)
        return g_strdup(BERTH_MEDIA_UNKNOWN);
    if (type_is_conclusive(resolution, said))
        return g_strdup(said);
    g_autoptr(json_object) root =
        berth_document_parse(response->body->str, response->body->len, NULL);
    if (root)
        own = find_own_type(root);
    return g_strdup(own ? own : said[0] ? said : BERTH_MEDIA_UNKNOWN);
}

/* Everything in the descriptor is just the registry's claim; what is fetched later is checked
 * against its digest and size. */
static BerthDescriptor *read_target(const Resolution *resolution, const BerthResponse *response,
                                    GError **error) {
    g_autofree char *media_type = find_media_type(resolution, response);
    /* After GET, the size of the body counts; after HEAD there is only Content-Length. */
    uint64_t size = resolution->step == RESOLVE_MANIFEST_GET || response->content_length < 0
                        ? response->body->len
                        : (uint64_t)response->content_length;

    if (!berth_name_check_media_type(media_type, error)) {
        g_prefix_error(error,
                       "%s: the registry's answer: ", berth_remote_get_locator(resolution->remote));
        return NULL;
    }
    g_autofree char *digest = find_digest(resolution, response, error);
    return digest ? berth_descriptor_new(media_type, digest, size) : NULL;
}

static void resolver_go_to(Resolution *resolution, ResolveStep step) {
    resolution->step = step;
    resolver_ask(resolution);
}

/* No step is repeated for a remote. */
static void on_resolver_response(const BerthResponse *response, const GError *error,
                                 void *userdata) {
    Resolution *resolution = userdata;
    g_autofree char *path = make_path(resolution);
    g_autoptr(GError) local = NULL;

    if (error) {
        resolver_finish(resolution, NULL, NULL, error);
        return;
    }
    bool complete = response->status == 200 && response->content_length > 0 &&
                    type_is_conclusive(resolution, response->content_type) &&
                    (resolution->has_digest || berth_digest_is_valid(response->digest));
    if (response->status == 404 && resolution->has_digest &&
        resolution->step != RESOLVE_BLOB_HEAD) {
        resolver_go_to(resolution, RESOLVE_BLOB_HEAD);
    } else if (!complete && resolution->step == RESOLVE_MANIFEST_HEAD) {
        /* HEAD is not allowed (405, or 404 from a server that only knows GET), says too little, or
         * cannot carry the registry's error message. The response to GET counts. */
        resolver_go_to(resolution, RESOLVE_MANIFEST_GET);
    } else if (response->status != 200) {
        berth_remote_set_status_error(resolution->remote, path, response, &local);
        resolver_finish(resolution, NULL, NULL, local);
    } else {
        g_autoptr(BerthDescriptor) target = read_target(resolution, response, &local);
        const GString *body = resolution->step == RESOLVE_MANIFEST_GET ? response->body : NULL;
        resolver_finish(resolution, target, body, local);
    }
}

static void resolver_ask(Resolution *resolution) {
    g_autofree char *path = make_path(resolution);
    BerthHttpOptions options = {
        .method = resolution->step == RESOLVE_MANIFEST_GET ? "GET" : "HEAD",
        .accept = resolution->step == RESOLVE_BLOB_HEAD ? NULL : resolution->accept,
    };

    berth_remote_send(resolution->remote, path, NULL, &options, on_resolver_response, resolution);
}

/* Any type comes last in Accept: a registry that only has other types still answers. */
void berth_resolve(GPtrArray *remotes, const char *object, char *const *media_types, bool with_get,
                   BerthResolved done, void *userdata) {
    Resolution *resolution = g_new0(Resolution, 1);
    bool given = media_types && media_types[0];
    g_autofree char *joined =
        g_strjoinv(", ", given ? (char **)media_types : (char **)berth_manifest_media_types);

    resolution->remotes = remotes;
    resolution->object = g_strdup(object);
    resolution->first = with_get ? RESOLVE_MANIFEST_GET : RESOLVE_MANIFEST_HEAD;
    resolution->has_digest = berth_digest_is_valid(object);
    resolution->media_types = g_strdupv(given ? (char **)media_types : (char *[]){NULL});
    resolution->accept = g_strconcat(joined, ", */*", NULL);
    resolution->done = done;
    resolution->userdata = userdata;
    resolver_ask_next(resolution);
}
