/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The method Logs, shared by the manager and the container's object. The reply is the read end of a
 * pipe that berth-journal fills; that worker owns the charge and ends when the client leaves the
 * bus. Without the option Fields, the pipe carries only messages; with it, whole entries.
 */

#include "base/fd.h"
#include "bus/container-object.h"
#include "bus/options.h"
#include "containers/parts/logs.h"

#include <errno.h>

typedef struct {
    bool is_given; /* distinguishes an empty list, which means all fields, from no list */
    char **names;
} Fields;

static int read_fields(sd_bus_message *message, void *value, sd_bus_error *error) {
    Fields *fields = value;
    int r;

    (void)error;
    fields->is_given = true;
    if ((r = sd_bus_message_enter_container(message, 'v', "as")) < 0 ||
        (r = sd_bus_message_read_strv(message, &fields->names)) < 0)
        return r;
    return sd_bus_message_exit_container(message);
}

static void clear_fields(Fields *fields) {
    g_strfreev(fields->names);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fields, clear_fields)

int berth_container_method_logs(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_auto(Fields) fields = {0};
    BerthContainer *container;
    int follow = 0;
    BerthLogsRequest request = {.until_usec = UINT64_MAX, .lines = UINT64_MAX};
    const BerthOption options[] = {
        {"Follow", "b", &follow},
        {"Since", "t", &request.since_usec},
        {"Until", "t", &request.until_usec},
        {"Lines", "t", &request.lines},
        {"Fields", NULL, &fields, read_fields},
        {NULL, NULL, NULL},
    };
    int r = berth_container_read_and_check(call, userdata, options, ret_error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthCharge *charge = berth_bus_charge(userdata, call, BERTH_RESOURCE_LOGS, ret_error);
    if (!charge)
        return -EBUSY;
    request.follow = follow;
    request.messages = !fields.is_given;
    request.fields = fields.names;
    request.client = sd_bus_message_get_sender(call);
    berth_autofd int pipe = berth_container_open_logs(container, &request, charge, &error);
    return pipe < 0 ? berth_bus_error_set(ret_error, error)
                    : sd_bus_reply_method_return(call, "h", pipe);
}
