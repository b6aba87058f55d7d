/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds and deletes ports. The programs that connect a container do not report which port they
 * created, so it is the one that the bridge has afterwards and did not have before. A connection
 * that was interrupted in between has recorded only the earlier ports; its own port is then one
 * that no other document names either. There is no state here.
 */

#include "network/port.h"

#include "base/directory.h"
#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "network/state.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The members in a document. */
#define OTHERS "otherPorts"
#define PORT "port"
#define INDEX "portIndex"

/* The names of a bridge's ports, as a set; empty if there is no such bridge. */
static GHashTable *list_ports(const char *bridge) {
    GHashTable *ports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *path = g_build_filename("/sys/class/net", bridge, "brif", NULL);
    g_autoptr(GDir) list = g_dir_open(path, 0, NULL);
    const char *name;

    while (list && (name = g_dir_read_name(list)))
        g_hash_table_add(ports, g_strdup(name));
    return ports;
}

/* Returns 0 if there is no interface of that name. */
static int64_t read_index(const char *name) {
    g_autofree char *path = g_build_filename("/sys/class/net", name, "ifindex", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_ascii_strtoll(text, NULL, 10) : 0;
}

void berth_port_record_others(json_object *document, const char *bridge) {
    g_autoptr(GHashTable) ports = list_ports(bridge);
    json_object *others = berth_document_add_array(document, OTHERS);
    GHashTableIter iterator;
    gpointer name;

    g_hash_table_iter_init(&iterator, ports);
    while (g_hash_table_iter_next(&iterator, &name, NULL))
        berth_document_append_string(others, name);
}

/* Removes from ports those that existed before the document's connection. Returns false for a
 * document of an earlier version, which has not recorded them. */
static bool leave_out_others(json_object *document, GHashTable *ports) {
    g_auto(GStrv) others = NULL;

    if (!json_object_object_get_ex(document, OTHERS, NULL) ||
        !berth_document_get_strings(document, OTHERS, &others, NULL))
        return false;
    for (char **name = others; *name; name++)
        g_hash_table_remove(ports, *name);
    return true;
}

void berth_port_record(json_object *document, const char *bridge) {
    g_autoptr(GHashTable) ports = list_ports(bridge);
    GHashTableIter iterator;
    gpointer name;

    if (!leave_out_others(document, ports) || g_hash_table_size(ports) != 1)
        return;
    g_hash_table_iter_init(&iterator, ports);
    g_hash_table_iter_next(&iterator, &name, NULL);
    berth_document_add_int(document, INDEX, read_index(name));
    berth_document_add_string(document, PORT, name);
    json_object_object_del(document, OTHERS);
}

/* The index distinguishes the port from a later one of the same name. */
static bool read_port(json_object *document, const char **name, int64_t *index) {
    *name = NULL;
    *index = 0;
    return berth_document_get_string(document, PORT, name, NULL) && *name &&
           berth_document_get_int(document, INDEX, index, NULL) && *index > 0;
}

/* Removes from ports those that other documents have recorded. */
static void leave_out_noted(int networks, const char *except, GHashTable *ports) {
    berth_autolist DIR *list = berth_directory_list(networks);
    const char *name, *port;
    int64_t index;

    while (list && g_hash_table_size(ports) > 0 && (name = berth_directory_next(list))) {
        if (name[0] == '.' || !g_str_has_suffix(name, ".json") || g_str_equal(name, except))
            continue;
        g_autoptr(json_object) state = berth_network_state_read(networks, name, NULL);
        if (state && read_port(state, &port, &index))
            g_hash_table_remove(ports, port);
    }
}

/* Every port of a container is a veth, whichever program made it. Interfaces that an administrator
 * adds to the bridge, such as tunnels, VLANs and network cards, have other drivers. */
static bool is_veth(const char *name) {
    berth_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (char *)&info};

    g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
    return fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0 && g_str_equal(info.driver, "veth");
}

/* RTM_DELLINK deletes one end of a pair and thereby both (veth(4)). ENODEV: it is already gone. */
static bool delete_interface(int64_t index, const char *name, GError **error) {
    const struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
    } message = {
        .header = {.nlmsg_len = sizeof message,
                   .nlmsg_type = RTM_DELLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index},
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char echo[sizeof message];
    } answer = {.error = {.error = -EPROTO}};

    berth_autofd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || send(fd, &message, sizeof message, 0) < 0 ||
        recv(fd, &answer, sizeof answer, 0) < (ssize_t)NLMSG_LENGTH(sizeof(int)))
        return berth_error_set_errno(error, errno, "delete the interface %s", name);
    int code = answer.header.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EPROTO;
    return code == 0 || code == ENODEV ||
           berth_error_set_errno(error, code, "delete the interface %s", name);
}

bool berth_port_delete_recorded(json_object *document, GError **error) {
    const char *port;
    int64_t index;

    return !read_port(document, &port, &index) || delete_interface(index, port, error);
}

bool berth_port_delete(int networks, const char *name, json_object *document, const char *bridge,
                       GError **error) {
    g_autoptr(GHashTable) ports = list_ports(bridge);
    GHashTableIter iterator;
    gpointer other;
    const char *port;
    int64_t index;

    if (read_port(document, &port, &index))
        return !g_hash_table_contains(ports, port) || read_index(port) != index ||
               delete_interface(index, port, error);
    if (!leave_out_others(document, ports))
        return true;
    leave_out_noted(networks, name, ports);
    g_hash_table_iter_init(&iterator, ports);
    while (g_hash_table_iter_next(&iterator, &other, NULL))
        if (is_veth(other) && (index = read_index(other)) > 0 &&
            !delete_interface(index, other, error))
            return false;
    return true;
}
