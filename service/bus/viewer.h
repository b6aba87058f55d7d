/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rights of a client that reads objects: polkit's answers, kept while one call is handled or
 * while the client is subscribed to events. A client always sees objects that its own user owns.
 */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

typedef struct {
    uint32_t uid;
    bool others; /* may see objects of other users: containers.inspect */
    bool images; /* may see images: images.inspect */
} BerthViewer;

/* Asks polkit about the checks "sight" and "images" if the call's member has them; rights that are
 * not asked about are not granted. Returns like berth_access_check, but never a refusal. */
int berth_viewer_find(sd_bus_message *call, BerthService *service, BerthViewer *viewer);

/* Whether the viewer sees objects that belong to owner. */
bool berth_viewer_sees(const BerthViewer *viewer, uint32_t owner);
