/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties of objects that not every client may see. sd-bus itself would answer
 * org.freedesktop.DBus.Properties immediately and for every caller; here the same vtable is used,
 * after the caller has been checked.
 */

#pragma once

#include "bus/viewer.h"

/* The userdata of the getters in such a vtable. */
typedef struct {
    BerthService *service;
    BerthViewer viewer; /* the caller and its rights */
    void *object;       /* private to the source, set by open */
} BerthView;

/* The head of a getter. It can use reply, for the value; view, a BerthView; property, its name; and
 * ret_error. The other parameters of sd-bus's callback are not used. */
#define BERTH_PROPERTY_GETTER(function)                                                            \
    static int function(sd_bus *bus G_GNUC_UNUSED, const char *path G_GNUC_UNUSED,                 \
                        const char *interface G_GNUC_UNUSED, const char *property G_GNUC_UNUSED,   \
                        sd_bus_message *reply, void *view G_GNUC_UNUSED,                           \
                        sd_bus_error *ret_error G_GNUC_UNUSED)

/* The objects of one interface, whose properties are served together. */
typedef struct {
    const char *interface;
    const sd_bus_vtable *vtable;
    /* Authorises the call and fills the view with the data for the getters. Returns like
     * berth_access_check. close releases that data; NULL: there is nothing to release. */
    int (*open)(sd_bus_message *call, BerthView *view, sd_bus_error *error);
    void (*close)(BerthView *view);
    /* Reads the value of a property, a variant, from a call of Set that open has allowed, and
     * replies; NULL: all properties are read-only. */
    int (*set)(sd_bus_message *call, BerthView *view, const char *property, sd_bus_error *error);
} BerthPropertySource;

/* Serves the properties of the object at path, or of those below it. path and source are static.
 * Returns a negative errno on failure. */
int berth_properties_add(BerthService *service, const char *path, bool below,
                         const BerthPropertySource *source);

/* Whether the call is GetAll, by which a client becomes a watcher. */
bool berth_properties_is_get_all(sd_bus_message *call);

/* Appends the named properties, or all if names is NULL, as a{sv}. */
int berth_properties_append(sd_bus *bus, sd_bus_message *message, const char *path,
                            const char *interface, const sd_bus_vtable *vtable, void *userdata,
                            const char *const *names);

/* Returns a NULL-terminated array of the properties that are not marked as explicit. The caller
 * frees the array, but not the strings. */
const char **berth_properties_list_managed(const sd_bus_vtable *vtable);

/* Appends all properties of the object at path as a{sv}, truncated to BERTH_MAX_ITEM_BYTES. */
int berth_properties_append_all(sd_bus *bus, sd_bus_message *message, const char *path,
                                const char *interface, const sd_bus_vtable *vtable, void *userdata);
