/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One table of the clients whose credentials the bus has provided, by unique name. An entry is
 * added with the reply about the client, and removed when the owner says so, which is when the
 * client has left the bus. Unique names are never reused, so an entry cannot become wrong. See
 * callers.h.
 */

#include "bus/callers.h"

#include "base/bus-error.h"

struct BerthCallers {
    sd_bus *bus;
    GHashTable *known; /* unique name → BerthCaller */
    sd_bus_slot *owner_changed;
    BerthPeerLeft left;
    void *userdata;
};

/* Also called when a well-known name loses its owner, since the match covers all names. Such a name
 * is in no table, so there is nothing to forget. */
static int on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthCallers *callers = userdata;
    const char *name, *old, *new;

    (void)error;
    if (sd_bus_message_read(signal, "sss", &name, &old, &new) >= 0 && new[0] == '\0')
        callers->left(name, callers->userdata);
    return 0;
}

BerthCallers *berth_callers_new(sd_bus *bus, BerthPeerLeft left, void *userdata, GError **error) {
    BerthCallers *callers = g_new0(BerthCallers, 1);

    callers->bus = bus;
    callers->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, berth_caller_free);
    callers->left = left;
    callers->userdata = userdata;
    int r = sd_bus_add_match_async(bus, &callers->owner_changed,
                                   "type='signal',sender='org.freedesktop.DBus',"
                                   "path='/org/freedesktop/DBus',"
                                   "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                                   "arg2=''",
                                   on_owner_changed, NULL, callers);
    if (r >= 0)
        return callers;
    berth_error_set_errno(error, r, "watch the bus");
    berth_callers_free(callers);
    return NULL;
}

void berth_callers_free(BerthCallers *callers) {
    if (!callers)
        return;
    sd_bus_slot_unref(callers->owner_changed);
    g_hash_table_unref(callers->known);
    g_free(callers);
}

const BerthCaller *berth_callers_find(BerthCallers *callers, const char *client) {
    return client ? g_hash_table_lookup(callers->known, client) : NULL;
}

int berth_callers_ask(BerthCallers *callers, sd_bus_slot **slot, const char *client,
                      sd_bus_message_handler_t answered, void *userdata) {
    return sd_bus_call_method_async(callers->bus, slot, "org.freedesktop.DBus",
                                    "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                    "GetConnectionCredentials", answered, userdata, "s", client);
}

/* Two calls of a client may both have asked before the client was known. The second reply replaces
 * the first and has the same contents. */
bool berth_callers_learn(BerthCallers *callers, const char *client, sd_bus_message *reply) {
    BerthCaller caller;

    if (!berth_caller_read(reply, &caller))
        return false;
    g_hash_table_insert(callers->known, g_strdup(client), g_memdup2(&caller, sizeof caller));
    return true;
}

void berth_callers_forget(BerthCallers *callers, const char *client) {
    g_hash_table_remove(callers->known, client);
}
