/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs netavark (its src/network/types.rs defines the input format). berthd chooses the addresses,
 * and a separate unit serves the names (names.c), so that netavark keeps nothing on disk. There is
 * no state here.
 *
 * The one thing to know: netavark tears a network down from inside the container's network
 * namespace, which disappears with its last process. Instead it is given a temporary one, with an
 * interface of the same name. Rules are restored in the same way: netavark has no operation for
 * just that, but when it connects a namespace it adds only the rules that are missing. So a
 * temporary namespace is connected and then removed. Its interface briefly has the container's
 * addresses, including the hardware address: anyone who asks for the owner of an address gets the
 * same answer from both.
 */

#include "network/netavark.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/programs.h"
#include "network/interface.h"
#include "network/port.h"
#include "network/program.h"
#include "network/scratch-namespace.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/wait.h>

#define BIT(capability) (UINT64_C(1) << (capability))
/* CAP_SYS_ADMIN: setns(2). CAP_SYS_PTRACE: opening the namespace of a process in another user
 * namespace (proc(5)). */
#define CAPABILITIES                                                                               \
    (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE))

/* Distinct names, because podman's networks on the same host have rules of the same kind. */
#define PREFIX "berth-"

/* netavark expects 64 hexadecimal digits, like podman's ids, and compares parts of them. */
static void add_id(json_object *object, const char *member, const char *text) {
    g_autofree char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

    berth_document_add_string(object, member, id);
}

static void add_place(json_object *input, const BerthNetavark *netavark, const char *network) {
    const BerthNetworkRequest *request = netavark->request;
    json_object *networks = berth_document_add_object(input, "networks");
    json_object *place = berth_document_add_object(networks, network);

    berth_document_add_string(place, "interface_name", request->interface);
    if (request->mac)
        berth_document_add_string(place, "static_mac", request->mac);
    json_object *addresses = berth_document_add_array(place, "static_ips");
    for (char **address = request->addresses; *address; address++) {
        g_autofree char *bare = g_strndup(*address, strcspn(*address, "/"));
        berth_document_append_string(addresses, bare);
    }
}

static bool add_subnets(json_object *info, const BerthNetworkRequest *request, GError **error) {
    json_object *subnets = berth_document_add_array(info, "subnets");

    for (guint i = 0; i < json_object_array_length(request->subnets); i++) {
        const char *subnet, *gateway;
        if (!berth_network_request_get_subnet(request, i, &subnet, &gateway, error))
            return false;
        json_object *entry = berth_document_append_object(subnets);
        berth_document_add_string(entry, "subnet", subnet);
        berth_document_add_string(entry, "gateway", gateway);
    }
    return true;
}

static bool add_network(json_object *input, const BerthNetworkRequest *request, const char *network,
                        GError **error) {
    json_object *networks = berth_document_add_object(input, "network_info");
    json_object *info = berth_document_add_object(networks, network);

    berth_document_add_string(info, "name", network);
    add_id(info, "id", network);
    berth_document_add_string(info, "driver", "bridge");
    berth_document_add_string(info, "network_interface", request->bridge);
    berth_document_add_bool(info, "internal", request->internal);
    berth_document_add_bool(info, "dns_enabled", false);
    berth_document_add_bool(info, "ipv6_enabled", json_object_array_length(request->subnets) > 1);
    json_object *options = berth_document_add_object(info, "options");
    /* Networks cannot reach each other. */
    berth_document_add_string(options, "isolate", "true");
    /* Since netavark 1.9; earlier versions put the latest network first. */
    if (request->no_route)
        berth_document_add_string(options, "no_default_route", "1");
    if (request->mtu > 0) {
        g_autofree char *mtu = g_strdup_printf("%" G_GINT64_FORMAT, request->mtu);
        berth_document_add_string(options, "mtu", mtu);
    }
    return add_subnets(info, request, error);
}

/* The document comes from berth_spec_add_network(). */
static bool netavark_add_port(json_object *mappings, json_object *port, GError **error) {
    const char *protocol = NULL, *address = NULL;
    int64_t host = 0, container = 0;

    if (!berth_document_get_int(port, "hostPort", &host, error) ||
        !berth_document_get_int(port, "containerPort", &container, error) ||
        !berth_document_get_string(port, "protocol", &protocol, error) ||
        !berth_document_get_string(port, "hostIP", &address, error))
        return false;
    json_object *mapping = berth_document_append_object(mappings);
    berth_document_add_int(mapping, "host_port", host);
    berth_document_add_int(mapping, "container_port", container);
    berth_document_add_int(mapping, "range", 1);
    berth_document_add_string(mapping, "protocol", protocol ? protocol : "tcp");
    berth_document_add_string_or_empty(mapping, "host_ip", address);
    return true;
}

static char *make_netavark_input(const BerthNetavark *netavark, GError **error) {
    g_autoptr(json_object) input = json_object_new_object();
    g_autofree char *network = g_strconcat(PREFIX, netavark->request->network, NULL);

    add_id(input, "container_id", netavark->id);
    berth_document_add_string(input, "container_name", netavark->id);
    add_place(input, netavark, network);
    if (!add_network(input, netavark->request, network, error))
        return NULL;
    json_object *mappings = berth_document_add_array(input, "port_mappings");
    for (guint i = 0; netavark->ports && i < json_object_array_length(netavark->ports); i++)
        if (!netavark_add_port(mappings, json_object_array_get_idx(netavark->ports, i), error))
            return NULL;
    return berth_document_print(input, false);
}

/* A failure is reported as an object on standard output: {"error": TEXT}. */
static bool report_failure(const BerthNetavark *netavark, const char *answer, size_t size,
                           GError **error) {
    g_autoptr(json_object) reply = berth_document_parse(answer, size, NULL);
    const char *message = NULL;

    if (reply)
        (void)berth_document_get_string(reply, "error", &message, NULL);
    return berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED, "network %s: netavark: %.500s",
                           netavark->request->network,
                           message ? message : "failed without a message");
}

static bool run_netavark(const BerthNetavark *netavark, const char *verb, const char *netns,
                         GError **error) {
    g_autofree char *path = berth_program_find("netavark");
    g_autofree char *input = make_netavark_input(netavark, error);
    g_autofree char *answer = NULL;
    size_t size;
    int status;

    if (!input)
        return false;
    if (!path)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "netavark is not installed");
    char *const arguments[] = {path, (char *)verb, (char *)netns, NULL};
    const BerthProgram program = {arguments, NULL, input, CAPABILITIES};
    if (!berth_program_run(&program, &status, &answer, &size, error))
        return false;
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           report_failure(netavark, answer, size, error);
}

bool berth_netavark_set_up(const BerthNetavark *netavark, const char *netns, GError **error) {
    return run_netavark(netavark, "setup", netns, error);
}

/* The interface is deleted explicitly, because the kernel would remove it only some time after the
 * namespace's last process. */
static bool renew_in_scratch(const BerthNetavark *netavark, GError **error) {
    g_auto(BerthScratchNamespace) scratch = BERTH_NO_SCRATCH_NAMESPACE;
    const char *bridge = netavark->request->bridge;
    g_autoptr(json_object) port = json_object_new_object();

    if (!berth_scratch_namespace_open(&scratch, NULL, error))
        return false;
    g_autofree char *netns = g_strdup_printf("/proc/%d/ns/net", (int)scratch.pid);
    berth_port_record_others(port, bridge);
    bool good = berth_netavark_set_up(netavark, netns, error);
    berth_port_record(port, bridge);
    return berth_port_delete_recorded(port, good ? error : NULL) && good;
}

bool berth_netavark_renew(const BerthNetavark *netavark, pid_t pid, GError **error) {
    BerthNetworkRequest request = *netavark->request;
    g_autofree char *mac = berth_interface_read_address(pid, request.interface);
    const BerthNetavark same = {netavark->id, &request, netavark->ports};

    request.mac = mac;
    return !mac || renew_in_scratch(&same, error);
}

bool berth_netavark_tear_down(const BerthNetavark *netavark, const char *netns, GError **error) {
    g_auto(BerthScratchNamespace) scratch = BERTH_NO_SCRATCH_NAMESPACE;
    g_autofree char *bridge = g_build_filename("/sys/class/net", netavark->request->bridge, NULL);

    if (netns[0])
        return run_netavark(netavark, "teardown", netns, error);
    if (!berth_scratch_namespace_open(&scratch, netavark->request->interface, error))
        return false;
    /* If an earlier run has removed the bridge, netavark removes the ports and then fails. */
    bool gone = !g_file_test(bridge, G_FILE_TEST_EXISTS);
    g_autofree char *other = g_strdup_printf("/proc/%d/ns/net", (int)scratch.pid);
    return run_netavark(netavark, "teardown", other, gone ? NULL : error) || gone;
}
