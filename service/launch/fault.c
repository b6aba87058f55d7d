/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Errors in programs without GLib: text in a buffer of the caller, with the size that a message of
 * the launch protocol can carry; longer text is truncated. Nothing here allocates, so it can be
 * used by a child between clone(2) and execve(2). errno is preserved, because callers still examine
 * it after reporting.
 */

#include "launch/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Unlike strerror(3), this neither translates nor allocates. */
const char *berth_fault_describe(int errnum) {
    const char *text = strerrordesc_np(errnum);

    return text ? text : "unknown error";
}

bool berth_fault_set(BerthFault *fault, const char *format, ...) {
    int errnum = errno;
    va_list arguments;

    if (fault) {
        va_start(arguments, format);
        vsnprintf(fault->text, sizeof fault->text, format, arguments);
        va_end(arguments);
    }
    errno = errnum;
    return false;
}

bool berth_fault_set_errno(BerthFault *fault, int errnum, const char *format, ...) {
    va_list arguments;

    if (fault) {
        va_start(arguments, format);
        vsnprintf(fault->text, sizeof fault->text, format, arguments);
        va_end(arguments);
        size_t length = strlen(fault->text);
        snprintf(fault->text + length, sizeof fault->text - length, ": %s",
                 berth_fault_describe(errnum));
    }
    errno = errnum;
    return false;
}
