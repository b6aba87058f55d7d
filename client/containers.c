/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the properties of containers, from Get or from a listing. A missing property is zero, an
 * empty string or an unknown status; a property that dist does not know is skipped. Each container
 * keeps a reference to its reply, which owns its strings.
 */

#include "client/containers.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/listing.h"

#include <string.h>

/* A newer service may have more states; they are shown by name. */
static DistContainerState container_parse_state(const char *name) {
    static const char *const names[] = {
        [DIST_CONTAINER_CREATED] = "created",
        [DIST_CONTAINER_RUNNING] = "running",
        [DIST_CONTAINER_PAUSED] = "paused",
        [DIST_CONTAINER_STOPPED] = "stopped",
    };

    for (int i = DIST_CONTAINER_CREATED; i <= DIST_CONTAINER_STOPPED; i++)
        if (g_str_equal(names[i], name))
            return (DistContainerState)i;
    return DIST_CONTAINER_UNKNOWN;
}

static int container_read_properties(sd_bus_message *message, DistContainer *container) {
    const DistField fields[] = {
        {"Id", "s", &container->id},
        {"Image", "s", &container->image},
        {"State", "s", &container->state_name},
        {"Scope", "s", &container->scope},
        {"Pid", "u", &container->pid},
        {"Owner", "u", &container->owner},
        {"ExitStatus", "i", &container->status},
        {"Created", "t", &container->created},
        {"Started", "t", &container->started},
        {"Exited", "t", &container->exited},
        {"Terminal", "b", &container->terminal},
        {"Autostart", "b", &container->autostart},
        {"Health", "s", &container->health},
        {"Command", "as", &container->command},
        {"Ports", "as", &container->ports},
        {"Pod", "s", &container->pod},
        {"Labels", "a{ss}", container->labels},
        {"Networks", "as", &container->networks},
        {"Volumes", "as", &container->volumes},
        {"RestartCount", "u", &container->restarts},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read(message, fields);

    container->state = container_parse_state(container->state_name);
    return r;
}

/* Strings are never NULL, so that callers need not check. */
static DistContainer *container_new(sd_bus_message *reply) {
    DistContainer *container = g_new0(DistContainer, 1);

    container->reply = sd_bus_message_ref(reply);
    container->id = container->image = container->state_name = container->scope = "";
    container->health = container->pod = "";
    container->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    container->status = -1;
    return container;
}

void dist_container_free(DistContainer *container) {
    if (!container)
        return;
    sd_bus_message_unref(container->reply);
    g_strfreev(container->command);
    g_strfreev(container->ports);
    g_strfreev(container->networks);
    g_strfreev(container->volumes);
    g_hash_table_unref(container->labels);
    g_free(container);
}

DistContainer *dist_container_read(sd_bus_message *reply, GError **error) {
    g_autoptr(DistContainer) container = container_new(reply);
    int r = container_read_properties(reply, container);

    if (r < 0)
        return dist_bad_reply(r, error), NULL;
    return g_steal_pointer(&container);
}

DistContainer *dist_container_get(const char *id, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTAINERS, "Get", "sa{sv}", id, 0);

    return reply ? dist_container_read(reply, error) : NULL;
}

bool dist_container_find_terminal(const char *id, bool *terminal, GError **error) {
    g_autoptr(DistContainer) container = dist_container_get(id, error);

    if (container)
        *terminal = container->terminal;
    return container != NULL;
}

bool dist_container_read_usage(const char *id, DistContainerUsage *figures, GError **error) {
    const struct {
        const char *name;
        uint64_t *value;
    } known[] = {
        {"MemoryCurrent", &figures->memory},  {"CPUUsageUSec", &figures->cpu_usec},
        {"TasksCurrent", &figures->tasks},    {"IOReadBytes", &figures->read},
        {"IOWriteBytes", &figures->written},  {"NetworkReceivedBytes", &figures->received},
        {"NetworkSentBytes", &figures->sent}, {"MemoryMax", &figures->memory_max},
        {"Time", &figures->time_usec},
    };
    const char *name;
    uint64_t value;

    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTAINERS, "Stats", "sa{sv}", id, 0);
    if (!reply)
        return false;
    *figures =
        (DistContainerUsage){.memory_max = UINT64_MAX, .read = UINT64_MAX, .written = UINT64_MAX};
    int r = sd_bus_message_enter_container(reply, 'a', "{st}");
    while (r >= 0 && (r = sd_bus_message_read(reply, "{st}", &name, &value)) > 0)
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            if (g_str_equal(known[i].name, name))
                *known[i].value = value;
    return r >= 0 || dist_bad_reply(r, error);
}

static int container_read_listed(sd_bus_message *reply, char **key, void *userdata) {
    DistContainer *container = container_new(reply);
    int r;

    /* Added first, so that the list frees it after an error, too. */
    g_ptr_array_add(userdata, container);
    if ((r = sd_bus_message_enter_container(reply, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_read(reply, "s", &container->id)) < 0 ||
        (r = container_read_properties(reply, container)) < 0 ||
        (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    *key = g_strdup(container->id);
    return 1;
}

static gint container_compare_created(gconstpointer a, gconstpointer b) {
    const DistContainer *first = *(DistContainer *const *)a, *second = *(DistContainer *const *)b;

    return first->created < second->created ? -1 : first->created > second->created;
}

/* What dist_containers_list() was asked for. */
typedef struct {
    const DistFilterName *names;
    bool with_labels;
} ContainersWanted;

/* Asks only for the properties that container_read_properties() reads: for others, the service may
 * have to read a file of each container. Some are only for what lists containers to people. */
static int container_append_wanted(sd_bus_message *call, const void *userdata) {
    static const char *const properties[] = {
        "Id",      "Image",  "State",    "Scope",     "Pid",    "Owner",   "ExitStatus", "Created",
        "Started", "Exited", "Terminal", "Autostart", "Health", "Command", "Ports",      NULL};
    static const char *const more[] = {"Pod", "Networks", "Volumes", "RestartCount", NULL};
    const ContainersWanted *asked = userdata;
    g_autoptr(GStrvBuilder) wanted = g_strv_builder_new();

    g_strv_builder_addv(wanted, (const char **)properties);
    if (asked->names)
        g_strv_builder_addv(wanted, (const char **)more);
    if (asked->with_labels)
        g_strv_builder_add(wanted, "Labels");
    g_auto(GStrv) list = g_strv_builder_end(wanted);
    int r = asked->names ? dist_filter_append(call, asked->names, NULL) : 0;
    return r < 0 ? r : dist_append_strings(call, "Properties", list);
}

/* Oldest first. names: the filters of the command line that apply, or NULL. */
GPtrArray *dist_containers_list(const DistFilterName *names, bool with_labels, GError **error) {
    const ContainersWanted asked = {names, with_labels};
    const DistListing listing = {DIST_CONTAINERS, "List", .filter = container_append_wanted,
                                 .filter_data = &asked};
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)dist_container_free);

    if (!dist_list(&listing, container_read_listed, all, error))
        return NULL;
    g_ptr_array_sort(all, container_compare_created);
    return g_steal_pointer(&all);
}

/* NULL with error; an empty list is not an error. Freed with g_strfreev(). */
char **dist_containers_list_ids(DistContainerFilter wanted, GError **error) {
    g_autoptr(GPtrArray) all = dist_containers_list(NULL, false, error);
    GPtrArray *ids = all ? g_ptr_array_new() : NULL;

    if (!all)
        return NULL;
    for (guint i = 0; i < all->len; i++)
        if (wanted(all->pdata[i]))
            g_ptr_array_add(ids, g_strdup(((const DistContainer *)all->pdata[i])->id));
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(ids, FALSE);
}

int dist_container_read_mount(sd_bus_message *message, DistContainerMount *mount) {
    const char *type = "";
    *mount = (DistContainerMount){.source = ""};
    const DistField fields[] = {{"Type", "s", &type},
                                {"Source", "s", &mount->source},
                                {"Options", "as", &mount->options},
                                {NULL}};
    int r = dist_dictionary_read_item(message, &mount->destination, fields);

    if (type[0] == '\0' || g_str_equal(type, "bind"))
        mount->kind = DIST_MOUNT_OF_PATH;
    else if (g_str_equal(type, "image") || g_str_equal(type, "artifact"))
        mount->kind = DIST_MOUNT_OF_IMAGE;
    return r;
}

/* The files that the service writes for a container, and directories of the container's own. */
bool dist_container_mount_is_own(const char *id, const char *source, const char *destination,
                                 char *const *options) {
    g_autofree char *own = g_strdup_printf("/containers/%s/", id);

    return strstr(source, own) || g_str_equal(source, "/sys") ||
           (options && g_strv_contains((const char *const *)options, "x-berth.volume")) ||
           g_str_equal(destination, "/dev/berth-init");
}

/* The last colon precedes the container's port, since an IPv6 address has colons, too. */
void dist_container_split_port(const char *text, char **container, char **host) {
    g_auto(GStrv) halves = g_strsplit(text, "/", 2);
    const char *colon = strrchr(halves[0], ':');
    g_autofree char *outer = g_strndup(halves[0], colon ? (gsize)(colon - halves[0]) : 0);

    *container =
        g_strconcat(colon ? colon + 1 : halves[0], "/", halves[1] ? halves[1] : "tcp", NULL);
    *host = strchr(outer, ':') ? g_strdup(outer) : g_strconcat("0.0.0.0:", outer, NULL);
}

/* A paused container is running: it has processes and can be stopped. */
bool dist_container_is_running(const DistContainer *container) {
    return container->state == DIST_CONTAINER_RUNNING || container->state == DIST_CONTAINER_PAUSED;
}

/* No container runs at boot, but berth-autostart.service may be restarted later, when some do. */
bool dist_container_awaits_autostart(const DistContainer *container) {
    return container->autostart && (container->state == DIST_CONTAINER_CREATED ||
                                    container->state == DIST_CONTAINER_STOPPED);
}
