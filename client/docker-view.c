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

#include <glib.h>
#include <string.h>

static const char *view_get_string(json_object *object, const char *member) {
    const char *text = NULL;

    berth_document_get_string(object, member, &text, NULL);
    return text ? text : "";
}

static json_object *view_get(json_object *object, const char *member) {
    return json_object_object_get(object, member);
}

static void view_add_same(json_object *to, const char *member, json_object *value) {
    json_object_object_add(to, member, json_object_get(value));
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
    view_add_same(state, "Pid", view_get(container, "pid"));
    /* The status of a container that has not exited is negative here, and 0 in docker. */
    int64_t status = json_object_get_int64(view_get(container, "exitStatus"));
    bool has_exited = g_str_equal(name, "stopped");
    berth_document_add_int(state, "ExitCode", has_exited ? status : 0);
    view_add_same(state, "OOMKilled", view_get(container, "oomKilled"));
    view_add_time(state, "StartedAt", container, "started");
    view_add_time(state, "FinishedAt", container, "exited");
    if (health[0])
        berth_document_add_string(berth_document_add_object(state, "Health"), "Status", health);
}

static void view_add_config(json_object *container, json_object *spec) {
    json_object *config = berth_document_add_object(container, "Config");
    json_object *process = view_get(spec, "process");

    view_add_same(config, "Image", view_get(container, "image"));
    view_add_same(config, "Labels", view_get(container, "labels"));
    view_add_same(config, "Tty", view_get(container, "terminal"));
    berth_document_add_string(config, "Hostname", view_get_string(spec, "hostname"));
    berth_document_add_string(config, "WorkingDir", view_get_string(process, "cwd"));
    berth_document_add_string(config, "User",
                              view_get_string(view_get(process, "user"), "username"));
    view_add_same(config, "Env", view_get(process, "env"));
    view_add_same(config, "Cmd", view_get(process, "args"));
    json_object *exposed = berth_document_add_object(config, "ExposedPorts");
    g_auto(GStrv) ports = NULL;
    berth_document_get_strings(container, "exposedPorts", &ports, NULL);
    for (char **port = ports; port && *port; port++)
        berth_document_add_object(exposed, *port);
}

/* The command in two parts. */
static void view_add_command(json_object *container, json_object *spec) {
    json_object *arguments = berth_document_add_array(container, "Args");
    g_auto(GStrv) command = NULL;

    berth_document_get_strings(view_get(spec, "process"), "args", &command, NULL);
    berth_document_add_string(container, "Path", command && command[0] ? command[0] : "");
    for (char **argument = command && command[0] ? command + 1 : NULL; argument && *argument;
         argument++)
        json_object_array_add(arguments, json_object_new_string(*argument));
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

/* The addresses of all networks are one list, in the order of the networks. The IPv4 addresses can
 * be told apart if there is one for each. */
static void view_add_networks(json_object *container) {
    json_object *settings = berth_document_add_object(container, "NetworkSettings");
    json_object *networks = berth_document_add_object(settings, "Networks");
    g_auto(GStrv) names = NULL, addresses = NULL, ports = NULL;
    g_autoptr(GPtrArray) ipv4 = g_ptr_array_new();

    berth_document_get_strings(container, "networks", &names, NULL);
    berth_document_get_strings(container, "addresses", &addresses, NULL);
    for (char **address = addresses; address && *address; address++)
        if (!strchr(*address, ':'))
            g_ptr_array_add(ipv4, *address);
    guint count = names ? g_strv_length(names) : 0;
    for (guint i = 0; i < count; i++)
        berth_document_add_string(berth_document_add_object(networks, names[i]), "IPAddress",
                                  ipv4->len == count ? ipv4->pdata[i] : "");
    berth_document_add_string(settings, "IPAddress", ipv4->len > 0 ? ipv4->pdata[0] : "");
    berth_document_get_strings(container, "ports", &ports, NULL);
    view_add_ports(settings, "Ports", ports);
}

static void view_add_host(json_object *container) {
    json_object *host = berth_document_add_object(container, "HostConfig");
    g_auto(GStrv) ports = NULL;

    berth_document_get_strings(container, "ports", &ports, NULL);
    view_add_ports(host, "PortBindings", ports);

    view_add_same(host, "AutoRemove", view_get(container, "autoRemove"));
    view_add_same(host, "NetworkMode", view_get(container, "network"));
    view_add_same(berth_document_add_object(host, "RestartPolicy"), "Name",
                  view_get(container, "restart"));
}

/* In the service's StateDirectory=. */
static const char VOLUMES[] = "/var/lib/berth/volumes/";

/* The mounts of paths and volumes. */
static void view_add_mounts(json_object *container, json_object *spec) {
    const char *id = view_get_string(container, "id");
    json_object *mounts = berth_document_add_array(container, "Mounts"), *list = NULL;

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
        berth_document_add_bool(mount, "RW",
                                !options || !g_strv_contains((const char *const *)options, "ro"));
    }
}

void dist_docker_view_add(json_object *container) {
    json_object *spec = view_get(container, "config");

    view_add_same(container, "Name", view_get(container, "id"));
    view_add_same(container, "ImageName", view_get(container, "image"));
    view_add_time(container, "Created", container, "created");
    view_add_state(container);
    view_add_config(container, spec);
    view_add_command(container, spec);
    view_add_networks(container);
    view_add_host(container);
    view_add_mounts(container, spec);
}
