/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Change connects one container to one network, or disconnects it. Its steps: the record has the
 * place, or has it no more; then, if the container runs, berth-network carries that out beside the
 * service, as a helper (helper.h). The record comes first, so that a service that dies in between
 * is at most behind in the container that runs now: berth-network goes on without it, and the next
 * start does what the record says. A change that failed is taken back in the record.
 *
 * One change of a container at a time: the helpers of two would be carried out in any order, and a
 * connection that comes after its own disconnection would stay, with nothing in the record.
 */

#include "containers/parts/network-changes.h"

#include "base/fd.h"
#include "base/log.h"
#include "containers/core/process.h"
#include "containers/core/state.h"
#include "containers/core/table.h"
#include "containers/parts/helper.h"
#include "containers/parts/made-networks.h"
#include "containers/parts/network.h"
#include "containers/parts/networks.h"
#include "containers/spec/network-mode.h"

#include <string.h>

enum { MAX_PLACES = 16 };

static const char CONNECTED[] = "connected to a network";
static const char DISCONNECTED[] = "disconnected from a network";

typedef struct {
    BerthContainers *containers;
    char *id; /* the container may be gone at the end */
    BerthNetworkPlace *place;
    BerthContainerDone done;
    void *userdata;
} Change;

/* Takes place over; change_finish() frees it, and the change with it. */
static Change *change_new(BerthContainer *container, BerthNetworkPlace *place,
                          BerthContainerDone done, void *userdata) {
    Change *change = g_new0(Change, 1);

    *change = (Change){
        .containers = container->containers,
        .id = g_strdup(container->record.id),
        .place = place,
        .done = done,
        .userdata = userdata,
    };
    return change;
}

static void change_finish(Change *change, const GError *error) {
    change->done(error, change->userdata);
    berth_place_free(change->place);
    g_free(change->id);
    g_free(change);
}

static bool check_container(const BerthContainer *container, GError **error) {
    const BerthContainerRecord *record = &container->record;

    if (!berth_network_is_named(record->network))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" was created with the network \"%s\", and cannot "
                               "change it",
                               record->id, record->network);
    if (record->state == BERTH_CONTAINER_PAUSED)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is paused; resume it first", record->id);
    return berth_container_check_not_starting(container, error) &&
           berth_helpers_check_none(container, CONNECTED, error) &&
           berth_helpers_check_none(container, DISCONNECTED, error) &&
           berth_parts_permit(container, BERTH_ACT_HELP, error);
}

static bool check_place(BerthContainer *container, const BerthNetworkPlace *place, GError **error) {
    const BerthContainerRecord *record = &container->record;
    g_autoptr(GPtrArray) places = berth_places_list(record);

    if (!berth_place_check(place, record->owner, error) ||
        !berth_network_check_place(container->containers, place, error))
        return false;
    if (berth_places_has(record, place->network))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "container \"%s\" is in the network \"%s\" already", record->id,
                               place->network);
    return places->len < MAX_PLACES ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "a container is in at most %d networks", MAX_PLACES);
}

/* Of what runs now, a network that leads out already keeps the default route. */
static bool leads_out(BerthContainer *container) {
    g_autoptr(GPtrArray) places = berth_places_list(&container->record);

    for (guint i = 0; i < places->len; i++) {
        const BerthNetworkPlace *place = places->pdata[i];
        g_autoptr(BerthNetworkRecord) made =
            berth_network_find_made(container->containers, place->network);
        if (!made || !made->internal)
            return true;
    }
    return false;
}

static bool take_place(BerthContainer *container, const BerthNetworkPlace *place, bool has_route,
                       GError **error) {
    BerthAddresses *addresses = berth_network_get_addresses(container->containers);
    g_autoptr(BerthNetworkRecord) made =
        berth_network_find_made(container->containers, place->network);

    if (made)
        return berth_addresses_take(addresses, container, place, made,
                                    !made->internal && !has_route, error);
    return berth_addresses_take_none(addresses, container, place, error);
}

/* berth-network, with a pidfd by which it knows that the pid is still the container's. */
static bool run_helper(BerthContainer *container, const char *mode, const BerthNetworkPlace *place,
                       const char *activity, BerthContainerDone done, Change *change,
                       GError **error) {
    g_autofree char *key = berth_place_make_key(container->record.id, place);
    berth_autofd int program = berth_launcher_open_program("berth-network", error);
    const BerthLaunchRequest launch = {
        .program = program,
        .name = "berth-network",
        .mode = mode,
        .pid = container->record.first.pid,
        .arguments = {NULL, key},
        .input = -1,
        .output = -1,
        .error = STDERR_FILENO,
        .target = -1,
        .snapshots = container->first->pidfd,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };

    return program >= 0 && berth_helper_start(container, &launch, activity, done, change, error);
}

/* A container that has exited meanwhile has left all of its networks; it keeps the place. */
static void change_on_connected(const GError *error, void *userdata) {
    Change *change = userdata;
    BerthContainer *container = berth_containers_find(change->containers, change->id, NULL);
    g_autofree char *key = berth_place_make_key(change->id, change->place);
    g_autoptr(GError) unwritten = NULL;

    if (error && container && berth_container_is_running(container)) {
        berth_addresses_drop(berth_network_get_addresses(change->containers), key);
        berth_places_remove(&container->record, change->place->network);
        if (!berth_container_write(container, NULL, &unwritten))
            berth_log_warning("BERTH_CONTAINER", change->id, "%s", unwritten->message);
        change_finish(change, error);
        return;
    }
    change_finish(change, NULL);
}

static bool begin_connect(BerthContainer *container, Change *change, GError **error) {
    BerthNetworkPlace *place = change->place;
    bool runs = berth_container_is_running(container);
    /* Before the record has the new place, which would be taken for the one with the route. */
    bool has_route = leads_out(container);

    place->first = g_str_equal(place->network, container->record.network);
    if (!check_container(container, error) || !check_place(container, place, error) ||
        (runs && !take_place(container, place, has_route, error)))
        return false;
    berth_places_add(&container->record, place);
    if (!berth_container_write(container, NULL, error) ||
        (runs &&
         !run_helper(container, "join", place, CONNECTED, change_on_connected, change, error))) {
        g_autofree char *key = berth_place_make_key(container->record.id, place);
        berth_addresses_drop(berth_network_get_addresses(container->containers), key);
        berth_places_remove(&container->record, place->network);
        /* If this write fails as well, the record on disk has a place that the one in memory lacks,
         * until the next write; a service that starts before then connects it at the next start. */
        (void)berth_container_write(container, NULL, NULL);
        return false;
    }
    return true;
}

void berth_container_connect(BerthContainer *container, BerthNetworkPlace *place,
                             BerthContainerDone done, void *userdata) {
    Change *change = change_new(container, place, done, userdata);
    bool runs = berth_container_is_running(container);
    g_autoptr(GError) error = NULL;

    if (!begin_connect(container, change, &error) || !runs)
        change_finish(change, error);
}

/* The container is still there, and so is its place: the caller can try again. */
static void restore_place(BerthContainer *container, const BerthNetworkPlace *place) {
    g_autoptr(GError) error = NULL;

    berth_places_add(&container->record, place);
    if (!berth_container_write(container, NULL, &error))
        berth_log_warning("BERTH_CONTAINER", container->record.id, "%s", error->message);
}

/* A container that has exited meanwhile has left all of its networks. */
static void change_on_disconnected(const GError *error, void *userdata) {
    Change *change = userdata;
    BerthContainer *container = berth_containers_find(change->containers, change->id, NULL);

    if (error && container && berth_container_is_running(container)) {
        restore_place(container, change->place);
        change_finish(change, error);
        return;
    }
    change_finish(change, NULL);
}

static bool begin_disconnect(BerthContainer *container, Change *change, GError **error) {
    const BerthContainerRecord *record = &container->record;
    bool runs = berth_container_is_running(container);

    if (!check_container(container, error))
        return false;
    if (!change->place)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               "container \"%s\" is not in that network", record->id);
    berth_places_remove(&container->record, change->place->network);
    if (!berth_container_write(container, NULL, error)) {
        /* Not written: disconnecting is refused, so the container is in the network still. */
        berth_places_add(&container->record, change->place);
        return false;
    }
    if (runs && !run_helper(container, "leave", change->place, DISCONNECTED, change_on_disconnected,
                            change, error)) {
        restore_place(container, change->place);
        return false;
    }
    return true;
}

void berth_container_disconnect(BerthContainer *container, const char *network,
                                BerthContainerDone done, void *userdata) {
    Change *change =
        change_new(container, berth_places_find(&container->record, network), done, userdata);
    bool runs = berth_container_is_running(container);
    g_autoptr(GError) error = NULL;

    if (!begin_disconnect(container, change, &error) || !runs)
        change_finish(change, error);
}
