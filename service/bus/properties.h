/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties of objects that not every client may see. sd-bus answers
 * org.freedesktop.DBus.Properties on its own and at once; here the same vtable answers it, after
 * the caller has been checked.
 */

#pragma once

#include "bus/viewer.h"

/* The userdata of the getters of such a vtable. */
typedef struct {
    BerthService *service;
    BerthViewer viewer; /* who asks */
    void *object;       /* what a source opened */
} BerthView;

/* The head of a getter, which finds here what it may use: reply, for the value, view, a BerthView,
 * property, its name, and ret_error. sd-bus' type of the function has more. */
#define BERTH_PROPERTY_GETTER(function)                                                            \
    static int function(sd_bus *bus G_GNUC_UNUSED, const char *path G_GNUC_UNUSED,                 \
                        const char *interface G_GNUC_UNUSED, const char *property G_GNUC_UNUSED,   \
                        sd_bus_message *reply, void *view G_GNUC_UNUSED,                           \
                        sd_bus_error *ret_error G_GNUC_UNUSED)

/* Objects of one interface, whose properties are answered together. */
typedef struct {
    const char *interface;
    const sd_bus_vtable *vtable;
    /* Authorises the call, and fills the view with what the getters need; as berth_access_check.
     * close releases it; NULL: there is nothing to release. */
    int (*open)(sd_bus_message *call, BerthView *view, sd_bus_error *error);
    void (*close)(BerthView *view);
    /* Reads the value of a property, a variant, from a call of Set that open has allowed, and
     * replies; NULL: no property is written. */
    int (*set)(sd_bus_message *call, BerthView *view, const char *property, sd_bus_error *error);
} BerthPropertySource;

/* Answers calls for the properties of the object at path, or of those below it. path and source are
 * static. Negative errno. */
int berth_properties_add(BerthService *service, const char *path, bool below,
                         const BerthPropertySource *source);

bool berth_properties_is_get_all(sd_bus_message *call);

/* Appends the properties of these names, NULL: all, as a{sv}. */
int berth_properties_append(sd_bus *bus, sd_bus_message *message, const char *path,
                            const char *interface, const sd_bus_vtable *vtable, void *userdata,
                            const char *const *names);

/* The names of those that are not explicit, NULL-terminated; caller frees the array. */
const char **berth_properties_list_managed(const sd_bus_vtable *vtable);

/* Appends all properties of the object at path as a{sv}, cut to BERTH_MAX_ITEM_BYTES. */
int berth_properties_append_all(sd_bus *bus, sd_bus_message *message, const char *path,
                                const char *interface, const sd_bus_vtable *vtable, void *userdata);
