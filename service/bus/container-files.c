/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods about the files of a container, shared by the manager and the container's object:
 * CopyOut, CopyIn and Changes. The data passes through a descriptor of the caller, which stays in
 * its envelope here and is opened by berth-copy: the service itself never reads or writes it. Each
 * call is charged to the user, since it starts a process. There is no state but the pending calls.
 */

#include "bus/container-object.h"
#include "bus/options.h"
#include "containers/parts/copy.h"

#include <errno.h>

static int copy_files(sd_bus_message *call, void *userdata, sd_bus_error *error,
                      BerthCopyMode mode) {
    bool into = mode == BERTH_COPY_IN;
    BerthCopyRequest request = {.mode = mode, .name = "", .kind = "", .tar = -1};
    g_autofree char *id = NULL;
    BerthContainer *container;
    int owners = 0, follows = 0, r;
    const BerthOption of_in[] = {
        {"Name", "s", &request.name}, {"KeepOwners", "b", &owners}, {NULL, NULL, NULL}};
    const BerthOption of_out[] = {{"Name", "s", &request.name},
                                  {"Kind", "s", &request.kind},
                                  {"FollowLink", "b", &follows},
                                  {NULL, NULL, NULL}};

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "sh", &request.path, &request.tar)) < 0 ||
        (r = berth_options_read(call, into ? of_in : of_out, error)) < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthPendingCall *pending =
        berth_pending_call_new_charged(userdata, call, BERTH_RESOURCE_COPIES, error);
    if (!pending)
        return -EBUSY;
    request.keeps_owners = owners;
    request.follows_link = follows;
    berth_container_copy(container, &request, berth_pending_call_finish, pending);
    return 1;
}

int berth_container_method_copy_out(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return copy_files(call, userdata, error, BERTH_COPY_OUT);
}

int berth_container_method_changes(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthCopyRequest request = {
        .mode = BERTH_COPY_CHANGES, .path = "-", .name = "", .kind = "", .tar = -1};
    g_autofree char *id = NULL;
    BerthContainer *container;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "h", &request.tar)) < 0 ||
        (r = berth_options_read_none(call, error)) < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthPendingCall *pending =
        berth_pending_call_new_charged(userdata, call, BERTH_RESOURCE_COPIES, error);
    if (!pending)
        return -EBUSY;
    berth_container_copy(container, &request, berth_pending_call_finish, pending);
    return 1;
}

int berth_container_method_copy_in(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return copy_files(call, userdata, error, BERTH_COPY_IN);
}
