/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All verbs: the tables, one from each verbs-*.c, and the groups that they form. */

#pragma once

#include "client/verb.h"

extern const DistVerb dist_run_verbs[], dist_container_verbs[], dist_process_verbs[],
    dist_copy_verbs[], dist_network_verbs[], dist_unit_verbs[], dist_volume_verbs[],
    dist_pod_verbs[], dist_image_verbs[], dist_registry_verbs[], dist_archive_verbs[],
    dist_content_verbs[], dist_object_verbs[], dist_store_verbs[], dist_audit_verbs[],
    dist_shell_verbs[];

typedef struct {
    const char *name;  /* of its manual page: dist-NAME(1) */
    const char *title; /* of its section of the help */
    const DistVerb *verbs;
} DistVerbGroup;

/* The last group has no name. */
extern const DistVerbGroup dist_verb_groups[];

/* NULL if there is no such verb. */
const DistVerb *dist_verb_find(const char *name);
