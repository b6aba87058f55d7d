/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Questions to polkit, from when they are sent until polkit answers. This can be later than the end
 * of their call, if the client leaves the bus in between. A pending call owns its questions; after
 * its end, the set of authorizations owns them. Their number is the number of replies that the bus
 * has to keep track of for the service.
 */

#include "bus/authorization-private.h"

void berth_polkit_question_free(gpointer question) {
    BerthPolkitQuestion *asked = question;

    asked->set->asked--;
    sd_bus_slot_unref(asked->slot);
    g_free(asked->key);
    g_free(asked);
}

void berth_polkit_question_leave(gpointer question) {
    BerthPolkitQuestion *asked = question;

    asked->authorization = NULL;
    if (asked->slot)
        g_ptr_array_add(asked->set->orphans, asked);
    else
        berth_polkit_question_free(asked);
}

GPtrArray *berth_polkit_question_new_orphans(void) {
    return g_ptr_array_new_with_free_func(berth_polkit_question_free);
}

unsigned berth_polkit_question_count_orphans(const BerthAuthorizations *set, uint32_t uid) {
    unsigned count = 0;

    for (guint i = 0; i < set->orphans->len; i++)
        count += ((const BerthPolkitQuestion *)set->orphans->pdata[i])->uid == uid;
    return count;
}
