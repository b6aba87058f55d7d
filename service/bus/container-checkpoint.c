/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checkpoint and Restore, of both faces. */

#include "bus/container-object.h"
#include "bus/options.h"

int berth_container_method_checkpoint(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_autofree char *id = NULL;
    BerthContainer *container;
    int leave_running = 0, r;
    const BerthOption options[] = {{"LeaveRunning", "b", &leave_running}, {NULL, NULL, NULL}};

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_checkpoint(container, leave_running, berth_pending_call_finish,
                               berth_pending_call_new(userdata, call));
    return 1;
}

int berth_container_method_restore(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_autofree char *id = NULL;
    BerthContainerStreams streams;
    BerthContainer *container;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = berth_container_read_streams(call, &streams, error)) < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    return r != BERTH_ACCESS_GRANTED
               ? r
               : berth_container_reply_start(call, userdata, container, true, &streams);
}
