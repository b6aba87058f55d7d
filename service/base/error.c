/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Errors of Berth; there is no state. One table maps codes to bus error names and back. A message
 * is set where the failure happens and prefixed on its way up; nothing here logs.
 */

#include "base/error.h"

#include <errno.h>
#include <string.h>

G_DEFINE_QUARK(berth - error - quark, berth_error)

static const char *const error_names[] = {
    [BERTH_ERROR_NOT_FOUND] = "NotFound",
    [BERTH_ERROR_ALREADY_EXISTS] = "AlreadyExists",
    [BERTH_ERROR_INVALID_ARGUMENT] = "InvalidArgument",
    [BERTH_ERROR_INVALID_REFERENCE] = "InvalidReference",
    [BERTH_ERROR_DIGEST_MISMATCH] = "DigestMismatch",
    [BERTH_ERROR_SIZE_MISMATCH] = "SizeMismatch",
    [BERTH_ERROR_BUSY] = "Busy",
    [BERTH_ERROR_IN_USE] = "InUse",
    [BERTH_ERROR_FAILED_PRECONDITION] = "FailedPrecondition",
    [BERTH_ERROR_UNSUPPORTED] = "Unsupported",
    [BERTH_ERROR_CANCELLED] = "Cancelled",
    [BERTH_ERROR_NO_SPACE] = "NoSpace",
    [BERTH_ERROR_LIMIT_EXCEEDED] = "LimitExceeded",
    [BERTH_ERROR_UNAUTHORIZED] = "Unauthorized",
    [BERTH_ERROR_REGISTRY_FAILED] = "RegistryFailed",
    [BERTH_ERROR_LAUNCH_FAILED] = "LaunchFailed",
    [BERTH_ERROR_ACCESS_DENIED] = "AccessDenied",
    [BERTH_ERROR_INTERNAL] = "Internal",
};

G_STATIC_ASSERT(G_N_ELEMENTS(error_names) == BERTH_ERROR_COUNT);

static void set_message(GError **error, int code, char *message) {
    g_autofree char *owned = message;

    /* A message may quote outside input, but D-Bus accepts only valid UTF-8. */
    g_autofree char *valid = g_utf8_make_valid(owned, -1);
    g_set_error_literal(error, BERTH_ERROR, code, valid);
}

bool(berth_error_set)(GError **error, BerthErrorCode code, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    set_message(error, code, g_strdup_vprintf(format, arguments));
    va_end(arguments);
    return false;
}

bool(berth_error_set_errno)(GError **error, int errnum, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    /* Accepts both an errno and the negative result of sd-bus and others. Only a full disk has a
     * code of its own: it is the one failure that the user can do something about. */
    errnum = ABS(errnum);
    int code = errnum == ENOSPC || errnum == EDQUOT ? BERTH_ERROR_NO_SPACE : BERTH_ERROR_INTERNAL;
    set_message(error, code, g_strdup_printf("%s: %s", what, g_strerror(errnum)));
    return false;
}

const char *berth_error_get_name(int code) {
    if (code < 0 || code >= BERTH_ERROR_COUNT)
        return error_names[BERTH_ERROR_INTERNAL];
    return error_names[code];
}

BerthErrorCode berth_error_from_bus_name(const char *name) {
    if (name && g_str_has_prefix(name, BERTH_ERROR_PREFIX)) {
        name += strlen(BERTH_ERROR_PREFIX);
        for (int i = 0; i < BERTH_ERROR_COUNT; i++)
            if (g_str_equal(error_names[i], name))
                return i;
    }
    return BERTH_ERROR_INTERNAL;
}
