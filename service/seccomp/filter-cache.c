/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One cache per process and, behind it, one on disk (filter-store.h). A program depends on the
 * profile, the bounding set, libseccomp, the running kernel and this program, but not on the
 * caller. The key identifies those files by their current state, so that an upgrade of either
 * package takes effect at the next start. The programs live as long as the process, unless the
 * cache is emptied.
 */

#include "seccomp/filter-cache.h"

#include "base/directory.h"
#include "base/fd.h"
#include "seccomp/filter-store.h"
#include "seccomp/filter.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* A program takes a few kilobytes. A full cache is emptied: with so many different capability sets
 * it is of little use anyway. */
enum { MAX_PROGRAMS = 64 };

static GHashTable *programs; /* key → BerthFilterProgram */
static int store = -1;       /* the directory of the programs on disk; -1 for none */

void berth_filter_cache_open(int state_directory) {
    berth_fd_clear(&store);
    store = berth_directory_make(state_directory, "filters", 0700, NULL);
}

/* Includes the change time, because image-based systems set all other times to 0. */
static bool cache_add_file(GString *key, const char *path, GError **error) {
    struct stat status;

    if (stat(path, &status) < 0)
        return berth_error_set_errno(error, errno, "open %s", path);
    g_string_append_printf(
        key, " %" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld",
        (guint64)status.st_dev, (guint64)status.st_ino, (gint64)status.st_ctim.tv_sec,
        status.st_ctim.tv_nsec);
    return true;
}

/* libseccomp's file, as the dynamic loader has found it. A static libseccomp is part of this
 * program. */
static const char *find_library(void) {
    Dl_info info;

    return dladdr((void *)(uintptr_t)seccomp_version, &info) != 0 && info.dli_fname[0] == '/'
               ? info.dli_fname
               : "/proc/self/exe";
}

static char *filter_make_key(uint64_t capabilities, GError **error) {
    g_autoptr(GString) key = g_string_new(NULL);
    struct utsname system;

    g_string_printf(key, "%" G_GINT64_MODIFIER "x %s %s", (guint64)capabilities,
                    uname(&system) == 0 ? system.release : "", system.machine);
    return cache_add_file(key, BERTH_DEFAULT_PROFILE, error) &&
                   cache_add_file(key, find_library(), error) &&
                   cache_add_file(key, "/proc/self/exe", error)
               ? g_string_free(g_steal_pointer(&key), FALSE)
               : NULL;
}

static BerthFilterProgram *compile_default(uint64_t capabilities, GError **error) {
    BerthFilter filter;

    if (!berth_filter_build_default(capabilities, &filter, error))
        return NULL;
    BerthFilterProgram *program = berth_filter_compile(&filter, error);
    seccomp_release(filter.context);
    return program;
}

static void free_program(gpointer program) {
    berth_filter_program_free(program);
}

bool berth_filter_cache_find(const BerthPlan *plan, const BerthFilterProgram **program,
                             GError **error) {
    *program = NULL;
    if (g_strcmp0(plan->seccomp, "default") != 0)
        return true;
    g_autofree char *key = filter_make_key(plan->bounding, error);
    if (!key)
        return false;
    if (!programs)
        programs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_program);
    if ((*program = g_hash_table_lookup(programs, key)))
        return true;
    BerthFilterProgram *compiled = store < 0 ? NULL : berth_filter_store_load(store, key);
    if (!compiled) {
        compiled = compile_default(plan->bounding, error);
        if (compiled && store >= 0)
            berth_filter_store_save(store, key, compiled);
    }
    if (!compiled)
        return false;
    if (g_hash_table_size(programs) >= MAX_PROGRAMS)
        g_hash_table_remove_all(programs);
    g_hash_table_insert(programs, g_steal_pointer(&key), compiled);
    *program = compiled;
    return true;
}
