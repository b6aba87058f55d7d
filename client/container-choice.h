/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The containers that a verb acts on: its arguments, or those that --all or --latest chooses. */

#pragma once

#include "client/containers.h"
#include "client/option.h"

/* --all and --latest, to be included in a verb's options; its min is then 0. */
extern const DistOption dist_choice_options[];
/* Only --latest. */
extern const DistOption dist_choice_latest_options[];

/* The ids: the arguments if there are any. --all: those of the caller's containers for which
 * wanted() is true (NULL: all). Freed with g_strfreev(); NULL with error. */
char **dist_choice_list(const char *verb, char *const *arguments, DistContainerFilter wanted,
                        GError **error);

/* The id of the caller's container that was created last. The caller frees it; NULL with error. */
char *dist_choice_find_latest(GError **error);
