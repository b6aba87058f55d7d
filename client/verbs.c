/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All verbs, in the order of the help; each group has a manual page. */

#include "client/verbs.h"

const DistVerbGroup dist_verb_groups[] = {
    {"run", N_("Run containers:"), dist_run_verbs},
    {"containers", N_("Manage containers:"), dist_container_verbs},
    {"processes", N_("Running containers:"), dist_process_verbs},
    {"files", N_("Files of containers:"), dist_copy_verbs},
    {"pods", N_("Pods:"), dist_pod_verbs},
    {"volumes", N_("Volumes:"), dist_volume_verbs},
    {"networks", N_("Networks:"), dist_network_verbs},
    {"units", N_("Units:"), dist_unit_verbs},
    {"images", N_("Images:"), dist_image_verbs},
    {"registries", N_("Registries:"), dist_registry_verbs},
    {"archives", N_("Archives:"), dist_archive_verbs},
    {"storage", N_("Storage:"), dist_store_verbs},
    {"contents", N_("Contents:"), dist_content_verbs},
    {"objects", N_("Objects of registries:"), dist_object_verbs},
    {"audit", N_("Audit:"), dist_audit_verbs},
    {"shell", N_("Shells:"), dist_shell_verbs},
    {NULL, NULL, NULL},
};

const DistVerb *dist_verb_find(const char *name) {
    const DistVerb *verb = NULL;

    for (const DistVerbGroup *group = dist_verb_groups; group->name && !verb; group++)
        verb = dist_verb_find_in(group->verbs, name);
    return verb;
}
