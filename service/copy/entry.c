/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts entries between libarchive and tar. Names are passed on as bytes, whereas libarchive's
 * own tar support composes and converts them. There is no state here.
 */

#include "copy/entry.h"

#include <archive.h>
#include <stdlib.h>

static char *read_acl(struct archive_entry *entry, int type) {
    if (!(archive_entry_acl_types(entry) & type))
        return NULL;
    char *text = archive_entry_acl_to_text(entry, NULL,
                                           type | ARCHIVE_ENTRY_ACL_STYLE_SEPARATOR_COMMA |
                                               ARCHIVE_ENTRY_ACL_STYLE_EXTRA_ID);
    char *copy = g_strdup(text);
    free(text);
    return copy;
}

void berth_copy_entry_to_tar(struct archive_entry *from, BerthTarEntry *to) {
    const char *hard_link = archive_entry_hardlink(from);
    const char *name;
    const void *value;
    size_t size;

    berth_tar_entry_clear(to);
    to->mode = archive_entry_mode(from);
    to->path = S_ISDIR(to->mode) ? g_strconcat(archive_entry_pathname(from), "/", NULL)
                                 : g_strdup(archive_entry_pathname(from));
    to->is_hard_link = hard_link != NULL;
    to->target = g_strdup(hard_link ? hard_link : archive_entry_symlink(from));
    to->uid = (uid_t)archive_entry_uid(from);
    to->gid = (gid_t)archive_entry_gid(from);
    to->size = S_ISREG(to->mode) && !hard_link ? archive_entry_size(from) : 0;
    to->mtime = (struct timespec){archive_entry_mtime(from), archive_entry_mtime_nsec(from)};
    to->device = archive_entry_rdev(from);
    to->access_acl = read_acl(from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
    to->default_acl = read_acl(from, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT);
    archive_entry_xattr_reset(from);
    while (!hard_link && archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
        g_autoptr(GBytes) bytes = g_bytes_new(value, size);
        berth_tar_entry_add_xattr(to, name, bytes);
    }
}

void berth_copy_entry_from_tar(const BerthTarEntry *from, struct archive_entry *to) {
    archive_entry_clear(to);
    archive_entry_copy_pathname(to, from->path);
    archive_entry_set_mode(to, from->mode);
    if (from->is_hard_link)
        archive_entry_copy_hardlink(to, from->target);
    else if (from->target)
        archive_entry_copy_symlink(to, from->target);
    archive_entry_set_uid(to, from->uid);
    archive_entry_set_gid(to, from->gid);
    if (!from->is_hard_link)
        archive_entry_set_size(to, from->size);
    archive_entry_set_mtime(to, from->mtime.tv_sec, from->mtime.tv_nsec);
    archive_entry_set_rdev(to, from->device);
    for (guint i = 0; from->xattr_names && i < from->xattr_names->len; i++) {
        gsize size;
        const void *value = g_bytes_get_data(from->xattr_values->pdata[i], &size);
        archive_entry_xattr_add_entry(to, from->xattr_names->pdata[i], value, size);
    }
    if (from->access_acl)
        archive_entry_acl_from_text(to, from->access_acl, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
    if (from->default_acl)
        archive_entry_acl_from_text(to, from->default_acl, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT);
}
