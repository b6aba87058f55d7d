/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rights of a client that reads objects: polkit's answers, kept for as long as one call is
 * handled, or a client is subscribed to events. A client always sees what its user owns.
 */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

typedef struct {
    uint32_t uid;
    bool others; /* may see what other users own: containers.inspect */
    bool images; /* may see images: images.inspect */
} BerthViewer;

/* Asks polkit the checks "sight" and "images" of the call's member, as far as its rows have them;
 * what is not asked about is not seen. Returns as berth_access_check does, and never refuses. */
int berth_viewer_find(sd_bus_message *call, BerthService *service, BerthViewer *viewer);

bool berth_viewer_sees(const BerthViewer *viewer, uint32_t owner);
