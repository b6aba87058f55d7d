/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies of the vtables, in which every method's handler is dispatch_call(); the real handlers are
 * in one table, by interface and member. Both are filled during the service's start and kept for
 * its lifetime. The one thing to know: a method without a row in permissions.c is registered, but
 * its handler is not, so that calls of it are refused. See dispatch.h.
 */

#include "bus/dispatch.h"

#include "bus/access.h"
#include "bus/permissions.h"
#include "bus/unicast.h"

#include <errno.h>
#include <string.h>

static GHashTable *handlers; /* "Images.Pull" → sd_bus_message_handler_t */

/* A call may omit the interface ("Message Types" in the D-Bus specification); the interface used
 * for the lookup is then that of the path. */
static int dispatch_call(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    const char *member;
    const char *interface = berth_permission_read_member(call, &member);
    g_autofree char *key = g_strconcat(interface ? interface : "", ".", member, NULL);
    sd_bus_message_handler_t handler = (sd_bus_message_handler_t)g_hash_table_lookup(handlers, key);

    if (!handler)
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                                 "the service has no rule for the method %s", member);
    int r = berth_access_run(service->access, call, handler, service, error);
    berth_unicast_add_listener(service->unicast, interface, member,
                               sd_bus_message_get_sender(call));
    return r;
}

static bool has_row(const char *interface, const char *member) {
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++)
        if (g_str_equal(rows[i].member, member) &&
            berth_permission_has_interface(&rows[i], interface))
            return true;
    return false;
}

/* Properties are answered by bus/properties.c, after the caller has been checked. sd-bus itself
 * must never call the getters: it would show the values to everybody, and it would pass the
 * BerthService where they expect a BerthView. */
static int refuse_property(sd_bus *bus, const char *path, const char *interface,
                           const char *property, sd_bus_message *reply, void *userdata,
                           sd_bus_error *error) {
    (void)bus;
    (void)path;
    (void)interface;
    (void)property;
    (void)reply;
    (void)userdata;
    (void)error;
    return -EACCES;
}

static void take_over(sd_bus_vtable *entry, const char *interface) {
    const char *member = entry->x.method.member;

    if (has_row(interface, member))
        g_hash_table_insert(handlers, g_strconcat(interface, ".", member, NULL),
                            (gpointer)entry->x.method.handler);
    entry->x.method.handler = dispatch_call;
}

int berth_dispatch_add(BerthService *service, const char *path, const char *interface,
                       const sd_bus_vtable *vtable, sd_bus_object_find_t find) {
    size_t count = 1;

    while (vtable[count - 1].type != _SD_BUS_VTABLE_END)
        count++;
    /* sd-bus reads the vtable for as long as the connection lives, which is as long as the service
     * does. */
    static GPtrArray *copies;
    sd_bus_vtable *copy = g_memdup2(vtable, count * sizeof *vtable);
    if (!copies)
        copies = g_ptr_array_new();
    g_ptr_array_add(copies, copy);
    if (!handlers)
        handlers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < count; i++)
        if (copy[i].type == _SD_BUS_VTABLE_METHOD)
            take_over(&copy[i], interface + strlen(BERTH_ACTION_PREFIX));
        else if (copy[i].type == _SD_BUS_VTABLE_PROPERTY ||
                 copy[i].type == _SD_BUS_VTABLE_WRITABLE_PROPERTY)
            copy[i].x.property.get = refuse_property;
    return find ? sd_bus_add_fallback_vtable(service->bus, NULL, path, interface, copy, find,
                                             service)
                : sd_bus_add_object_vtable(service->bus, NULL, path, interface, copy, service);
}
