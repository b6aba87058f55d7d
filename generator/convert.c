/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the conversion of all kinds of unit files has in common: sections that belong to systemd are
 * passed on, with the names of other unit files replaced by those of their services, and the kind's
 * own section is checked against its table of keys. A conversion lives for one call.
 */

#include "generator/convert.h"

#include "generator/conversion.h"
#include "generator/nearest.h"
#include "generator/order.h"
#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

/* systemd ignores "X-" sections, too (systemd.unit(5)). */
static bool is_own_section(const BerthConversion *conversion, const char *section) {
    return (g_str_equal(section, conversion->section) &&
            !berth_unit_kind_is_plain(conversion->source->kind)) ||
           g_str_equal(section, "Quadlet") || g_str_has_prefix(section, "X-");
}

/* Sections of other kinds of unit files: a .volume file with [Container] is a mistake. */
static bool is_foreign_section(const char *section) {
    for (unsigned kind = 0; kind < BERTH_UNIT_KINDS; kind++)
        if (g_str_equal(section, berth_unit_kinds[kind].section))
            return true;
    return false;
}

/* The section of systemd's in which a key is often wanted that was written in the kind's own
 * section; NULL for any other key. */
static const char *find_other_section(const char *key) {
    static const char *const keys[][2] = {
        {"After", "Unit"},
        {"Before", "Unit"},
        {"BindsTo", "Unit"},
        {"Description", "Unit"},
        {"PartOf", "Unit"},
        {"Requires", "Unit"},
        {"Wants", "Unit"},
        {"ExecStartPost", "Service"},
        {"ExecStartPre", "Service"},
        {"ExecStopPost", "Service"},
        {"Restart", "Service"},
        {"RestartSec", "Service"},
        {"TimeoutStartSec", "Service"},
        {"TimeoutStopSec", "Service"},
        {"Alias", "Install"},
        {"RequiredBy", "Install"},
        {"WantedBy", "Install"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (g_str_equal(keys[i][0], key))
            return keys[i][1];
    return NULL;
}

static void report_unknown_key(const BerthConversion *conversion, const BerthUnitLine *line) {
    const char *section = find_other_section(line->key);
    BerthNearest nearest = {.word = line->key};

    for (const BerthKey *key = berth_keys_of(conversion->source->kind); key->name; key++)
        berth_nearest_offer(&nearest, key->name);
    if (section)
        berth_unit_line_error(conversion->problems, line,
                              _("unknown key %s= in [%s]; it belongs in [%s]"), line->key,
                              line->section, section);
    else if (nearest.best)
        berth_unit_line_error(conversion->problems, line,
                              _("unknown key %s= in [%s]; did you mean %s=?"), line->key,
                              line->section, nearest.best);
    else
        berth_unit_line_error(conversion->problems, line, _("unknown key %s= in [%s]"), line->key,
                              line->section);
}

/* An empty assignment of a refused key only resets a list, and is accepted. */
static void check_own_key(const BerthConversion *conversion, const BerthUnitLine *line) {
    const BerthKey *key = berth_key_find(conversion->source->kind, line->key);

    if (!key)
        report_unknown_key(conversion, line);
    else if (key->use == BERTH_KEY_REFUSED && line->value[0])
        berth_conversion_refuse(conversion, line, _(key->option));
}

/* systemd ignores a section of a service that it does not know, with everything in it. */
static void check_section(const BerthConversion *conversion, const BerthUnitLine *line) {
    static const char *const known[] = {"Unit", "Service", "Install", NULL};
    BerthNearest nearest = {.word = line->section};

    if (berth_unit_kind_is_plain(conversion->source->kind) ||
        g_strv_contains(known, line->section) || g_str_has_prefix(line->section, "X-"))
        return;
    for (const char *const *section = known; *section; section++)
        berth_nearest_offer(&nearest, *section);
    berth_nearest_offer(&nearest, conversion->section);
    berth_nearest_offer(&nearest, "Quadlet");
    if (nearest.best)
        berth_unit_line_error(conversion->problems, line,
                              _("unknown section [%s]; did you mean [%s]?"), line->section,
                              nearest.best);
    else
        berth_unit_line_error(conversion->problems, line, _("unknown section [%s]"), line->section);
}

static void check_line(const BerthConversion *conversion, const BerthUnitLine *line) {
    if (g_str_equal(line->section, conversion->section)) {
        if (line->key && !berth_unit_kind_is_plain(conversion->source->kind))
            check_own_key(conversion, line);
    } else if (g_str_equal(line->section, "Quadlet")) {
        if (line->key && !g_str_equal(line->key, "DefaultDependencies"))
            berth_unit_line_error(conversion->problems, line, _("unknown key %s= in [%s]"),
                                  line->key, line->section);
    } else if (!line->key && is_foreign_section(line->section)) {
        berth_unit_line_error(conversion->problems, line, _("[%s] does not belong in a %s file"),
                              line->section, berth_unit_kinds[conversion->source->kind].suffix);
    } else if (!line->key) {
        check_section(conversion, line);
    }
}

static bool is_dependency(const BerthUnitLine *line) {
    static const char *const keys[] = {"After",
                                       "Before",
                                       "BindsTo",
                                       "Conflicts",
                                       "OnFailure",
                                       "OnSuccess",
                                       "PartOf",
                                       "PropagatesReloadTo",
                                       "PropagatesStopTo",
                                       "ReloadPropagatedFrom",
                                       "Requires",
                                       "Requisite",
                                       "StopPropagatedFrom",
                                       "Upholds",
                                       "Wants",
                                       NULL};

    return g_str_equal(line->section, "Unit") && g_strv_contains(keys, line->key);
}

/* A list of units, in which names of unit files are replaced by those of their services. */
static char *translate_dependencies(const BerthConversion *conversion, const BerthUnitLine *line) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    GString *text = g_string_new(NULL);

    berth_words_split_names(words, line->value);
    for (unsigned i = 0; i < words->len; i++) {
        const char *word = words->pdata[i];
        BerthUnitKind kind = berth_unit_kind_of(word);
        bool is_file = kind != BERTH_UNIT_KINDS && !berth_unit_kind_is_plain(kind);
        g_autofree char *service =
            is_file ? berth_unit_set_find_service(conversion->set, word) : g_strdup(word);
        if (!service)
            berth_unit_line_error(conversion->problems, line, _("%s=: there is no unit file %s"),
                                  line->key, word);
        g_string_append(text, i > 0 ? " " : "");
        g_string_append(text, service ? service : word);
    }
    return g_string_free(text, FALSE);
}

static void pass_other_lines_on(const BerthConversion *conversion) {
    const GPtrArray *lines = conversion->source->file->lines;

    for (unsigned i = 0; i < lines->len; i++) {
        const BerthUnitLine *line = lines->pdata[i];
        if (!line->key || is_own_section(conversion, line->section))
            continue;
        g_autofree char *value =
            is_dependency(line) ? translate_dependencies(conversion, line) : g_strdup(line->value);
        berth_service_add(conversion->service, line->section, line->key, value);
    }
}

/* A user manager has neither the service nor the target. At shutdown, the unit stops before the
 * service, on which its stop depends; the bus starts the service when the unit needs it. A pull
 * needs the network. */
static void add_unit_defaults(const BerthConversion *conversion) {
    static const char service[] = "berthd.service", target[] = "network-online.target";
    const BerthUnitLine *line =
        berth_unit_file_find(conversion->source->file, "Quadlet", "DefaultDependencies");
    g_autofree char *path = berth_words_escape(conversion->source->path, false);
    bool wanted = true;

    berth_service_add(conversion->service, "Unit", "SourcePath", path);
    if (line && !berth_unit_line_get_boolean(line, &wanted))
        berth_unit_line_error(conversion->problems, line, _("%s= takes yes or no, not \"%s\""),
                              line->key, line->value);
    if (conversion->set->scope == BERTH_UNITS_USER ||
        berth_unit_kind_is_plain(conversion->source->kind))
        return;
    berth_service_add(conversion->service, "Unit", "After", service);
    if (!wanted)
        return;
    berth_service_add(conversion->service, "Unit", "Wants", target);
    berth_service_add(conversion->service, "Unit", "After", target);
}

/* These keys of [Service] are set by the conversion itself. */
static void check_service(const BerthConversion *conversion) {
    static const char *const own[] = {"ExecStart", "NotifyAccess", "BusName", "PIDFile", NULL};
    const BerthUnitFile *file = conversion->source->file;

    for (const char *const *key = own; *key; key++) {
        const BerthUnitLine *line = berth_unit_file_find(file, "Service", *key);
        if (line)
            berth_unit_line_error(conversion->problems, line,
                                  _("%s= of [Service] is generated from [%s] and cannot be set"),
                                  *key, conversion->section);
    }
}

/* The lines of a plain systemd unit are passed on; a timer has nothing else. */
static void convert_kind(BerthConversion *conversion) {
    static void (*const kinds[BERTH_UNIT_KINDS])(BerthConversion *) = {
        [BERTH_UNIT_CONTAINER] = berth_convert_container,
        [BERTH_UNIT_VOLUME] = berth_convert_volume,
        [BERTH_UNIT_NETWORK] = berth_convert_network,
        [BERTH_UNIT_IMAGE] = berth_convert_image,
        [BERTH_UNIT_POD] = berth_convert_pod,
        [BERTH_UNIT_BUILD] = berth_convert_build,
        [BERTH_UNIT_SOCKET] = berth_convert_socket,
    };

    if (berth_unit_file_find_section(conversion->source->file, conversion->section)) {
        if (kinds[conversion->source->kind])
            kinds[conversion->source->kind](conversion);
    } else
        berth_problem_add(conversion->problems, BERTH_PROBLEM_ERROR, conversion->source->path, 0,
                          _("there is no section [%s]"), conversion->section);
}

/* NULL if there is any error. The checks continue after the first one, so that all are reported. */
BerthService *berth_unit_convert(BerthUnitSet *set, BerthUnitSource *source) {
    const BerthUnitKindInfo *kind = &berth_unit_kinds[source->kind];

    if (source->failed)
        return NULL;
    unsigned errors = set->problems->errors, since = set->problems->list->len;
    if (kind->refused) {
        source->failed = true;
        berth_problem_add(set->problems, BERTH_PROBLEM_ERROR, source->path, 1,
                          _("%s files are not supported: %s"), kind->suffix, _(kind->refused));
        return NULL;
    }
    g_autoptr(BerthService) service = berth_service_new(source->service);
    BerthConversion conversion = {set, source, set->problems, service, kind->section};
    for (unsigned i = 0; i < source->file->lines->len; i++)
        check_line(&conversion, source->file->lines->pdata[i]);
    add_unit_defaults(&conversion);
    pass_other_lines_on(&conversion);
    check_service(&conversion);
    convert_kind(&conversion);
    berth_unit_order_check(set, source);
    berth_problems_sort(set->problems, since);
    source->failed = set->problems->errors != errors;
    return source->failed ? NULL : g_steal_pointer(&service);
}
