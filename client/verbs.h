/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables of verbs, one of each verbs-*.c. */

#pragma once

#include "client/verb.h"

extern const DistVerb dist_run_verbs[], dist_container_verbs[], dist_process_verbs[],
    dist_copy_verbs[], dist_volume_verbs[], dist_image_verbs[], dist_registry_verbs[],
    dist_archive_verbs[], dist_content_verbs[], dist_object_verbs[], dist_store_verbs[],
    dist_audit_verbs[];
