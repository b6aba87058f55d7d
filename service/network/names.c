/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * aardvark-dns reads one file per network (its src/config/mod.rs): the addresses to listen on, then
 * a line for each container, "ID IPV4 IPV6 NAMES[ SERVERS]". The whole file is rewritten from the
 * documents in networks/, so there is nothing to undo after a crash. The server looks a name up in
 * all networks that contain the ID of the client, converted to lower case; a digest of the ID is
 * used, so that ids that differ only in case stay distinct.
 *
 * The server is a separate, confined unit, because it reads what containers send. It runs while
 * there are names to serve. A reload makes it start listening anew some time after the signal
 * (aardvark-dns 1.4). Therefore each of its addresses is then asked for a name, so that a
 * container's name is known when its command runs; if one does not answer, the whole server is
 * restarted.
 */

#include "network/names.h"

#include "base/directory.h"
#include "base/document.h"
#include "base/fd.h"
#include "network/dns-query.h"
#include "network/program.h"
#include "network/request.h"
#include "network/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DIRECTORY "/run/berth-dns"
#define NEW_FILE "/run/.berth-dns.new"
#define PID_FILE "aardvark.pid" /* as in the unit */
#define UNIT "berth-dns.service"
#define SYSTEMCTL "/usr/bin/systemctl"

enum { RELOADED_MSEC = 300, RESTARTED_MSEC = 5000 };

static bool run_systemctl(char *const *arguments, bool *succeeded, GError **error) {
    const BerthProgram program = {arguments, NULL, "", 0};
    g_autofree char *answer = NULL;
    size_t size;
    int status;

    if (!berth_program_run(&program, &status, &answer, &size, error))
        return false;
    *succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
}

static bool control_server(const char *verb, GError **error) {
    char *const arguments[] = {(char *)SYSTEMCTL, (char *)"--quiet", (char *)verb, (char *)UNIT,
                               NULL};
    bool succeeded;

    return run_systemctl(arguments, &succeeded, error) &&
           (succeeded ||
            berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                            "cannot %s berth-dns.service, which resolves the names of containers",
                            verb));
}

/* Sends what ExecReload= of the unit sends. For a reload, systemd would set up the unit's sandbox
 * once more, only to execute kill(1) in it, which takes it longer than a container needs to start.
 * The server's user owns the directory, so the file in it is no more than a reason to try. */
static bool signal_server(int directory) {
    char *const arguments[] = {(char *)SYSTEMCTL,
                               (char *)"--quiet",
                               (char *)"kill",
                               (char *)"--kill-who=main",
                               (char *)"--signal=HUP",
                               (char *)UNIT,
                               NULL};
    bool succeeded;

    return faccessat(directory, PID_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
           run_systemctl(arguments, &succeeded, NULL) && succeeded;
}

static char *join_gateways(const BerthNetworkRequest *request) {
    g_autoptr(GString) text = g_string_new(NULL);
    const char *subnet, *gateway;

    for (guint i = 0; i < json_object_array_length(request->subnets); i++)
        if (berth_network_request_get_subnet(request, i, &subnet, &gateway, NULL))
            g_string_append_printf(text, "%s%s", text->len ? "," : "", gateway);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static const char *find_family(char *const *addresses, bool six) {
    for (; *addresses; addresses++)
        if ((strchr(*addresses, ':') != NULL) == six)
            return *addresses;
    return "";
}

/* A container has the same ID in all of its networks, so that it finds the names of each. */
static void names_add_container(GString *text, const char *key,
                                const BerthNetworkRequest *request) {
    g_autofree char *id = g_strndup(key, strcspn(key, "@"));
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
    g_autofree char *gateways = join_gateways(request);
    g_autofree char *names = g_strjoinv(",", request->names);
    g_autofree char *servers = g_strjoinv(",", request->servers);
    const char *four = find_family(request->addresses, false);
    const char *six = find_family(request->addresses, true);

    if (text->len == 0)
        g_string_append_printf(text, "%s\n", gateways);
    g_string_append_printf(text, "%s %.*s %.*s %s%s%s\n", digest, (int)strcspn(four, "/"), four,
                           (int)strcspn(six, "/"), six, names, servers[0] ? " " : "", servers);
}

/* Returns true, and the request, if the state is that of a container in a network that Berth
 * made. */
static bool names_read_endpoint(int networks, const char *name, json_object **state,
                                BerthNetworkRequest *request) {
    json_object *object = NULL;

    return (*state = berth_network_state_read(networks, name, NULL)) != NULL &&
           berth_document_get_object(*state, "request", &object, NULL) && object &&
           berth_network_request_read(request, object, NULL) && request->bridge;
}

typedef struct {
    const char *bridge;
    GString *text;         /* lines for the containers on it that have names; or NULL */
    unsigned count;        /* the number of containers on it */
    GHashTable *questions; /* gateway → a name that its server must know; or NULL */
} NamesVisit;

static void visit_container(NamesVisit *visit, const char *key,
                            const BerthNetworkRequest *request) {
    const char *subnet, *gateway;

    if (visit->questions && request->dns && request->names[0] &&
        berth_network_request_get_subnet(request, 0, &subnet, &gateway, NULL))
        g_hash_table_replace(visit->questions, g_strdup(gateway), g_strdup(request->names[0]));
    if (!g_str_equal(request->bridge, visit->bridge))
        return;
    visit->count++;
    if (visit->text && request->dns)
        names_add_container(visit->text, key, request);
}

/* Visits the endpoints of all containers but one. */
static void visit_endpoints(int networks, const char *except, NamesVisit *visit) {
    berth_autolist DIR *list = berth_directory_list(networks);
    const char *name;

    while (list && (name = berth_directory_next(list))) {
        if (name[0] == '.' || !g_str_has_suffix(name, ".json"))
            continue;
        g_autofree char *key = g_strndup(name, strlen(name) - strlen(".json"));
        g_auto(BerthNetworkRequest) request = {0};
        g_autoptr(json_object) state = NULL;
        if (g_strcmp0(key, except) != 0 && names_read_endpoint(networks, name, &state, &request))
            visit_container(visit, key, &request);
    }
}

unsigned berth_names_count(int networks, const char *bridge, const char *except) {
    NamesVisit visit = {.bridge = bridge};

    visit_endpoints(networks, except, &visit);
    return visit.count;
}

static bool has_answers(GHashTable *questions, int timeout_msec) {
    GHashTableIter iterator;
    gpointer gateway, name;

    g_hash_table_iter_init(&iterator, questions);
    while (g_hash_table_iter_next(&iterator, &gateway, &name))
        if (!berth_dns_query(gateway, name, timeout_msec))
            return false;
    return true;
}

/* A server that does not answer in this time is not a failure: a container must not fail because
 * the machine is slow. */
static bool reload_server(int directory, GHashTable *questions, GError **error) {
    if (!signal_server(directory) && !control_server("reload-or-restart", error))
        return false;
    if (has_answers(questions, RELOADED_MSEC))
        return true;
    if (!control_server("restart", error))
        return false;
    (void)has_answers(questions, RESTARTED_MSEC);
    return true;
}

/* Written outside the directory and renamed into it, because the server takes every file in it for
 * that of a network. The directory belongs to the server's user, who may put anything there, so
 * links in it are not followed. Nobody else may read the names of all users' containers. (Before
 * the server's first start, the directory is root's; systemd then gives everything in it to that
 * user.) */
static bool write_names(int directory, const char *bridge, const char *text, GError **error) {
    struct stat status;

    unlink(NEW_FILE);
    berth_autofd int file =
        open(NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    return (file >= 0 && fstat(directory, &status) == 0 &&
            fchown(file, status.st_uid, status.st_gid) == 0 &&
            berth_fd_write_all(file, text, strlen(text)) &&
            renameat(AT_FDCWD, NEW_FILE, directory, bridge) == 0) ||
           berth_error_set_errno(error, errno, "write " DIRECTORY "/%s", bridge);
}

static bool serves_other_bridges(int directory) {
    berth_autolist DIR *list = berth_directory_list(directory);
    const char *name;

    while (list && (name = berth_directory_next(list)))
        if (!g_str_equal(name, PID_FILE))
            return true;
    return false;
}

bool berth_names_publish(int networks, const char *bridge, const char *except, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GHashTable) questions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    NamesVisit visit = {.bridge = bridge, .text = text, .questions = questions};

    if (mkdir(DIRECTORY, 0750) < 0 && errno != EEXIST)
        return berth_error_set_errno(error, errno, "make " DIRECTORY);
    berth_autofd int directory = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return berth_error_set_errno(error, errno, "open " DIRECTORY);
    visit_endpoints(networks, except, &visit);
    if (text->len > 0)
        return write_names(directory, bridge, text->str, error) &&
               reload_server(directory, questions, error);
    if (unlinkat(directory, bridge, 0) < 0 && errno == ENOENT)
        return true;
    if (serves_other_bridges(directory))
        return reload_server(directory, questions, error);
    /* Waits until it has ended: a server that is already exiting by itself would not see the next
     * file. */
    return control_server("stop", error);
}
