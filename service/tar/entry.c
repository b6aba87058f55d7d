/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Manages the memory of a tar member; the caller that received the struct clears it. There is no
 * state.
 */

#include "tar/entry.h"

#include <string.h>

void berth_tar_entry_add_xattr(BerthTarEntry *entry, const char *name, GBytes *value) {
    if (!entry->xattr_names) {
        entry->xattr_names = g_ptr_array_new_with_free_func(g_free);
        entry->xattr_values = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    }
    g_ptr_array_add(entry->xattr_names, g_strdup(name));
    g_ptr_array_add(entry->xattr_values, g_bytes_ref(value));
}

void berth_tar_entry_clear(BerthTarEntry *entry) {
    g_clear_pointer(&entry->path, g_free);
    g_clear_pointer(&entry->target, g_free);
    g_clear_pointer(&entry->xattr_names, g_ptr_array_unref);
    g_clear_pointer(&entry->xattr_values, g_ptr_array_unref);
    g_free(entry->access_acl);
    g_free(entry->default_acl);
    memset(entry, 0, sizeof *entry);
}
