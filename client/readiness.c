/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends READY=1 for the unit whose main process dist is: when the command runs, when the container
 * is healthy, or when the container itself says so.
 *
 * systemd accepts notifications of the main process only (NotifyAccess=main), which the container
 * is not. So with --notify=container dist makes a socket, mounts it into the container, and passes
 * on what concerns the service's state; the container may send neither MAINPID= nor descriptors.
 *
 * The socket is made before the container, and dist has at most one; everything else is in a
 * DistReadiness, which belongs to its foreground.
 */

#include "client/readiness.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/option.h"
#include "client/sender.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define INSIDE "/run/notify/notify.sock"
#define PREFIX "dist-notify-"

enum { MAX_MESSAGE = 4096, MAX_PASSED = 16 };

struct DistReadiness {
    sd_bus *bus;
    const char *id;
    DistNotify notify;
    bool ready;
    DistReadinessImpossible never;
    void *userdata;
    sd_bus_slot *events, *subscribe, *get;
    sd_event_source *socket;
};

/* For --notify=container; directory is NULL otherwise. */
static struct {
    int socket;
    char *directory, *path;
} proxy = {.socket = -1};

void dist_readiness_forget(void) {
    if (!proxy.directory)
        return;
    unlink(proxy.path);
    rmdir(proxy.directory);
}

/* Removes what killed instances of dist have left behind: nobody receives from their sockets
 * (unix(7), ECONNREFUSED). */
static void proxy_remove_stale(const char *parent) {
    g_autoptr(GDir) list = g_dir_open(parent, 0, NULL);
    const char *name;

    while (list && (name = g_dir_read_name(list))) {
        g_autofree char *directory = g_build_filename(parent, name, NULL);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        berth_autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", directory);
        if (!g_str_has_prefix(name, PREFIX) || n >= (int)sizeof address.sun_path || fd < 0 ||
            connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
            errno != ECONNREFUSED)
            continue;
        (void)unlink(address.sun_path);
        (void)rmdir(directory);
    }
}

/* In a directory that other programs see as well: /tmp may be private to the unit (PrivateTmp=). */
static char *proxy_make_directory(GError **error) {
    const char *runtime = g_getenv("RUNTIME_DIRECTORY");
    g_auto(GStrv) first = g_strsplit(runtime ? runtime : "", ":", 2);
    const char *parent = first[0] && first[0][0] ? first[0]
                         : geteuid() == 0        ? "/run"
                                                 : g_get_user_runtime_dir();
    char *directory = g_build_filename(parent, PREFIX "XXXXXX", NULL);

    proxy_remove_stale(parent);
    if (g_mkdtemp(directory))
        return directory;
    berth_error_set_errno(error, errno, "%s", directory);
    g_free(directory);
    return NULL;
}

/* The container's users have other ids on the host, so everybody may write to the socket; only
 * those who can enter dist's own directory can reach it. */
static bool proxy_open(GError **error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    berth_autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (!(proxy.directory = proxy_make_directory(error)))
        return false;
    proxy.path = g_build_filename(proxy.directory, "notify", NULL);
    atexit(dist_readiness_forget);
    if (strlen(proxy.path) >= sizeof address.sun_path)
        return berth_error_set_errno(error, ENAMETOOLONG, "%s", proxy.path);
    /* It is bound under a temporary name and renamed: under its final name it always has a
     * receiver, so proxy_remove_stale() of another dist does not remove it. */
    snprintf(address.sun_path, sizeof address.sun_path, "%s/new", proxy.directory);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(address.sun_path, 0666) < 0 || rename(address.sun_path, proxy.path) < 0)
        return berth_error_set_errno(error, errno, "%s", proxy.path);
    proxy.socket = berth_fd_steal(&fd);
    return true;
}

bool dist_readiness_prepare(GError **error) {
    const char *watchdog = g_getenv("WATCHDOG_USEC");

    if (dist_run_given.notify != DIST_NOTIFY_CONTAINER || !g_getenv("NOTIFY_SOCKET"))
        return true;
    if (!proxy_open(error))
        return false;
    dist_option_add_to_list(&dist_run_given.volumes,
                            g_strdup_printf("%s:" INSIDE ":noidmap", proxy.path));
    dist_option_add_to_list(&dist_run_given.environment, g_strdup("NOTIFY_SOCKET=" INSIDE));
    if (watchdog)
        dist_option_add_to_list(&dist_run_given.environment,
                                g_strdup_printf("WATCHDOG_USEC=%s", watchdog));
    return true;
}

/* Sent only once: the unit stays ready. */
static void readiness_notify(DistReadiness *readiness) {
    if (!readiness->ready)
        sd_notify(0, "READY=1");
    readiness->ready = true;
}

/* See sd_notify(3). Everything else concerns the manager's bookkeeping of processes and
 * descriptors. */
static bool proxy_passes(const char *line) {
    static const char *const passed[] = {
        "READY=1", "RELOADING=1",     "STOPPING=1",           "STATUS=",
        "ERRNO=",  "MONOTONIC_USEC=", "EXTEND_TIMEOUT_USEC=", "WATCHDOG=",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(passed); i++)
        if (g_str_has_prefix(line, passed[i]))
            return true;
    return false;
}

static void proxy_pass(char *text) {
    g_autoptr(GString) state = g_string_new(NULL);
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (proxy_passes(line))
            g_string_append_printf(state, "%s%s", state->len > 0 ? "\n" : "", line);
    if (state->len > 0)
        sd_notify(0, state->str);
}

/* sd_notify_barrier(3) is answered by closing its descriptor. */
static void proxy_close_descriptors(struct msghdr *header) {
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
        size_t size = item->cmsg_len - CMSG_LEN(0);
        int fds[MAX_PASSED];
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS || size > sizeof fds)
            continue;
        memcpy(fds, CMSG_DATA(item), size);
        for (size_t i = 0; i < size / sizeof(int); i++)
            close(fds[i]);
    }
}

/* A message longer than the buffer is truncated; no more descriptors are received than fit
 * (unix(7), MSG_CTRUNC). */
static int readiness_on_message(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    union {
        char bytes[CMSG_SPACE(MAX_PASSED * sizeof(int))];
        struct cmsghdr align;
    } control;
    char text[MAX_MESSAGE + 1];
    struct iovec part = {text, MAX_MESSAGE};
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };

    (void)source;
    (void)events;
    (void)userdata;
    ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0)
        return 0;
    text[size] = '\0';
    proxy_pass(text);
    proxy_close_descriptors(&header);
    return 0;
}

/* An empty value means that a running container has no health check. */
static void readiness_take_health(DistReadiness *readiness, const char *health) {
    if (g_str_equal(health, "healthy"))
        readiness_notify(readiness);
    else if (health[0] == '\0' && readiness->never)
        readiness->never(readiness->userdata);
}

/* The reply is a{sv}; see the property Health of org.berth1.Container. */
static int readiness_on_properties(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    DistReadiness *readiness = userdata;
    const char *key, *health;

    (void)error;
    readiness->get = sd_bus_slot_unref(readiness->get);
    if (sd_bus_message_is_method_error(reply, NULL) ||
        sd_bus_message_enter_container(reply, 'a', "{sv}") < 0)
        return 0;
    while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
        if (sd_bus_message_read(reply, "s", &key) < 0)
            return 0;
        if (!g_str_equal(key, "Health"))
            sd_bus_message_skip(reply, "v");
        else if (sd_bus_message_read(reply, "v", "s", &health) >= 0)
            readiness_take_health(readiness, health);
        sd_bus_message_exit_container(reply);
    }
    return 0;
}

static void readiness_read_health(DistReadiness *readiness) {
    readiness->get = sd_bus_slot_unref(readiness->get);
    (void)sd_bus_call_method_async(readiness->bus, &readiness->get, DIST_DESTINATION,
                                   DIST_CONTAINERS, "Get", readiness_on_properties, readiness,
                                   "sa{sv}", readiness->id, 0);
}

static int readiness_on_event(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    DistReadiness *readiness = userdata;
    const char *kind, *id;
    uint64_t sequence;

    (void)error;
    if (sd_bus_message_read(signal, "tss", &sequence, &kind, &id) >= 0 &&
        g_str_equal(kind, "healthy") && g_str_equal(id, readiness->id))
        readiness_notify(readiness);
    return 0;
}

static int readiness_on_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    (void)error;
    dist_sender_note(reply);
    /* It may have become healthy in the meantime. */
    readiness_read_health(userdata);
    return 0;
}

/* The match precedes Subscribe, and Subscribe precedes reading the current state, so that no event
 * is lost in between. Called again after a reconnection, when the old slots are invalid. */
static void readiness_subscribe(DistReadiness *readiness) {
    readiness->events = sd_bus_slot_unref(readiness->events);
    readiness->subscribe = sd_bus_slot_unref(readiness->subscribe);
    if (sd_bus_match_signal_async(readiness->bus, &readiness->events, DIST_DESTINATION,
                                  DIST_CONTAINERS, "Event", readiness_on_event, NULL,
                                  readiness) >= 0)
        (void)sd_bus_call_method_async(readiness->bus, &readiness->subscribe, DIST_DESTINATION,
                                       DIST_CONTAINERS, "Subscribe", readiness_on_subscribed,
                                       readiness, "a{sv}", 0);
}

DistReadiness *dist_readiness_new(sd_event *event, sd_bus *bus, const char *id, DistNotify notify) {
    DistReadiness *readiness = g_new0(DistReadiness, 1);

    *readiness = (DistReadiness){.bus = bus, .id = id, .notify = notify};
    if (proxy.socket >= 0)
        (void)sd_event_add_io(event, &readiness->socket, proxy.socket, EPOLLIN,
                              readiness_on_message, readiness);
    return readiness;
}

void dist_readiness_free(DistReadiness *readiness) {
    if (!readiness)
        return;
    sd_bus_slot_unref(readiness->events);
    sd_bus_slot_unref(readiness->subscribe);
    sd_bus_slot_unref(readiness->get);
    sd_event_source_disable_unref(readiness->socket);
    g_free(readiness);
}

void dist_readiness_on_impossible(DistReadiness *readiness, DistReadinessImpossible never,
                                  void *userdata) {
    readiness->never = never;
    readiness->userdata = userdata;
}

void dist_readiness_started(DistReadiness *readiness) {
    if (readiness->notify == DIST_NOTIFY_STARTED)
        readiness_notify(readiness);
    else if (readiness->notify == DIST_NOTIFY_HEALTHY)
        readiness_subscribe(readiness);
}

/* bus may be a new connection: slots of the old one are useless. */
void dist_readiness_returned(DistReadiness *readiness, sd_bus *bus) {
    if (bus != readiness->bus) {
        readiness->events = sd_bus_slot_unref(readiness->events);
        readiness->subscribe = sd_bus_slot_unref(readiness->subscribe);
        readiness->get = sd_bus_slot_unref(readiness->get);
    }
    readiness->bus = bus;
    if (readiness->notify == DIST_NOTIFY_HEALTHY && !readiness->ready)
        readiness_subscribe(readiness);
}
