/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order in which the units of a set start, according to their files, and the cycles in it.
 * systemd breaks a cycle by dropping one of its jobs (systemd.unit(5), "Before="), which nobody
 * wants: a warning names the files involved. The edges belong to the sources, and are made once, by
 * the first check of a finished set.
 */

#include "generator/order.h"

#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

static BerthUnitSource *order_find_source(const BerthUnitSet *set, const char *name) {
    BerthUnitSource *source = berth_unit_set_find(set, name);

    for (unsigned i = 0; !source && i < set->sources->len; i++)
        if (g_strcmp0(((BerthUnitSource *)set->sources->pdata[i])->service, name) == 0)
            source = set->sources->pdata[i];
    return source;
}

/* The list of edges is allocated with the first one. */
static void order_add(BerthUnitSource *later, BerthUnitSource *earlier, const BerthUnitLine *line) {
    BerthUnitOrder *order = g_new(BerthUnitOrder, 1);

    *order = (BerthUnitOrder){earlier, line};
    if (!later->after)
        later->after = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(later->after, order);
}

/* Adds edges for names of units; only those of this set count. */
static void order_add_units(const BerthUnitSet *set, BerthUnitSource *source,
                            const BerthUnitLine *line, bool is_before) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    berth_words_split_names(words, line->value);
    for (unsigned i = 0; i < words->len; i++) {
        BerthUnitSource *other = order_find_source(set, words->pdata[i]);
        if (other && is_before)
            order_add(other, source, line);
        else if (other)
            order_add(source, other, line);
    }
}

/* Whether this key makes its file start later. A file of the wrong kind is a mistake, which the
 * conversion reports. */
static bool order_is_needed(const char *key, BerthUnitKind kind) {
    static const struct {
        const char *key;
        BerthUnitKind kind;
    } needed[] = {
        {"Network", BERTH_UNIT_CONTAINER}, {"Image", BERTH_UNIT_IMAGE},
        {"Image", BERTH_UNIT_BUILD},       {"Network", BERTH_UNIT_NETWORK},
        {"Pod", BERTH_UNIT_POD},           {"Volume", BERTH_UNIT_VOLUME},
        {"Mount", BERTH_UNIT_VOLUME},      {"Mount", BERTH_UNIT_IMAGE},
        {"Mount", BERTH_UNIT_BUILD},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (needed[i].kind == kind && g_str_equal(needed[i].key, key))
            return true;
    return false;
}

/* A file that is needed: its service starts first. */
static void order_add_file(const BerthUnitSet *set, BerthUnitSource *source,
                           const BerthUnitLine *line, const char *name) {
    BerthUnitSource *other = order_is_needed(line->key, berth_unit_kind_of(name))
                                 ? berth_unit_set_find(set, name)
                                 : NULL;

    if (other && other != source)
        order_add(source, other, line);
}

/* The sources of the mounts on a line. */
static void order_add_mounts(const BerthUnitSet *set, BerthUnitSource *source,
                             const BerthUnitLine *line) {
    g_autoptr(GPtrArray) mounts = g_ptr_array_new_with_free_func(g_free);

    (void)berth_words_split(mounts, line->value);
    for (unsigned i = 0; i < mounts->len; i++) {
        g_auto(GStrv) fields = g_strsplit(mounts->pdata[i], ",", -1);
        for (char **field = fields; *field; field++)
            if (g_str_has_prefix(*field, "source=") || g_str_has_prefix(*field, "src="))
                order_add_file(set, source, line, strchr(*field, '=') + 1);
    }
}

/* A key of the kind's own section; a volume or network may be followed by options. */
static void order_add_own(const BerthUnitSet *set, BerthUnitSource *source,
                          const BerthUnitLine *line) {
    g_autofree char *name = g_str_equal(line->key, "Pod")
                                ? berth_unit_source_get_pod(source)
                                : g_strndup(line->value, strcspn(line->value, ":"));

    if (g_str_equal(line->key, "Mount"))
        order_add_mounts(set, source, line);
    else
        order_add_file(set, source, line, name);
}

static void order_find(BerthUnitSet *set) {
    for (unsigned i = 0; i < set->sources->len; i++) {
        BerthUnitSource *source = set->sources->pdata[i];
        for (unsigned j = 0; j < source->file->lines->len; j++) {
            const BerthUnitLine *line = source->file->lines->pdata[j];
            if (!line->key)
                continue;
            bool is_before = g_str_equal(line->key, "Before");
            if (g_str_equal(line->section, berth_unit_kinds[source->kind].section))
                order_add_own(set, source, line);
            else if (g_str_equal(line->section, "Unit") &&
                     (is_before || g_str_equal(line->key, "After")))
                order_add_units(set, source, line, is_before);
        }
    }
}

/* Searches for a way back to the source that path begins with. Each source is visited once; a set
 * has so few files that the recursion depth does not matter (BERTH_UNIT_MAX_FILES). */
static bool order_leads_back(BerthUnitSource *source, GPtrArray *path, GHashTable *seen) {
    for (unsigned i = 0; source->after && i < source->after->len; i++) {
        const BerthUnitOrder *order = source->after->pdata[i];
        if (order->source != path->pdata[0] && !g_hash_table_add(seen, order->source))
            continue;
        g_ptr_array_add(path, order->source);
        if (order->source == path->pdata[0] || order_leads_back(order->source, path, seen))
            return true;
        g_ptr_array_set_size(path, (int)path->len - 1);
    }
    return false;
}

/* The line responsible for the first step of the path. */
static const BerthUnitLine *order_find_line(const GPtrArray *path) {
    const BerthUnitSource *first = path->pdata[0];

    for (unsigned i = 0; i < first->after->len; i++) {
        const BerthUnitOrder *order = first->after->pdata[i];
        if (order->source == path->pdata[1])
            return order->line;
    }
    g_assert_not_reached();
}

void berth_unit_order_check(BerthUnitSet *set, BerthUnitSource *source) {
    g_autoptr(GPtrArray) path = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!set->has_order)
        order_find(set);
    set->has_order = true;
    g_ptr_array_add(path, source);
    if (!order_leads_back(source, path, seen))
        return;
    for (unsigned i = 0; i < path->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " after " : "",
                               ((const BerthUnitSource *)path->pdata[i])->service);
    const BerthUnitLine *line = order_find_line(path);
    berth_problem_add(set->problems, BERTH_PROBLEM_WARNING, line->file, line->line,
                      _("%s=: units wait for each other, so systemd does not start one of "
                        "them: %s"),
                      line->key, text->str);
}
