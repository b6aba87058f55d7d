/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berthd: the service. It opens its state, connects to the system bus, recovers its containers,
 * adds its objects and takes its name, in this order: no call to that name can arrive before all
 * objects exist. It exits when nothing holds it (base/hold.h) and no call has arrived for
 * IDLE_USEC; the bus starts it again. The Daemon owns all parts of the service. Containers do not
 * depend on this process, so on any failure it may simply exit and be started again.
 */

#include "base/directory.h"
#include "base/fd.h"
#include "base/hold.h"
#include "base/log.h"
#include "bus/access.h"
#include "bus/audit.h"
#include "bus/connection.h"
#include "bus/limits.h"
#include "bus/object-manager.h"
#include "bus/refusal.h"
#include "bus/senders.h"
#include "bus/service.h"
#include "bus/subscribers.h"
#include "bus/unicast.h"
#include "bus/watchers.h"
#include "config.h"
#include "containers/parts/firewall.h"
#include "images/pull-resume.h"
#include "seccomp/filter-cache.h"
#include "systemd/shutdown.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#define IDLE_USEC (30ull * G_USEC_PER_SEC)

typedef struct {
    BerthService service;
    BerthContentStore *content;
    BerthImages images;
    int directory;
    int bus_socket;
    BerthSenders *senders;
    sd_event_source *idle;
    BerthShutdown *shutdown;
} Daemon;

static void raise_descriptor_limit(void) {
    struct rlimit limit;

    /* The soft limit is low by default for the sake of select(2), which the service does not use;
     * pipes and pidfds need more. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool block_signals(GError **error) {
    sigset_t signals;

    /* sd_event_add_signal(3) reads signals from a descriptor, for which they must be blocked;
     * sd_event_add_child(3) needs the same for SIGCHLD. A closed pipe is reported as EPIPE, not as
     * SIGPIPE. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &signals, NULL) == 0 ||
           berth_error_set_errno(error, errno, "block signals");
}

/* Whether there are containers or volumes. What is being made or deleted begins with a dot. */
static bool daemon_has_objects(const Daemon *daemon) {
    static const char *const places[] = {"containers", "volumes"};
    const char *name = NULL;

    for (size_t i = 0; !name && i < G_N_ELEMENTS(places); i++) {
        berth_autofd int place =
            openat(daemon->directory, places[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        berth_autolist DIR *list = place < 0 ? NULL : berth_directory_list(place);
        while (list && (name = berth_directory_next(list)) && name[0] == '.')
            ;
    }
    return name != NULL;
}

/* What has no row in the database is taken for remains of a crash and deleted: with a new database,
 * the service would delete all containers and volumes. */
static bool daemon_open_database(Daemon *daemon, const char *path, GError **error) {
    g_autofree char *file = g_build_filename(path, "berth.db", NULL);
    g_autoptr(GError) local = NULL;

    daemon->service.database = berth_database_open_used(file, &local);
    if (daemon->service.database)
        return true;
    /* Directories are read only if the database cannot be used as it is. */
    if (daemon_has_objects(daemon)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    daemon->service.database = berth_database_open(file, error);
    return daemon->service.database;
}

/* systemd sets STATE_DIRECTORY (StateDirectory= in systemd.exec(5)). The database is opened first:
 * both stores need it. */
static bool open_state(Daemon *daemon, GError **error) {
    BerthService *service = &daemon->service;
    const char *path = g_getenv("STATE_DIRECTORY");

    if (!path)
        path = BERTH_STATEDIR;
    umask(0022);
    daemon->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (daemon->directory < 0)
        return berth_error_set_errno(error, errno, "open the state directory %s", path);
    if (!daemon_open_database(daemon, path, error) ||
        !(daemon->content =
              berth_content_store_open(daemon->directory, service->database, error)) ||
        !(service->snapshots = berth_snapshot_store_open(service->event, daemon->directory,
                                                         service->database, error)))
        return false;
    berth_filter_cache_open(daemon->directory);
    service->remotes = berth_remotes_new(service->event);
    service->contents =
        berth_contents_new(service->event, daemon->content, service->database, service->remotes);
    berth_contents_expire_ingests(service->contents, BERTH_INGEST_LIFE_USEC);
    service->transfers = berth_transfers_new(service->event);
    service->images = &daemon->images;
    daemon->images = (BerthImages){
        .event = service->event,
        .database = service->database,
        .contents = service->contents,
        .snapshots = service->snapshots,
        .transfers = service->transfers,
        .remotes = service->remotes,
        .content_directory = openat(daemon->directory, "content", O_PATH | O_DIRECTORY | O_CLOEXEC),
    };
    return true;
}

static int on_bus_lost(sd_bus_message *message, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;

    (void)message;
    (void)error;
    /* Reported as a failure, so that systemd restarts the service (Restart=on-failure); containers
     * are not affected. */
    return sd_event_exit(service->event, EXIT_FAILURE);
}

/* sd-bus itself generates the signal that reports a lost connection; the bus does not send it. */
static bool daemon_connect_bus(Daemon *daemon, GError **error) {
    BerthService *service = &daemon->service;
    int r;

    if (!berth_bus_open_system(&service->bus, &daemon->bus_socket, error))
        return false;
    if ((r = sd_bus_match_signal_async(service->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                       "org.freedesktop.DBus.Local", "Disconnected", on_bus_lost,
                                       NULL, service)) < 0 ||
        (r = sd_bus_attach_event(service->bus, service->event, SD_EVENT_PRIORITY_NORMAL)) < 0)
        return berth_error_set_errno(error, r, "connect to the system bus");
    return true;
}

/* The bus drops a connection that has not sent Hello within its auth_timeout, 30 s, which opening a
 * large or damaged state may exceed: then nothing has used the connection yet, and another one
 * takes its place. Otherwise Hello is sent now, if the bus has answered the authentication already,
 * and not only from the event loop: recovering containers takes its time as well. */
static bool daemon_keep_bus(Daemon *daemon, GError **error) {
    BerthService *service = &daemon->service;
    struct pollfd connection = {.fd = daemon->bus_socket};
    int r;

    if (poll(&connection, 1, 0) > 0) {
        sd_bus_detach_event(service->bus);
        service->bus = sd_bus_close_unref(service->bus);
        berth_fd_clear(&daemon->bus_socket);
        if (!daemon_connect_bus(daemon, error))
            return false;
    }
    while ((r = sd_bus_process(service->bus, NULL)) > 0)
        ;
    return r >= 0 || berth_error_set_errno(error, r, "connect to the system bus");
}

/* Uses the descriptors that systemd has kept (FileDescriptorStoreMax= in systemd.service(5)), which
 * the containers take over. The variables that announce them are removed, so that no child takes
 * them for its own. */
static bool recover_containers(Daemon *daemon, GError **error) {
    BerthService *service = &daemon->service;
    g_auto(GStrv) names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    g_autofree int *fds = g_new0(int, MAX(count, 0) + 1);

    for (int i = 0; i < count; i++)
        fds[i] = SD_LISTEN_FDS_START + i;
    service->containers =
        berth_containers_new(service->bus, daemon->directory, &daemon->images, error);
    return service->containers && berth_containers_recover(service->containers, names, fds,
                                                           (unsigned)MAX(count, 0), error);
}

static bool add_objects(BerthService *service, GError **error) {
    int r;

    /* The object manager's reply lists the kinds of objects in the order in which they are added.
     */
    if ((r = berth_object_manager_add(service)) < 0 || (r = berth_images_bus_add(service)) < 0 ||
        (r = berth_contents_bus_add(service)) < 0 || (r = berth_leases_bus_add(service)) < 0 ||
        (r = berth_containers_bus_add(service)) < 0 || (r = berth_container_bus_add(service)) < 0 ||
        (r = berth_transfers_bus_add(service)) < 0 || (r = berth_networks_bus_add(service)) < 0 ||
        (r = berth_volumes_bus_add(service)) < 0 || (r = berth_pods_bus_add(service)) < 0 ||
        (r = berth_image_bus_add(service)) < 0 || (r = berth_manager_bus_add(service)) < 0 ||
        (r = berth_log_control_bus_add(service)) < 0)
        return berth_error_set_errno(error, r, "add the bus objects");
    return true;
}

/* No call has arrived for a while, but containers keep the service running, perhaps for months. */
static void shrink_memory(Daemon *daemon) {
    berth_database_shrink(daemon->service.database);
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

static int delay_exit(Daemon *daemon) {
    g_autofree char *holds = berth_holds_describe();

    berth_log(LOG_DEBUG, NULL, NULL, NULL, "Not idle: %s", holds);
    shrink_memory(daemon);
    sd_event_source_set_time_relative(daemon->idle, IDLE_USEC);
    return sd_event_source_set_enabled(daemon->idle, SD_EVENT_ONESHOT);
}

/* The name is released first: later calls start the service again after this process has exited.
 * Earlier calls are still in the queue and are answered; if one of them begins new work, the name
 * is taken again. Both calls to the bus block, which is harmless here: nobody is waiting for the
 * service. */
static int exit_if_still_idle(Daemon *daemon) {
    BerthService *service = &daemon->service;
    int r = sd_bus_release_name(service->bus, BERTH_BUS_NAME);

    while (r >= 0 && (r = sd_bus_process(service->bus, NULL)) > 0)
        ;
    if (r >= 0 && berth_holds_count() > 0) {
        r = sd_bus_request_name(service->bus, BERTH_BUS_NAME, 0);
        if (r >= 0)
            return delay_exit(daemon);
    }
    sd_notify(0, "STOPPING=1");
    return sd_event_exit(service->event, r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
    Daemon *daemon = userdata;

    (void)source;
    (void)usec;
    return berth_holds_count() == 0 ? exit_if_still_idle(daemon) : delay_exit(daemon);
}

/* Every call postpones the exit, and is checked against the limits before anything else happens to
 * it. A filter that returns more than 0 has handled the message (sd_bus_add_filter(3)), and
 * rewinding returns 1 for a message with arguments, hence MIN(). Any call may contain a password,
 * even one that is refused before its arguments are read, so sd-bus overwrites the memory of each
 * when it is freed. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
    Daemon *daemon = userdata;

    if (sd_bus_message_is_method_call(message, NULL, NULL) <= 0)
        return 0;
    sd_event_source_set_time_relative(daemon->idle, IDLE_USEC);
    (void)sd_bus_message_sensitive(message);
    return MIN(berth_limits_check(message, error), 0);
}

/* The service is ready only now (Type=notify): units ordered after it can call it by name. */
static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;

    (void)error;
    if (sd_bus_message_is_method_error(reply, NULL)) {
        berth_log(LOG_ERR, NULL, NULL, NULL, "Cannot take the name " BERTH_BUS_NAME ": %s",
                  sd_bus_message_get_error(reply)->message);
        return sd_event_exit(service->event, EXIT_FAILURE);
    }
    sd_notify(0, "READY=1");
    return 0;
}

/* "systemctl reload": the new settings apply to transfers and authorizations that begin from now
 * on. Rules of networks that were flushed are restored. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
    Daemon *daemon = userdata;

    (void)source;
    (void)info;
    berth_remotes_reload(daemon->service.remotes);
    berth_firewall_renew(daemon->service.containers);
    return 0;
}

static bool start_service(Daemon *daemon, GError **error) {
    BerthService *service = &daemon->service;
    int r;

    raise_descriptor_limit();
    if (!block_signals(error))
        return false;
    if ((r = sd_event_default(&service->event)) < 0 ||
        /* Sent from the loop, so that the watchdog also detects a service that blocks in a call. */
        (r = sd_event_set_watchdog(service->event, 1)) < 0 ||
        (r = sd_event_add_signal(service->event, NULL, SIGHUP, on_reload, daemon)) < 0 ||
        (r = sd_event_add_time_relative(service->event, &daemon->idle, CLOCK_MONOTONIC, IDLE_USEC,
                                        0, on_idle, daemon)) < 0)
        return berth_error_set_errno(error, r, "make the event loop");
    berth_log_attach(service->event);
    berth_audit_open(service->event);
    service->waiting = g_ptr_array_new();
    service->creators = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    service->unicast = berth_unicast_new(service);
    service->watchers = berth_watchers_new(service);
    service->subscribers = berth_subscribers_new();
    /* The bus comes first: berth-relay is loaded and the connection negotiated while the state is
     * opened. */
    if (!daemon_connect_bus(daemon, error) || !open_state(daemon, error) ||
        !daemon_keep_bus(daemon, error) ||
        !(daemon->senders = berth_senders_new(service->bus, error)) ||
        !(service->access = berth_access_new(service->bus, error)) ||
        !recover_containers(daemon, error) || !add_objects(service, error) ||
        !(daemon->shutdown = berth_shutdown_new(service->event, service->bus, error)))
        return false;
    if ((r = sd_bus_add_filter(service->bus, NULL, on_message, daemon)) < 0 ||
        (r = sd_bus_request_name_async(service->bus, NULL, BERTH_BUS_NAME, 0, on_name, service)) <
            0)
        return berth_error_set_errno(error, r, "take the name " BERTH_BUS_NAME);
    /* Pulls that the previous run left unfinished are continued; no call is associated with them,
     * so the audit is informed of them here. */
    berth_pull_resume_all(service->images);
    GPtrArray *resumed = berth_transfers_list(service->transfers);
    for (guint i = 0; i < resumed->len; i++)
        berth_audit_adopt(resumed->pdata[i]);
    return true;
}

/* The audit is closed first: it records unfinished changes as unanswered while they are still
 * known. The bus is closed last, after its queue has been sent. berth-relay has a copy of the
 * socket, so closing ours would not end the connection: it is shut down. */
static void stop_service(Daemon *daemon) {
    BerthService *service = &daemon->service;

    berth_shutdown_free(daemon->shutdown);
    berth_audit_close();
    berth_transfers_free(service->transfers);
    berth_contents_free(service->contents);
    berth_containers_free(service->containers);
    berth_remotes_free(service->remotes);
    berth_snapshot_store_free(service->snapshots);
    berth_content_store_free(daemon->content);
    berth_log_detach();
    berth_database_close(service->database);
    berth_watchers_free(service->watchers);
    berth_unicast_free(service->unicast);
    berth_access_free(service->access);
    berth_senders_free(daemon->senders);
    if (service->bus)
        sd_bus_flush_close_unref(service->bus);
    if (daemon->bus_socket >= 0)
        (void)shutdown(daemon->bus_socket, SHUT_RDWR);
    /* Calls that end with the bus leave these. */
    g_clear_pointer(&service->subscribers, g_hash_table_unref);
    g_clear_pointer(&service->creators, g_hash_table_unref);
    g_clear_pointer(&service->waiting, g_ptr_array_unref);
}

/* Errors of this kind stay until an administrator has done something about them: systemd does not
 * try again by itself (RestartPreventExitStatus= in berthd.service), only with the next call. */
static int refuse_start(Daemon *daemon, const GError *error) {
    bool is_lasting = g_error_matches(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);

    berth_log(LOG_ERR, NULL, NULL, NULL, "Cannot start: %s", error->message);
    if (daemon->service.bus)
        berth_refusal_answer(daemon->service.bus, error, is_lasting);
    return is_lasting ? EX_CONFIG : EXIT_FAILURE;
}

int main(void) {
    g_autoptr(GError) error = NULL;
    Daemon daemon = {.directory = -1, .bus_socket = -1};

    g_set_prgname("berthd");
    int status = start_service(&daemon, &error) ? sd_event_loop(daemon.service.event)
                                                : refuse_start(&daemon, error);
    stop_service(&daemon);
    return status < 0 ? EXIT_FAILURE : status;
}
