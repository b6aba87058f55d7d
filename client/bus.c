/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the service, and calls that wait for their answer. */

#include "dist.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A person may be asked for a password, and a wait for a container has no end. */
#define CALL_TIMEOUT_USEC (UINT64_MAX)

enum { MAX_AT_ONCE = 32 };

sd_bus *dist_bus(GError **error) {
    static sd_bus *bus;
    int r;

    if (bus)
        return bus;
    if (dist_settings.host)
        r = sd_bus_open_system_remote(&bus, dist_settings.host);
    else if (dist_settings.machine)
        r = sd_bus_open_system_machine(&bus, dist_settings.machine);
    else
        r = sd_bus_open_system(&bus);
    if (r < 0) {
        berth_error_set_errno(error, r, "%s", _("connect to the system bus"));
        return NULL;
    }
    if (!dist_settings.no_ask_password)
        dist_agent_open();
    sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_USEC);
    /* A verb may run a loop for one transfer after another. */
    sd_bus_set_close_on_exit(bus, 0);
    sd_bus_set_allow_interactive_authorization(bus, !dist_settings.no_ask_password);
    return bus;
}

bool dist_bad_reply(int r, GError **error) {
    return berth_error_set_errno(error, r, "%s", _("read the service's answer"));
}

sd_bus_message *dist_new_call(GError **error, const char *path, const char *interface,
                              const char *member) {
    sd_bus_message *call = NULL;
    sd_bus *bus = dist_bus(error);

    if (!bus)
        return NULL;
    int r = sd_bus_message_new_method_call(bus, &call, DIST_DESTINATION, path, interface, member);
    if (r < 0)
        berth_error_set_errno(error, r, "%s", member);
    return call;
}

static bool set_refused(GError **error, const sd_bus_error *reason, int errnum) {
    if (sd_bus_error_has_name(reason, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
        sd_bus_error_has_name(reason, SD_BUS_ERROR_ACCESS_DENIED))
        return berth_error_set(error, BERTH_ERROR_UNAUTHORIZED, _("Permission denied: %s"),
                               reason->message);
    return berth_error_set(error, berth_error_from_bus_name(reason->name), "%s",
                           reason->message ? reason->message : g_strerror(errnum));
}

sd_bus_message *dist_send(sd_bus_message *call, GError **error) {
    g_autoptr(sd_bus_message) owned = call;
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int r = sd_bus_call(NULL, owned, CALL_TIMEOUT_USEC, &bus_error, &reply);

    if (r >= 0)
        return reply;
    set_refused(error, &bus_error, -r);
    return NULL;
}

sd_bus_message *dist_call(GError **error, const char *path, const char *interface,
                          const char *member, const char *types, ...) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, path, interface, member);
    va_list arguments;

    if (!call)
        return NULL;
    va_start(arguments, types);
    int r = sd_bus_message_appendv(call, types, arguments);
    va_end(arguments);
    if (r < 0) {
        berth_error_set_errno(error, r, "%s", member);
        return NULL;
    }
    return dist_send(g_steal_pointer(&call), error);
}

void dist_print_error(const GError *error) {
    g_autofree char *message = dist_format_text(error->message, "\n\t");

    fprintf(stderr, "dist: %s\n", message);
}

int dist_for_each(char *const *arguments, DistAct act, const void *userdata) {
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
} Asked;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Asked *asked = userdata;

    (void)error;
    (*asked->pending)--;
    if (sd_bus_message_is_method_error(reply, NULL))
        set_refused(&asked->error, sd_bus_message_get_error(reply),
                    sd_bus_message_get_errno(reply));
    return 0;
}

static void ask(Asked *asked, const char *argument, DistMakeCall make, const void *userdata) {
    g_autoptr(sd_bus_message) call = make(argument, userdata, &asked->error);
    int r = call ? sd_bus_call_async(NULL, NULL, call, on_answer, asked, CALL_TIMEOUT_USEC) : 0;

    if (r < 0)
        berth_error_set_errno(&asked->error, r, "%s", argument);
    else if (call)
        (*asked->pending)++;
}

static int tell(char *const *arguments, const Asked *asked, int count) {
    int status = EXIT_SUCCESS;

    for (int i = 0; i < count; i++) {
        if (!asked[i].error) {
            puts(arguments[i]);
            continue;
        }
        dist_print_error(asked[i].error);
        g_error_free(asked[i].error);
        status = EXIT_FAILURE;
    }
    return status;
}

int dist_ask_each(char *const *arguments, DistMakeCall make, const void *userdata) {
    int most = geteuid() == 0 ? MAX_AT_ONCE : 1, status = EXIT_SUCCESS;
    int all = (int)g_strv_length((char **)arguments);
    Asked asked[MAX_AT_ONCE];

    for (int first = 0; first < all; first += most) {
        int count = MIN(most, all - first), r = 0;
        unsigned pending = 0;
        for (int i = 0; i < count; i++) {
            asked[i] = (Asked){NULL, &pending};
            ask(&asked[i], arguments[first + i], make, userdata);
        }
        while (pending > 0 && r >= 0)
            if ((r = sd_bus_process(dist_bus(NULL), NULL)) == 0)
                r = sd_bus_wait(dist_bus(NULL), UINT64_MAX);
        for (int i = 0; r < 0 && i < count; i++)
            if (!asked[i].error)
                dist_bad_reply(r, &asked[i].error);
        if (tell(arguments + first, asked, count) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
        if (r < 0)
            return EXIT_FAILURE;
    }
    return status;
}

typedef struct {
    const char *path, *interface, *member;
} Call;

static bool call_one(const char *argument, const void *userdata, GError **error) {
    const Call *call = userdata;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, call->path, call->interface, call->member, "s", argument);

    return reply != NULL;
}

int dist_call_each(const char *path, const char *interface, const char *member,
                   const char *arguments, const char *summary, int argc, char **argv,
                   GError **error) {
    if (!dist_parse(arguments, summary, NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, -1, error))
        return EXIT_FAILURE;
    const Call call = {path, interface, member};
    return dist_for_each(argv + 1, call_one, &call);
}

typedef struct {
    const char *path, *interface;
    gboolean force;
} Deletion;

static bool delete_one(const char *argument, const void *userdata, GError **error) {
    const Deletion *deletion = userdata;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, deletion->path, deletion->interface, "Delete", "sa{sv}", argument, 1,
                  "Force", "b", (int)deletion->force);

    if (reply)
        puts(argument);
    return reply != NULL;
}

int dist_delete_each(const char *path, const char *interface, const char *arguments,
                     const char *summary, const char *force, int argc, char **argv,
                     GError **error) {
    Deletion deletion = {path, interface, FALSE};
    const GOptionEntry options[] = {
        {"force", 'f', 0, G_OPTION_ARG_NONE, &deletion.force, force, NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!dist_parse(arguments, summary, options, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, -1, error))
        return EXIT_FAILURE;
    return dist_for_each(argv + 1, delete_one, &deletion);
}

int dist_append_strings(sd_bus_message *call, const char *key, char *const *strings) {
    int r;

    if (!strings || !strings[0])
        return 0;
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", key)) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "as")) < 0 ||
        (r = sd_bus_message_append_strv(call, (char **)strings)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

int dist_append_label_map(sd_bus_message *call, char *const *labels) {
    int r = sd_bus_message_open_container(call, 'a', "{ss}");

    for (; r >= 0 && labels && *labels; labels++) {
        g_auto(GStrv) parts = g_strsplit(*labels, "=", 2);
        r = sd_bus_message_append(call, "{ss}", parts[0], parts[1] ? parts[1] : "");
    }
    return r < 0 ? r : sd_bus_message_close_container(call);
}

int dist_append_labels(sd_bus_message *call, const char *key, char *const *labels) {
    int r;

    if (!labels)
        return 0;
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", key)) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "a{ss}")) < 0 ||
        (r = dist_append_label_map(call, labels)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}
