/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* New limits for a container: of its scope or cgroup, if it runs, and of its record. */

#include "containers/update.h"

#include "containers/core/state.h"
#include "systemd/delegated.h"

/* A request that systemd is to answer. The container may be gone by then. */
typedef struct {
    BerthContainers *containers;
    char *id;
    GVariant *properties;
    BerthContainerDone done;
    void *userdata;
} UpdateRequest;

/* So that the next start has them, too. */
static bool remember_limits(BerthContainer *container, GVariant *changed, GError **error) {
    g_auto(GVariantDict) all = G_VARIANT_DICT_INIT(container->record.properties);
    GVariantIter iterator;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iterator, changed);
    while (g_variant_iter_loop(&iterator, "{&sv}", &name, &value))
        g_variant_dict_insert_value(&all, name, value);
    if (container->record.properties)
        g_variant_unref(container->record.properties);
    container->record.properties = g_variant_ref_sink(g_variant_dict_end(&all));
    return berth_container_write(container, NULL, error);
}

static void on_updated(const GError *scope_error, void *userdata) {
    UpdateRequest *request = userdata;
    g_autoptr(GError) error = scope_error ? g_error_copy(scope_error) : NULL;
    BerthContainer *container = berth_containers_find(request->containers, request->id, NULL);

    /* Limits that systemd has refused are not recorded. */
    if (container && !error)
        remember_limits(container, request->properties, &error);
    request->done(error, request->userdata);
    g_variant_unref(request->properties);
    g_free(request->id);
    g_free(request);
}

/* Without a scope there is no unit of systemd's, and berthd writes to the files of the cgroup
 * itself. */
static void update_with_caller(const BerthContainer *container, UpdateRequest *request) {
    g_autoptr(GError) error = NULL;

    (void)berth_delegated_set_properties(berth_container_get_place(container), request->properties,
                                         &error);
    on_updated(error, request);
}

/* A container that does not run only has its record changed. */
void berth_container_update(BerthContainer *container, GVariant *changed, BerthContainerDone done,
                            void *userdata) {
    UpdateRequest *request = g_new0(UpdateRequest, 1);

    *request = (UpdateRequest){
        .containers = container->containers,
        .id = g_strdup(container->record.id),
        .properties = g_variant_ref(changed),
        .done = done,
        .userdata = userdata,
    };
    if (berth_container_is_running(container) && berth_container_is_with_caller(container))
        update_with_caller(container, request);
    else if (berth_container_is_running(container))
        berth_scopes_set_properties(container->containers->scopes, container->scope, changed,
                                    on_updated, request);
    else
        on_updated(NULL, request);
}
