/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds a verb in a table by name. There is no state; verbs.c lists the tables. Names are matched
 * in full: an abbreviation could become ambiguous with a later verb.
 */

#include "client/verb.h"

const DistVerb *dist_verb_find_in(const DistVerb *verbs, const char *name) {
    for (; verbs->name; verbs++)
        if (g_str_equal(verbs->name, name))
            return verbs;
    return NULL;
}
