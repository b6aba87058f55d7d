/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit of a .build file, which runs dist build once. The directory to build and its
 * Containerfile are found by the rules of podman-systemd.unit(5): SetWorkingDirectory= names the
 * directory, and File= the Containerfile, relative to it; without SetWorkingDirectory=, File= is
 * absolute, and its directory is used. WorkingDirectory= of [Service] stands for a missing
 * SetWorkingDirectory=.
 */

#include "generator/conversion.h"
#include "generator/translate.h"

#include <string.h>

/* Whether it is an address of a repository or an archive, which podman passes to buildah: dist only
 * takes a directory. */
static bool is_remote(const char *path) {
    return strstr(path, "://") || g_str_has_prefix(path, "git@") ||
           g_str_has_prefix(path, "github.com/");
}

/* The words of SetWorkingDirectory= are read in any case of their letters, as podman reads them. */
static bool build_is_file(const char *directory) {
    return g_ascii_strcasecmp(directory, "file") == 0;
}

/* The directory to build, as a word of a command line; NULL with an error. */
static char *find_context(const BerthConversion *conversion, const char *directory,
                          const char *name) {
    const BerthUnitLine *given = berth_conversion_find(conversion, "SetWorkingDirectory");
    const BerthUnitLine *file = berth_conversion_find(conversion, "File");

    if (is_remote(directory) || (name && is_remote(name))) {
        berth_conversion_refuse(conversion, is_remote(directory) ? given : file,
                                _("dist builds from a directory"));
        return NULL;
    }
    if (g_ascii_strcasecmp(directory, "unit") == 0)
        return berth_conversion_resolve_path(conversion, ".", true);
    if (!build_is_file(directory))
        return berth_conversion_resolve_path(conversion, directory, true);
    if (!name || (!given && name[0] != '/' && name[0] != '%')) {
        berth_unit_line_error(
            conversion->problems,
            file ? file
                 : berth_unit_file_find_section(conversion->source->file, conversion->section),
            _("[%s] needs SetWorkingDirectory=, or File= with an absolute path"),
            conversion->section);
        return NULL;
    }
    g_autofree char *path = berth_conversion_resolve_path(conversion, name, true);
    return g_path_get_dirname(path);
}

/* buildah runs as the user and independently of the service, so Berth's networks and volumes are
 * unknown to it. */
static void build_refuse_files(const BerthConversion *conversion, const char *key,
                               BerthUnitKind kind, const char *reason) {
    g_autoptr(GPtrArray) lines =
        berth_unit_file_list(conversion->source->file, conversion->section, key);

    for (unsigned i = 0; i < lines->len; i++) {
        const BerthUnitLine *line = lines->pdata[i];
        g_autofree char *name = g_strndup(line->value, strcspn(line->value, ":"));
        if (berth_unit_kind_of(name) == kind)
            berth_conversion_refuse(conversion, line, reason);
    }
}

static void build_add_networks(const BerthConversion *conversion, GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "Network");

    build_refuse_files(conversion, "Network", BERTH_UNIT_NETWORK,
                       _("a build runs in the network none, host or private"));
    if (line)
        berth_conversion_add_option(words, "network", line->value);
}

static void build_add_volumes(const BerthConversion *conversion, GPtrArray *words) {
    build_refuse_files(conversion, "Volume", BERTH_UNIT_VOLUME,
                       _("a build mounts directories of the host only"));
    berth_convert_volumes(conversion, words);
}

/* The path of a file in the context, unless it is absolute or begins with a specifier. */
static void build_add_path(const char *option, const char *name, const char *context,
                           GPtrArray *words) {
    bool absolute = name[0] == '/' || name[0] == '%';
    g_autofree char *path = absolute ? g_strdup(name) : g_build_filename(context, name, NULL);

    berth_conversion_add_option(words, option, path);
}

static void build_add_ignore_file(const BerthConversion *conversion, const char *context,
                                  GPtrArray *words) {
    g_autofree char *file = berth_conversion_get(conversion, "IgnoreFile");

    if (!file || !context)
        return;
    build_add_path("ignorefile", file, context, words);
}

static void build_add_file(const char *given, const char *context, bool beside, GPtrArray *words) {
    g_autofree char *name = beside ? g_path_get_basename(given) : g_strdup(given);

    build_add_path("file", name, context, words);
}

/* dist always pulls missing images, and existing ones only with --pull. */
static void add_pull(const BerthConversion *conversion, GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "Pull");

    if (!line || g_str_equal(line->value, "missing"))
        return;
    if (g_str_equal(line->value, "always") || g_str_equal(line->value, "newer"))
        berth_conversion_add_option(words, "pull", NULL);
    else
        berth_unit_line_error(conversion->problems, line,
                              _("Pull= takes always, newer or missing, not \"%s\""), line->value);
}

/* NULL if the file names none. */
static char *build_get_directory(const BerthConversion *conversion) {
    const BerthUnitLine *line =
        berth_unit_file_find(conversion->source->file, "Service", "WorkingDirectory");
    char *given = berth_conversion_get(conversion, "SetWorkingDirectory");

    if (given || !line || (line->value[0] != '/' && line->value[0] != '%'))
        return given;
    return berth_unit_line_get_text(line);
}

void berth_convert_build(BerthConversion *conversion) {
    g_autofree char *given = build_get_directory(conversion);
    g_autofree char *file = berth_conversion_get(conversion, "File");
    g_autofree char *context = find_context(conversion, given ? given : "file", file);
    g_autoptr(GPtrArray) words = berth_conversion_new_command(conversion, "build", NULL);

    if (!berth_conversion_find(conversion, "ImageTag"))
        berth_unit_line_error(
            conversion->problems,
            berth_unit_file_find_section(conversion->source->file, conversion->section),
            _("[%s] needs ImageTag="), conversion->section);
    if (file && context)
        build_add_file(file, context, !given || build_is_file(given), words);
    berth_convert_auth_file(conversion);
    add_pull(conversion, words);
    build_add_networks(conversion, words);
    build_add_volumes(conversion, words);
    build_add_ignore_file(conversion, context, words);
    berth_conversion_add_keys(conversion, BERTH_VERB_BUILD, words);
    if (context)
        g_ptr_array_add(words, g_steal_pointer(&context));
    berth_convert_oneshot(conversion, words);
}
