/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads listings of the service, which come in pages: each begins after the last key of the
 * previous page, and an empty page ends the listing. There is no state besides the key of the last
 * item.
 */

#include "client/listing.h"

#include "client/bus.h"
#include "client/dictionary.h"

#include <stdlib.h>

/* Calls for the page after a key, "" for the first one. The caller owns the reply; NULL with error.
 */
static sd_bus_message *listing_call_page(const DistListing *listing, const char *after,
                                         GError **error) {
    sd_bus_message *call = dist_new_call(error, listing->path, listing->interface, listing->member);
    int r;

    if (!call)
        return NULL;
    if ((!listing->of || (r = sd_bus_message_append(call, "s", listing->of)) >= 0) &&
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) >= 0 &&
        (!listing->filter || (r = listing->filter(call, listing->filter_data)) >= 0) &&
        (!after[0] || (r = sd_bus_message_append(call, "{sv}", "After", "s", after)) >= 0) &&
        (r = sd_bus_message_close_container(call)) >= 0)
        return dist_send(call, error);
    sd_bus_message_unref(call);
    dist_bad_reply(r, error);
    return NULL;
}

/* read takes one item of a page and sets key to its name, after which the next page begins. An item
 * that appears or disappears between two pages does not affect the others. */
bool dist_list(const DistListing *listing, DistReadItem read, void *userdata, GError **error) {
    g_autofree char *after = g_strdup("");

    for (;;) {
        g_autoptr(sd_bus_message) reply = listing_call_page(listing, after, error);
        g_autofree char *last = NULL;
        if (!reply)
            return false;
        int r = sd_bus_message_enter_container(reply, 'a', NULL);
        while (r >= 0 && sd_bus_message_at_end(reply, 0) == 0) {
            g_autofree char *key = NULL;
            if ((r = read(reply, &key, userdata)) <= 0)
                break;
            g_free(last);
            last = g_steal_pointer(&key);
        }
        if (r < 0)
            return *error ? false : dist_bad_reply(r, error);
        if (!last)
            return true;
        g_free(after);
        after = g_steal_pointer(&last);
    }
}

static int take_name(sd_bus_message *reply, char **key, void *userdata) {
    const DistField none[] = {{NULL, NULL, NULL}};
    const char *name;
    int r = dist_dictionary_read_item(reply, &name, none);

    if (r <= 0)
        return r;
    g_ptr_array_add(userdata, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

GPtrArray *dist_list_names(const char *path, const char *interface, GError **error) {
    const DistListing listing = {path, interface, "List"};
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    return dist_list(&listing, take_name, names, error) ? g_steal_pointer(&names) : NULL;
}

static int append_name(sd_bus_message *call, const void *userdata) {
    return sd_bus_message_append(call, "{sv}", "Filter", "a{sv}", 1, "Name", "s",
                                 (const char *)userdata);
}

/* The filter takes patterns, so the name is compared. */
int dist_list_find(const char *path, const char *interface, const char *name, GError **error) {
    const DistListing listing = {path, interface, "List", .filter = append_name,
                                 .filter_data = name};
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    return dist_list(&listing, take_name, names, error) &&
                   g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
