/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removes what a reboot or a crash of an engine has left. Engines have --root below /run, so that a
 * reboot removes the records of all containers; the service keeps its own on disk. Without a record
 * nobody would delete such a container, and its id could not be used again.
 *
 * A record is made before its container and removed after it. So a container that the service has
 * listed, and that has no record afterwards, belongs to no other berth-runtime. A running one is
 * left alone: the service refuses to delete it. There is no state here.
 */

#include "leftovers.h"

#include "log.h"

/* Only this many at once: what remains is found by the next first container. */
enum { MAX_LEFTOVERS = 1024 };

static bool leftover_delete(sd_bus *bus, const char *berth_id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus_message) reply = runtime_call(bus, &error, "Delete", "sa{sv}", berth_id, 0);

    if (!reply)
        runtime_log(RUNTIME_LOG_DEBUG, "delete container %s, which has no record: %s", berth_id,
                    error->message);
    return reply != NULL;
}

bool runtime_leftovers_remove_one(sd_bus *bus, const RuntimeRecord *record) {
    return leftover_delete(bus, record->berth_id);
}

/* The service's ids of the containers that were made below the root. NULL after an error, which
 * concerns nobody else. */
static GPtrArray *leftovers_list(sd_bus *bus, const char *root) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(sd_bus_message) reply = runtime_call(
        bus, NULL, "List", "a{sv}", 3, "Limit", "t", (uint64_t)MAX_LEFTOVERS, "Properties", "as", 1,
        "State", "Filter", "a{sv}", 1, "Labels", "a{ss}", 1, "berth-runtime.root", root);
    const char *id;
    int r = reply ? sd_bus_message_enter_container(reply, 'a', "(sa{sv})") : -1;

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sa{sv}")) > 0)
        if ((r = sd_bus_message_read(reply, "s", &id)) >= 0 &&
            (r = sd_bus_message_skip(reply, "a{sv}")) >= 0 &&
            (r = sd_bus_message_exit_container(reply)) >= 0)
            g_ptr_array_add(ids, g_strdup(id));
    return r < 0 ? NULL : g_steal_pointer(&ids);
}

static bool has_record(char *const *names, const char *root, const char *berth_id) {
    for (char *const *name = names; *name; name++) {
        g_autofree char *id = runtime_record_make_berth_id(root, *name);
        if (g_str_equal(id, berth_id))
            return true;
    }
    return false;
}

/* Beside other records this is not the first container since the boot: what there was is removed
 * already. */
void runtime_leftovers_remove(sd_bus *bus, const RuntimeRecord *record) {
    g_auto(GStrv) first = runtime_record_list(record->root, NULL);

    if (!first || g_strv_length(first) != 1)
        return;
    g_autoptr(GPtrArray) ids = leftovers_list(bus, record->root);
    if (!ids || ids->len == 0)
        return;
    /* In this order, see the top of this file. */
    g_auto(GStrv) names = runtime_record_list(record->root, NULL);
    for (unsigned i = 0; names && i < ids->len; i++)
        /* This id is the record's own, whose container does not exist yet. */
        if (g_str_equal(ids->pdata[i], record->berth_id) ||
            !has_record(names, record->root, ids->pdata[i]))
            (void)leftover_delete(bus, ids->pdata[i]);
}
