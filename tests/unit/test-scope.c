/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls to systemd for scopes. The other end of the connection is both the bus and systemd. */

#include "systemd/scope.h"

#include <sys/socket.h>

typedef struct {
    sd_bus *bus, *client;
    sd_bus_message *subscribe; /* not answered yet, or NULL */
    GPtrArray *units;          /* of all StartTransientUnit */
} Systemd;

/* The first two starts find an earlier scope. */
static int answer_start(Systemd *systemd, sd_bus_message *call) {
    const char *unit;

    g_assert_cmpint(sd_bus_message_read(call, "s", &unit), >, 0);
    g_ptr_array_add(systemd->units, g_strdup(unit));
    return systemd->units->len <= 2
               ? sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.UnitExists", "exists")
               : sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/1");
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    Systemd *systemd = userdata;

    (void)error;
    if (sd_bus_message_is_method_call(call, NULL, "Hello"))
        return sd_bus_reply_method_return(call, "s", ":1.1");
    if (sd_bus_message_is_method_call(call, NULL, "StartTransientUnit"))
        return answer_start(systemd, call);
    if (sd_bus_message_is_method_call(call, NULL, "Subscribe")) {
        g_assert_null(systemd->subscribe);
        systemd->subscribe = sd_bus_message_ref(call);
        return 1;
    }
    return sd_bus_message_get_expect_reply(call) > 0 ? sd_bus_reply_method_return(call, "") : 1;
}

static void process_all(Systemd *systemd) {
    while (sd_bus_process(systemd->client, NULL) > 0 || sd_bus_process(systemd->bus, NULL) > 0)
        ;
}

static void open_end(sd_bus **bus, int fd) {
    g_assert_cmpint(sd_bus_new(bus), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(*bus, fd, fd), >=, 0);
}

static void connect_systemd(Systemd *systemd) {
    const sd_id128_t id = {.bytes = {1}};
    int ends[2];

    *systemd = (Systemd){.units = g_ptr_array_new_with_free_func(g_free)};
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    open_end(&systemd->bus, ends[0]);
    open_end(&systemd->client, ends[1]);
    g_assert_cmpint(sd_bus_set_server(systemd->bus, 1, id), >=, 0);
    g_assert_cmpint(sd_bus_set_bus_client(systemd->client, 1), >=, 0);
    g_assert_cmpint(sd_bus_add_filter(systemd->bus, NULL, on_call, systemd), >=, 0);
    g_assert_cmpint(sd_bus_start(systemd->bus), >=, 0);
    g_assert_cmpint(sd_bus_start(systemd->client), >=, 0);
    while (sd_bus_is_ready(systemd->client) == 0)
        process_all(systemd);
}

static void close_systemd(Systemd *systemd) {
    sd_bus_message_unref(systemd->subscribe);
    sd_bus_close_unref(systemd->client);
    sd_bus_close_unref(systemd->bus);
    g_ptr_array_unref(systemd->units);
}

static void on_stop_requested(const char *unit, void *userdata) {
    (void)unit;
    (void)userdata;
    g_assert_not_reached();
}

static void on_started(const GError *error, void *userdata) {
    (void)error;
    (void)userdata;
    g_assert_not_reached();
}

/* A scope may be gone before systemd sends signals, and only the answer to Subscribe tells. */
static void test_cancelled_start_leaves_no_other_waiting(void) {
    const BerthScopeOptions first = {.unit = "a.scope", .slice = "s.slice", .description = ""};
    const BerthScopeOptions second = {.unit = "b.scope", .slice = "s.slice", .description = ""};
    g_autoptr(GError) error = NULL;
    Systemd systemd;
    int cancelled, other;

    connect_systemd(&systemd);
    BerthScopes *scopes = berth_scopes_new(systemd.client, on_stop_requested, NULL, &error);
    g_assert_no_error(error);
    berth_scopes_start(scopes, &first, on_started, &cancelled);
    berth_scopes_start(scopes, &second, on_started, &other);
    process_all(&systemd);
    g_assert_nonnull(systemd.subscribe);
    g_assert_cmpuint(systemd.units->len, ==, 2);
    berth_scopes_forget(scopes, &cancelled);
    g_assert_cmpint(sd_bus_reply_method_return(systemd.subscribe, ""), >=, 0);
    process_all(&systemd);
    g_assert_cmpuint(systemd.units->len, ==, 3);
    g_assert_cmpstr(systemd.units->pdata[2], ==, "b.scope");
    berth_scopes_free(scopes);
    close_systemd(&systemd);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scope/cancelled-start-leaves-no-other-waiting",
                    test_cancelled_start_leaves_no_other_waiting);
    return g_test_run();
}
