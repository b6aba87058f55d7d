/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for a transfer, and what is shown meanwhile. */

#pragma once

#include "client/bus.h"

/* What a transfer answered; members that it did not answer are NULL. */
typedef struct {
    char *name, *digest;
    char **names, **damaged;
} DistResult;

void dist_result_clear(DistResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DistResult, dist_result_clear)

/* Waits for the transfer that reply names, shows its progress and what the registry warns of, and
 * cancels it on Ctrl-C. Takes reply over, which may be NULL with error set. */
bool dist_wait_reply(sd_bus_message *reply, DistResult *result, GError **error);

/* For the common case: waits for the transfer that reply names and prints its name, or name if
 * it has none; nothing if name is NULL. Takes reply over, which may be NULL with error set. */
bool dist_finish_transfer(sd_bus_message *reply, const char *name, GError **error);
