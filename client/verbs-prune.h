/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist prune" and "dist system". */

#pragma once

#include "client/verb.h"

extern const DistOption dist_prune_options[];
/* Those of "dist prune", which also deletes contents. */
extern const DistOption dist_prune_all_options[];
int dist_verb_prune(char **argv, GError **error);

/* Deletes the volumes that no container mounts. */
bool dist_prune_volumes(GError **error);
/* Deletes the networks that the service made and that no container is in. */
bool dist_prune_networks(GError **error);

extern const DistVerb dist_system_verbs[];
