/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The set of unit files. berth-generator makes one, and so does each of dist's verbs about units. A
 * set is filled and then finished, which names the services; conversions only read it.
 */

#include "generator/set.h"

#include "generator/translate.h"

#include <string.h>

BerthUnitSet *berth_unit_set_new(BerthUnitScope scope) {
    BerthUnitSet *set = g_new0(BerthUnitSet, 1);

    set->scope = scope;
    set->directories = berth_unit_directories(scope);
    set->problems = berth_problems_new();
    set->sources = berth_unit_sources_read(set->directories, set->problems);
    return set;
}

void berth_unit_set_free(BerthUnitSet *set) {
    if (!set)
        return;
    g_strfreev(set->directories);
    g_ptr_array_unref(set->sources);
    berth_problems_free(set->problems);
    g_free(set);
}

/* A file replaces an installed one of the same name, so that dist unit check sees the result of an
 * installation. */
BerthUnitSource *berth_unit_set_add(BerthUnitSet *set, const char *path) {
    BerthUnitSource *source = berth_unit_source_read(path, set->directories, set->problems);
    BerthUnitSource *other = source ? berth_unit_set_find(set, source->name) : NULL;

    if (other)
        g_ptr_array_remove(set->sources, other);
    if (source)
        g_ptr_array_add(set->sources, source);
    return source;
}

BerthUnitSource *berth_unit_set_find(const BerthUnitSet *set, const char *name) {
    for (unsigned i = 0; i < set->sources->len; i++) {
        BerthUnitSource *source = set->sources->pdata[i];
        if (g_str_equal(source->name, name))
            return source;
    }
    return NULL;
}

/* The template of an instance, such as web@.container for web@1.container, which sets *instance;
 * the caller frees it. */
static const BerthUnitSource *find_template(const BerthUnitSet *set, const char *name,
                                            char **instance) {
    g_autofree char *stem = berth_unit_name_get_stem(name), *prefix = NULL;

    berth_unit_name_split(stem, &prefix, instance);
    if (!*instance || !(*instance)[0])
        return NULL;
    g_autofree char *template = g_strconcat(prefix, "@", strrchr(name, '.'), NULL);
    return berth_unit_set_find(set, template);
}

/* The service of a unit file, or of an instance of a template: "web@1.container" is "web@1.service"
 * if there is a web@.container. The caller frees it. */
char *berth_unit_set_find_service(const BerthUnitSet *set, const char *name) {
    const BerthUnitSource *source = berth_unit_set_find(set, name);
    g_autofree char *instance = NULL;

    if (source)
        return g_strdup(source->service);
    source = find_template(set, name, &instance);
    const char *at = source && source->service ? strchr(source->service, '@') : NULL;
    if (!at)
        return NULL;
    return g_strdup_printf("%.*s@%s.service", (int)(at - source->service), source->service,
                           instance);
}

/* The name of the object of an instance: that of the template, with %i replaced. */
static char *resource_of_instance(const char *resource, const char *instance) {
    GString *text = g_string_new(NULL);

    for (const char *c = resource; *c; c++)
        if (c[0] == '%' && c[1] == 'i') {
            g_string_append(text, instance);
            c++;
        } else {
            g_string_append_c(text, *c);
            if (c[0] == '%' && c[1])
                g_string_append_c(text, *++c);
        }
    return g_string_free(text, FALSE);
}

/* The value of a key in the kind's own section, which the caller frees. NULL if it is not set. */
static char *find_text(const BerthUnitSource *source, const char *key) {
    const char *section = berth_unit_kinds[source->kind].section;
    const BerthUnitLine *line = berth_unit_file_find(source->file, section, key);

    return line ? berth_unit_line_get_text(line) : NULL;
}

/* Other units have the name as well, in which systemd would expand specifiers of a unit's name
 * differently: they are those of the unit that makes the object. Of a template, %i stays until a
 * file refers to an instance (berth_unit_set_find_resource()). Specifiers of the machine are left
 * to systemd. Takes the name, and returns what the caller frees. */
static char *resource_expand(const BerthUnitSource *source, char *name) {
    g_autofree char *given = name;
    g_autofree char *stem = berth_unit_name_get_stem(source->service), *prefix = NULL,
                    *instance = NULL;
    GString *text = g_string_new(NULL);

    berth_unit_name_split(stem, &prefix, &instance);
    for (const char *c = given; *c; c++)
        if (c[0] != '%' || !c[1])
            g_string_append_c(text, *c);
        else if (*++c == 'n')
            g_string_append(text, source->service);
        else if (*c == 'N')
            g_string_append(text, stem);
        else if (*c == 'p')
            g_string_append(text, prefix);
        else if (*c == 'i' && instance && instance[0])
            g_string_append(text, instance);
        else
            g_string_append_printf(text, "%%%c", *c);
    return g_string_free(text, FALSE);
}

/* The names of containers keep their specifiers in their own units (make_resource()). */
static char *get_resource(const BerthUnitSource *source) {
    return source->kind == BERTH_UNIT_CONTAINER && source->resource
               ? resource_expand(source, g_strdup(source->resource))
               : g_strdup(source->resource);
}

char *berth_unit_set_find_resource(const BerthUnitSet *set, const char *name) {
    const BerthUnitSource *source = berth_unit_set_find(set, name);
    g_autofree char *instance = NULL;

    if (source)
        return get_resource(source);
    source = find_template(set, name, &instance);
    g_autofree char *resource = source ? get_resource(source) : NULL;
    return resource ? resource_of_instance(resource, instance) : NULL;
}

char *berth_unit_source_get_pod(const BerthUnitSource *source) {
    const BerthUnitLine *line =
        source->kind == BERTH_UNIT_CONTAINER
            ? berth_unit_file_find(source->file, berth_unit_kinds[source->kind].section, "Pod")
            : NULL;

    return line ? resource_expand(source, g_strdup(line->value)) : NULL;
}

/* podman's default, so that commands in other units find the container or volume. "%N" is the name
 * of the service; an id may not contain "@". */
static char *make_resource(const BerthUnitSource *source, const char *stem) {
    static const char *const keys[BERTH_UNIT_KINDS] = {
        [BERTH_UNIT_CONTAINER] = "ContainerName",
        [BERTH_UNIT_VOLUME] = "VolumeName",
        [BERTH_UNIT_NETWORK] = "NetworkName",
        [BERTH_UNIT_IMAGE] = "ImageTag",
        [BERTH_UNIT_POD] = "PodName",
        [BERTH_UNIT_BUILD] = "ImageTag",
    };
    /* A directory on the host needs no volume: containers mount it directly. */
    char *given = source->kind == BERTH_UNIT_VOLUME ? find_text(source, "Device") : NULL;
    g_autofree char *prefix = NULL, *instance = NULL;

    if (!given && keys[source->kind])
        given = find_text(source, keys[source->kind]);
    if (!given && source->kind == BERTH_UNIT_IMAGE)
        given = find_text(source, "Image");
    if (given)
        return source->kind == BERTH_UNIT_CONTAINER ? given : resource_expand(source, given);
    if (source->kind == BERTH_UNIT_IMAGE)
        return NULL;
    if (source->kind == BERTH_UNIT_CONTAINER)
        return g_strdup(strchr(stem, '@') ? "systemd-%p_%i" : "systemd-%N");
    berth_unit_name_split(stem, &prefix, &instance);
    return g_strconcat("systemd-", prefix, instance ? "_" : NULL,
                       instance && !instance[0] ? "%i" : instance, NULL);
}

/* The name of the service: of a template, what the kind appends to it precedes the "@". */
static char *make_service_name(const char *stem, const BerthUnitKindInfo *kind) {
    size_t length = strcspn(stem, "@");

    return g_strdup_printf("%.*s%s%s.service", (int)length, stem, kind->service, stem + length);
}

static bool may_be_template(BerthUnitKind kind) {
    return kind == BERTH_UNIT_CONTAINER || kind == BERTH_UNIT_VOLUME ||
           kind == BERTH_UNIT_NETWORK || berth_unit_kind_is_plain(kind);
}

/* Always sets service and resource, since problems mention them; returns false if they cannot be
 * used. */
static bool name_service(BerthUnitSet *set, BerthUnitSource *source) {
    g_autofree char *stem = berth_unit_name_get_stem(source->name);
    bool is_plain = berth_unit_kind_is_plain(source->kind);
    g_autofree char *given = is_plain ? NULL : find_text(source, "ServiceName");
    const BerthUnitKindInfo *kind = &berth_unit_kinds[source->kind];

    if (is_plain)
        source->service = g_strdup(source->name);
    else
        source->service =
            given ? g_strconcat(given, ".service", NULL) : make_service_name(stem, kind);
    source->resource = is_plain ? NULL : make_resource(source, stem);
    if (!berth_unit_name_is_valid(source->service))
        return berth_problem_add(set->problems, BERTH_PROBLEM_ERROR, source->path, 0,
                                 _("\"%s\" is not the name of a service"), source->service);
    if (strchr(stem, '@') && !may_be_template(source->kind))
        return berth_problem_add(set->problems, BERTH_PROBLEM_ERROR, source->path, 0,
                                 _("a %s file cannot be a template"), kind->suffix);
    return true;
}

/* Done before any conversion, because a unit may refer to a later one. If two files make the same
 * service, the first one keeps it. */
void berth_unit_set_finish(BerthUnitSet *set) {
    g_autoptr(GHashTable) services = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < set->sources->len; i++) {
        BerthUnitSource *source = set->sources->pdata[i];
        set->problems->file = source->path;
        if (!name_service(set, source))
            source->failed = true;
        const char *other = g_hash_table_lookup(services, source->service);
        if (other)
            source->failed =
                !berth_problem_add(set->problems, BERTH_PROBLEM_ERROR, source->path, 0,
                                   _("%s already generates %s"), other, source->service);
        else if (!source->failed)
            g_hash_table_insert(services, source->service, source->path);
    }
    set->problems->file = NULL;
}
