/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Errors of Berth: one GError domain whose codes are the error names of the bus interface
 * (org.berth1.Error.NAME). Used by the service, its workers and dist, so that an error keeps its
 * name from where it happens to the person who reads it.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BERTH_ERROR (berth_error_quark())
#define BERTH_ERROR_PREFIX "org.berth1.Error."

typedef enum {
    BERTH_ERROR_NOT_FOUND,
    BERTH_ERROR_ALREADY_EXISTS,
    BERTH_ERROR_INVALID_ARGUMENT,
    BERTH_ERROR_INVALID_REFERENCE,
    BERTH_ERROR_DIGEST_MISMATCH,
    BERTH_ERROR_SIZE_MISMATCH,
    BERTH_ERROR_BUSY,
    BERTH_ERROR_IN_USE,
    BERTH_ERROR_FAILED_PRECONDITION,
    BERTH_ERROR_UNSUPPORTED,
    BERTH_ERROR_CANCELLED,
    BERTH_ERROR_NO_SPACE,
    BERTH_ERROR_LIMIT_EXCEEDED,
    BERTH_ERROR_UNAUTHORIZED,
    BERTH_ERROR_REGISTRY_FAILED,
    BERTH_ERROR_LAUNCH_FAILED,
    BERTH_ERROR_ACCESS_DENIED, /* refused by polkit; has the standard D-Bus name on the bus */
    BERTH_ERROR_INTERNAL,
    BERTH_ERROR_COUNT,
} BerthErrorCode;

GQuark berth_error_quark(void);

/* Sets an error and always returns false, for use as "return berth_error_set(…)". */
bool berth_error_set(GError **error, BerthErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/*
 * Like berth_error_set, for a failed system or libsystemd call: the message is FORMAT followed by
 * the description of errnum, which may be negative, as libsystemd returns it. ENOSPC and EDQUOT
 * become NoSpace, everything else Internal.
 */
bool berth_error_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

#ifdef BERTH_ANALYZE
/* For tools/analyze, which does not look into other files and cannot see that the result is
 * false. */
#define berth_error_set(...) (berth_error_set(__VA_ARGS__), false)
#define berth_error_set_errno(...) (berth_error_set_errno(__VA_ARGS__), false)
#endif

/* Returns the code's bus error name without its prefix ("NotFound"); never NULL. */
const char *berth_error_get_name(int code);

/* Returns the code of a full D-Bus error name; Internal if the name is not one of Berth's. */
BerthErrorCode berth_error_from_bus_name(const char *name);
