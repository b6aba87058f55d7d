/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The service as its bus objects see it: what berthd.c puts together and each of them uses. A bus
 * object reads its arguments, authorises, calls one domain function and replies.
 */

#pragma once

#include "base/bus-error.h"
#include "containers/containers.h"
#include "images/images.h"

#define BERTH_BUS_NAME "org.berth1"
#define BERTH_BUS_ROOT "/org/berth1"

typedef struct BerthAccess BerthAccess;
typedef struct BerthUnicast BerthUnicast;
typedef struct BerthWatchers BerthWatchers;

typedef struct {
    sd_event *event;
    sd_bus *bus;
    BerthAccess *access;
    BerthDatabase *database;
    BerthContents *contents;
    BerthSnapshotStore *snapshots;
    BerthTransfers *transfers;
    BerthRemotes *remotes;
    BerthImages *images;
    BerthContainers *containers;
    GPtrArray *waiting;      /* calls that are answered when something ends */
    GHashTable *creators;    /* container → unique name that created it (bus/creators.h) */
    BerthUnicast *unicast;   /* signals */
    BerthWatchers *watchers; /* of objects (bus/watchers.h) */
    GHashTable *subscribers; /* to container events (bus/subscribers.h) */
} BerthService;

/* Each registers its objects; negative errno. */
int berth_images_bus_add(BerthService *service);
int berth_image_bus_add(BerthService *service);
int berth_networks_bus_add(BerthService *service);
int berth_contents_bus_add(BerthService *service);
int berth_leases_bus_add(BerthService *service);
int berth_transfers_bus_add(BerthService *service);
int berth_containers_bus_add(BerthService *service);
int berth_container_bus_add(BerthService *service);
int berth_volumes_bus_add(BerthService *service);
int berth_pods_bus_add(BerthService *service);
int berth_manager_bus_add(BerthService *service);
int berth_log_control_bus_add(BerthService *service);

/* The containers of an image, or those that mount a volume, have become others. */
void berth_image_object_tell_users(BerthService *service, const char *name);
