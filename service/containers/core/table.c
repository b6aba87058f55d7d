/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of the service's containers, by id. There is one, which lives as long as the
 * service.
 */

#include "containers/core/table.h"

#include "base/directory.h"
#include "base/fd.h"
#include "config.h"
#include "containers/core/container.h"
#include "containers/core/launcher.h"
#include "containers/core/part.h"
#include "containers/core/pod-index.h"
#include "containers/core/process.h"
#include "containers/core/unfinished.h"

#include <string.h>
#include <systemd/sd-id128.h>

/* Other programs may have scopes with similar names. They are in no record, and are not
 * returned. */
BerthContainer *berth_containers_find_by_scope(BerthContainers *containers, const char *unit) {
    const size_t around = strlen("berth-") + strlen(".scope");

    if (!g_str_has_prefix(unit, "berth-") || !g_str_has_suffix(unit, ".scope") ||
        strlen(unit) <= around)
        return NULL;
    g_autofree char *id = g_strndup(unit + strlen("berth-"), strlen(unit) - around);
    return g_hash_table_lookup(containers->by_id, id);
}

static void on_stop_requested(const char *unit, void *userdata) {
    BerthContainer *container = berth_containers_find_by_scope(userdata, unit);

    if (container)
        berth_parts_stop_requested(container);
}

bool berth_containers_open_state(const BerthContainers *containers, const char *name, int *fd,
                                 GError **error) {
    /* 0700: only root can reach the files of containers other than through the bus. */
    *fd = berth_directory_make(containers->state, name, 0700, error);
    return *fd >= 0;
}

/* The path of the state directory, for use in configurations; berthd itself uses the descriptor. */
static char *read_path(int directory) {
    char *path = berth_directory_read_path(directory);

    return path ? path : g_strdup(BERTH_STATEDIR);
}

static bool read_boot(BerthContainers *containers, GError **error) {
    sd_id128_t boot;

    if (sd_id128_get_boot(&boot) < 0)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "cannot read the boot ID");
    sd_id128_to_string(boot, containers->boot);
    return true;
}

/* After a failure, berth_containers_free() closes what is open. */
static bool open_all(BerthContainers *containers, GError **error) {
    containers->program = berth_launcher_open_program("berth-launch", error);
    if (containers->program < 0 ||
        !berth_containers_open_state(containers, "containers", &containers->directory, error) ||
        !read_boot(containers, error))
        return false;
    /* Parts come last: opened may use everything else. */
    containers->scopes = berth_scopes_new(containers->bus, on_stop_requested, containers, error);
    return containers->scopes && berth_parts_opened(containers, error);
}

BerthContainers *berth_containers_new_with_parts(sd_bus *bus, int directory, BerthImages *images,
                                                 const BerthPart *const *parts, GError **error) {
    BerthContainers *containers = g_new0(BerthContainers, 1);

    containers->event = images->event;
    containers->bus = bus;
    containers->images = images;
    containers->database = images->database;
    /* The keys are the ids in the records, which belong to the containers. */
    containers->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, berth_container_free);
    containers->by_number = g_hash_table_new(g_int64_hash, g_int64_equal);
    containers->by_pod = berth_pod_index_new();
    containers->reserved =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)berth_hold_free);
    containers->directory = containers->program = -1;
    containers->state = directory;
    containers->state_path = read_path(directory);
    containers->parts = parts;
    containers->slots = berth_parts_new_slots(containers);
    if (open_all(containers, error))
        return containers;
    berth_containers_free(containers);
    return NULL;
}

void berth_containers_free(BerthContainers *containers) {
    if (!containers)
        return;
    /* Containers are freed first, because they still return parts, scopes and kernel resources
     * through the objects below. */
    g_hash_table_unref(containers->by_id);
    g_hash_table_unref(containers->by_number);
    g_hash_table_unref(containers->by_pod);
    berth_unfinished_free(containers);
    g_hash_table_unref(containers->reserved);
    berth_parts_closed(containers);
    berth_scopes_free(containers->scopes);
    berth_exits_free(containers->exits);
    berth_fd_clear(&containers->directory);
    berth_fd_clear(&containers->program);
    g_free(containers->state_path);
    g_free(containers->slots);
    g_free(containers);
}

void berth_containers_observe(BerthContainers *containers, BerthEventObserver observer,
                              void *userdata) {
    containers->observer = observer;
    containers->userdata = userdata;
}

BerthContainer *berth_containers_find(BerthContainers *containers, const char *id, GError **error) {
    BerthContainer *container = g_hash_table_lookup(containers->by_id, id);

    if (!container)
        /* The id comes from the caller and may have any length; only its beginning fits into an
         * error message. */
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no container \"%.100s\"", id);
    return container;
}

static gint compare_ids(gconstpointer a, gconstpointer b) {
    const BerthContainer *first = *(BerthContainer *const *)a,
                         *second = *(BerthContainer *const *)b;

    return strcmp(first->record.id, second->record.id);
}

static GPtrArray *list_containers(BerthContainers *containers, GCompareFunc compare) {
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        g_ptr_array_add(list, value);
    g_ptr_array_sort(list, compare);
    return list;
}

GPtrArray *berth_containers_list(BerthContainers *containers) {
    return list_containers(containers, berth_container_compare_age);
}

GPtrArray *berth_containers_list_by_id(BerthContainers *containers) {
    return list_containers(containers, compare_ids);
}

uint32_t berth_containers_get_pid(BerthContainers *containers, const char *id,
                                  const char *process_id) {
    BerthContainer *container = berth_containers_find(containers, id, NULL);
    BerthProcess *process =
        container ? berth_container_find_process(container, process_id, NULL) : NULL;

    return process ? process->record->pid : 0;
}
