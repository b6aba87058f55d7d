/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One cache for the process: a program depends on the profile, the bounding set and the running
 * kernel alone, not on who asks for it. The key names the profile's file as it is, so that an
 * upgrade of the package counts from the next start on.
 */

#include "seccomp/filter-cache.h"

#include "seccomp/filter.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Each is some kilobytes. A full cache is emptied: with that many different sets of capabilities,
 * it is of no use anyway. */
enum { MAX_PROGRAMS = 64 };

static GHashTable *programs; /* key → BerthFilterProgram */

static char *make_key(uint64_t capabilities, GError **error) {
    struct stat status;

    if (stat(BERTH_DEFAULT_PROFILE, &status) < 0) {
        berth_error_set_errno(error, errno, "open " BERTH_DEFAULT_PROFILE);
        return NULL;
    }
    return g_strdup_printf("%" G_GINT64_MODIFIER "x %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT
                           ".%09ld",
                           (guint64)capabilities, (guint64)status.st_ino,
                           (gint64)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
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
    g_autofree char *key = make_key(plan->bounding, error);
    if (!key)
        return false;
    if (!programs)
        programs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_program);
    if ((*program = g_hash_table_lookup(programs, key)))
        return true;
    BerthFilterProgram *compiled = compile_default(plan->bounding, error);
    if (!compiled)
        return false;
    if (g_hash_table_size(programs) >= MAX_PROGRAMS)
        g_hash_table_remove_all(programs);
    g_hash_table_insert(programs, g_steal_pointer(&key), compiled);
    *program = compiled;
    return true;
}
