/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Compares the running kernel's version. For behaviour that cannot be probed without side effects.
 * Whatever can be probed, is.
 */

#include "bare/kernel.h"

#include <stdlib.h>
#include <sys/utsname.h>

bool berth_kernel_parse(const char *text, unsigned *major, unsigned *minor) {
    char *end;

    *major = (unsigned)strtoul(text, &end, 10);
    if (end == text || *end != '.')
        return false;
    text = end + 1;
    *minor = (unsigned)strtoul(text, &end, 10);
    return end != text;
}

bool berth_kernel_is(unsigned major, unsigned minor) {
    unsigned own_major, own_minor;
    struct utsname name;

    return uname(&name) == 0 && berth_kernel_parse(name.release, &own_major, &own_minor) &&
           (own_major > major || (own_major == major && own_minor >= minor));
}
