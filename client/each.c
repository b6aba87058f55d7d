/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs the same operation for each argument of a verb. A failure is reported and the remaining
 * arguments are still processed; the exit status is then EXIT_FAILURE.
 */

#include "client/each.h"

#include "client/bus.h"
#include "client/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Calls under way at the same time, for root. For other callers it is one at a time, since each may
 * ask for a password. */
enum { MAX_AT_ONCE = 32 };

void dist_print_error(const GError *error) {
    g_autofree char *message = dist_format_message(error->message);

    fprintf(stderr, "dist: %s\n", message);
}

int dist_for_each(char *const *arguments, DistArgumentAction act, const void *userdata) {
    int status = EXIT_SUCCESS;

    for (; *arguments; arguments++) {
        g_autoptr(GError) error = NULL;
        if (act(*arguments, userdata, &error))
            continue;
        dist_print_error(error);
        status = EXIT_FAILURE;
    }
    return status;
}

typedef struct {
    GError *error;
    unsigned *pending;
} EachCall;

static int each_on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    EachCall *each = userdata;

    (void)error;
    (*each->pending)--;
    dist_check_reply(reply, &each->error);
    return 0;
}

/* If the call cannot be made or sent, the error is kept in each, and no call is pending. */
static void each_send(EachCall *each, const char *argument, DistMakeCall make,
                      const void *userdata) {
    g_autoptr(sd_bus_message) call = make(argument, userdata, &each->error);
    int r = call ? sd_bus_call_async(NULL, NULL, call, each_on_answer, each, UINT64_MAX) : 0;

    if (r < 0)
        berth_error_set_errno(&each->error, r, "%s", argument);
    else if (call)
        (*each->pending)++;
}

/* Reports in the order of the arguments, whatever the order of the replies. */
static int each_report(char *const *arguments, const EachCall *each, int count) {
    int status = EXIT_SUCCESS;

    for (int i = 0; i < count; i++) {
        if (!each[i].error) {
            puts(arguments[i]);
            continue;
        }
        dist_print_error(each[i].error);
        g_error_free(each[i].error);
        status = EXIT_FAILURE;
    }
    return status;
}

/* In groups of at most MAX_AT_ONCE: all calls of a group are answered before the next one begins.
 * each is on the stack, so the loop must not end while a call is pending, unless the connection is
 * lost. */
int dist_ask_each(char *const *arguments, DistMakeCall make, const void *userdata) {
    int most = geteuid() == 0 ? MAX_AT_ONCE : 1, status = EXIT_SUCCESS;
    int all = (int)g_strv_length((char **)arguments);
    EachCall each[MAX_AT_ONCE];

    for (int first = 0; first < all; first += most) {
        int count = MIN(most, all - first), r = 0;
        unsigned pending = 0;
        for (int i = 0; i < count; i++) {
            each[i] = (EachCall){NULL, &pending};
            each_send(&each[i], arguments[first + i], make, userdata);
        }
        while (pending > 0 && r >= 0)
            if ((r = sd_bus_process(dist_bus(NULL), NULL)) == 0)
                r = sd_bus_wait(dist_bus(NULL), UINT64_MAX);
        for (int i = 0; r < 0 && i < count; i++)
            if (!each[i].error)
                dist_bad_reply(r, &each[i].error);
        if (each_report(arguments + first, each, count) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
        if (r < 0)
            return EXIT_FAILURE;
    }
    return status;
}

typedef struct {
    const char *path, *interface, *member;
    bool may_be_missing;
} EachMember;

static bool each_call_one(const char *argument, const void *userdata, GError **error) {
    const EachMember *call = userdata;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, call->path, call->interface, call->member, "sa{sv}", argument, 0);

    if (reply)
        puts(argument);
    return dist_reply_or_ignored(reply, call->may_be_missing, BERTH_ERROR_NOT_FOUND, error);
}

/* One call after another: if polkit's agent asks for a password in between, it is for the argument
 * whose call is under way. */
int dist_call_each(const char *path, const char *interface, const char *member, char **arguments) {
    const EachMember call = {path, interface, member, false};

    return dist_for_each(arguments, each_call_one, &call);
}

int dist_delete_each_existing(const char *path, const char *interface, char **arguments) {
    const EachMember call = {path, interface, "Delete", true};

    return dist_for_each(arguments, each_call_one, &call);
}

typedef struct {
    const char *path, *interface;
    gboolean force;
} EachDeletion;

static bool each_delete_one(const char *argument, const void *userdata, GError **error) {
    const EachDeletion *deletion = userdata;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, deletion->path, deletion->interface, "Delete", "sa{sv}", argument, 1,
                  "Force", "b", (int)deletion->force);

    if (reply)
        puts(argument);
    return reply != NULL;
}

int dist_delete_each(const char *path, const char *interface, gboolean force, char **arguments) {
    const EachDeletion deletion = {path, interface, force};

    return dist_for_each(arguments, each_delete_one, &deletion);
}
