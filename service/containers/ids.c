/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ranges of host ids for user namespaces. They come from those that systemd reserves for containers
 * (systemd-nspawn(1), --private-users=pick; UIDS-GIDS.md), where no system has users. A range
 * belongs to a container from Create to Delete. There is no state here: the records are
 * searched.
 */

#include "containers/ids.h"

#include "containers/spec/spec.h"

#include <stdio.h>
#include <unistd.h>

enum {
    FIRST_ID = 524288,
    LAST_ID = 1879048191,
    RANGES = (LAST_ID + 1 - FIRST_ID) / BERTH_IDS_COUNT,
    MAX_SUB_ID_BYTES = 1024 * 1024,
};

typedef struct {
    uint64_t first, count;
} Range;

static void add_range(GArray *taken, uint64_t first, uint64_t count) {
    Range range = {first, count};

    g_array_append_val(taken, range);
}

/* subuid(5): NAME:FIRST:COUNT. */
static void add_sub_ids(GArray *taken, const char *path) {
    g_autofree char *text = NULL;
    gsize size;

    if (!g_file_get_contents(path, &text, &size, NULL) || size > MAX_SUB_ID_BYTES)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, ":", -1);
        if (g_strv_length(parts) == 3)
            add_range(taken, g_ascii_strtoull(parts[1], NULL, 10),
                      g_ascii_strtoull(parts[2], NULL, 10));
    }
}

/* The ranges of all containers, running or not, and those that useradd(8) has allocated to users
 * for their own containers. */
static GArray *list_taken(BerthContainers *containers) {
    GArray *taken = g_array_new(FALSE, FALSE, sizeof(Range));
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        if (record->ids > 0)
            add_range(taken, record->ids, BERTH_IDS_COUNT);
    }
    add_sub_ids(taken, "/etc/subuid");
    add_sub_ids(taken, "/etc/subgid");
    return taken;
}

/* Ranges are aligned to their size, like those of systemd-nspawn, so that only a lock with the same
 * first id can conflict. */
static bool is_free(const GArray *taken, uint64_t first) {
    for (guint i = 0; i < taken->len; i++) {
        const Range *range = &g_array_index(taken, Range, i);
        if (first < range->first + range->count && range->first < first + BERTH_IDS_COUNT)
            return false;
    }
    /* Held by systemd-nspawn while its container is running. */
    g_autofree char *lock =
        g_strdup_printf("/run/systemd/nspawn-uid/%" G_GUINT64_FORMAT, (guint64)first);
    return access(lock, F_OK) < 0;
}

uint32_t berth_ids_allocate(BerthContainers *containers, const char *id, GError **error) {
    g_autoptr(GArray) taken = list_taken(containers);
    /* The search starts at a position derived from the id, so that a container that is created
     * again tends to get the same range. */
    guint start = g_str_hash(id) % RANGES;

    for (guint i = 0; i < RANGES; i++) {
        uint32_t first = FIRST_ID + (start + i) % RANGES * (uint32_t)BERTH_IDS_COUNT;
        if (is_free(taken, first))
            return first;
    }
    berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                    "no range of ids is left for a user namespace; delete containers");
    return 0;
}
