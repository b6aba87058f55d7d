/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Members of Inspect that are derived from the record and the configuration of a container: what
 * clients would otherwise have to compute from the defaults of the service. There is no state here.
 */

#include "containers/inspect-values.h"

#include "base/document-members.h"
#include "base/document.h"
#include "containers/create-record.h"
#include "containers/parts/configuration.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/spec-private.h"

/* A type of the bus as JSON: structures are arrays, and numbers keep their value. */
static json_object *make_value(GVariant *value) {
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BOOLEAN:
        return json_object_new_boolean(g_variant_get_boolean(value));
    case G_VARIANT_CLASS_UINT64:
        return json_object_new_uint64(g_variant_get_uint64(value));
    case G_VARIANT_CLASS_STRING:
        return json_object_new_string(g_variant_get_string(value, NULL));
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE: {
        json_object *array = json_object_new_array();
        for (gsize i = 0; i < g_variant_n_children(value); i++) {
            g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
            json_object_array_add(array, make_value(child));
        }
        return array;
    }
    default: {
        g_autofree char *text = g_variant_print(value, FALSE);
        return json_object_new_string(text);
    }
    }
}

/* Those about devices are permissions and not limits. */
void berth_inspect_add_limits(json_object *object, const BerthContainer *container) {
    json_object *limits = berth_document_add_object(object, "limits");
    GVariantIter iterator;
    const char *name;
    GVariant *value;

    if (!container->record.properties)
        return;
    g_variant_iter_init(&iterator, container->record.properties);
    while (g_variant_iter_next(&iterator, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        if (!g_str_has_prefix(name, "Device"))
            json_object_object_add(limits, name, make_value(owned));
    }
}

void berth_inspect_add_command(json_object *object, const BerthContainer *container) {
    g_auto(GStrv) words = berth_container_get_command(container);
    g_autoptr(GVariant) noted = berth_container_record_get_extra(
        &container->record, BERTH_ENTRYPOINT_WORDS, G_VARIANT_TYPE_UINT64);
    uint64_t left = noted ? g_variant_get_uint64(noted) : 0;
    json_object *entrypoint = berth_document_add_array(object, "entrypoint");
    json_object *command = berth_document_add_array(object, "command");
    char **word = words;

    /* The service's own init, which the option Init puts before the command. */
    if (word[0] && g_str_equal(word[0], BERTH_SPEC_INIT_PATH) && g_strcmp0(word[1], "--") == 0)
        word += 2;
    for (; *word; word++) {
        berth_document_append_string(left > 0 ? entrypoint : command, *word);
        left -= left > 0;
    }
}

static void add_missing(json_object *list, const char *const *names, const char *const *from) {
    for (; *names; names++)
        if (!g_strv_contains(from, *names))
            berth_document_append_string(list, *names);
}

void berth_inspect_add_capabilities(json_object *object, json_object *config) {
    static const char *const none[] = {NULL};
    const char *const *defaults = berth_capabilities_get_default();
    json_object *process = NULL, *sets = NULL;
    g_auto(GStrv) bounding = NULL;

    berth_document_get_object(config, "process", &process, NULL);
    if (process && berth_document_get_object(process, "capabilities", &sets, NULL) && sets)
        berth_document_get_strings(sets, "bounding", &bounding, NULL);
    const char *const *names = bounding ? (const char *const *)bounding : none;
    add_missing(berth_document_add_array(object, "capabilitiesAdded"), names, defaults);
    add_missing(berth_document_add_array(object, "capabilitiesDropped"), defaults, names);
}
