/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list, since there are few at a time: as many as the limits of base/charge.c let begin. */

#include "base/cancel.h"

typedef struct {
    void *operation;
    BerthCancel cancel;
    const void *userdata;
    char *client;
} Entry;

static GPtrArray *entries; /* of Entry */

static void free_entry(gpointer data) {
    Entry *entry = data;

    g_free(entry->client);
    g_free(entry);
}

void berth_cancel_register(void *operation, BerthCancel cancel, const void *userdata,
                           const char *client) {
    Entry *entry = g_new0(Entry, 1);

    *entry = (Entry){operation, cancel, userdata, g_strdup(client)};
    if (!entries)
        entries = g_ptr_array_new_with_free_func(free_entry);
    g_ptr_array_add(entries, entry);
}

void berth_cancel_forget(void *operation) {
    for (guint i = 0; entries && i < entries->len; i++)
        if (((Entry *)entries->pdata[i])->operation == operation) {
            g_ptr_array_remove_index_fast(entries, i);
            return;
        }
}

/* What ends may end others: the list is looked through anew after each. */
static bool cancel_one(const void *userdata, const char *client) {
    g_autoptr(GError) error = NULL;

    for (guint i = 0; entries && i < entries->len; i++) {
        const Entry *entry = entries->pdata[i];
        if (!(userdata && entry->userdata == userdata) &&
            !(client && g_strcmp0(entry->client, client) == 0))
            continue;
        BerthCancel cancel = entry->cancel;
        void *operation = entry->operation;
        g_ptr_array_remove_index_fast(entries, i);
        berth_error_set(&error, BERTH_ERROR_CANCELLED, "the caller has left the bus");
        cancel(operation, error);
        return true;
    }
    return false;
}

void berth_cancel_of_userdata(const void *userdata) {
    while (cancel_one(userdata, NULL))
        ;
}

void berth_cancel_of_client(const char *client) {
    while (cancel_one(NULL, client))
        ;
}
