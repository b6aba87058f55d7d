/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The names of a container's scope and cgroup, made from its id and, with Cgroup=caller, from the
 * caller's cgroup in its record. They change only with the id. cgroup.c creates and removes the
 * cgroup itself.
 */

#include "containers/core/object.h"

bool berth_container_is_with_caller(const BerthContainer *container) {
    return container->cgroup != NULL;
}

const char *berth_container_get_cgroup_name(const BerthContainer *container) {
    return container->cgroup ? container->cgroup : container->scope;
}

char *berth_container_get_bound_unit(const BerthContainer *container) {
    g_autoptr(GVariant) unit = berth_container_record_get_extra(
        &container->record, BERTH_BOUND_UNIT, G_VARIANT_TYPE_STRING);

    return unit ? g_variant_dup_string(unit, NULL) : NULL;
}

void berth_container_update_cgroup_names(BerthContainer *container) {
    g_autoptr(GVariant) parent = berth_container_record_get_extra(
        &container->record, BERTH_CGROUP_PARENT, G_VARIANT_TYPE_STRING);

    g_free(container->scope);
    g_free(container->cgroup);
    container->scope = g_strdup_printf("berth-%s.scope", container->record.id);
    container->cgroup = parent ? g_strdup_printf("%s/berth-%s", g_variant_get_string(parent, NULL),
                                                 container->record.id)
                               : NULL;
}
