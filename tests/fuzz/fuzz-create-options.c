/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of Containers.Create, as they arrive over the bus, and the configuration made from them,
 * which must be readable. One option per line: its D-Bus type, its name, and its value, each
 * preceded by a tab; several values, and the parts of a mount, are separated by tabs as well.
 */

#include "bus/container-object.h"
#include "containers/spec/options-check.h"
#include "containers/spec/privileges.h"
#include "containers/spec/spec.h"
#include "fuzz.h"
#include "plan/plan.h"

#include <string.h>
#include <sys/socket.h>

enum { MAX_OPTIONS = 64 };

/* A message needs a bus; this one is not connected. */
static sd_bus *get_bus(void) {
    static sd_bus *bus;
    int ends[2];

    if (bus)
        return bus;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    g_assert_cmpint(sd_bus_new(&bus), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(bus, ends[0], ends[0]), >=, 0);
    g_assert_cmpint(sd_bus_set_anonymous(bus, 1), >=, 0);
    g_assert_cmpint(sd_bus_negotiate_fds(bus, 1), >=, 0);
    g_assert_cmpint(sd_bus_start(bus), >=, 0);
    return bus;
}

static int append_mount(sd_bus_message *message, char **values) {
    int r;

    if (g_strv_length(values) < 2)
        return -EINVAL;
    if ((r = sd_bus_message_open_container(message, 'a', "(ssas)")) < 0 ||
        (r = sd_bus_message_open_container(message, 'r', "ssas")) < 0 ||
        (r = sd_bus_message_append(message, "ss", values[0], values[1])) < 0 ||
        (r = sd_bus_message_append_strv(message, values + 2)) < 0 ||
        (r = sd_bus_message_close_container(message)) < 0)
        return r;
    return sd_bus_message_close_container(message);
}

static int append_map(sd_bus_message *message, char **values) {
    int r = sd_bus_message_open_container(message, 'a', "{ss}");

    for (; r >= 0 && values[0] && values[1]; values += 2)
        r = sd_bus_message_append(message, "{ss}", values[0], values[1]);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_value(sd_bus_message *message, const char *type, char **values) {
    const char *first = values[0] ? values[0] : "";

    switch (type[0]) {
    case 's':
        return sd_bus_message_append(message, "s", first);
    case 'b':
        return sd_bus_message_append(message, "b", first[0] == '1');
    case 't':
        return sd_bus_message_append(message, "t", g_ascii_strtoull(first, NULL, 0));
    case 'h':
        return sd_bus_message_append(message, "h", 2);
    default:
        return g_str_equal(type, "as")      ? sd_bus_message_append_strv(message, values)
               : g_str_equal(type, "a{ss}") ? append_map(message, values)
                                            : append_mount(message, values);
    }
}

static int append_option(sd_bus_message *message, const char *line) {
    static const char *const types[] = {"s", "b", "t", "h", "as", "a{ss}", "a(ssas)"};
    g_auto(GStrv) words = g_strsplit(line, "\t", 32);
    int r;

    if (g_strv_length(words) < 3)
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (!g_str_equal(words[0], types[i]))
            continue;
        if ((r = sd_bus_message_open_container(message, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(message, "s", words[1])) < 0 ||
            (r = sd_bus_message_open_container(message, 'v', types[i])) < 0 ||
            (r = append_value(message, types[i], words + 2)) < 0 ||
            (r = sd_bus_message_close_container(message)) < 0)
            return r;
        return sd_bus_message_close_container(message);
    }
    return 0;
}

static sd_bus_message *make_call(const char *text) {
    g_auto(GStrv) lines = g_strsplit(text, "\n", MAX_OPTIONS);
    g_autoptr(sd_bus_message) message = NULL;

    g_assert_cmpint(
        sd_bus_message_new_method_call(get_bus(), &message, NULL, "/a", "a.b", "Create"), >=, 0);
    g_assert_cmpint(sd_bus_message_open_container(message, 'a', "{sv}"), >=, 0);
    for (char **line = lines; *line; line++)
        if (append_option(message, *line) < 0)
            return NULL;
    if (sd_bus_message_close_container(message) < 0 || sd_bus_message_seal(message, 1, 0) < 0 ||
        sd_bus_message_rewind(message, 1) < 0)
        return NULL;
    return g_steal_pointer(&message);
}

static void format(const BerthCreateOptions *options) {
    g_autoptr(BerthImageInfo) image = berth_image_info_parse(
        "('m', 'c', 'sha256:x', 'linux', 'amd64', '', ['sha256:x'], ['entry'], ['cmd'],"
        " ['A=1', 'PATH=/image'], @as [], @as [], @as [], 'u', '/w', 'SIGUSR1')");
    char *chain[] = {(char *)"top", (char *)"bottom", NULL};
    const BerthSpecContext context = {
        .chain = chain, .ids = 524288, .directory = "/d", .files = "/f"};
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(image);
    g_autofree char *text = berth_spec_format(options, image, &context, NULL);
    g_autoptr(BerthPlan) plan = text ? berth_plan_parse(text, strlen(text), &error) : NULL;
    g_assert_true(!text || plan || error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(sd_bus_message) call = make_call(text);
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    g_autoptr(BerthCreateOptions) options = berth_create_options_new(1000);

    if (!call)
        return 0;
    options->id = g_strdup("x");
    options->image = g_strdup("i");
    if (berth_create_options_read(call, options, &error) >= 0) {
        g_autofree char *privileges = berth_privileges_of_container(options);
        if (!options->slice)
            options->slice = g_strdup("berth.slice");
        if (!options->spec && berth_create_options_check(options, NULL))
            format(options);
    }
    return 0;
}
