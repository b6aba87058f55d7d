/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An import reads the archive, member by member; determines which images it contains; checks that
 * each is complete; syncs; asks whether their names may be put; and puts all of them together. The
 * parts are in separate files (import-private.h). The object is owned by the transfer's operation.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "images/import-private.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <sys/mman.h>

/* Limits on members that only manifest.json could identify as content. A root file system mistaken
 * for an image archive has many more. */
enum { MAX_ODD_MEMBERS = 1024 };

/* The documents that list the images; an archive may have both. */
enum { DOCUMENTS = 2 };

static const char *const document_names[DOCUMENTS] = {
    [BERTH_IMPORT_LAYOUT] = "index.json",
    [BERTH_IMPORT_DOCKER] = "manifest.json",
};

typedef struct {
    BerthOperation *operation;
    BerthImportContext context;
    char *name;
    char **command;
    bool is_rootfs;
    int documents[DOCUMENTS]; /* files in memory; -1: none */
    BerthImportMembers *members;
    unsigned odd_members;     /* not named like parts of an image */
    BerthImportBlob *blob;    /* the current member, while it is being stored */
    BerthImportImages *found; /* owns the list of images */
    GPtrArray *images;        /* of BerthImportedImage, owned by found; NULL until they are found */
    BerthImportCheck *check;
    BerthNameAsker *asker; /* NULL: all names may be put */
} Import;

static void import_free(void *object) {
    Import *import = object;
    BerthImportContext *context = &import->context;

    /* Workers are freed first, before the files that they write. */
    berth_worker_free(context->archive);
    berth_worker_free(context->ingest);
    berth_worker_free(context->inspect);
    if (import->asker)
        import->asker->free(import->asker);
    berth_import_check_free(import->check);
    berth_import_images_free(import->found);
    berth_import_blob_free(import->blob);
    berth_pins_free(context->pins);
    for (int i = 0; i < DOCUMENTS; i++)
        berth_fd_clear(&import->documents[i]);
    berth_import_members_free(import->members);
    berth_platform_free(context->platform);
    berth_lease_free(context->lease);
    g_strfreev(import->command);
    g_free(import->name);
    g_free(import);
}

/* An image without a name is only reported as the target; the target is that of the first image. */
static void import_report(void *object, BerthTransferResult *result) {
    const Import *import = object;
    unsigned count = 0;

    result->names = g_new0(char *, import->images->len + 1);
    for (guint i = 0; i < import->images->len; i++) {
        const BerthImportedImage *image = import->images->pdata[i];
        if (!result->target)
            result->target = berth_descriptor_copy(image->target);
        if (image->name[0])
            result->names[count++] = g_strdup(image->name);
    }
}

/* All images are complete and allowed: the names appear together. */
static bool import_put_names(Import *import, GError **error) {
    g_autofree BerthImagePut *puts = g_new0(BerthImagePut, import->images->len);
    size_t count = 0;

    for (guint i = 0; i < import->images->len; i++) {
        const BerthImportedImage *image = import->images->pdata[i];
        if (image->name[0])
            puts[count++] = (BerthImagePut){image->name, image->target};
    }
    return berth_images_put_many(import->context.images, puts, count, NULL,
                                 import->context.transfer->owner, error);
}

static void import_on_allowed(const GError *refused, void *userdata) {
    Import *import = userdata;
    g_autoptr(GError) error = refused ? g_error_copy(refused) : NULL;

    if (!error)
        import_put_names(import, &error);
    berth_operation_end(import->operation, error);
}

/* The names are known only now. None is put before all of them are allowed. */
static void import_on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    Import *import = userdata;

    (void)reply;
    if (error)
        berth_operation_end(import->operation, error);
    else if (import->asker)
        import->asker->ask(import->asker, import->images, import_on_allowed, import);
    else
        import_on_allowed(NULL, import);
}

/* The renames of blobs are made durable before anything gets a name. */
static void import_on_checked(const GError *error, void *userdata) {
    Import *import = userdata;

    if (error)
        berth_operation_end(import->operation, error);
    else
        berth_contents_sync(import->context.images->contents, import->context.ingest,
                            import_on_synced, import);
}

/* The images still belong to import->found, which lives as long as the import. */
static void import_on_found(GPtrArray *found, const GError *error, void *userdata) {
    Import *import = userdata;

    if (error) {
        berth_operation_end(import->operation, error);
        return;
    }
    import->images = found;
    import->check = berth_import_check_new(&import->context, found, import_on_checked, import);
    berth_import_check_start(import->check);
}

/* A layout's index takes precedence, unless it lists nothing: docker writes both, and the index has
 * more information. */
static bool import_get_kind(const Import *import, BerthImportKind *kind, GError **error) {
    if (import->is_rootfs)
        *kind = BERTH_IMPORT_ROOTFS;
    else if (import->documents[BERTH_IMPORT_LAYOUT] >= 0)
        *kind = BERTH_IMPORT_LAYOUT;
    else if (import->documents[BERTH_IMPORT_DOCKER] >= 0)
        *kind = BERTH_IMPORT_DOCKER;
    else
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "this is not an image archive: it has neither index.json nor manifest.json");
    return true;
}

/* All members have been read. */
static void import_find_images(Import *import) {
    BerthImportImagesRequest request = {
        .document = -1,
        .docker = import->documents[BERTH_IMPORT_DOCKER],
        .members = import->members,
        .name = import->name,
        .command = import->command,
    };
    g_autoptr(GError) error = NULL;

    if (!import_get_kind(import, &request.kind, &error)) {
        berth_operation_end(import->operation, error);
        return;
    }
    if (request.kind != BERTH_IMPORT_ROOTFS)
        request.document = import->documents[request.kind];
    import->found = berth_import_images_new(&import->context, &request, import_on_found, import);
    berth_import_images_start(import->found);
}

static void import_read_next(Import *import);

/* For the calls whose reply has no values. */
static void import_go_on(sd_bus_message *reply, const GError *error, void *userdata) {
    Import *import = userdata;

    (void)reply;
    if (error)
        berth_operation_end(import->operation, error);
    else
        import_read_next(import);
}

/* If a member occurs twice, the later one counts, as when a tar is extracted. */
static void import_take_document(Import *import, int document) {
    g_autoptr(GError) error = NULL;
    int fd = memfd_create("document", MFD_CLOEXEC);

    if (fd < 0) {
        berth_error_set_errno(&error, errno, "make a file in memory");
        berth_operation_end(import->operation, error);
        return;
    }
    berth_fd_clear(&import->documents[document]);
    import->documents[document] = fd;
    berth_call_archive_extract(import->context.archive, fd, BERTH_MAX_DOCUMENT_BYTES, import_go_on,
                               import);
}

static void import_on_blob(BerthImportBlob *blob, const char *digest, uint64_t size,
                           const GError *error, void *userdata) {
    Import *import = userdata;

    if (error) {
        berth_operation_end(import->operation, error);
        return;
    }
    berth_import_members_add(import->members, berth_import_blob_get_member(blob), digest, size);
    g_clear_pointer(&import->blob, berth_import_blob_free);
    import_read_next(import);
}

static void import_take_blob(Import *import, const char *name, const char *expected) {
    import->blob = berth_import_blob_new(&import->context, name, expected, import_on_blob, import);
    berth_import_blob_start(import->blob);
}

/* Returns "blobs/sha256/HEX" as a digest; NULL for any other name. */
static char *digest_of_name(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    g_autofree char *digest = NULL;

    if (g_strv_length(parts) != 3 || !g_str_equal(parts[0], "blobs"))
        return NULL;
    digest = g_strconcat(parts[1], ":", parts[2], NULL);
    return berth_digest_is_valid(digest) ? g_steal_pointer(&digest) : NULL;
}

/* Whether a member is probably content. manifest.json may use any names for configurations and
 * layers, and may come after them. These are the names used by docker, skopeo, crane and kaniko;
 * other members may also be content. */
static bool is_usual_content(const char *name) {
    return g_str_has_suffix(name, ".tar") || g_str_has_suffix(name, ".tar.gz") ||
           g_str_has_suffix(name, ".json") || g_str_has_prefix(name, "sha256:");
}

static bool is_layout_file(const char *name) {
    return g_str_equal(name, "oci-layout") || g_str_equal(name, "repositories");
}

static void import_take_docker_member(Import *import, const char *name) {
    g_autoptr(GError) error = NULL;

    if (is_layout_file(name)) {
        import_read_next(import);
    } else if (is_usual_content(name) || ++import->odd_members <= MAX_ODD_MEMBERS) {
        import_take_blob(import, name, NULL);
    } else {
        berth_error_set(
            &error, BERTH_ERROR_INVALID_ARGUMENT,
            "this is not an image archive: more than %d of its files are not named like "
            "parts of an image",
            MAX_ODD_MEMBERS);
        berth_operation_end(import->operation, error);
    }
}

/* A member of a layout is stored under the digest in its name, and only if it has that digest; a
 * member of a docker archive is stored under the digest that it turns out to have. */
static void import_take_file(Import *import, const char *name) {
    g_autofree char *digest = digest_of_name(name);

    for (int i = 0; i < DOCUMENTS; i++)
        if (g_str_equal(name, document_names[i])) {
            import_take_document(import, i);
            return;
        }
    if (digest)
        import_take_blob(import, name, digest);
    else
        import_take_docker_member(import, name);
}

/* A name that leads out of the archive is skipped, since no document can refer to it. Links
 * are recorded, and followed when a document refers to one. */
static void import_take_member(Import *import, const BerthArchiveEntry *entry) {
    g_autofree char *name = berth_import_normalize(entry->name);

    if (name[0] && entry->target[0])
        berth_import_members_add_link(import->members, name, entry->target, entry->is_hard_link);
    if (name[0] && !entry->target[0] && entry->is_file)
        import_take_file(import, name);
    else
        import_read_next(import);
}

/* The archive is a stream: a member has to be handled before the next one is requested. */
static void import_on_next(sd_bus_message *reply, const GError *error, void *userdata) {
    Import *import = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    BerthArchiveEntry entry;

    if (local || !berth_reply_read_member(reply, &entry, &local) ||
        !berth_import_members_count(import->members, entry.name, entry.target, &local))
        berth_operation_end(import->operation, local);
    else if (!entry.more)
        import_find_images(import);
    else if (import->is_rootfs)
        import_take_blob(import, "rootfs", NULL);
    else
        import_take_member(import, &entry);
}

static void import_read_next(Import *import) {
    berth_call_archive_next(import->context.archive, import_on_next, import);
}

/* berth-archive reads the caller's descriptor, which may be on a file system of the caller's, so it
 * runs as a worker for that user. */
static bool import_prepare(Import *import, const BerthImportRequest *request, GError **error) {
    BerthImportContext *context = &import->context;
    sd_event *event = context->images->event;

    if (request->lease && request->lease[0] &&
        !(context->lease = berth_lease_store_get(context->images->database, request->lease, error)))
        return false;
    if (request->rootfs && request->name[0] == '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a root file system needs a name; give one");
    return (context->platform = berth_platform_parse(request->platform, error)) &&
           (context->archive =
                berth_worker_new_for_user(event, "archive", -1, request->owner, error)) &&
           (context->ingest = berth_worker_new(event, "ingest", -1, error)) &&
           (context->inspect = berth_worker_new(event, "inspect", -1, error)) &&
           (context->transfer = berth_transfers_add(context->images->transfers, "import",
                                                    request->name, request->owner, error));
}

BerthTransfer *berth_import_start(BerthImages *images, const BerthImportRequest *request,
                                  GError **error) {
    static const BerthTransferWork work = {.report = import_report, .free = import_free};
    Import *import = g_new0(Import, 1);

    import->context.images = images;
    import->context.pins = berth_pins_new(images->contents);
    import->name = g_strdup(request->name);
    import->command = g_strdupv((char **)request->command);
    import->is_rootfs = request->rootfs;
    import->asker = request->asker;
    import->members = berth_import_members_new();
    for (int i = 0; i < DOCUMENTS; i++)
        import->documents[i] = -1;
    if (!import_prepare(import, request, error)) {
        import_free(import);
        return NULL;
    }
    /* Its only files are documents; it writes other members to pipes. */
    berth_worker_limit_files(import->context.archive, BERTH_MAX_DOCUMENT_BYTES);
    import->operation = berth_transfer_begin(import->context.transfer, &work, import);
    berth_call_archive_open(import->context.archive, request->archive, request->rootfs,
                            import_go_on, import);
    return import->context.transfer;
}
