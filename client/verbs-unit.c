/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist unit: the unit files that berth-generator converts to systemd units. These verbs read the
 * same files with the same code, without the service; only install and rm talk to systemd.
 */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/each.h"
#include "client/format.h"
#include "client/table.h"
#include "client/verbs-auto-update.h"
#include "generator/convert.h"
#include "generator/install.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>

static struct { gboolean user; } unit_given;

static const DistOption unit_options[] = {
    {"user", 0, DIST_OPTION_FLAG, &unit_given.user,
     N_("Use units of the caller, not of the "
        "system"),
     NULL},
    DIST_OPTION_END,
};

static const DistOption unit_list_options[] = {
    DIST_OPTION_INCLUDE(unit_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

/* The files are always this machine's. */
static bool unit_check_local(GError **error) {
    return dist_bus_is_here() ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                           _("dist unit works on files of this machine only"));
}

static BerthUnitSet *unit_set_new(GError **error) {
    if (!unit_check_local(error))
        return NULL;
    return berth_unit_set_new(unit_given.user ? BERTH_UNITS_USER : BERTH_UNITS_SYSTEM);
}

/* Prints the problems: those of the whole set, and those of files, which begin with a path. */
static void unit_print_problems(const BerthUnitSet *set) {
    for (unsigned i = 0; i < set->problems->list->len; i++) {
        const BerthProblem *problem = set->problems->list->pdata[i];
        g_autofree char *text = dist_format_text(problem->text, "\n\t");
        fprintf(stderr, problem->kind == BERTH_PROBLEM_WARNING ? _("%s (warning)\n") : "%s\n",
                text);
    }
}

/* Each file is converted to find its errors; the resulting unit is discarded. */
static int unit_list(char **argv, GError **error) {
    DistColumn columns[] = {
        {"file", _("FILE"), DIST_CELL_TEXT},   {"unit", _("UNIT"), DIST_CELL_TEXT},
        {"state", _("STATE"), DIST_CELL_TEXT}, {"path", _("PATH"), DIST_CELL_TEXT},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    g_autoptr(BerthUnitSet) set = unit_set_new(error);

    (void)argv;
    if (!set)
        return EXIT_FAILURE;
    berth_unit_set_finish(set);
    g_autoptr(DistTable) table = dist_table_new(columns);
    for (unsigned i = 0; i < set->sources->len; i++) {
        BerthUnitSource *source = set->sources->pdata[i];
        g_autoptr(BerthService) service = berth_unit_convert(set, source);
        dist_table_add(table, source->name, source->service, service ? "ok" : "error",
                       source->path);
    }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool unit_print_file(const char *path, GError **error) {
    g_autofree char *text = NULL;
    size_t size;

    if (!g_file_get_contents(path, &text, &size, error))
        return false;
    printf("# %s\n", path);
    fwrite(text, 1, size, stdout);
    puts(size > 0 && text[size - 1] == '\n' ? "" : "\n");
    return true;
}

/* A name is that of a file or of its unit; the suffixes .container and .service may be omitted. */
static BerthUnitSource *unit_find(const BerthUnitSet *set, const char *name, GError **error) {
    g_autofree char *container = g_strconcat(name, ".container", NULL);
    g_autofree char *service = g_strconcat(name, ".service", NULL);

    for (unsigned i = 0; i < set->sources->len; i++) {
        BerthUnitSource *source = set->sources->pdata[i];
        if (g_str_equal(source->name, name) || g_str_equal(source->name, container) ||
            g_str_equal(source->service, name) || g_str_equal(source->service, service))
            return source;
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("there is no unit file %s"), name);
    return NULL;
}

/* Only problems of this file matter, so those of the search are dropped before it is converted. */
static int unit_cat(char **argv, GError **error) {
    g_autoptr(BerthUnitSet) set = unit_set_new(error);

    if (!set)
        return EXIT_FAILURE;
    berth_unit_set_finish(set);
    BerthUnitSource *source = unit_find(set, argv[1], error);
    if (!source || !unit_print_file(source->path, error))
        return EXIT_FAILURE;
    for (unsigned i = 0; i < source->drop_ins->len; i++)
        if (!unit_print_file(source->drop_ins->pdata[i], error))
            return EXIT_FAILURE;
    g_ptr_array_set_size(set->problems->list, 0);
    g_autoptr(BerthService) service = berth_unit_convert(set, source);
    unit_print_problems(set);
    if (!service)
        return EXIT_FAILURE;
    g_autofree char *text = berth_service_print(service);
    printf("# %s\n%s", source->service, text);
    if (service->other) {
        g_autofree char *other = berth_service_print(service->other);
        printf("\n# %s\n%s", service->other->name, other);
    }
    return EXIT_SUCCESS;
}

/* Reads the files together with the installed ones, but checks only them. False if one has an
 * error, which is printed. */
static bool unit_check_files(char *const *paths, GError **error) {
    g_autoptr(BerthUnitSet) set = unit_set_new(error);
    g_autoptr(GPtrArray) sources = g_ptr_array_new();

    if (!set)
        return false;
    /* Problems of the other files do not matter here. */
    g_ptr_array_set_size(set->problems->list, 0);
    set->problems->errors = 0;
    for (; *paths; paths++) {
        g_autofree char *name = g_path_get_basename(*paths);
        const BerthUnitSource *other = berth_unit_set_find(set, name);
        /* The earlier source would be replaced, and would then be neither checked nor installed. */
        if (other && g_ptr_array_find(sources, other, NULL)) {
            berth_problem_add(set->problems, BERTH_PROBLEM_ERROR, *paths, 0,
                              _("ignored: %s has the same name"), other->path);
            continue;
        }
        BerthUnitSource *source = berth_unit_set_add(set, *paths);
        if (source)
            g_ptr_array_add(sources, source);
    }
    berth_unit_set_finish(set);
    for (unsigned i = 0; i < sources->len; i++) {
        g_autoptr(BerthService) service = berth_unit_convert(set, sources->pdata[i]);
        if (service)
            g_ptr_array_unref(berth_unit_list_links(set, sources->pdata[i]));
    }
    unit_print_problems(set);
    return set->problems->errors == 0;
}

static int unit_check(char **argv, GError **error) {
    return unit_check_files(argv + 1, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Copies a file to the directory where the generator looks first. The file is replaced atomically.
 */
static bool unit_install_file(const char *path, const void *directory, GError **error) {
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *target = g_build_filename(directory, name, NULL);
    g_autofree char *text = NULL;
    size_t size;

    if (!g_file_get_contents(path, &text, &size, error) ||
        !g_file_set_contents_full(target, text, (gssize)size, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
                                  error))
        return false;
    puts(target);
    return true;
}

/* The caller owns the connection. */
static int unit_open_bus(sd_bus **bus) {
    return unit_given.user ? sd_bus_open_user(bus) : sd_bus_open_system(bus);
}

/* Has systemd run the generators and load their output. */
static bool unit_reload(GError **error) {
    g_autoptr(sd_bus) bus = NULL;
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    int r = unit_open_bus(&bus);

    if (r >= 0)
        r = sd_bus_call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                               "org.freedesktop.systemd1.Manager", "Reload", &bus_error, NULL, "");
    if (r < 0 && bus_error.message)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, _("cannot reload systemd: %s"),
                               bus_error.message);
    return r >= 0 || berth_error_set_errno(error, r, "%s", _("cannot reload systemd"));
}

static char *unit_find_directory(void) {
    return unit_given.user ? g_build_filename(g_get_user_config_dir(), "berth/units", NULL)
                           : g_strdup("/etc/berth/units");
}

/* Nothing is copied unless all files are valid. */
static int unit_install(char **argv, GError **error) {
    g_autofree char *directory = unit_find_directory();

    if (!unit_check_files(argv + 1, error))
        return EXIT_FAILURE;
    if (g_mkdir_with_parents(directory, 0755) < 0) {
        berth_error_set_errno(error, errno, "%s", directory);
        return EXIT_FAILURE;
    }
    int status = dist_for_each(argv + 1, unit_install_file, directory);
    return unit_reload(error) ? status : EXIT_FAILURE;
}

/* "inactive" for a unit that systemd has not loaded. The caller frees the state; NULL with error.
 */
static char *unit_read_state(const char *service, GError **error) {
    g_autoptr(sd_bus) bus = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    const char *path;
    char *state = NULL;
    int r = unit_open_bus(&bus);

    if (r < 0)
        return berth_error_set_errno(error, r, "%s", service), NULL;
    if (sd_bus_call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                           "org.freedesktop.systemd1.Manager", "GetUnit", NULL, &reply, "s",
                           service) < 0)
        return g_strdup("inactive");
    if ((r = sd_bus_message_read(reply, "o", &path)) < 0 ||
        (r = sd_bus_get_property_string(bus, "org.freedesktop.systemd1", path,
                                        "org.freedesktop.systemd1.Unit", "ActiveState", NULL,
                                        &state)) < 0)
        return berth_error_set_errno(error, r, "%s", service), NULL;
    return state;
}

/* Deletes a file that install has copied. A running unit would lose the commands that stop it. */
static bool unit_rm_file(const char *name, const void *directory, GError **error) {
    g_autoptr(BerthUnitSet) set = unit_set_new(error);

    if (!set)
        return false;
    berth_unit_set_finish(set);
    const BerthUnitSource *source = unit_find(set, name, error);
    if (!source)
        return false;
    g_autofree char *parent = g_path_get_dirname(source->path);
    if (!g_str_equal(parent, directory))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, _("%s is not in %s"),
                               source->path, (const char *)directory);
    g_autofree char *state = unit_read_state(source->service, error);
    if (!state)
        return false;
    if (!g_str_equal(state, "inactive") && !g_str_equal(state, "failed"))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               _("%s is %s; \"systemctl stop\" stops it"), source->service, state);
    if (g_unlink(source->path) < 0)
        return berth_error_set_errno(error, errno, "%s", source->path);
    puts(source->path);
    return true;
}

static int unit_rm(char **argv, GError **error) {
    g_autofree char *directory = unit_find_directory();
    int status = dist_for_each(argv + 1, unit_rm_file, directory);

    return unit_reload(error) ? status : EXIT_FAILURE;
}

static const DistVerb unit_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = N_("List unit files"),
     .options = unit_list_options,
     .run = unit_list,
     .flags = DIST_VERB_THERE},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List unit files"),
     .options = unit_list_options,
     .run = unit_list,
     .flags = DIST_VERB_THERE},
    {.name = "cat",
     .arguments = N_("NAME"),
     .summary = N_("Show a unit file, its drop-ins and the unit generated from them"),
     .options = unit_options,
     .run = unit_cat,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = "check",
     .arguments = N_("FILE…"),
     .summary = N_("Report errors in unit files, with line numbers"),
     .options = unit_options,
     .run = unit_check,
     .flags = DIST_VERB_HERE,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist unit check web.container"},
    {.name = "install",
     .arguments = N_("FILE…"),
     .summary = N_("Check unit files, copy them to /etc/berth/units and reload systemd"),
     .options = unit_options,
     .run = unit_install,
     .flags = DIST_VERB_HERE,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "rm",
     .arguments = N_("NAME…"),
     .summary = N_("Delete unit files from /etc/berth/units and reload systemd"),
     .options = unit_options,
     .run = unit_rm,
     .flags = DIST_VERB_HERE,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = NULL},
};

const DistVerb dist_unit_verbs[] = {
    {.name = "unit",
     .arguments = "VERB",
     .summary = N_("Work with unit files: containers as systemd units"),
     .verbs = unit_verbs},
    {.name = "auto-update",
     .arguments = "",
     .summary = N_("Restart units with newer images of their containers"),
     .options = dist_auto_update_options,
     .run = dist_verb_auto_update,
     .flags = DIST_VERB_THERE,
     .details = N_("Updates running containers that have AutoUpdate= or the label "
                   "io.containers.autoupdate. With registry, the image is compared with that "
                   "of the registry and pulled; with local, the unit is restarted if the "
                   "image's name was changed meanwhile. A unit that does not become ready "
                   "returns to its previous image."),
     .example = "dist auto-update --dry-run"},
    {.name = NULL},
};
