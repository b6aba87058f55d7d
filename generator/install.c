/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads [Install] as systemctl(1) enable does (systemd.unit(5)). There is no state. Generated units
 * cannot be enabled, so berth-generator makes the links itself.
 */

#include "generator/install.h"

#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

/* The unit for which links are made, and the values of its specifiers. */
typedef struct {
    BerthUnitSet *set;
    const BerthUnitSource *source;
    GPtrArray *links;
    char *target; /* the file that is written */
    char *name;   /* the name of links in .wants directories */
    char *prefix, *instance;
} Install;

static void link_free(void *pointer) {
    BerthUnitLink *link = pointer;

    g_free(link->path);
    g_free(link->target);
    g_free(link);
}

/* Expands the specifiers that depend on the name alone. NULL for any others, which only systemd can
 * expand. */
static char *expand_specifiers(const Install *install, const char *text) {
    g_autoptr(GString) expanded = g_string_new(NULL);
    size_t stem = (size_t)(strrchr(install->name, '.') - install->name);

    for (; *text; text++) {
        if (*text != '%') {
            g_string_append_c(expanded, *text);
            continue;
        }
        text++;
        if (*text == 'n')
            g_string_append(expanded, install->name);
        else if (*text == 'N')
            g_string_append_len(expanded, install->name, (gssize)stem);
        else if (*text == 'p')
            g_string_append(expanded, install->prefix);
        else if (*text == 'i')
            g_string_append(expanded, install->instance ? install->instance : "");
        else if (*text == '%')
            g_string_append_c(expanded, '%');
        else
            return NULL;
    }
    return g_string_free(g_steal_pointer(&expanded), FALSE);
}

/* Takes ownership of both texts. */
static void install_add_link(const Install *install, char *path, char *target) {
    BerthUnitLink *link = g_new0(BerthUnitLink, 1);

    link->path = path;
    link->target = target;
    g_ptr_array_add(install->links, link);
}

/* suffix is NULL for Alias=. An alias must have the suffix of the unit, as systemd requires. Names
 * come from the file: a valid name has no slash, so no link leads out of the directory of generated
 * units. */
static void add_links_of_line(const Install *install, const BerthUnitLine *line,
                              const char *suffix) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    berth_words_split_names(words, line->value);
    for (unsigned i = 0; i < words->len; i++) {
        g_autofree char *unit = expand_specifiers(install, words->pdata[i]);
        bool is_alias = suffix == NULL;
        if (!unit || !berth_unit_name_is_valid(unit) ||
            (is_alias && !g_str_has_suffix(unit, strrchr(install->target, '.')))) {
            berth_problem_add(install->set->problems, BERTH_PROBLEM_WARNING, line->file, line->line,
                              _("%s=: no link is made for \"%s\""), line->key,
                              (const char *)words->pdata[i]);
            continue;
        }
        if (is_alias && !g_str_equal(unit, install->target))
            install_add_link(install, g_steal_pointer(&unit), g_strdup(install->target));
        else if (!is_alias)
            install_add_link(install, g_strconcat(unit, suffix, "/", install->name, NULL),
                             g_strconcat("../", install->target, NULL));
    }
}

static void add_links_of_key(const Install *install, const char *key, const char *suffix) {
    g_autoptr(GPtrArray) lines = berth_unit_file_list(install->source->file, "Install", key);

    for (unsigned i = 0; i < lines->len; i++)
        add_links_of_line(install, lines->pdata[i], suffix);
}

/* Only a warning: the unit works without the links. */
static void warn_about_others(const Install *install) {
    static const char *const known[] = {"Alias",    "DefaultInstance", "RequiredBy",
                                        "UpheldBy", "WantedBy",        NULL};
    const GPtrArray *lines = install->source->file->lines;

    for (unsigned i = 0; i < lines->len; i++) {
        const BerthUnitLine *line = lines->pdata[i];
        if (line->key && g_str_equal(line->section, "Install") &&
            !g_strv_contains(known, line->key))
            berth_problem_add(install->set->problems, BERTH_PROBLEM_WARNING, line->file, line->line,
                              _("%s= of [Install] is ignored"), line->key);
    }
}

/* Whether there is something to link: for a template, the default instance. */
static bool find_name(Install *install) {
    const char *service = install->source->service;
    const BerthUnitLine *line =
        berth_unit_file_find(install->source->file, "Install", "DefaultInstance");
    const char *suffix = strrchr(service, '.');
    g_autofree char *stem = g_strndup(service, (gsize)(suffix - service));

    berth_unit_name_split(stem, &install->prefix, &install->instance);
    if (!install->instance || install->instance[0]) {
        install->name = g_strdup(service);
        return true;
    }
    if (!line)
        return false;
    g_free(install->instance);
    install->instance = berth_unit_line_get_text(line);
    install->name = g_strconcat(install->prefix, "@", install->instance, suffix, NULL);
    if (berth_unit_name_is_valid(install->name))
        return true;
    berth_problem_add(install->set->problems, BERTH_PROBLEM_WARNING, line->file, line->line,
                      _("DefaultInstance= \"%s\" is not the name of an instance"), line->value);
    return false;
}

/* The caller frees the list. Links are relative to the directory of generated units. */
GPtrArray *berth_unit_list_links(BerthUnitSet *set, const BerthUnitSource *source) {
    GPtrArray *links = g_ptr_array_new_with_free_func(link_free);
    Install install = {.set = set, .source = source, .links = links};

    install.target = g_strdup(source->service);
    if (find_name(&install)) {
        add_links_of_key(&install, "Alias", NULL);
        add_links_of_key(&install, "WantedBy", ".wants");
        add_links_of_key(&install, "RequiredBy", ".requires");
        add_links_of_key(&install, "UpheldBy", ".upholds");
    }
    warn_about_others(&install);
    g_free(install.target);
    g_free(install.name);
    g_free(install.prefix);
    g_free(install.instance);
    return links;
}
