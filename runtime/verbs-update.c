/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb update: takes resources of the runtime specification from a file or from options; plan/
 * converts them to systemd properties, as it does when a container is created.
 */

#include "update.h"

#include "base/document-members.h"
#include "bundle.h"
#include "call.h"
#include "overrides.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* Engines write 0 and "" for values that are not to change. */
static bool update_is_empty(json_object *value) {
    return !value ||
           (json_object_is_type(value, json_type_int) && json_object_get_int64(value) == 0) ||
           (json_object_is_type(value, json_type_string) && !json_object_get_string(value)[0]);
}

static json_object *update_drop_empty(json_object *whole) {
    json_object *resources = json_object_new_object();

    json_object_object_foreach(whole, name, group) {
        if (!json_object_is_type(group, json_type_object)) {
            json_object_object_add(resources, name, json_object_get(group));
            continue;
        }
        json_object *kept = berth_document_add_object(resources, name);
        json_object_object_foreach(group, member, value) {
            if (!update_is_empty(value))
                json_object_object_add(kept, member, json_object_get(value));
        }
    }
    return resources;
}

json_object *runtime_update_read(const RuntimeOptions *options, GError **error) {
    if (!options->resources)
        return runtime_overrides_read_limits(options);
    g_autoptr(json_object) whole = runtime_read_json(options->resources, NULL, error);

    return whole ? update_drop_empty(whole) : NULL;
}

/* Only complete configurations can be parsed, so this makes a minimal one. */
BerthPlan *runtime_update_make_plan(json_object *resources, GError **error) {
    g_autofree char *part = berth_document_print(resources, false);
    g_autofree char *whole = g_strdup_printf(
        "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
        "\"process\":{\"cwd\":\"/\",\"args\":[\"/\"],\"user\":{\"uid\":0,\"gid\":0}},"
        "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}],\"resources\":%s}}",
        part);
    g_autoptr(BerthPlan) plan = berth_plan_parse(whole, strlen(whole), error);
    if (plan && (plan->device_rules->len > 0 || plan->cgroup_files->len > 0)) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                        "only resources for which systemd has a property can be changed");
        return NULL;
    }
    return g_steal_pointer(&plan);
}

static int append_throttle(sd_bus_message *call, GVariant *value) {
    int r = sd_bus_message_open_container(call, 'a', "(st)");
    GVariantIter iter;
    const char *path;
    guint64 limit;

    g_variant_iter_init(&iter, value);
    while (r >= 0 && g_variant_iter_next(&iter, "(&st)", &path, &limit))
        r = sd_bus_message_append(call, "(st)", path, limit);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

/* Appends a property by its type; these are the types that plan/ produces for resources, where
 * a(st) are the throttles. */
static int append_value(sd_bus_message *call, const char *type, GVariant *value) {
    if (g_str_equal(type, "t"))
        return sd_bus_message_append(call, "t", (uint64_t)g_variant_get_uint64(value));
    if (g_str_equal(type, "b"))
        return sd_bus_message_append(call, "b", (int)g_variant_get_boolean(value));
    if (g_str_equal(type, "s"))
        return sd_bus_message_append(call, "s", g_variant_get_string(value, NULL));
    if (g_str_equal(type, "ay"))
        return sd_bus_message_append_array(call, 'y', g_variant_get_data(value),
                                           g_variant_get_size(value));
    return append_throttle(call, value);
}

static int append_property(sd_bus_message *call, const BerthPlanProperty *property) {
    const char *type = g_variant_get_type_string(property->value);
    int r;

    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", property->name)) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', type)) < 0 ||
        (r = append_value(call, type, property->value)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int append_update(sd_bus_message *call, const RuntimeRecord *record, const BerthPlan *plan) {
    int r;

    if ((r = sd_bus_message_append(call, "s", record->berth_id)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0)
        return r;
    for (guint i = 0; i < plan->properties->len; i++)
        if ((r = append_property(call, &g_array_index(plan->properties, BerthPlanProperty, i))) < 0)
            return r;
    if ((r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_append(call, "a{sv}", 0);
}

int runtime_verb_update(RuntimeOptions *options, GError **error) {
    g_autoptr(RuntimeRecord) record =
        runtime_record_read(options->root, options->arguments[0], error);
    g_autoptr(json_object) resources = record ? runtime_update_read(options, error) : NULL;
    g_autoptr(BerthPlan) plan = resources ? runtime_update_make_plan(resources, error) : NULL;
    g_autoptr(sd_bus) bus = plan ? runtime_bus_open(error) : NULL;
    g_autoptr(sd_bus_message) call = bus ? runtime_call_new(bus, "Update", error) : NULL;

    if (!call)
        return EXIT_FAILURE;
    int r = append_update(call, record, plan);
    if (r < 0) {
        runtime_call_malformed(r, error);
        return EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = runtime_call_send(g_steal_pointer(&call), error);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}
