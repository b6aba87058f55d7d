/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notifies systemd when dist runs a container as a unit of Type=notify (--notify). */

#pragma once

#include "client/run-options.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct DistReadiness DistReadiness;

/* Called before Create: with --notify=container, gives the container a socket for its
 * notifications. */
bool dist_readiness_prepare(GError **error);

/* Removes that socket; exit(3) does so as well. */
void dist_readiness_forget(void);

/* Follows a container from its start. id must outlive the object. */
DistReadiness *dist_readiness_new(sd_event *event, sd_bus *bus, const char *id, DistNotify notify);
/* Called if the container has to become healthy but has no health check. */
typedef void (*DistReadinessImpossible)(void *userdata);
void dist_readiness_on_impossible(DistReadiness *readiness, DistReadinessImpossible never,
                                  void *userdata);
void dist_readiness_free(DistReadiness *readiness);

/* The container's command is running. */
void dist_readiness_started(DistReadiness *readiness);
/* The service, or the bus, was away and has come back. */
void dist_readiness_returned(DistReadiness *readiness, sd_bus *bus);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistReadiness, dist_readiness_free)
