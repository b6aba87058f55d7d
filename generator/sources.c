/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds and reads unit files. A source belongs to the list that it was read into. Only regular
 * files are opened for reading, and never in a way that could block: this runs while systemd waits.
 */

#include "generator/sources.h"

#include "generator/translate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void berth_unit_source_free(void *pointer) {
    BerthUnitSource *source = pointer;

    if (!source)
        return;
    g_free(source->name);
    g_free(source->path);
    g_free(source->service);
    g_free(source->resource);
    berth_unit_file_free(source->file);
    g_ptr_array_unref(source->drop_ins);
    g_clear_pointer(&source->after, g_ptr_array_unref);
    g_free(source);
}

static bool report_source_error(BerthProblems *problems, const char *path, const char *text) {
    return berth_problem_add(problems, BERTH_PROBLEM_ERROR, path, 0, "%s", text);
}

/* Stops one buffer beyond the limit; the parser refuses a text that is too long. */
static bool read_source_text(int fd, GString *text) {
    char buffer[16384];
    ssize_t count;

    while (text->len <= BERTH_UNIT_MAX_BYTES && (count = read(fd, buffer, sizeof(buffer))) != 0)
        if (count > 0)
            g_string_append_len(text, buffer, count);
        else if (errno != EINTR)
            return false;
    return true;
}

/* The contents of a file; NULL with a problem if they cannot be read. *masked: it is empty or
 * /dev/null. */
static GString *read_source_file(const char *path, bool *masked, BerthProblems *problems) {
    g_autoptr(GString) text = g_string_new(NULL);
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *masked = false;
    if (fd < 0)
        return report_source_error(problems, path, g_strerror(errno)), NULL;
    bool known = fstat(fd, &about) == 0;
    bool regular = known && S_ISREG(about.st_mode);
    bool good = regular && read_source_text(fd, text);
    close(fd);
    *masked = (known && S_ISCHR(about.st_mode)) || (good && text->len == 0);
    if (!good && !*masked)
        return report_source_error(problems, path,
                                   regular ? _("cannot be read") : _("not a regular file")),
               NULL;
    return g_steal_pointer(&text);
}

/* Called with the name of each entry of a directory, in the order of the file system; callers sort
 * what they collect. */
typedef void (*EntryVisit)(const char *directory, const char *name, void *userdata);

static void visit_directory(const char *path, EntryVisit visit, void *userdata) {
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *name;

    while (directory && (name = g_dir_read_name(directory)))
        if (name[0] != '.')
            visit(path, name, userdata);
}

/* The directories in which systemd searches for drop-ins of a name, the most general first:
 * "container.d", "web-.container.d", "web-one@.container.d", "web-one@x.container.d". */
static GPtrArray *list_drop_in_names(const char *name, BerthUnitKind kind) {
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *suffix = berth_unit_kinds[kind].suffix;
    g_autofree char *stem = g_strndup(name, strlen(name) - strlen(suffix));
    g_autofree char *prefix = NULL, *instance = NULL;

    berth_unit_name_split(stem, &prefix, &instance);
    g_ptr_array_add(names, g_strconcat(suffix + 1, ".d", NULL));
    for (const char *dash = strchr(prefix, '-'); dash; dash = strchr(dash + 1, '-'))
        if (dash > prefix && dash[1])
            g_ptr_array_add(names,
                            g_strdup_printf("%.*s-%s.d", (int)(dash - prefix), prefix, suffix));
    if (instance && instance[0])
        g_ptr_array_add(names, g_strconcat(prefix, "@", suffix, ".d", NULL));
    g_ptr_array_add(names, g_strconcat(name, ".d", NULL));
    return names;
}

static void collect_drop_in(const char *directory, const char *name, void *userdata) {
    if (g_str_has_suffix(name, ".conf"))
        g_hash_table_replace(userdata, g_strdup(name), g_build_filename(directory, name, NULL));
}

/* For qsort(3): by bytes, as systemd sorts drop-ins, not by the locale. */
static int compare_source_names(const void *one, const void *other) {
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* A more specific directory beats a more general one; among directories with the same name, the
 * first one wins. Each file replaces an earlier one in the table, so the winner is inserted last.
 */
static GHashTable *find_drop_ins(const char *name, BerthUnitKind kind, char *const *directories) {
    g_autoptr(GPtrArray) names = list_drop_in_names(name, kind);
    GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (unsigned i = 0; i < names->len; i++)
        for (size_t d = g_strv_length((char **)directories); d > 0; d--) {
            g_autofree char *path = g_build_filename(directories[d - 1], names->pdata[i], NULL);
            visit_directory(path, collect_drop_in, found);
        }
    return found;
}

/* In the order of file names, whichever directory each is in (systemd.unit(5)). A drop-in that is
 * empty or /dev/null masks those of the same name. */
static bool read_drop_ins(BerthUnitSource *source, char *const *directories,
                          BerthProblems *problems) {
    g_autoptr(GHashTable) found = find_drop_ins(source->name, source->kind, directories);
    g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(found, NULL);
    unsigned count = g_hash_table_size(found);
    bool good = true;

    if (count > BERTH_UNIT_MAX_DROP_INS)
        return berth_problem_add(problems, BERTH_PROBLEM_ERROR, source->path, 0,
                                 _("more than %d drop-ins"), BERTH_UNIT_MAX_DROP_INS);
    qsort(names, count, sizeof(*names), compare_source_names);
    for (unsigned i = 0; i < count; i++) {
        const char *path = g_hash_table_lookup(found, names[i]);
        bool masked;
        g_autoptr(GString) text = read_source_file(path, &masked, problems);
        if (masked)
            continue;
        g_ptr_array_add(source->drop_ins, g_strdup(path));
        good = text && berth_unit_file_parse(source->file, path, text->str, text->len, problems) &&
               good;
    }
    return good;
}

/* NULL without a problem if the file is masked. A file with errors yields a source marked as
 * failed: it is known by name, but not converted. */
BerthUnitSource *berth_unit_source_read(const char *path, char *const *directories,
                                        BerthProblems *problems) {
    g_autofree char *name = g_path_get_basename(path);
    BerthUnitKind kind = berth_unit_kind_of(name);
    bool masked;

    if (kind == BERTH_UNIT_KINDS || !berth_unit_name_is_valid(name)) {
        report_source_error(problems, path, _("not the name of a unit file"));
        return NULL;
    }
    problems->file = path;
    g_autoptr(GString) text = read_source_file(path, &masked, problems);
    if (masked) {
        problems->file = NULL;
        return NULL;
    }
    BerthUnitSource *source = g_new0(BerthUnitSource, 1);
    source->name = g_steal_pointer(&name);
    source->path = g_strdup(path);
    source->kind = kind;
    source->file = berth_unit_file_new();
    source->drop_ins = g_ptr_array_new_with_free_func(g_free);
    source->failed = !text ||
                     !berth_unit_file_parse(source->file, path, text->str, text->len, problems) ||
                     !read_drop_ins(source, directories, problems);
    problems->file = NULL;
    return source;
}

/* The search visits the directories in the order of their precedence, and keeps the first file of
 * each name. */
typedef struct {
    GHashTable *paths; /* by name */
    BerthProblems *problems;
    const char *top; /* the directory whose tree is being searched */
    int depth;
    unsigned directories; /* how many have been searched */
    bool full;
} SourceSearch;

/* Directories within one tree have no precedence among each other. */
static void search_add(SourceSearch *search, const char *name, char *path) {
    const char *other = g_hash_table_lookup(search->paths, name);

    search->full = search->full || g_hash_table_size(search->paths) >= BERTH_UNIT_MAX_FILES;
    if (!other && !search->full) {
        g_hash_table_insert(search->paths, g_strdup(name), path);
        return;
    }
    if (other && g_str_has_prefix(other, search->top))
        berth_problem_add(search->problems, BERTH_PROBLEM_ERROR, path, 0,
                          _("ignored: %s has the same name"), other);
    g_free(path);
}

/* A path becomes part of a unit's lines, so it must fit on one. */
static bool source_fits_on_line(const char *name) {
    while (*name && !g_ascii_iscntrl(*name))
        name++;
    return *name == '\0';
}

/* Files for users are in "users" below the system's directories; there, files for a single user are
 * in a directory named by the uid. */
static bool is_for_others(const SourceSearch *search, const char *name) {
    if (search->depth > 0)
        return false;
    return g_str_equal(name, "users") ||
           (g_str_has_suffix(search->top, "/users") && strspn(name, "0123456789") == strlen(name));
}

/* Subdirectories are searched, as in podman's quadlet. A link may lead in a circle, so the depth is
 * limited. */
static void search_entry(const char *directory, const char *name, void *userdata) {
    SourceSearch *search = userdata;
    g_autofree char *path = g_build_filename(directory, name, NULL);

    if (berth_unit_kind_of(name) != BERTH_UNIT_KINDS) {
        search_add(search, name, g_steal_pointer(&path));
        return;
    }
    if (g_str_has_suffix(name, ".d") || is_for_others(search, name) || !source_fits_on_line(name) ||
        search->depth >= BERTH_UNIT_MAX_DEPTH || !g_file_test(path, G_FILE_TEST_IS_DIR))
        return;
    /* Depth alone is no sufficient bound: links may lead back, each to all the others. */
    search->full = search->full || search->directories >= BERTH_UNIT_MAX_DIRECTORIES;
    if (search->full)
        return;
    search->directories++;
    search->depth++;
    visit_directory(path, search_entry, search);
    search->depth--;
}

/* Sorted by name, so that problems and output do not depend on the order of directory entries. */
GPtrArray *berth_unit_sources_read(char *const *directories, BerthProblems *problems) {
    g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GPtrArray *sources = g_ptr_array_new_with_free_func(berth_unit_source_free);
    SourceSearch search = {.paths = paths, .problems = problems};

    for (char *const *directory = directories; *directory; directory++) {
        search.top = *directory;
        visit_directory(*directory, search_entry, &search);
    }
    if (search.full)
        report_source_error(problems, directories[0],
                            _("too many unit files; the rest is ignored"));
    g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(paths, NULL);
    unsigned count = g_hash_table_size(paths);
    qsort(names, count, sizeof(*names), compare_source_names);
    for (unsigned i = 0; i < count; i++) {
        BerthUnitSource *source =
            berth_unit_source_read(g_hash_table_lookup(paths, names[i]), directories, problems);
        if (source)
            g_ptr_array_add(sources, source);
    }
    return sources;
}
