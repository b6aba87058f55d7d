/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

static struct iovec make_field(const char *name, const char *value, char **owned) {
    *owned = g_strconcat(name, "=", value, NULL);
    return (struct iovec){.iov_base = *owned, .iov_len = strlen(*owned)};
}

void berth_log(int priority, const char *message_id, const char *field, const char *value,
               const char *format, ...) {
    char *owned[4] = {NULL};
    struct iovec fields[4];
    int count = 0;
    char level[4];
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    g_snprintf(level, sizeof level, "%d", priority);
    fields[count] = make_field("MESSAGE", message, &owned[count]), count++;
    fields[count] = make_field("PRIORITY", level, &owned[count]), count++;
    if (message_id)
        fields[count] = make_field("MESSAGE_ID", message_id, &owned[count]), count++;
    if (field && value)
        fields[count] = make_field(field, value, &owned[count]), count++;
    /* A machine without a journal still has a standard error. */
    if (sd_journal_sendv(fields, count) < 0)
        fprintf(stderr, "%s\n", message);
    for (int i = 0; i < count; i++)
        g_free(owned[i]);
}
