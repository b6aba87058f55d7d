/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Scripts read single values of docker's inspect with templates, such as {{.State.Running}}. Those
 * members are derived here from a container's own document, which keeps its members: they begin
 * with a small letter, and templates prefer a name that matches in case. Only what scripts commonly
 * read is there; a template with another name fails.
 */

#include "client/docker-view.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/containers.h"
#include "client/docker-host-view.h"

#include <glib.h>
#include <signal.h>
#include <string.h>

static const char *view_get_string(json_object *object, const char *member) {
    const char *text = NULL;

    berth_document_get_string(object, member, &text, NULL);
    return text ? text : "";
}

static json_object *view_get(json_object *object, const char *member) {
    return json_object_object_get(object, member);
}

static void view_append_same(json_object *array, json_object *value) {
    json_object_array_add(array, json_object_get(value));
}

/* As in RFC 3339, in UTC; docker writes the year 1 for a time that has not come. */
static void view_add_time(json_object *to, const char *member, json_object *from, const char *key) {
    int64_t usec = json_object_get_int64(view_get(from, key));
    g_autoptr(GDateTime) time =
        usec > 0 ? g_date_time_new_from_unix_utc(usec / G_USEC_PER_SEC) : NULL;
    g_autofree char *seconds = time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : NULL;
    g_autofree char *text = seconds
                                ? g_strdup_printf("%s.%06dZ", seconds, (int)(usec % G_USEC_PER_SEC))
                                : g_strdup("0001-01-01T00:00:00Z");

    berth_document_add_string(to, member, text);
}

static void view_add_state(json_object *container) {
    json_object *state = berth_document_add_object(container, "State");
    const char *name = view_get_string(container, "state");
    const char *health = view_get_string(container, "health");
    bool is_paused = g_str_equal(name, "paused");

    berth_document_add_string(state, "Status", g_str_equal(name, "stopped") ? "exited" : name);
    berth_document_add_bool(state, "Running", is_paused || g_str_equal(name, "running"));
    berth_document_add_bool(state, "Paused", is_paused);
    berth_document_add_same(state, "Pid", view_get(container, "pid"));
    /* The status of a container that has not exited is negative here, and 0 in docker. */
    int64_t status = json_object_get_int64(view_get(container, "exitStatus"));
    bool has_exited = g_str_equal(name, "stopped");
    berth_document_add_int(state, "ExitCode", has_exited ? status : 0);
    berth_document_add_same(state, "OOMKilled", view_get(container, "oomKilled"));
    berth_document_add_same(state, "Restarting", view_get(container, "restarting"));
    berth_document_add_same(state, "Error", view_get(container, "error"));
    view_add_time(state, "StartedAt", container, "started");
    view_add_time(state, "FinishedAt", container, "exited");
    if (health[0])
        berth_document_add_string(berth_document_add_object(state, "Health"), "Status", health);
}

/* Real-time signals have no names in the C library. */
static char *make_signal_name(int number) {
    const char *name = sigabbrev_np(number);

    if (name)
        return g_strconcat("SIG", name, NULL);
    return number >= SIGRTMIN && number <= SIGRTMAX
               ? g_strdup_printf("SIGRTMIN+%d", number - SIGRTMIN)
               : g_strdup_printf("%d", number);
}

static void view_add_stop(json_object *config, json_object *container) {
    g_autofree char *name =
        make_signal_name(json_object_get_int(view_get(container, "stopSignal")));

    berth_document_add_string(config, "StopSignal", name);
    berth_document_add_int(config, "StopTimeout",
                           json_object_get_int64(view_get(container, "stopTimeout")) /
                               G_USEC_PER_SEC);
}

static void view_add_config(json_object *container, json_object *spec) {
    json_object *config = berth_document_add_object(container, "Config");
    json_object *process = view_get(spec, "process");

    berth_document_add_same(config, "Image", view_get(container, "image"));
    berth_document_add_same(config, "Labels", view_get(container, "labels"));
    berth_document_add_same(config, "Tty", view_get(container, "terminal"));
    berth_document_add_string(config, "Hostname", view_get_string(spec, "hostname"));
    berth_document_add_string(config, "WorkingDir", view_get_string(process, "cwd"));
    berth_document_add_string(config, "User",
                              view_get_string(view_get(process, "user"), "username"));
    berth_document_add_same(config, "Env", view_get(process, "env"));
    berth_document_add_same(config, "Entrypoint", view_get(container, "entrypoint"));
    berth_document_add_same(config, "Cmd", view_get(container, "command"));
    view_add_stop(config, container);
    json_object *exposed = berth_document_add_object(config, "ExposedPorts");
    g_auto(GStrv) ports = NULL;
    berth_document_get_strings(container, "exposedPorts", &ports, NULL);
    for (char **port = ports; port && *port; port++)
        berth_document_add_object(exposed, *port);
}

static void view_append_words(json_object *path, json_object *container, const char *member) {
    json_object *words = view_get(container, member);

    for (size_t i = 0; words && i < json_object_array_length(words); i++)
        view_append_same(path, json_object_array_get_idx(words, i));
}

/* The program, and its arguments. */
static void view_add_command(json_object *container) {
    g_autoptr(json_object) all = json_object_new_array();

    view_append_words(all, container, "entrypoint");
    view_append_words(all, container, "command");
    const char *program = json_object_get_string(json_object_array_get_idx(all, 0));
    berth_document_add_string(container, "Path", program ? program : "");
    json_object *arguments = berth_document_add_array(container, "Args");
    for (size_t i = 1; i < json_object_array_length(all); i++)
        view_append_same(arguments, json_object_array_get_idx(all, i));
}

/* By the container's port, a list of the addresses and ports of the host; texts, as in docker. */
static void view_add_ports(json_object *to, const char *member, char *const *ports) {
    json_object *all = berth_document_add_object(to, member);

    for (; ports && *ports; ports++) {
        g_autofree char *inner = NULL, *host = NULL;
        dist_container_split_port(*ports, &inner, &host);
        char *colon = strrchr(host, ':');
        json_object *list = view_get(all, inner);
        json_object *entry =
            berth_document_append_object(list ? list : berth_document_add_array(all, inner));
        berth_document_add_string(entry, "HostPort", colon + 1);
        *colon = '\0';
        berth_document_add_string(entry, "HostIp", g_strstrip(g_strdelimit(host, "[]", ' ')));
    }
}

/* The first text of a list that is, or is not, of IPv6; "" if there is none. */
static const char *view_find_address(json_object *list, bool six) {
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        if (text && (strchr(text, ':') != NULL) == six)
            return text;
    }
    return "";
}

static void view_add_address(json_object *to, const char *address, const char *member,
                             const char *length_member) {
    g_auto(GStrv) parts = g_strsplit(address, "/", 2);

    berth_document_add_string(to, member, parts[0] ? parts[0] : "");
    berth_document_add_int(to, length_member,
                           parts[0] && parts[1] ? (int64_t)g_ascii_strtoull(parts[1], NULL, 10)
                                                : 0);
}

/* endpoint: what the service says of one network; NULL for none. */
static void view_add_endpoint(json_object *to, json_object *endpoint) {
    json_object *addresses = view_get(endpoint, "addresses");
    json_object *gateways = view_get(endpoint, "gateways");

    view_add_address(to, view_find_address(addresses, false), "IPAddress", "IPPrefixLen");
    view_add_address(to, view_find_address(addresses, true), "GlobalIPv6Address",
                     "GlobalIPv6PrefixLen");
    berth_document_add_string(to, "Gateway", view_find_address(gateways, false));
    berth_document_add_string(to, "IPv6Gateway", view_find_address(gateways, true));
    berth_document_add_string(to, "MacAddress",
                              endpoint ? view_get_string(endpoint, "macAddress") : "");
}

/* As in docker, the first network is also the one of the container itself. */
static void view_add_networks(json_object *container) {
    json_object *settings = berth_document_add_object(container, "NetworkSettings");
    json_object *networks = berth_document_add_object(settings, "Networks"), *list = NULL;
    g_auto(GStrv) ports = NULL;

    berth_document_get_objects(container, "endpoints", &list, NULL);
    size_t count = list ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < count; i++) {
        json_object *endpoint = json_object_array_get_idx(list, i);
        view_add_endpoint(berth_document_add_object(networks, view_get_string(endpoint, "network")),
                          endpoint);
    }
    view_add_endpoint(settings, count > 0 ? json_object_array_get_idx(list, 0) : NULL);
    berth_document_get_strings(container, "ports", &ports, NULL);
    view_add_ports(settings, "Ports", ports);
}

static void view_add_host(json_object *container, json_object *spec) {
    json_object *host = berth_document_add_object(container, "HostConfig");
    g_auto(GStrv) ports = NULL;

    berth_document_get_strings(container, "ports", &ports, NULL);
    view_add_ports(host, "PortBindings", ports);
    dist_docker_host_view_add(host, container, spec);
}

/* In the service's StateDirectory=. */
static const char VOLUMES[] = "/var/lib/berth/volumes/";

/* As --volume takes it. */
static void view_append_bind(json_object *binds, const char *source, const char *destination,
                             bool writable) {
    g_autofree char *text = g_strconcat(source, ":", destination, writable ? NULL : ":ro", NULL);

    berth_document_append_string(binds, text);
}

/* The mounts of paths and volumes. */
static void view_add_mounts(json_object *container, json_object *spec) {
    const char *id = view_get_string(container, "id");
    json_object *mounts = berth_document_add_array(container, "Mounts"), *list = NULL;
    json_object *binds = berth_document_add_array(view_get(container, "HostConfig"), "Binds");

    berth_document_get_objects(spec, "mounts", &list, NULL);
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        json_object *from = json_object_array_get_idx(list, i);
        const char *source = view_get_string(from, "source");
        const char *destination = view_get_string(from, "destination");
        const char *volume = g_str_has_prefix(source, VOLUMES) ? source + strlen(VOLUMES) : "";
        g_auto(GStrv) options = NULL;
        berth_document_get_strings(from, "options", &options, NULL);
        if (!g_str_equal(view_get_string(from, "type"), "bind") ||
            dist_container_mount_is_own(id, source, destination, options))
            continue;
        bool is_volume = volume[0] && !strchr(volume, '/');
        json_object *mount = berth_document_append_object(mounts);
        berth_document_add_string(mount, "Type", is_volume ? "volume" : "bind");
        berth_document_add_string(mount, "Name", is_volume ? volume : "");
        berth_document_add_string(mount, "Source", source);
        berth_document_add_string(mount, "Destination", destination);
        bool writable = !options || !g_strv_contains((const char *const *)options, "ro");
        berth_document_add_bool(mount, "RW", writable);
        view_append_bind(binds, is_volume ? volume : source, destination, writable);
    }
}

void dist_docker_view_add(json_object *container) {
    json_object *spec = view_get(container, "config");

    berth_document_add_same(container, "Id", view_get(container, "id"));
    berth_document_add_same(container, "Name", view_get(container, "id"));
    berth_document_add_same(container, "Image", view_get(container, "image"));
    berth_document_add_same(container, "ImageName", view_get(container, "image"));
    view_add_time(container, "Created", container, "created");
    berth_document_add_same(container, "RestartCount", view_get(container, "restartCount"));
    /* A directory of the host is mounted as it is. Its output is in no file. */
    berth_document_add_string(container, "Driver",
                              view_get_string(container, "rootDirectory")[0] ? "" : "overlay");
    berth_document_add_string(container, "Platform", "linux");
    berth_document_add_string(container, "LogPath", "");
    view_add_state(container);
    view_add_config(container, spec);
    view_add_command(container);
    view_add_networks(container);
    view_add_host(container, spec);
    view_add_mounts(container, spec);
}
