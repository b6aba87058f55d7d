/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The method Update, shared by the manager and the container's object: sets properties of the
 * container's scope, with systemd's names and types (org.freedesktop.systemd1(5)). A pending call
 * lasts from the handler to the reply. The one thing to know: only properties known to
 * berth_container_property_get_type() can be set.
 */

#include "base/names.h"
#include "bus/container-object.h"
#include "bus/container-property.h"
#include "bus/options.h"
#include "bus/watchers.h"
#include "containers/spec/privileges.h"

#include <string.h>

/* A property that is given twice is an error, as in berth_options_read(): a rule would be asked
 * about it once, and could not know which value counts. */
static int read_update_properties(sd_bus_message *call, GVariant **changed, sd_bus_error *error) {
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(NULL);
    const char *name;
    int r = sd_bus_message_enter_container(call, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
        GVariant *value = NULL;
        if ((r = sd_bus_message_read(call, "s", &name)) < 0)
            return r;
        const char *type = berth_container_property_get_type(name);
        if (!type)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "\"%.100s\" is not a property that can be changed; see "
                                     "systemd.resource-control(5)",
                                     name);
        if (g_variant_dict_contains(&properties, name))
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "the property \"%.100s\" is given twice", name);
        if (berth_container_property_read(call, type, &value) < 0)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "the property \"%s\" is not of the type \"%s\"", name, type);
        g_variant_dict_insert_value(&properties, name, value);
        r = sd_bus_message_exit_container(call);
    }
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
        return r;
    *changed = g_variant_ref_sink(g_variant_dict_end(&properties));
    return 1;
}

/* Returns the names in sorted order, so that a question about the same properties is the same
 * regardless of their order in the call. */
static char *list_update_properties(GVariant *changed) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GVariantIter iterator;
    char *name;

    g_variant_iter_init(&iterator, changed);
    while (g_variant_iter_next(&iterator, "{sv}", &name, NULL))
        g_ptr_array_add(names, name);
    g_ptr_array_sort(names, berth_name_compare);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

/* A property that reserves resources for the container is a privilege and needs a second right. */
static int check_update(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                        const char *id, GVariant *changed, BerthContainer **container) {
    g_autofree char *properties = list_update_properties(changed);
    g_autofree char *privileges = berth_privileges_of_update(changed);
    int r = berth_container_check_properties(call, service, error, id, properties, container);

    return r != BERTH_ACCESS_GRANTED || !privileges
               ? r
               : berth_access_check(service->access, call, error, "privileged", "container", id,
                                    "image", berth_container_get_record(*container)->image,
                                    "privilege", privileges, NULL);
}

static void on_limits_set(const GError *error, void *userdata) {
    static const char *const limits[] = {"Limits", NULL};

    berth_container_finish_change(error, userdata, limits);
}

int berth_container_method_update(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_autoptr(GVariant) changed = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = read_update_properties(call, &changed, error)) < 0 ||
        (r = berth_options_read_none(call, error)) < 0)
        return r;
    r = check_update(call, userdata, error, id, changed, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_update(container, changed, on_limits_set,
                           berth_pending_call_new_about(userdata, call, id));
    return 1;
}
