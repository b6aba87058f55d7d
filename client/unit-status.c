/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Notifications of dist's unit before its container runs; readiness.c has the others. A unit sets
 * NOTIFY_SOCKET only if it takes them (systemd.service(5), NotifyAccess=). The only state is the
 * pull under way.
 */

#include "client/unit-status.h"

#include "client/format.h"
#include "client/translate.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

/* Longer than the service waits for a registry that sends nothing (berth.conf(5)). */
#define EXTENSION_USEC (2 * 60 * G_USEC_PER_SEC)

static struct {
    char *name; /* of the image; NULL without a pull */
    uint64_t done;
    gint64 sent; /* monotonic time of the last notification with progress; 0: none yet */
} unit_pull;

/* No line feeds are kept: one would begin another assignment. */
static char *unit_status_clean(const char *text) {
    return dist_format_text(text, "");
}

void dist_unit_status_begin_pull(const char *name) {
    dist_unit_status_end_pull();
    if (!g_getenv("NOTIFY_SOCKET"))
        return;
    unit_pull.name = unit_status_clean(name);
    g_autofree char *status = g_strdup_printf(_("Pulling %s"), unit_pull.name);
    sd_notifyf(0, "STATUS=%s", status);
}

bool dist_unit_status_is_pull(void) {
    return unit_pull.name != NULL;
}

/* systemd extends a timeout only to a later time (sd_notify(3), EXTEND_TIMEOUT_USEC=), so a unit
 * with a long TimeoutStartSec= keeps it. One that makes no progress reaches its timeout. */
void dist_unit_status_set_progress(uint64_t done, uint64_t total) {
    gint64 now = g_get_monotonic_time();

    if (!unit_pull.name || done <= unit_pull.done ||
        (unit_pull.sent > 0 && now - unit_pull.sent < G_USEC_PER_SEC))
        return;
    unit_pull.done = done;
    unit_pull.sent = now;
    g_autofree char *have = dist_format_size(done), *whole = dist_format_size(total);
    g_autofree char *status =
        g_strdup_printf(_("Pulling %s: %s of %s"), unit_pull.name, have, whole);
    sd_notifyf(0, "STATUS=%s\nEXTEND_TIMEOUT_USEC=%" PRIu64, status, (uint64_t)EXTENSION_USEC);
}

void dist_unit_status_end_pull(void) {
    if (!unit_pull.name)
        return;
    g_clear_pointer(&unit_pull.name, g_free);
    unit_pull.done = 0;
    unit_pull.sent = 0;
    sd_notify(0, "STATUS=");
}

void dist_unit_status_fail(const GError *error) {
    g_autofree char *text = unit_status_clean(error->message);

    sd_notifyf(0, "STATUS=%s", text);
}
