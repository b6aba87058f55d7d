/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Networks by the Container Network Interface. A Call is what one run of a plugin needs: the
 * network, the container and the ports. State is a file for each container below networks/, written
 * by a rename; it says what was added with, so that the same is undone. A lock file serializes the
 * work on one container across processes.
 */

#include "network/cni.h"

#include "base/directory.h"
#include "base/document.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CONFIGURATIONS "/etc/cni/net.d"
#define PLUGIN_PATH "/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni"
#define INTERFACE "eth0"
#define PLUGIN_TIMEOUT_MSEC (60 * 1000)

enum { MAX_CONFIGURATIONS = 256, MAX_BYTES = 1024 * 1024, LOCKS = 64 };

typedef struct {
    const char *command, *id;
    const char *netns; /* "" when it has gone */
    const char *version;
    const char *name;
    JsonArray *ports; /* NULL for none */
} Call;

static JsonNode *read_json(int directory, const char *path, GError **error) {
    berth_autofd int file = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t size;

    if (file < 0) {
        berth_error_set_errno(error, errno, "open %s", path);
        return NULL;
    }
    g_autofree char *text = berth_fd_read_whole(file, MAX_BYTES, &size, error);
    return text ? berth_document_parse(text, size, error) : NULL;
}

/* A configuration with a single plugin becomes a list of one. Takes the node. */
static JsonNode *as_list(JsonNode *node) {
    JsonObject *object = json_node_get_object(node);
    JsonObject *list = json_object_new();
    JsonArray *plugins = json_array_new();
    JsonNode *made = json_node_new(JSON_NODE_OBJECT);

    json_array_add_object_element(plugins, json_object_ref(object));
    json_object_set_array_member(list, "plugins", plugins);
    if (json_object_has_member(object, "name"))
        json_object_set_member(list, "name",
                               json_node_copy(json_object_get_member(object, "name")));
    if (json_object_has_member(object, "cniVersion"))
        json_object_set_member(list, "cniVersion",
                               json_node_copy(json_object_get_member(object, "cniVersion")));
    json_node_take_object(made, list);
    json_node_unref(node);
    return made;
}

/* The first document of that name, by the order of file names, as in other runtimes. A document
 * that cannot be read is passed over: it may be of another network. */
static JsonNode *find_network(const char *name, GError **error) {
    static const char *const suffixes[] = {".conflist", ".conf", ".json", NULL};
    g_autoptr(GPtrArray) files =
        berth_directory_list_files(CONFIGURATIONS, suffixes, MAX_CONFIGURATIONS);
    const char *found;

    for (guint i = 0; i < files->len; i++) {
        JsonNode *node = read_json(AT_FDCWD, files->pdata[i], NULL);
        if (!node)
            continue;
        if (berth_document_get_string(json_node_get_object(node), "name", &found, NULL) &&
            g_strcmp0(found, name) == 0)
            return g_str_has_suffix(files->pdata[i], ".conflist") ? node : as_list(node);
        json_node_unref(node);
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                    "there is no network \"%.100s\" in " CONFIGURATIONS, name);
    return NULL;
}

/* A type with a slash would lead out of the directories of plugins: it is not found. */
static char *find_plugin(const char *type, GError **error) {
    g_auto(GStrv) directories = g_strsplit(PLUGIN_PATH, ":", -1);

    for (char **directory = directories; *directory && !strchr(type, '/'); directory++) {
        g_autofree char *path = g_build_filename(*directory, type, NULL);
        if (access(path, X_OK) == 0)
            return g_steal_pointer(&path);
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                    "there is no CNI plugin \"%.100s\" in " PLUGIN_PATH, type);
    return NULL;
}

/* The input of a plugin: its own configuration, and the members that the runtime adds. */
static char *make_input(const Call *call, JsonObject *plugin, JsonNode *previous) {
    JsonObject *input = berth_document_copy(plugin);
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    JsonObject *capabilities = NULL;
    bool maps = false;

    json_node_take_object(node, input);
    json_object_set_string_member(input, "cniVersion", call->version);
    json_object_set_string_member(input, "name", call->name);
    if (previous)
        json_object_set_member(input, "prevResult", json_node_copy(previous));
    if (berth_document_get_object(plugin, "capabilities", &capabilities, NULL) && capabilities)
        (void)berth_document_get_bool(capabilities, "portMappings", &maps, NULL);
    if (maps && call->ports) {
        JsonObject *runtime = json_object_new();
        json_object_set_array_member(runtime, "portMappings", json_array_ref(call->ports));
        json_object_set_object_member(input, "runtimeConfig", runtime);
    }
    json_object_remove_member(input, "capabilities");
    return json_to_string(node, FALSE);
}

G_GNUC_NORETURN static void become_plugin(const Call *call, const char *path, int input,
                                          int output) {
    char *arguments[] = {(char *)path, NULL};
    char *environment[] = {
        g_strconcat("CNI_COMMAND=", call->command, NULL),
        g_strconcat("CNI_CONTAINERID=", call->id, NULL),
        g_strconcat("CNI_NETNS=", call->netns, NULL),
        g_strdup("CNI_IFNAME=" INTERFACE),
        g_strdup("CNI_PATH=" PLUGIN_PATH),
        g_strdup("CNI_ARGS=IgnoreUnknown=1"),
        g_strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        NULL,
    };

    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0)
        _exit(127);
    close_range(STDERR_FILENO + 1, ~0u, 0);
    execve(path, arguments, environment);
    _exit(127);
}

/* A plugin that takes too long is killed, and fails by its signal. Without a pidfd the wait has no
 * limit. */
static int await(pid_t pid) {
    berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    int status = 0;

    if (pidfd >= 0 && poll(&poll_fd, 1, PLUGIN_TIMEOUT_MSEC) == 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* A plugin that fails says why on its standard output (SPEC.md, Error). */
static bool report(const char *type, const Call *call, const char *text, size_t size,
                   GError **error) {
    g_autoptr(JsonNode) node = berth_document_parse(text, size, NULL);
    const char *message = NULL, *details = NULL;

    if (node) {
        (void)berth_document_get_string(json_node_get_object(node), "msg", &message, NULL);
        (void)berth_document_get_string(json_node_get_object(node), "details", &details, NULL);
    }
    return berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                           "network %s: plugin %s: %.500s%s%.200s", call->name, type,
                           message ? message : "failed without a word",
                           details && details[0] ? ": " : "", details ? details : "");
}

/* Runs one; its answer in *result, which may stay NULL (DEL). */
static bool run_plugin(const Call *call, JsonObject *plugin, JsonNode *previous, JsonNode **result,
                       GError **error) {
    const char *type;
    size_t size;

    if (!berth_document_get_string(plugin, "type", &type, error))
        return false;
    g_autofree char *path = find_plugin(type ? type : "", error);
    if (!path)
        return false;
    g_autofree char *text = make_input(call, plugin, previous);
    berth_autofd int input = berth_fd_new_in_memory(text, strlen(text), error);
    berth_autofd int output = input < 0 ? -1 : berth_fd_new_in_memory("", 0, error);
    if (output < 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        become_plugin(call, path, input, output);
    if (pid < 0)
        return berth_error_set_errno(error, errno, "fork");
    int status = await(pid);
    g_autofree char *answer = berth_fd_read_whole(output, MAX_BYTES, &size, error);
    if (!answer)
        return false;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return report(type, call, answer, size, error);
    if (size > 0 && result)
        *result = berth_document_parse(answer, size, error);
    return size == 0 || !result || *result;
}

static bool run_delete(Call *call, JsonArray *plugins, JsonNode *result, GError **error) {
    bool good = true;

    call->command = "DEL";
    /* In the reverse order (SPEC.md, DEL). The first failure is the one that is reported; the
     * plugins that remain run all the same. */
    for (guint i = json_array_get_length(plugins); i-- > 0;)
        if (!run_plugin(call, json_array_get_object_element(plugins, i), result, NULL,
                        good ? error : NULL))
            good = false;
    return good;
}

static bool run_add(Call *call, JsonArray *plugins, JsonNode **result, GError **error) {
    g_autoptr(JsonNode) previous = NULL;

    for (guint i = 0; i < json_array_get_length(plugins); i++) {
        JsonNode *next = NULL;
        call->command = "ADD";
        if (!run_plugin(call, json_array_get_object_element(plugins, i), previous, &next, error)) {
            (void)run_delete(call, plugins, previous, NULL);
            return false;
        }
        if (next) {
            g_clear_pointer(&previous, json_node_unref);
            previous = next;
        }
    }
    *result = g_steal_pointer(&previous);
    return *result || berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                                      "network %s: no plugin gave a result", call->name);
}

/* {"pid", "network": the list, "ports", "result"}. A network is undone with the configuration that
 * it was added with, whatever the administrator has written since. */
static bool write_state(const Call *call, int networks, pid_t pid, JsonNode *network,
                        JsonNode *result, GError **error) {
    g_autofree char *name = g_strconcat(call->id, ".json", NULL);
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    JsonObject *object = json_object_new();

    json_node_take_object(node, object);
    json_object_set_int_member(object, "pid", pid);
    json_object_set_member(object, "network", json_node_copy(network));
    json_object_set_member(object, "result", json_node_copy(result));
    if (call->ports)
        json_object_set_array_member(object, "ports", json_array_ref(call->ports));
    g_autofree char *text = json_to_string(node, FALSE);
    return berth_fd_replace(networks, name, text, strlen(text), 0600) ||
           berth_error_set_errno(error, errno, "write networks/%s", name);
}

static bool prepare(Call *call, JsonObject *network, JsonArray **plugins, GError **error) {
    if (!berth_document_get_string(network, "name", &call->name, error) ||
        !berth_document_get_string(network, "cniVersion", &call->version, error) ||
        !berth_document_get_objects(network, "plugins", plugins, error))
        return false;
    if (!call->version)
        call->version = "0.3.1";
    return *plugins || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                       "the network \"%s\" has no plugins", call->name);
}

/* Undoes what the state says. pid: only if the state is of this process, since a newer start may
 * have connected the container again; 0 for any. */
static bool undo(const char *id, pid_t pid, int networks, GError **error) {
    g_autofree char *name = g_strconcat(id, ".json", NULL);
    g_autoptr(JsonNode) state = NULL;
    Call call = {.id = id, .netns = ""};
    JsonObject *network, *object;
    JsonArray *plugins;
    int64_t of;

    if (faccessat(networks, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    if (!(state = read_json(networks, name, error)))
        return false;
    object = json_node_get_object(state);
    if (!berth_document_get_int(object, "pid", &of, error) ||
        !berth_document_get_objects(object, "ports", &call.ports, error) ||
        !berth_document_get_object(object, "network", &network, error))
        return false;
    if (pid > 0 && of != pid)
        return true;
    if (!network || !prepare(&call, network, &plugins, error))
        return false;
    bool good = run_delete(&call, plugins, json_object_get_member(object, "result"), error);
    unlinkat(networks, name, 0);
    return good;
}

/* Serializes the work on one container, also if it is deleted and made again. Containers share a
 * fixed number of lock files, which are never removed. */
static int lock(const char *id, int networks, GError **error) {
    g_autofree char *name = g_strdup_printf(".lock-%u", g_str_hash(id) % LOCKS);
    berth_autofd int file = openat(networks, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (file < 0 || flock(file, LOCK_EX) < 0) {
        berth_error_set_errno(error, errno, "lock networks/%s", name);
        return -1;
    }
    return berth_fd_steal(&file);
}

/* Writes the addresses and the hostname to the container's own /etc/hosts. A failure leaves the
 * network usable, and is not reported. */
static void add_to_hosts(const BerthSetup *setup, int directory, JsonNode *result) {
    berth_autofd int file =
        openat(directory, "etc/hosts", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    JsonArray *addresses = NULL;
    const char *address;

    if (file < 0 ||
        !berth_document_get_objects(json_node_get_object(result), "ips", &addresses, NULL))
        return;
    for (guint i = 0; addresses && i < json_array_get_length(addresses); i++)
        if (berth_document_get_string(json_array_get_object_element(addresses, i), "address",
                                      &address, NULL) &&
            address)
            dprintf(file, "%.*s\t%s\n", (int)strcspn(address, "/"), address,
                    setup->hostname ? setup->hostname : "");
}

static bool read_ports(const BerthSetup *setup, JsonNode **node, JsonArray **ports,
                       GError **error) {
    const char *text = setup->ports;

    *node = text ? berth_document_parse(text, strlen(text), error) : NULL;
    return !text || (*node && berth_document_get_objects(json_node_get_object(*node), "ports",
                                                         ports, error));
}

bool berth_cni_add(const BerthSetup *setup, const char *id, pid_t pid, int directory,
                   GError **error) {
    g_autofree char *netns = g_strdup_printf("/proc/%d/ns/net", (int)pid);
    g_autoptr(JsonNode) network = NULL, ports = NULL, result = NULL;
    Call call = {.id = id, .netns = netns};
    JsonArray *plugins;

    berth_autofd int networks =
        openat(directory, "../../networks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (networks < 0)
        return berth_error_set_errno(error, errno, "open the directory networks");
    berth_autofd int locked = lock(id, networks, error);
    if (locked < 0)
        return false;
    /* An earlier start may have ended before it was disconnected. */
    (void)undo(id, 0, networks, NULL);
    if (!(network = find_network(setup->network, error)) ||
        !read_ports(setup, &ports, &call.ports, error) ||
        !prepare(&call, json_node_get_object(network), &plugins, error) ||
        !run_add(&call, plugins, &result, error))
        return false;
    if (!write_state(&call, networks, pid, network, result, error)) {
        (void)run_delete(&call, plugins, result, NULL);
        return false;
    }
    add_to_hosts(setup, directory, result);
    return true;
}

bool berth_cni_delete(const char *id, pid_t pid, int networks, GError **error) {
    berth_autofd int locked = lock(id, networks, error);

    return locked >= 0 && undo(id, pid, networks, error);
}
