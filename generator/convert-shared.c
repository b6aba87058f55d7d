/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the units of containers and pods have in common: the values of UserNS=, mounts and networks,
 * which lead to other unit files and file systems, and the defaults of [Service]. There is no state
 * except the conversion, which belongs to the caller.
 */

#include "generator/conversion.h"
#include "generator/mount-types.h"
#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

/* Checks values that can be judged from the file alone now, not when the unit starts. */
void berth_convert_check_users(const BerthConversion *conversion) {
    static const char *const users[] = {"auto", "host", NULL};
    const BerthUnitLine *line = berth_conversion_find(conversion, "UserNS");
    /* Root cannot keep its id, and a pod has one user namespace for the images of all its
     * containers. */
    bool keeps = conversion->source->kind == BERTH_UNIT_CONTAINER &&
                 conversion->set->scope == BERTH_UNITS_USER;

    if (!line || strpbrk(line->value, "%$") || g_strv_contains(users, line->value) ||
        (keeps &&
         (g_str_equal(line->value, "keep-id") || g_str_has_prefix(line->value, "keep-id:"))))
        return;
    berth_unit_line_error(conversion->problems, line,
                          keeps ? _("UserNS=%s is not supported: use auto, host or keep-id")
                                : _("UserNS=%s is not supported: use auto or host"),
                          line->value);
}

/* The source of a mount: a path, whose file systems the unit then requires, or the volume of
 * another file. NULL with an error. */
static char *resolve_source(const BerthConversion *conversion, const BerthUnitLine *line,
                            const char *source) {
    if (source[0] == '.' || source[0] == '/') {
        g_autofree char *path = berth_conversion_resolve_path(conversion, source, false);
        g_autoptr(GString) quoted = g_string_new(NULL);
        berth_words_append(quoted, path);
        berth_service_add(conversion->service, "Unit", "RequiresMountsFor", quoted->str);
        return berth_conversion_resolve_path(conversion, source, true);
    }
    if (berth_unit_kind_of(source) == BERTH_UNIT_VOLUME)
        return berth_conversion_require(conversion, line, source);
    return g_strdup(source);
}

/* U would give the files to the user of the container. The service refuses it as well, but only
 * when the unit starts. */
static void refuse_owner(const BerthConversion *conversion, const BerthUnitLine *line) {
    g_auto(GStrv) parts = g_strsplit(line->value, ":", 3);
    g_auto(GStrv) options = g_strsplit(g_strv_length(parts) == 3 ? parts[2] : "", ",", -1);

    if (g_strv_contains((const char *const *)options, "U"))
        berth_unit_line_error(conversion->problems, line,
                              _("the option U of %s= is not supported: files keep their owners"),
                              line->key);
}

/* SOURCE:TARGET[:OPTIONS], or only a target for an anonymous volume, which has no source to
 * resolve. */
void berth_convert_volumes(const BerthConversion *conversion, GPtrArray *words) {
    g_autoptr(GPtrArray) lines =
        berth_unit_file_list(conversion->source->file, conversion->section, "Volume");

    for (unsigned i = 0; i < lines->len; i++) {
        const BerthUnitLine *line = lines->pdata[i];
        const char *colon = strchr(line->value, ':');
        g_autofree char *given =
            colon ? g_strndup(line->value, (gsize)(colon - line->value)) : NULL;
        g_autofree char *source = given ? resolve_source(conversion, line, given) : NULL;
        refuse_owner(conversion, line);
        (void)berth_conversion_check_value(conversion, line, "volume", line->value);
        g_autofree char *value =
            g_strconcat(source ? source : "", colon ? colon : line->value, NULL);
        berth_conversion_add_option(words, "volume", value);
    }
}

/* An image may come from another file, as in Image=. */
static char *resolve_mounted_image(const BerthConversion *conversion, const BerthUnitLine *line,
                                   const char *source) {
    BerthUnitKind kind = berth_unit_kind_of(source);

    if (kind == BERTH_UNIT_IMAGE || kind == BERTH_UNIT_BUILD)
        return berth_conversion_require(conversion, line, source);
    return g_strdup(source);
}

/* The last type= counts; without one, it is a volume. */
static void check_mount_type(const BerthConversion *conversion, const BerthUnitLine *line,
                             char *const *fields) {
    const char *type = "volume";

    for (; *fields; fields++)
        if (g_str_has_prefix(*fields, "type="))
            type = *fields + strlen("type=");
    if (g_strv_contains(berth_mount_types, type) || strpbrk(type, "%$"))
        return;
    g_autofree char *known = g_strjoinv(", ", (char **)berth_mount_types);
    berth_unit_line_error(conversion->problems, line, _("unknown type=%s; use %s"), type, known);
}

/* The fields of a mount, with its source resolved. A tmpfs has none. */
static char *resolve_mount(const BerthConversion *conversion, const BerthUnitLine *line,
                           const char *mount) {
    g_auto(GStrv) fields = g_strsplit(mount, ",", -1);
    bool is_image = g_strv_contains((const char *const *)fields, "type=image");

    check_mount_type(conversion, line, fields);
    for (char **field = fields; *field; field++) {
        if (!g_str_has_prefix(*field, "source=") && !g_str_has_prefix(*field, "src="))
            continue;
        const char *given = strchr(*field, '=') + 1;
        g_autofree char *source = is_image ? resolve_mounted_image(conversion, line, given)
                                           : resolve_source(conversion, line, given);
        g_free(*field);
        *field = g_strconcat("source=", source, NULL);
    }
    return g_strjoinv(",", fields);
}

void berth_convert_mounts(const BerthConversion *conversion, GPtrArray *words) {
    g_autoptr(GPtrArray) lines =
        berth_unit_file_list(conversion->source->file, conversion->section, "Mount");

    for (unsigned i = 0; i < lines->len; i++) {
        const BerthUnitLine *line = lines->pdata[i];
        g_autoptr(GPtrArray) mounts = g_ptr_array_new_with_free_func(g_free);
        berth_conversion_split_line(conversion, line, mounts);
        for (unsigned j = 0; j < mounts->len; j++) {
            g_autofree char *mount = resolve_mount(conversion, line, mounts->pdata[j]);
            berth_conversion_add_option(words, "mount", mount);
        }
    }
}

/* The service would refuse these keys; reported here, the error has its line. */
static void refuse_keys_of_network(const BerthConversion *conversion, const char *name) {
    static const char *const keys[] = {"AddHost", "DNS", "DNSOption",    "DNSSearch",
                                       "IP",      "IP6", "NetworkAlias", "PublishPort"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const BerthUnitLine *line = berth_conversion_find(conversion, keys[i]);
        if (line)
            berth_unit_line_error(conversion->problems, line,
                                  _("%s= is not supported: set it in %s, whose network is joined"),
                                  line->key, name);
    }
}

/* The network of the container of another file, which starts first. With Requires=, not BindsTo=:
 * if the other restarts by itself, systemd restarts this unit, too, which thus joins the new
 * network; with BindsTo=, it would stop for good. */
static char *resolve_joined(const BerthConversion *conversion, const BerthUnitLine *line,
                            const char *name) {
    if (strchr(line->value, ':')) {
        berth_unit_line_error(conversion->problems, line,
                              _("%s=%s: the network of another container has no options"),
                              line->key, line->value);
        return NULL;
    }
    if (g_str_equal(name, conversion->source->name)) {
        berth_unit_line_error(conversion->problems, line,
                              _("%s=%s: a container cannot join its own network"), line->key, name);
        return NULL;
    }
    refuse_keys_of_network(conversion, name);
    g_autofree char *container = berth_conversion_require(conversion, line, name);
    return container ? g_strconcat("container:", container, NULL) : NULL;
}

/* NAME.network[:OPTIONS], NAME.container, or a value for dist. */
static char *resolve_network(const BerthConversion *conversion, const BerthUnitLine *line) {
    size_t length = strcspn(line->value, ":");
    g_autofree char *name = g_strndup(line->value, length);
    BerthUnitKind kind = berth_unit_kind_of(name);

    if (kind == BERTH_UNIT_CONTAINER && conversion->source->kind == BERTH_UNIT_CONTAINER)
        return resolve_joined(conversion, line, name);
    if (kind == BERTH_UNIT_CONTAINER ||
        (g_str_equal(name, "container") && conversion->source->kind != BERTH_UNIT_CONTAINER)) {
        berth_conversion_refuse(conversion, line,
                                _("a pod has a network of its own; use Pod= in the other file"));
        return NULL;
    }
    if (kind != BERTH_UNIT_NETWORK)
        return g_strdup(line->value);
    g_autofree char *network = berth_conversion_require(conversion, line, name);
    return network ? g_strconcat(network, line->value + length, NULL) : NULL;
}

void berth_convert_networks(const BerthConversion *conversion, GPtrArray *words) {
    g_autoptr(GPtrArray) lines =
        berth_unit_file_list(conversion->source->file, conversion->section, "Network");

    for (unsigned i = 0; i < lines->len; i++) {
        const BerthUnitLine *line = lines->pdata[i];
        g_autofree char *network = resolve_network(conversion, line);
        if (network && lines->len > 1 && g_str_has_prefix(network, "container:"))
            berth_unit_line_error(
                conversion->problems, line,
                _("%s=%s: with another container's network there is no further one"), line->key,
                line->value);
        if (network)
            berth_conversion_add_option(words, "network", network);
    }
}

/* dist sends the container its own stop signal on SIGTERM: systemd must not send SIGTERM to the
 * container's processes as well. */
static void add_kill_mode(const BerthConversion *conversion) {
    const BerthUnitLine *mode =
        berth_unit_file_find(conversion->source->file, "Service", "KillMode");

    if (mode && !g_str_equal(mode->value, "mixed") && !g_str_equal(mode->value, "control-group"))
        berth_unit_line_error(conversion->problems, mode,
                              _("KillMode= can only be mixed or control-group here"));
    berth_conversion_set_default(conversion, "KillMode", "mixed");
}

/* Delegate= allows the container's cgroup to be a child of the unit's (--cgroup=caller). %N is the
 * name of the unit without its suffix (systemd.unit(5)). */
void berth_convert_service(const BerthConversion *conversion, const char *identifier) {
    add_kill_mode(conversion);
    berth_conversion_set_default(conversion, "Delegate", "yes");
    berth_conversion_set_default(conversion, "SyslogIdentifier", identifier ? identifier : "%N");
}
