/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hold has no state but its reason, and belongs to the object that has taken it. Holds are only
 * counted, for the whole process, by reason and in total; nothing keeps track of the objects that
 * have taken them.
 */

#include "base/hold.h"

#include <glib.h>

struct BerthHold {
    BerthHoldReason reason;
};

static const char *const reasons[] = {
    [BERTH_HOLD_OPERATION] = "operations",
    [BERTH_HOLD_CREATION] = "containers being created",
    [BERTH_HOLD_START] = "processes being started",
    [BERTH_HOLD_PROCESS] = "running processes",
    [BERTH_HOLD_RESTART] = "planned restarts",
    [BERTH_HOLD_CALL] = "unanswered calls",
    [BERTH_HOLD_QUESTION] = "calls being authorized",
    [BERTH_HOLD_SUBSCRIBER] = "subscribers to events",
    [BERTH_HOLD_WATCHER] = "watchers of objects",
    [BERTH_HOLD_LISTENER] = "receivers of signals",
    [BERTH_HOLD_LOG_SETTINGS] = "changed log settings",
};

static unsigned counts[BERTH_HOLD_COUNT], total;

BerthHold *berth_hold_new(BerthHoldReason reason) {
    BerthHold *hold = g_new(BerthHold, 1);

    hold->reason = reason;
    counts[reason]++;
    total++;
    return hold;
}

void berth_hold_free(BerthHold *hold) {
    if (!hold)
        return;
    counts[hold->reason]--;
    total--;
    g_free(hold);
}

unsigned berth_holds_count(void) {
    return total;
}

unsigned berth_holds_count_of(BerthHoldReason reason) {
    return counts[reason];
}

char *berth_holds_describe(void) {
    GString *list = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (counts[i] > 0)
            g_string_append_printf(list, "%s%s: %u", list->len > 0 ? ", " : "", reasons[i],
                                   counts[i]);
    return g_string_free(list, FALSE);
}
