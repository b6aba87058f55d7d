/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The service as seen by its bus objects: the parts that berthd.c assembles and that the bus
 * objects use. A bus object reads its arguments, authorises, calls one domain function and replies.
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
    GPtrArray *waiting;      /* pending calls (bus/pending-call.h) */
    GHashTable *creators;    /* containers and images → unique names (bus/creators.h) */
    BerthUnicast *unicast;   /* sends signals to single clients */
    BerthWatchers *watchers; /* of objects (bus/watchers.h) */
    GHashTable *subscribers; /* to container events (bus/subscribers.h) */
} BerthService;

/* Each of these registers its objects and returns a negative errno on failure. */
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
