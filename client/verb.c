/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of verbs, read by name. What tables there are is in verbs.c. */

#include "client/verb.h"

const DistVerb *dist_verb_find_in(const DistVerb *verbs, const char *name) {
    for (; verbs->name; verbs++)
        if (g_str_equal(verbs->name, name))
            return verbs;
    return NULL;
}
