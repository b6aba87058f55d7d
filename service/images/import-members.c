/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The members of an archive by name: content that is in the store, and links to other members, as
 * "docker save" writes them. The import owns the table.
 */

#include "images/import-private.h"

#include <string.h>

/* A link to a link is unusual, a cycle of links hostile. */
enum { MAX_LINKS = 8 };

/* For all names together, of which berth-archive itself accepts fewer (archive/archive.c): a worker
 * that was taken over could report members without end. ENTRY_BYTES is about what one takes in
 * addition to its name. */
enum { MAX_MEMBERS_BYTES = 48 * 1024 * 1024, ENTRY_BYTES = 256 };

typedef struct {
    BerthImportMember content; /* without a digest for a link */
    char *target;              /* name of another member; NULL for content */
    char *at_root;             /* the same, read from the root of the archive; NULL for content */
} Entry;

struct BerthImportMembers {
    GHashTable *by_name; /* name → Entry */
    size_t bytes;        /* of all members so far */
};

static void entry_free(gpointer data) {
    Entry *entry = data;

    g_free(entry->content.digest);
    g_free(entry->target);
    g_free(entry->at_root);
    g_free(entry);
}

BerthImportMembers *berth_import_members_new(void) {
    BerthImportMembers *members = g_new0(BerthImportMembers, 1);

    members->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    return members;
}

void berth_import_members_free(BerthImportMembers *members) {
    if (!members)
        return;
    g_hash_table_unref(members->by_name);
    g_free(members);
}

char *berth_import_normalize(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    g_autoptr(GString) path = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        if ((*part)[0] == '\0' || g_str_equal(*part, "."))
            continue;
        if (g_str_equal(*part, "..")) {
            const char *slash = strrchr(path->str, '/');
            if (path->len == 0)
                return g_strdup("");
            g_string_truncate(path, slash ? (gsize)(slash - path->str) : 0);
            continue;
        }
        g_string_append_printf(path, "%s%s", path->len > 0 ? "/" : "", *part);
    }
    return g_string_free(g_steal_pointer(&path), FALSE);
}

/* A symbolic link is relative to its own directory: "../HEX/layer.tar" in "ID/layer.tar". A hard
 * link contains a complete path. */
static char *resolve_link(const char *name, const char *target, bool is_hard_link) {
    g_autofree char *joined = g_strconcat(name, "/../", target, NULL);

    return berth_import_normalize(is_hard_link || target[0] == '/' ? target : joined);
}

bool berth_import_members_count(BerthImportMembers *members, const char *name, const char *target,
                                GError **error) {
    members->bytes += ENTRY_BYTES + strlen(name) + strlen(target);
    return members->bytes <= MAX_MEMBERS_BYTES ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "the names of the archive's members take more than %d bytes",
                           MAX_MEMBERS_BYTES);
}

/* If several members have the same name, the last one counts, as when a tar is extracted. */
void berth_import_members_add(BerthImportMembers *members, const char *name, const char *digest,
                              uint64_t size) {
    Entry *entry = g_new0(Entry, 1);

    entry->content = (BerthImportMember){g_strdup(digest), size};
    g_hash_table_replace(members->by_name, g_strdup(name), entry);
}

void berth_import_members_add_link(BerthImportMembers *members, const char *name,
                                   const char *target, bool is_hard_link) {
    Entry *entry = g_new0(Entry, 1);

    entry->target = resolve_link(name, target, is_hard_link);
    entry->at_root = berth_import_normalize(target);
    g_hash_table_replace(members->by_name, g_strdup(name), entry);
}

/* Some archives have links with targets that are names of members as they stand. */
static const Entry *members_follow(BerthImportMembers *members, const Entry *link) {
    const Entry *entry = g_hash_table_lookup(members->by_name, link->target);

    return entry ? entry : g_hash_table_lookup(members->by_name, link->at_root);
}

/* Returns NULL for a name that is not in the archive, for a dangling link, and for a cycle of
 * links. */
const BerthImportMember *berth_import_members_find(BerthImportMembers *members, const char *name) {
    g_autofree char *path = berth_import_normalize(name);
    const Entry *entry = g_hash_table_lookup(members->by_name, path);

    /* Links are resolved when they are used: a target may come after its link in the archive. */
    for (int i = 0; entry && entry->target && i < MAX_LINKS; i++)
        entry = members_follow(members, entry);
    return entry && entry->content.digest ? &entry->content : NULL;
}
