/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ExitIdleTimeout= of a container whose program cannot take sockets from systemd: the .socket file
 * beside it starts a service of systemd-socket-proxyd(8), which starts the container and connects
 * to a port that it publishes. After the given time without connections, the proxy exits, and
 * systemd stops the container as a unit that nothing needs any more.
 *
 *     web.socket -> web-proxy.service -> web.service
 */

#include "generator/conversion.h"
#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

static const char key[] = "ExitIdleTimeout";

/* The caller frees it. */
static char *proxy_get_name(const BerthUnitSource *source) {
    g_autofree char *stem = berth_unit_name_get_stem(source->name);

    return g_strconcat(stem, "-proxy.service", NULL);
}

static bool is_number(const char *text) {
    return text[0] && !text[strspn(text, "0123456789")];
}

/* The address at which a published port can be reached from this host: the published address, or
 * loopback if it is the wildcard. NULL for a port that the service chooses, a range, and anything
 * but TCP. */
static char *proxy_find_address(const char *published) {
    g_autofree char *text = g_strdup(published);
    char *protocol = strchr(text, '/'), *container, *port;

    if (protocol && !g_str_equal(protocol, "/tcp"))
        return NULL;
    if (protocol)
        *protocol = '\0';
    if (!(container = strrchr(text, ':')))
        return NULL;
    *container = '\0';
    port = strrchr(text, ':');
    if (!is_number(port ? port + 1 : text))
        return NULL;
    if (!port)
        return g_strconcat("127.0.0.1:", text, NULL);
    *port = '\0';
    const char *address = g_str_equal(text, "0.0.0.0") || !text[0] ? "127.0.0.1"
                          : g_str_equal(text, "[::]")              ? "[::1]"
                                                                   : text;
    return g_strconcat(address, ":", port + 1, NULL);
}

static char *proxy_find_target(const BerthConversion *conversion) {
    g_autoptr(GPtrArray) lines =
        berth_unit_file_list(conversion->source->file, conversion->section, "PublishPort");
    char *target = NULL;

    for (unsigned i = 0; !target && i < lines->len; i++)
        target = proxy_find_address(((const BerthUnitLine *)lines->pdata[i])->value);
    return target;
}

static bool proxy_is_taken(const BerthUnitSet *set, const char *name) {
    for (unsigned i = 0; i < set->sources->len; i++)
        if (g_strcmp0(((const BerthUnitSource *)set->sources->pdata[i])->service, name) == 0)
            return true;
    return false;
}

/* Why there can be no proxy, or NULL. */
static const char *proxy_find_obstacle(const BerthConversion *conversion, const char *name,
                                       const char *target) {
    g_autofree char *stem = berth_unit_name_get_stem(conversion->source->name);
    g_autofree char *socket = g_strconcat(stem, ".socket", NULL);

    if (strchr(stem, '@'))
        return _("a template cannot have a proxy");
    if (!berth_unit_set_find(conversion->set, socket))
        return _("there is no .socket file of this name");
    if (!target)
        return _("it needs a PublishPort= with a TCP port of the host");
    return proxy_is_taken(conversion->set, name) ? _("another file generates a service of that "
                                                     "name")
                                                 : NULL;
}

/* BindsTo=: if the container fails, the proxy exits, and the next connection starts both again. The
 * proxy of systemd 252 does not send READY=1. */
static BerthService *proxy_make_service(const BerthConversion *conversion, const char *name,
                                        const char *timeout, const char *target) {
    BerthService *service = berth_service_new(name);
    g_autofree char *source = berth_words_escape(conversion->source->path, false);
    g_autofree char *time = g_strconcat("--exit-idle-time=", timeout, NULL);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    const char *const lines[][3] = {
        {"Unit", "SourcePath", source},
        {"Unit", "BindsTo", conversion->source->service},
        {"Unit", "After", conversion->source->service},
        {"Service", "Type", "exec"},
        {"Service", "PrivateTmp", "yes"},
        {"Service", "ProtectSystem", "strict"},
        {"Service", "ProtectHome", "yes"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        berth_service_add(service, lines[i][0], lines[i][1], lines[i][2]);
    /* The proxy needs no particular user; a user manager can only run it as its own. */
    if (conversion->set->scope == BERTH_UNITS_SYSTEM)
        berth_service_add(service, "Service", "DynamicUser", "yes");
    g_ptr_array_add(words, (char *)"/usr/lib/systemd/systemd-socket-proxyd");
    g_ptr_array_add(words, time);
    g_ptr_array_add(words, (char *)target);
    berth_service_add_command(service, "ExecStart", "", words);
    return service;
}

void berth_convert_proxy(const BerthConversion *conversion) {
    const BerthUnitLine *line = berth_conversion_find(conversion, key);
    g_autofree char *name = proxy_get_name(conversion->source);
    g_autofree char *timeout = NULL, *target = NULL;

    if (!line)
        return;
    timeout = berth_unit_line_get_text(line);
    target = proxy_find_target(conversion);
    const char *obstacle = proxy_find_obstacle(conversion, name, target);
    if (obstacle) {
        berth_conversion_refuse(conversion, line, obstacle);
        return;
    }
    if (!berth_unit_file_find(conversion->source->file, "Unit", "StopWhenUnneeded"))
        berth_service_add(conversion->service, "Unit", "StopWhenUnneeded", "yes");
    conversion->service->other = proxy_make_service(conversion, name, timeout, target);
}

/* Service= in the file takes precedence: it may name another proxy. */
void berth_convert_socket(BerthConversion *conversion) {
    g_autofree char *stem = berth_unit_name_get_stem(conversion->source->name);
    g_autofree char *name = g_strconcat(stem, ".container", NULL);
    const BerthUnitSource *container = berth_unit_set_find(conversion->set, name);

    if (!container || !berth_unit_file_find(container->file, "Container", key) ||
        berth_unit_file_find(conversion->source->file, "Socket", "Service"))
        return;
    g_autofree char *proxy = proxy_get_name(container);
    berth_service_add(conversion->service, "Socket", "Service", proxy);
}
