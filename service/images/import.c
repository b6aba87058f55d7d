/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/digest.h"
#include "base/fd.h"
#include "images/import-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Of members that only manifest.json can tell to be content: the root file system of something,
 * taken for an image archive, has many more. */
enum { MAX_DOCUMENT_BYTES = 4 * 1024 * 1024, MAX_ODD_MEMBERS = 1024 };

static const char *const document_names[IMPORT_DOCUMENTS] = {
    [IMPORT_LAYOUT] = "index.json",
    [IMPORT_DOCKER] = "manifest.json",
};

static void free_member(gpointer data) {
    BerthImportMember *member = data;

    g_free(member->digest);
    g_free(member->target);
    g_free(member);
}

static void free_found(gpointer data) {
    BerthImportedImage *image = data;

    berth_descriptor_free(image->target);
    g_free(image->name);
    g_free(image);
}

static void import_free(void *object) {
    BerthImport *import = object;

    /* Workers first: what they write into is let go of after them. */
    berth_worker_free(import->archive);
    berth_worker_free(import->ingest);
    berth_worker_free(import->inspect);
    berth_closure_free(import->closure);
    berth_contents_forget_text(import->storing);
    berth_import_blob_abandon(import);
    berth_pins_free(import->pins);
    for (int i = 0; i < IMPORT_DOCUMENTS; i++)
        berth_fd_clear(&import->documents[i]);
    g_ptr_array_unref(import->found);
    g_ptr_array_unref(import->docker);
    g_hash_table_unref(import->members);
    berth_platform_free(import->platform);
    g_strfreev(import->command);
    g_free(import->name);
    berth_lease_free(import->lease);
    if (import->asker)
        import->asker->free(import->asker);
    g_free(import);
}

void berth_import_end(BerthImport *import, const GError *error) {
    berth_operation_end(import->operation, error);
}

void berth_import_pin(BerthImport *import, const char *digest) {
    g_autoptr(GError) error = NULL;

    berth_provenance_hold(import->images->database, import->transfer->owner, digest, NULL);
    berth_pins_add(import->pins, digest);
    if (import->lease &&
        !berth_lease_store_add_to(import->images->database, import->lease, digest, &error))
        berth_import_end(import, error);
}

static void on_document(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;

    (void)reply;
    if (error)
        berth_import_end(import, error);
    else
        berth_import_next(import);
}

static void extract_document(BerthImport *import, BerthImportDocument document) {
    g_autoptr(GError) error = NULL;
    int fd = memfd_create("document", MFD_CLOEXEC);

    if (fd < 0) {
        berth_error_set_errno(&error, errno, "make a file in memory");
        berth_import_end(import, error);
        return;
    }
    berth_fd_clear(&import->documents[document]);
    import->documents[document] = fd;
    berth_call_archive_extract(import->archive, fd, MAX_DOCUMENT_BYTES, on_document, import);
}

char *berth_import_normalize(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    g_autoptr(GString) path = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        if ((*part)[0] == '\0' || g_str_equal(*part, "."))
            continue;
        if (g_str_equal(*part, ".."))
            return g_strdup("");
        g_string_append_printf(path, "%s%s", path->len > 0 ? "/" : "", *part);
    }
    return g_string_free(g_steal_pointer(&path), FALSE);
}

/* A symbolic link is relative to where it is: "../HEX/layer.tar" in "ID/layer.tar". */
static char *resolve_link(const char *name, const char *target, bool is_hard_link) {
    g_autofree char *directory = g_path_get_dirname(name);

    if (is_hard_link || target[0] == '/')
        return berth_import_normalize(target);
    while (g_str_has_prefix(target, "../")) {
        g_autofree char *above = g_path_get_dirname(directory);
        g_free(directory);
        directory = g_steal_pointer(&above);
        target += strlen("../");
    }
    g_autofree char *joined = g_strconcat(directory, "/", target, NULL);
    return berth_import_normalize(joined);
}

static void note_link(BerthImport *import, const char *name, const char *target,
                      bool is_hard_link) {
    BerthImportMember *member = g_new0(BerthImportMember, 1);

    member->target = resolve_link(name, target, is_hard_link);
    g_hash_table_replace(import->members, g_strdup(name), member);
}

/* "blobs/sha256/HEX" as a digest; NULL for every other name. */
static char *digest_of_name(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    g_autofree char *digest = NULL;

    if (g_strv_length(parts) != 3 || !g_str_equal(parts[0], "blobs"))
        return NULL;
    digest = g_strconcat(parts[1], ":", parts[2], NULL);
    return berth_digest_is_valid(digest) ? g_steal_pointer(&digest) : NULL;
}

/* manifest.json may call configurations and layers anything, and may come after them. These are
 * what docker, skopeo, crane and kaniko call them; anything else may be one, too. */
static bool is_usual_content(const char *name) {
    return g_str_has_suffix(name, ".tar") || g_str_has_suffix(name, ".tar.gz") ||
           g_str_has_suffix(name, ".json") || g_str_has_prefix(name, "sha256:");
}

static bool is_layout_file(const char *name) {
    return g_str_equal(name, "oci-layout") || g_str_equal(name, "repositories");
}

static void take_docker_member(BerthImport *import, const char *name) {
    g_autoptr(GError) error = NULL;

    if (is_layout_file(name)) {
        berth_import_next(import);
    } else if (is_usual_content(name) || ++import->odd_members <= MAX_ODD_MEMBERS) {
        berth_import_blob(import, name, NULL);
    } else {
        berth_error_set(
            &error, BERTH_ERROR_INVALID_ARGUMENT,
            "this is not an image archive: more than %d of its files are not named like "
            "parts of an image",
            MAX_ODD_MEMBERS);
        berth_import_end(import, error);
    }
}

static void take_member(BerthImport *import, const char *name) {
    g_autofree char *digest = digest_of_name(name);

    for (int i = 0; i < IMPORT_DOCUMENTS; i++)
        if (g_str_equal(name, document_names[i])) {
            extract_document(import, (BerthImportDocument)i);
            return;
        }
    if (digest)
        berth_import_blob(import, name, digest);
    else
        take_docker_member(import, name);
}

static void on_next(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    BerthArchiveEntry entry;

    if (local || !berth_reply_read_member(reply, &entry, &local)) {
        berth_import_end(import, local);
        return;
    }
    if (!entry.more) {
        berth_import_name_images(import);
        return;
    }
    if (import->rootfs) {
        berth_import_blob(import, "rootfs", NULL);
        return;
    }
    g_autofree char *name = berth_import_normalize(entry.name);
    if (name[0] && entry.target[0])
        note_link(import, name, entry.target, entry.is_hard_link);
    if (name[0] && !entry.target[0] && entry.is_file)
        take_member(import, name);
    else
        berth_import_next(import);
}

void berth_import_next(BerthImport *import) {
    if (!berth_operation_has_ended(import->operation))
        berth_call_archive_next(import->archive, on_next, import);
}

static void on_opened(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;

    (void)reply;
    if (error)
        berth_import_end(import, error);
    else
        berth_import_next(import);
}

static bool prepare(BerthImport *import, const BerthImportRequest *request, GError **error) {
    if (request->lease[0] &&
        !(import->lease = berth_lease_store_get(import->images->database, request->lease, error)))
        return false;
    if (request->rootfs && request->name[0] == '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a root file system says no name: give one");
    return (import->platform = berth_platform_parse(request->platform, error)) &&
           (import->archive = berth_worker_new_for_user(import->images->event, "archive", -1,
                                                        request->owner, error)) &&
           (import->ingest = berth_worker_new(import->images->event, "ingest", -1, error)) &&
           (import->inspect = berth_worker_new(import->images->event, "inspect", -1, error)) &&
           (import->transfer = berth_transfers_add(import->images->transfers, "import",
                                                   request->name, request->owner, error));
}

BerthTransfer *berth_import_start(BerthImages *images, const BerthImportRequest *request,
                                  GError **error) {
    static const BerthTransferWork work = {.free = import_free,
                                           .cancelled = "the import was cancelled"};
    BerthImport *import = g_new0(BerthImport, 1);

    import->images = images;
    import->name = g_strdup(request->name);
    import->command = g_strdupv((char **)request->command);
    import->rootfs = request->rootfs;
    import->asker = request->asker;
    import->file = -1;
    for (int i = 0; i < IMPORT_DOCUMENTS; i++)
        import->documents[i] = -1;
    import->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_member);
    import->pins = berth_pins_new(images->contents);
    import->found = g_ptr_array_new_with_free_func(free_found);
    import->docker = g_ptr_array_new_with_free_func(berth_import_docker_free);
    if (!prepare(import, request, error)) {
        import_free(import);
        return NULL;
    }
    import->operation = berth_transfer_begin(import->transfer, &work, import);
    berth_call_archive_open(import->archive, request->archive, request->rootfs, on_opened, import);
    return import->transfer;
}
