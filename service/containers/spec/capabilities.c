/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses capabilities as callers name them, with or without the prefix "CAP_", and defines those
 * that a container has by default. There is no state here.
 */

#include "containers/spec/capabilities.h"
#include "base/log.h"

#include <sys/capability.h>

static const char *const default_capabilities[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
    "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",    "CAP_SETGID",
    "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT", NULL,
};

const char *const *berth_capabilities_get_default(void) {
    return default_capabilities;
}

char *berth_capability_get_name(const char *name) {
    g_autofree char *upper = g_ascii_strup(name, -1);

    return g_str_has_prefix(upper, "CAP_") ? g_steal_pointer(&upper)
                                           : g_strconcat("CAP_", upper, NULL);
}

/* Adds all capabilities that this kernel has. */
static void add_all(GPtrArray *set) {
    g_ptr_array_set_size(set, 0);
    /* cap_get_bound(3) fails for capabilities that the kernel does not have. */
    for (cap_value_t value = 0; cap_get_bound(value) >= 0; value++) {
        char *name = cap_to_name(value);
        g_ptr_array_add(set, g_ascii_strup(name, -1));
        cap_free(name);
    }
}

void berth_capabilities_add(GPtrArray *set, const char *name) {
    g_autofree char *added = berth_capability_get_name(name);

    if (g_str_equal(added, "CAP_ALL"))
        add_all(set);
    else if (!g_ptr_array_find_with_equal_func(set, added, g_str_equal, NULL))
        g_ptr_array_add(set, g_steal_pointer(&added));
}

/* Dropped ones are removed before others are added, so that "ALL" can be dropped and a few
 * added. */
char **berth_capabilities_make(const BerthCreateOptions *options) {
    g_autoptr(GPtrArray) set = g_ptr_array_new_with_free_func(g_free);

    for (const char *const *name = default_capabilities; *name; name++)
        g_ptr_array_add(set, g_strdup(*name));
    for (char **name = options->capabilities_drop; name && *name; name++) {
        g_autofree char *dropped = berth_capability_get_name(*name);
        for (guint i = set->len; i-- > 0;)
            if (g_str_equal(dropped, "CAP_ALL") || g_str_equal(set->pdata[i], dropped))
                g_ptr_array_remove_index(set, i);
    }
    for (char **name = options->capabilities_add; name && *name; name++)
        berth_capabilities_add(set, *name);
    g_ptr_array_add(set, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&set), FALSE);
}

/* A single entry, since journald drops those of a service that writes too many, and with them what
 * is recorded about other users. */
void berth_capabilities_warn(const char *id, const GPtrArray *unknown) {
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < unknown->len; i++)
        g_string_append_printf(names, "%s\"%.100s\"", i > 0 ? ", " : "",
                               (const char *)unknown->pdata[i]);
    if (unknown->len > 0)
        berth_log_warning("BERTH_CONTAINER", id,
                          "Container %s goes without capabilities that nobody knows: %s", id,
                          names->str);
}

bool berth_capabilities_check(char *const *names, GError **error) {
    for (; names && *names; names++) {
        g_autofree char *name = berth_capability_get_name(*names);
        cap_value_t value;
        if (!g_str_equal(name, "CAP_ALL") && cap_from_name(name, &value) < 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "unknown capability \"%.100s\"", *names);
    }
    return true;
}
