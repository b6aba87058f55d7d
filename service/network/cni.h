/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Container Network Interface (its SPEC.md): the administrator's configurations in
 * /etc/cni/net.d, and the plugins that carry them out.
 */

#pragma once

#include "base/error.h"

#include <json-c/json.h>

/* The arguments for one run of the plugins. */
typedef struct {
    const char *id;
    const char *netns;     /* "" if it is gone */
    const char *interface; /* the name in the container */
    json_object *ports;    /* in the form of portMappings; NULL for none */
    json_object *network;  /* a configuration list */
    const char *mac;       /* NULL to let the plugin choose */
} BerthCniCall;

/* Finds the first network of that name, in the order of file names, as other runtimes do; NotFound
 * if there is none. The caller frees it. */
json_object *berth_cni_find(const char *name, GError **error);

/* Connects the container. *result is set to the result of the last plugin. If this fails,
 * everything done so far is undone. */
bool berth_cni_add(const BerthCniCall *call, json_object **result, GError **error);
/* Writes the rules of a connected container again, as far as plugins can write them without another
 * connection: portmap and firewall. */
bool berth_cni_renew(const BerthCniCall *call, json_object *result, GError **error);
/* Removes those rules only, for a container that is no longer connected. */
bool berth_cni_withdraw(const BerthCniCall *call, json_object *result, GError **error);
/* Disconnects the container. result is that of the add, or NULL if it is unknown. */
bool berth_cni_delete(const BerthCniCall *call, json_object *result, GError **error);
