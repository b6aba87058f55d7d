/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The listener of a caller's filter profile: a socket on the host to which berth-launch connects,
 * as root. Its path is a privilege of its own, so that a rule that allows filters does not allow
 * connections to any socket of the machine. There is no state here.
 */

#include "containers/spec/filter-listener.h"

#include "base/document.h"
#include "containers/spec/privilege-names.h"

/* NULL without one. A member of another type is refused when the profile is compiled. */
static const char *get_listener(json_object *profile) {
    const char *path = NULL;

    return berth_document_get_string(profile, "listenerPath", &path, NULL) ? path : NULL;
}

void berth_filter_listener_add(GPtrArray *names, json_object *profile) {
    const char *path = profile ? get_listener(profile) : NULL;

    if (path)
        berth_privileges_add_path(names, "seccomp-listener:", path);
}

bool berth_filter_listener_check(json_object *profile, GError **error) {
    const char *path = profile ? get_listener(profile) : NULL;

    return !path || berth_privileges_check_path(path, error);
}
