/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits for a transfer and shows its progress. */

#pragma once

#include "client/bus.h"

/* The result of a transfer; members that it does not have are NULL. */
typedef struct {
    char *name, *digest;
    char **names, **damaged;
} DistResult;

void dist_result_clear(DistResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DistResult, dist_result_clear)

/* Waits for the transfer that reply names, shows its progress and the registry's warnings, and
 * cancels it on Ctrl-C. Takes ownership of reply, which may be NULL with error set. */
bool dist_wait_reply(sd_bus_message *reply, DistResult *result, GError **error);

/* The common case: waits for the transfer that reply names and prints its name, or name if it has
 * none; prints nothing if name is NULL. Takes ownership of reply, which may be NULL with error set.
 */
bool dist_finish_transfer(sd_bus_message *reply, const char *name, GError **error);
