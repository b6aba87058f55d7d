/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The common parts of calls about containers: reading the ID, checking the caller, and signalling
 * changes. A container is addressed either by an argument of the manager's members or by an object
 * path; the handlers serve both, and the ID is read here. There is no state. The one thing to know:
 * the container is looked up again in each check, since it may have been deleted by the time polkit
 * answers.
 */

#include "bus/container-call.h"

#include "bus/access.h"
#include "bus/creators.h"
#include "bus/objects.h"
#include "bus/watchers.h"

char *berth_container_make_path(const char *id) {
    return berth_object_make_path(berth_objects_get_kind(BERTH_CONTAINER_INTERFACE), id);
}

char *berth_container_read_path(const char *path) {
    return berth_object_read_path(berth_objects_get_kind(BERTH_CONTAINER_INTERFACE), path);
}

int berth_container_read_id(sd_bus_message *call, char **id) {
    return berth_object_read_name(berth_objects_get_kind(BERTH_CONTAINER_INTERFACE), call, id);
}

/* key and value are one further detail of the member, "property" or "network"; NULL if there is
 * none. The connection that created the container needs no second question, but only for the
 * container's first process: others were not part of the Create that was allowed. */
static int container_check_member(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *process, const char *key,
                                  const char *value, BerthContainer **container) {
    int r = berth_access_await(service->access, call, id);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    *container = berth_containers_find(service->containers, id, NULL);
    /* Pods have their own members (pods-bus.c). */
    if (*container && berth_container_is_pod(*container))
        *container = NULL;
    const BerthContainerRecord *record = *container ? berth_container_get_record(*container) : NULL;
    const BerthOwnedObject object = {"container", "container", id, record != NULL,
                                     record ? record->owner : 0};
    g_autofree char *owner = record ? g_strdup_printf("%u", record->owner) : NULL;

    if (record && process[0] == '\0' && berth_creators_is(service, id, call) &&
        berth_access_has_check(call, "creator"))
        return BERTH_ACCESS_GRANTED;
    return berth_access_check_owned(service->access, call, error, &object, "container", id, "image",
                                    record ? record->image : NULL, "owner", owner, key, value,
                                    NULL);
}

int berth_container_check(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                          const char *id, BerthContainer **container) {
    return berth_container_check_process(call, service, error, id, "", container);
}

int berth_container_check_process(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *process, BerthContainer **container) {
    return container_check_member(call, service, error, id, process, NULL, NULL, container);
}

int berth_container_read_and_check(sd_bus_message *call, BerthService *service,
                                   const BerthOption *options, sd_bus_error *error,
                                   BerthContainer **container) {
    g_autofree char *id = NULL;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    return berth_container_check(call, service, error, id, container);
}

int berth_container_check_properties(sd_bus_message *call, BerthService *service,
                                     sd_bus_error *error, const char *id, const char *properties,
                                     BerthContainer **container) {
    return container_check_member(call, service, error, id, "", "property", properties, container);
}

int berth_container_check_network(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *network, BerthContainer **container) {
    return container_check_member(call, service, error, id, "", "network", network, container);
}

void berth_container_finish_change(const GError *error, BerthPendingCall *pending,
                                   const char *const *changed) {
    BerthService *service = pending->service;
    BerthContainer *container = berth_containers_find(service->containers, pending->name, NULL);

    if (container && !error) {
        const BerthObject object = {berth_objects_get_kind(BERTH_CONTAINER_INTERFACE),
                                    pending->name, true,
                                    berth_container_get_record(container)->owner, container};
        berth_watchers_send_changed(service->watchers, &object, changed, NULL);
    }
    berth_pending_call_finish(error, pending);
}
