/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Why the last start of a container failed. The caller of Start gets the same text as an error, but
 * a restart by the policy has no caller, and whoever looks at the container later has missed it. It
 * is part of the record, because the service exits when it is idle.
 */

#include "containers/core/failure.h"

#include "base/limits.h"
#include "containers/core/state.h"

#include <string.h>

/* In the record's extra, s; absent: none. */
#define START_ERROR "StartError"

void berth_container_note_failure(BerthContainer *container, const GError *reason) {
    g_autofree char *text =
        g_utf8_make_valid(reason->message, (gssize)strnlen(reason->message, BERTH_MAX_ERROR_BYTES));

    berth_container_record_set_extra(&container->record, START_ERROR, g_variant_new_string(text));
    /* The failure is reported to the caller anyway. */
    (void)berth_container_write(container, NULL, NULL);
}

void berth_container_forget_failure(BerthContainer *container) {
    berth_container_record_set_extra(&container->record, START_ERROR, NULL);
}

char *berth_container_get_failure(const BerthContainer *container) {
    g_autoptr(GVariant) text =
        berth_container_record_get_extra(&container->record, START_ERROR, G_VARIANT_TYPE_STRING);

    return text ? g_variant_dup_string(text, NULL) : g_strdup("");
}
