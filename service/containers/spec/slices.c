/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Slices of scopes. Users have berth-user-UID.slice and the slices below it; any other needs a
 * privilege. The depth is limited, since each dash in a name adds one level of cgroups. There is no
 * state here.
 */

#include "containers/spec/slices.h"

#include <string.h>

#define SUFFIX ".slice"
#define ROOT "-.slice"
#define ALL "berth.slice"

/* Each "-" adds one level of cgroups. */
enum { MAX_NAME = 200, MAX_DASHES = 8 };

static char *make_prefix(uid_t owner) {
    return g_strdup_printf("berth-user-%u", (unsigned)owner);
}

char *berth_slice_get_default(uid_t owner) {
    g_autofree char *prefix = make_prefix(owner);

    return owner == 0 ? g_strdup(ALL) : g_strconcat(prefix, SUFFIX, NULL);
}

bool berth_slice_check(const char *name, GError **error) {
    size_t length = strlen(name);
    size_t stem = g_str_has_suffix(name, SUFFIX) ? length - strlen(SUFFIX) : 0;
    bool good = stem > 0 && length <= MAX_NAME && name[0] != '-' && name[stem - 1] != '-';
    unsigned dashes = 0;

    for (size_t i = 0; good && i < stem; i++) {
        good = (g_ascii_isalnum(name[i]) || strchr(":_.\\-", name[i])) &&
               !(name[i] == '-' && name[i + 1] == '-');
        dashes += name[i] == '-';
    }
    if ((good && dashes <= MAX_DASHES) || g_str_equal(name, ROOT))
        return true;
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid slice \"%.100s\": not the name of a slice unit with at most %d "
                           "\"-\"",
                           name, MAX_DASHES);
}

bool berth_slice_is_of_user(const char *name, uid_t owner) {
    g_autofree char *prefix = make_prefix(owner);
    size_t length = strlen(prefix);

    if (owner == 0)
        return g_str_equal(name, ALL) || g_str_has_prefix(name, "berth-");
    /* The next character is decisive, since the prefix for user 100 also matches user 1000. */
    return g_str_has_prefix(name, prefix) &&
           (name[length] == '-' || g_str_equal(name + length, SUFFIX));
}
