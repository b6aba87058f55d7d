/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fills a BerthViewer, which lives on the handler's stack for one call; Subscribe keeps a copy. The
 * one thing to know: nothing is refused here. Without a right, a list is just shorter, so polkit is
 * never made to ask the user to authenticate. See viewer.h.
 */

#include "bus/viewer.h"

static int viewer_ask(sd_bus_message *call, BerthService *service, const char *check, bool *sees) {
    return berth_access_has_check(call, check)
               ? berth_access_query(service->access, call, sees, check, NULL)
               : BERTH_ACCESS_GRANTED;
}

int berth_viewer_find(sd_bus_message *call, BerthService *service, BerthViewer *viewer) {
    int r;

    *viewer = (BerthViewer){0};
    if ((r = berth_access_get_uid(service->access, call, &viewer->uid)) != BERTH_ACCESS_GRANTED ||
        (r = viewer_ask(call, service, "sight", &viewer->others)) != BERTH_ACCESS_GRANTED)
        return r;
    return viewer_ask(call, service, "images", &viewer->images);
}

bool berth_viewer_sees(const BerthViewer *viewer, uint32_t owner) {
    return viewer->others || viewer->uid == owner;
}
