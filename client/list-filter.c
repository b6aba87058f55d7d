/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --filter of listings: podman's NAME=VALUE becomes the option Filter, with which the service omits
 * everything else. As in podman, several values of one name are alternatives, but an item must have
 * all labels.
 */

#include "client/list-filter.h"

#include "client/format.h"

#include <string.h>

char **dist_filters_given;

const DistOption dist_filter_options[] = {
    {"filter", 'f', DIST_OPTION_LIST, &dist_filters_given, N_("List only matching entries"),
     N_("NAME=VALUE")},
    DIST_OPTION_END,
};

static const DistFilterName *filter_find_name(const DistFilterName *names, const char *text) {
    size_t length = strcspn(text, "=");

    for (; names->name; names++)
        if (strlen(names->name) == length && strncmp(names->name, text, length) == 0)
            return names;
    return NULL;
}

static bool filter_set_unknown(const char *text, GError **error) {
    g_autofree char *name = g_strndup(text, strcspn(text, "="));

    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("there is no filter \"%s\"; see --help"), name);
}

bool dist_filter_check(const DistFilterName *names, GError **error) {
    for (char **text = dist_filters_given; text && *text; text++) {
        const DistFilterName *name = filter_find_name(names, *text);
        const char *value = strchr(*text, '=');
        if (!name)
            return filter_set_unknown(*text, error);
        if (!value || !value[1] ||
            (name->kind == DIST_FILTER_STATUS &&
             !g_ascii_string_to_signed(value + 1, 10, -1, 255, NULL, NULL)))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("invalid value \"%s\" of %s"), *text, "--filter");
        for (char **other = dist_filters_given; name->kind == DIST_FILTER_ADDITION && other < text;
             other++)
            if (filter_find_name(names, *other) == name)
                return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                       _("--filter: %s is given twice"), name->name);
    }
    return true;
}

/* The first value given for this name; NULL if there is none. */
const char *dist_filter_find(const char *name) {
    size_t length = strlen(name);

    for (char **text = dist_filters_given; text && *text; text++)
        if (strncmp(*text, name, length) == 0 && (*text)[length] == '=')
            return *text + length + 1;
    return NULL;
}

GPtrArray *dist_filter_find_all(const char *name) {
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    size_t length = strlen(name);

    for (char **text = dist_filters_given; text && *text; text++)
        if (strncmp(*text, name, length) == 0 && (*text)[length] == '=')
            g_ptr_array_add(values, *text + length + 1);
    return g_steal_pointer(&values);
}

/* The service's word for podman's value, if they differ; values has pairs of theirs and ours. */
static const char *filter_translate(const char *const *values, const char *value) {
    for (; values && *values; values += 2)
        if (g_str_equal(values[0], value))
            return values[1];
    return value;
}

/* As a variant. Patterns are those of the service's Filter; a list with one element is looked for
 * in a property that is a list. */
static int filter_append_value(sd_bus_message *call, const DistFilterName *name,
                               const char *given_value) {
    const char *value = filter_translate(name->values, given_value);
    g_autofree char *pattern = NULL;

    switch (name->kind) {
    case DIST_FILTER_TEXT:
        pattern = g_strdup(value);
        break;
    case DIST_FILTER_PART:
        pattern = g_strconcat("*", value, "*", NULL);
        break;
    case DIST_FILTER_PREFIX:
        pattern = g_strconcat(value, "*", NULL);
        break;
    case DIST_FILTER_IMAGE:
        pattern = dist_complete_reference(value);
        break;
    case DIST_FILTER_MEMBER:
        return sd_bus_message_append(call, "v", "as", 1, value);
    case DIST_FILTER_STATUS:
        return sd_bus_message_append(call, "v", "i", (int32_t)g_ascii_strtoll(value, NULL, 10));
    case DIST_FILTER_LABEL:
    case DIST_FILTER_REPEATED:
    case DIST_FILTER_ADDITION:
        g_assert_not_reached();
    }
    return sd_bus_message_append(call, "v", "s", pattern);
}

static int filter_append_alternatives(sd_bus_message *call, const DistFilterName *name,
                                      const GPtrArray *values) {
    int r;

    if (values->len == 1)
        return filter_append_value(call, name, values->pdata[0]);
    if ((r = sd_bus_message_open_container(call, 'v', "av")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "v")) < 0)
        return r;
    for (guint i = 0; i < values->len; i++)
        if ((r = filter_append_value(call, name, values->pdata[i])) < 0)
            return r;
    if ((r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* Labels are appended together (filter_append_labels()); dist itself applies what is repeated or an
 * addition. */
static int filter_append_name(sd_bus_message *call, const DistFilterName *name) {
    g_autoptr(GPtrArray) values = dist_filter_find_all(name->name);
    int r;

    if (values->len == 0 || name->kind == DIST_FILTER_LABEL || name->kind == DIST_FILTER_REPEATED ||
        name->kind == DIST_FILTER_ADDITION)
        return 0;
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", name->property)) < 0 ||
        (r = filter_append_alternatives(call, name, values)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int filter_append_labels(sd_bus_message *call, char *const *labels) {
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    for (; labels && *labels; labels++)
        g_ptr_array_add(all, *labels);
    for (char **text = dist_filters_given; text && *text; text++)
        if (g_str_has_prefix(*text, "label="))
            g_ptr_array_add(all, *text + strlen("label="));
    g_ptr_array_add(all, NULL);
    return all->len > 1 ? dist_append_labels(call, "Labels", (char *const *)all->pdata) : 0;
}

int dist_filter_append(sd_bus_message *call, const DistFilterName *names,
                       const DistExtraFilters *more) {
    int r;

    /* A filter that matches everything would only make the service check each item needlessly. */
    if (!dist_filters_given && !(more && (more->pattern || more->labels)))
        return 0;
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", "Filter")) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "a{sv}")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = filter_append_labels(call, more ? more->labels : NULL)) < 0 ||
        (more && more->pattern &&
         (r = sd_bus_message_append(call, "{sv}", "Name", "s", more->pattern)) < 0))
        return r;
    for (const DistFilterName *name = names; name->name; name++)
        if ((r = filter_append_name(call, name)) < 0)
            return r;
    if ((r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}
