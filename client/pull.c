/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pulls or resolves an image, for dist pull and for other verbs that need one, run for example. The
 * progress of a pull is shown; other verbs do not print the image's name, since standard output is
 * theirs. The service itself repeats single requests for some seconds; --retry repeats the whole
 * pull, for a registry or a network that is unavailable for longer, as during boot.
 */

#include "client/pull.h"

#include "client/bus.h"
#include "client/each.h"
#include "client/progress.h"
#include "client/run-values.h"
#include "client/signals.h"
#include "client/unit-status.h"

#include <signal.h>
#include <time.h>

/* podman doubles its delay without a limit; this limits how long one waits. */
enum { MAX_DELAY_SECONDS = 60, MAX_RETRIES = 1000 };

static struct {
    unsigned times;
    uint64_t delay_usec; /* 0: doubled each time */
} pull_retries;

static bool take_retries(const char *value, GError **error) {
    guint64 times;

    if (!g_ascii_string_to_unsigned(value, 10, 0, MAX_RETRIES, &times, NULL))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--retry takes a number up to %d, not \"%s\""), MAX_RETRIES,
                               value);
    pull_retries.times = (unsigned)times;
    return true;
}

static bool take_retry_delay(const char *value, GError **error) {
    return dist_parse_duration("--retry-delay", value, &pull_retries.delay_usec, error);
}

const DistOption dist_retry_options[] = {
    {"retry", 0, DIST_OPTION_CALL, NULL,
     N_("Repeat a pull up to this often if the registry cannot be reached"), N_("NUMBER"),
     .take = take_retries},
    {"retry-delay", 0, DIST_OPTION_CALL, NULL,
     N_("Time to wait before a pull is repeated; 1s, doubled each time, if not given"), N_("TIME"),
     .take = take_retry_delay},
    DIST_OPTION_END,
};

/* Waiting for a transfer has blocked these signals (progress.c), so one that arrives between two
 * pulls is not lost. False with error if there is one. */
static bool pull_wait(unsigned attempt, GError **error) {
    uint64_t usec = pull_retries.delay_usec;

    if (usec == 0)
        usec = MIN(UINT64_C(1) << MIN(attempt, 16), MAX_DELAY_SECONDS) * G_USEC_PER_SEC;
    const struct timespec time = {(time_t)(usec / G_USEC_PER_SEC),
                                  (long)(usec % G_USEC_PER_SEC) * 1000};
    const sigset_t signals = dist_block_interrupts();
    return sigtimedwait(&signals, NULL, &time) < 0 ||
           berth_error_set(error, BERTH_ERROR_CANCELLED, "%s", _("interrupted"));
}

/* Only a failure to reach the registry is retried: one that answers with "not found" or a refusal
 * would do so again. */
static bool pull_repeatedly(const char *member, const char *name, const DistImageOptions *options,
                            const char *printed, GError **error) {
    for (unsigned attempt = 0;; attempt++) {
        g_autoptr(GError) local = NULL;
        if (dist_finish_transfer(dist_image_call(member, NULL, name, options, &local), printed,
                                 &local))
            return true;
        if (attempt >= pull_retries.times ||
            !g_error_matches(local, BERTH_ERROR, BERTH_ERROR_REGISTRY_FAILED)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        dist_print_error(local);
        if (!pull_wait(attempt, error))
            return false;
    }
}

bool dist_pull_as(const char *member, const char *name, const DistImageOptions *options,
                  const char *printed, GError **error) {
    dist_unit_status_begin_pull(name);
    bool done = pull_repeatedly(member, name, options, printed, error);
    dist_unit_status_end_pull();
    return done;
}

/* The platform is this machine's, as for a container. */
bool dist_pull(const char *name, bool insecure, GError **error) {
    const DistImageOptions options = {.insecure = insecure};

    return dist_pull_as("Pull", name, &options, NULL, error);
}

char *dist_resolve(const char *name, GError **error) {
    const DistImageOptions options = {0};
    g_autoptr(sd_bus_message) reply = dist_image_call("Resolve", NULL, name, &options, error);
    const char *found, *type, *digest;
    uint64_t size;

    if (!reply)
        return NULL;
    int r = sd_bus_message_read(reply, "s(sst)", &found, &type, &digest, &size);
    return r < 0 ? (dist_bad_reply(r, error), NULL) : g_strdup(digest);
}
