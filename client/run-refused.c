/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * podman's and docker's options that dist refuses, each with the reason or with an option that does
 * the same: a command line written for podman must not run with an option silently ignored.
 */

#include "client/run-options.h"

#define REFUSED(name, reason, value)                                                               \
    { name, 0, DIST_OPTION_REFUSED, NULL, reason, value }

/* podman's word for its event log, which is the journal here. */
static const char *const health_destinations[] = {"events_logger", NULL};
static const char *const only_default_isolation[] = {"default", NULL};
static const char *const only_local[] = {"local", NULL};

const DistOption dist_limit_refused_options[] = {
    REFUSED("cpu-rt-period", N_("cgroup v2 has no real-time limits"), N_("MICROSECONDS")),
    REFUSED("cpu-rt-runtime", N_("cgroup v2 has no real-time limits"), N_("MICROSECONDS")),
    REFUSED("kernel-memory", N_("cgroup v2 has no such setting"), N_("BYTES")),
    REFUSED("memory-swappiness", N_("cgroup v2 has no such setting"), N_("NUMBER")),
    DIST_OPTION_END,
};

const DistOption dist_run_refused_options[] = {
    DIST_OPTION_INCLUDE(dist_limit_refused_options),
    REFUSED("cert-dir", N_("certificates are in the certs.d directories of the service"),
            N_("DIRECTORY")),
    REFUSED("chrootdirs", N_("containers have no such directories"), N_("DIRECTORY")),
    REFUSED("conmon-pidfile", N_("there is no conmon: the service itself is the parent"),
            N_("FILE")),
    REFUSED("cpu-count", N_("it is for Windows; see --cpus"), N_("NUMBER")),
    REFUSED("cpu-percent", N_("it is for Windows; see --cpus"), N_("NUMBER")),
    REFUSED("creds", N_("every user can see the command line; use \"dist login\""),
            N_("USER:PASSWORD")),
    REFUSED("decryption-key", N_("encrypted images are not supported"), N_("KEY")),
    REFUSED("device-cgroup-rule", N_("use --device, or rules in --spec"), N_("RULE")),
    REFUSED("domainname", N_("use --hostname with the full name"), N_("NAME")),
    REFUSED("gidmap", N_("the service assigns the ids of a user namespace"), N_("MAP")),
    REFUSED("group-entry", N_("the service does not write /etc/group"), N_("ENTRY")),
    {"health-log-destination", 0, DIST_OPTION_ONLY, NULL,
     N_("the results of checks are in the journal: only events_logger"), N_("WHERE"),
     .choices = health_destinations},
    REFUSED("health-max-log-count", N_("the journal has its own limits"), N_("NUMBER")),
    REFUSED("health-max-log-size", N_("the journal has its own limits"), N_("NUMBER")),
    REFUSED("hostuser", N_("the service does not write /etc/passwd"), N_("USER")),
    REFUSED("hosts-file", N_("/etc/hosts has the host's entries and the container's name"),
            N_("FILE")),
    REFUSED("init-ctr", N_("the containers of a pod are started one by one"), N_("MODE")),
    REFUSED("init-path", N_("the service has its own init; see --init"), N_("PATH")),
    REFUSED("io-maxbandwidth", N_("it is for Windows; see --device-read-bps"), N_("BYTES")),
    REFUSED("io-maxiops", N_("it is for Windows; see --device-read-iops"), N_("NUMBER")),
    {"isolation", 0, DIST_OPTION_ONLY, NULL, N_("it is for Windows"), N_("KIND"),
     .choices = only_default_isolation},
    REFUSED("link", N_("the containers of a network find each other by name; see --network"),
            N_("ID[:ALIAS]")),
    REFUSED("link-local-ip", N_("the network assigns the address"), N_("ADDRESS")),
    REFUSED("no-hostname", N_("/etc/hostname always has the container's name"), NULL),
    REFUSED("oom-kill-disable", N_("cgroup v2 has no such setting"), NULL),
    REFUSED("passwd-entry", N_("the service does not write /etc/passwd"), N_("ENTRY")),
    REFUSED("pod-id-file", N_("a pod is identified by its name; see --pod"), N_("FILE")),
    REFUSED("rdt-class", N_("use intelRdt in --spec"), N_("CLASS")),
    REFUSED("requires", N_("it is only an option of run"), N_("ID,…")),
    REFUSED("runtime", N_("the service runs containers itself; for GPUs, see --gpus"), N_("NAME")),
    REFUSED("shm-size-systemd", N_("see --shm-size"), N_("BYTES")),
    REFUSED("storage-opt", N_("the administrator sets quotas in berth.conf"), N_("OPTION")),
    REFUSED("subgidname", N_("the service assigns the ids of a user namespace"), N_("NAME")),
    REFUSED("subuidname", N_("the service assigns the ids of a user namespace"), N_("NAME")),
    REFUSED("uidmap", N_("the service assigns the ids of a user namespace"), N_("MAP")),
    REFUSED("use-api-socket", N_("clients of the service use the system bus"), NULL),
    {"volume-driver", 0, DIST_OPTION_ONLY, NULL, N_("volumes are directories of the service"),
     N_("DRIVER"), .choices = only_local},
    DIST_OPTION_END,
};
