/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* New limits for a container: for its scope or cgroup, if it is running, and in its record. */

#include "containers/update.h"

#include "containers/core/handle.h"
#include "containers/core/state.h"
#include "containers/parts/helper.h"
#include "containers/spec/devices.h"
#include "systemd/delegated.h"
#include "systemd/limit-files.h"

#include <unistd.h>

/* A request that waits for systemd or a helper. The container may be gone by then. */
typedef struct {
    BerthContainerHandle container;
    char *id;
    GVariant *properties;
    BerthContainerDone done;
    void *userdata;
} UpdateRequest;

/* Stored, so that the next start applies them too. */
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
    BerthContainer *container = NULL;

    /* Limits that systemd has refused are not recorded. */
    if (!error)
        container = berth_container_handle_find(&request->container, request->id, &error);
    if (container)
        remember_limits(container, request->properties, &error);
    request->done(error, request->userdata);
    g_variant_unref(request->properties);
    g_free(request->id);
    g_free(request);
}

/* The caller of Update has not requested a launch, so LaunchFailed becomes an internal error. */
static void on_limits_written(const GError *error, void *userdata) {
    g_autoptr(GError) failure = NULL;

    if (g_error_matches(error, BERTH_ERROR, BERTH_ERROR_LAUNCH_FAILED))
        berth_error_set(&failure, BERTH_ERROR_INTERNAL, "%s", error->message);
    on_updated(failure ? failure : error, userdata);
}

/* The lists correspond: each descriptor is a file to write, with its property as name and the value
 * at the same position. */
static bool write_limits(BerthContainer *container, const GArray *writes, UpdateRequest *request,
                         GError **error) {
    g_autofree int *files = g_new(int, writes->len);
    g_autofree const char **properties = g_new0(const char *, writes->len + 1);
    g_autofree const char **values = g_new0(const char *, writes->len + 1);

    for (guint i = 0; i < writes->len; i++) {
        const BerthLimitWrite *write = &g_array_index(writes, BerthLimitWrite, i);
        files[i] = write->file;
        properties[i] = write->property;
        values[i] = write->value;
    }
    g_autofree char *joined = g_strjoinv(":", (char **)values);
    const BerthLaunchRequest launch = {
        .program = container->containers->program,
        .mode = "limits",
        .arguments = {joined, berth_container_get_cgroup_name(container)},
        .descriptors = files,
        .descriptor_count = writes->len,
        .descriptor_names = properties,
        .input = -1,
        .output = -1,
        .error = STDERR_FILENO,
        .target = -1,
        .snapshots = -1,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };
    return berth_helper_start(container, &launch, "updated", on_limits_written, request, error);
}

/* Without a scope there is no systemd unit, so the limits are written to the files of the cgroup. A
 * helper does this, since the kernel may reclaim memory during the write. */
static void update_with_caller(BerthContainer *container, UpdateRequest *request) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) writes = berth_delegated_open_limits(
        berth_container_get_cgroup_name(container), request->properties, &error);

    if (!writes || writes->len == 0 || !write_limits(container, writes, request, &error))
        on_updated(error, request);
}

/* For a container that is not running, only the record is changed. */
void berth_container_update(BerthContainer *container, GVariant *changed, BerthContainerDone done,
                            void *userdata) {
    UpdateRequest *request = g_new0(UpdateRequest, 1);
    g_autoptr(GError) error = NULL;

    *request = (UpdateRequest){
        .container = berth_container_get_handle(container),
        .id = g_strdup(container->record.id),
        .properties = g_variant_ref(changed),
        .done = done,
        .userdata = userdata,
    };
    if (!berth_device_check_limits(changed, &error))
        on_updated(error, request);
    else if (berth_container_is_running(container) && berth_container_is_with_caller(container))
        update_with_caller(container, request);
    else if (berth_container_is_running(container))
        berth_scopes_set_properties(container->containers->scopes, container->scope, changed,
                                    on_updated, request);
    else
        on_updated(NULL, request);
}
