/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notifications to systemd, when dist runs a container as a unit of Type=notify (--notify). */

#pragma once

#include "client/run-options.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct DistReadiness DistReadiness;

/* Before Create: with --notify=container, gives the container a socket to notify by. */
bool dist_readiness_prepare(GError **error);

/* Removes that socket; so does exit(3). */
void dist_readiness_forget(void);

/* Follows a container from its start; the id is the caller's. */
DistReadiness *dist_readiness_new(sd_event *event, sd_bus *bus, const char *id, DistNotify notify);
/* Called if it is to be healthy and nothing checks its health. */
typedef void (*DistReadinessImpossible)(void *userdata);
void dist_readiness_on_impossible(DistReadiness *readiness, DistReadinessImpossible never,
                                  void *userdata);
void dist_readiness_free(DistReadiness *readiness);

/* Its command runs. */
void dist_readiness_started(DistReadiness *readiness);
/* The service, or the bus, was away and is back. */
void dist_readiness_returned(DistReadiness *readiness, sd_bus *bus);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistReadiness, dist_readiness_free)
