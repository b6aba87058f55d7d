/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Container Network Interface (its SPEC.md): the administrator's configurations in
 * /etc/cni/net.d, and the plugins that carry one out.
 */

#pragma once

#include "base/error.h"

#include <json-glib/json-glib.h>

/* What one run of the plugins needs. */
typedef struct {
    const char *id;
    const char *netns;     /* "" when it has gone */
    const char *interface; /* in the container */
    JsonArray *ports;      /* as portMappings has them; NULL for none */
    JsonNode *network;     /* a list of configurations */
    const char *mac;       /* NULL: as the plugin chooses */
} BerthCniCall;

/* The first network of that name, by the order of file names, as in other runtimes; NotFound. */
JsonNode *berth_cni_find(const char *name, GError **error);

/* result: of the last plugin. What an add that fails has done is undone. */
bool berth_cni_add(const BerthCniCall *call, JsonNode **result, GError **error);
/* result: of the add; NULL if it is not known. */
bool berth_cni_delete(const BerthCniCall *call, JsonNode *result, GError **error);
