/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of this folder share. */

#pragma once

#include "containers/containers.h"

typedef struct BerthLaunch BerthLaunch;

struct BerthContainers {
    sd_event *event;
    sd_bus *bus;
    BerthScopes *scopes;
    BerthImages *images;
    BerthDatabase *database;
    int directory; /* containers/ of the state directory */
    char boot[40];
    GHashTable *by_id; /* id → BerthContainer */
    GHashTable *taken; /* ids of containers that are being made */
    BerthEventObserver observer;
    void *userdata;
};

struct BerthContainer {
    BerthContainers *containers;
    BerthContainerRecord record;
    char *scope;
    int pidfd; /* while it runs */
    sd_event_source *watch, *stop_timer;
    BerthLaunch *launch; /* while it is being started */
    GPtrArray *waiters;
};

/* A container of a record, which is taken over; in the table. */
BerthContainer *berth_container_new(BerthContainers *containers, BerthContainerRecord *record);
void berth_container_free(gpointer container);

/* Writes the record and tells of the event, in this order. */
bool berth_container_change(BerthContainer *container, const char *event, GError **error);

/* Watches a running process to its end. Takes pidfd over. */
bool berth_container_watch(BerthContainer *container, int pidfd, GError **error);

/* It has ended: everything that follows from it. */
void berth_container_set_exited(BerthContainer *container, int status);

/* Ends a start under way, for which the container's process has gone. */
void berth_launch_set_exited(BerthLaunch *launch, int status);
void berth_launch_free(BerthLaunch *launch);

/* The OCI runtime configuration of options on an image, as JSON. chain: names of the layers'
 * directories, topmost first. */
char *berth_spec_format(const BerthContainerOptions *options, const BerthImageInfo *image,
                        char *const *chain, GError **error);
