/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Single objects of registries. */

#pragma once

#include "client/bus.h"

/* Calls FetchObject; media_types may be NULL. The reply has a pipe to read from and the descriptor
 * of the object. */
sd_bus_message *dist_call_fetch_object(const char *reference, const char *object,
                                       char *const *media_types, bool insecure, GError **error);

/* Returns only the pipe; -1 with error. */
int dist_fetch_object(const char *reference, const char *object, bool insecure, GError **error);
