/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables of the options of create and run. They fill dist_run_given, or dist_run_texts for
 * options whose final value is not a text; dist_run_options_complete() converts those once
 * (run-complete.c), and from then on dist_run_given is only read. docs/podman.md compares each
 * option with podman's, and a test tries the options that it lists.
 */

#include "client/run-options-private.h"

#include "client/network-options.h"
#include "client/progress-view.h"
#include "client/pull.h"
#include "client/run-limits.h"
#include "client/run-process.h"
#include "client/scope-limits.h"

/* Filled while options are parsed, completed by dist_run_options_complete(), and only read
 * afterwards. It lives as long as dist. */
DistRunOptions dist_run_given = {.passes_signals = TRUE, .autostart = DIST_NOT_GIVEN};

DistRunTexts dist_run_texts = {.stop_timeout = -1, .tls_verify = TRUE};

/* Values of options for which Berth has only one behaviour; see DIST_OPTION_ONLY. */
static const char *const health_actions[] = {"none", "kill", "stop", NULL};
static const char *const namespace_modes[] = {"private", "host", NULL};
static const char *const only_private[] = {"private", NULL};
static const char *const only_true[] = {"true", NULL};
static const char *const only_default[] = {"default", NULL};
static const char *const only_false[] = {"false", NULL};
static const char *const only_journald[] = {"journald", NULL};
static const char *const only_enabled[] = {"enabled", NULL};
static const char *const image_volumes[] = {"anonymous", "bind", NULL};
static const char *const sdnotify_modes[] = {"conmon", "ignore", NULL};

/* In the order of the help. Other names that podman has for an option ("The same") have the same
 * target. */
const DistOption dist_create_options[] = {
    DIST_OPTION_TITLE(N_("Identity:")),
    {"name", 0, DIST_OPTION_TEXT, &dist_run_given.id,
     N_("Set the ID of the container; random if not given"), N_("ID")},
    {"id", 0, DIST_OPTION_TEXT, &dist_run_given.id, N_("The same"), N_("ID")},
    {"replace", 0, DIST_OPTION_FLAG, &dist_run_given.replace,
     N_("Delete a container with the same ID first"), NULL},
    {"label", 'l', DIST_OPTION_LIST, &dist_run_given.labels, N_("Add a label"), N_("KEY=VALUE")},
    {"label-file", 0, DIST_OPTION_LIST, &dist_run_texts.label_files, N_("Add the labels in a file"),
     N_("FILE")},
    {"cidfile", 0, DIST_OPTION_TEXT, &dist_run_given.cid_file, N_("Write the ID to a file"),
     N_("FILE")},
    DIST_OPTION_TITLE(N_("Image:")),
    {"pull", 0, DIST_OPTION_TEXT, &dist_run_texts.pull,
     N_("Pull the image: missing (default), always, never"), N_("WHEN")},
    {"platform", 0, DIST_OPTION_TEXT, &dist_run_texts.platform, N_("Only this machine's platform"),
     N_("OS/ARCH[/VARIANT]")},
    {"arch", 0, DIST_OPTION_TEXT, &dist_run_texts.architecture, NULL, N_("ARCH")},
    {"os", 0, DIST_OPTION_TEXT, &dist_run_texts.system, NULL, N_("OS")},
    {"variant", 0, DIST_OPTION_TEXT, &dist_run_texts.variant, NULL, N_("VARIANT")},
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_INCLUDE(dist_retry_options),
    {"tls-verify", 0, DIST_OPTION_FLAG, &dist_run_texts.tls_verify,
     N_("=false: allow plain HTTP and certificates that cannot be checked"), NULL},
    {"authfile", 0, DIST_OPTION_TEXT, &dist_run_texts.auth_file,
     N_("Read the registry's credentials from a file"), N_("FILE")},
    {"bundle", 0, DIST_OPTION_TEXT, &dist_run_given.bundle,
     N_("Use an OCI bundle (config.json and its root) instead of an image"), N_("DIRECTORY")},
    {"rootfs", 0, DIST_OPTION_FLAG, &dist_run_given.rootfs,
     N_("Use a directory, given instead of IMAGE, as the root file system"), NULL},
    {"spec", 0, DIST_OPTION_TEXT, &dist_run_given.spec,
     N_("Use an OCI runtime configuration with the image"), N_("FILE")},
    DIST_OPTION_TITLE(N_("Process:")),
    {"env", 'e', DIST_OPTION_LIST, &dist_run_texts.environment,
     N_("Set an environment variable; to the caller's value without =VALUE"), N_("NAME[=VALUE]")},
    {"env-file", 0, DIST_OPTION_LIST, &dist_run_texts.environment_files,
     N_("Set the variables in a file, one a line"), N_("FILE")},
    {"env-host", 0, DIST_OPTION_FLAG, &dist_run_texts.host_environment,
     N_("Pass all of the caller's environment variables"), NULL},
    {"http-proxy", 0, DIST_OPTION_FLAG, &dist_run_texts.http_proxy,
     N_("Pass the caller's variables for HTTP proxies"), NULL},
    {"env-merge", 0, DIST_OPTION_LIST, &dist_run_given.merged,
     N_("Set a variable, expanding those of the image: PATH=${PATH}:/opt"), N_("NAME=VALUE")},
    {"tz", 0, DIST_OPTION_TEXT, &dist_run_texts.timezone,
     N_("Set the time zone, in the variable TZ; local: the host's"), N_("ZONE")},
    {"workdir", 'w', DIST_OPTION_TEXT, &dist_run_given.working_directory,
     N_("Set the working directory"), N_("PATH")},
    {"user", 'u', DIST_OPTION_TEXT, &dist_run_given.user, N_("Set the user, and the group"),
     N_("USER[:GROUP]")},
    DIST_OPTION_INCLUDE(dist_run_process_options),
    {"tty", 't', DIST_OPTION_FLAG, &dist_run_given.terminal, N_("Allocate a terminal"), NULL},
    {"stop-signal", 0, DIST_OPTION_TEXT, &dist_run_given.stop_signal,
     N_("Set the signal that stops it"), N_("SIGNAL")},
    {"stop-timeout", 0, DIST_OPTION_NUMBER, &dist_run_texts.stop_timeout,
     N_("Set the time to wait before SIGKILL"), N_("SECONDS")},
    DIST_OPTION_TITLE(N_("Files:")),
    {"volume", 'v', DIST_OPTION_LIST, &dist_run_given.volumes,
     N_("Mount a path of the host, or a volume; options such as ro,noidmap"),
     N_("[SOURCE:]PATH[:OPTIONS]")},
    {"volumes-from", 0, DIST_OPTION_LIST, &dist_run_texts.volume_sources,
     N_("Mount the volumes and paths of another container"), N_("ID[:OPTIONS]")},
    {"mount", 0, DIST_OPTION_LIST, &dist_run_given.mounts,
     N_("The same by fields: type= (bind, volume, tmpfs, image, artifact), source=, target= …"),
     N_("FIELDS")},
    {"tmpfs", 0, DIST_OPTION_LIST, &dist_run_given.tmpfs,
     N_("Mount an empty temporary file system"), N_("PATH[:OPTIONS]")},
    {"shm-size", 0, DIST_OPTION_TEXT, &dist_run_texts.shm_size, N_("Set the size of /dev/shm"),
     N_("BYTES")},
    {"secret", 0, DIST_OPTION_LIST, &dist_run_given.secrets,
     N_("Pass a secret in /run/secrets or in a variable, from a file or the unit's credential "
        "of that name"),
     N_("NAME[=FILE][,type=env][,target=NAME]")},
    {"credentials", 0, DIST_OPTION_FLAG, &dist_run_given.credentials,
     N_("Pass all credentials of the unit that dist runs in as secrets"), NULL},
    {"read-only", 0, DIST_OPTION_FLAG, &dist_run_given.read_only,
     N_("Make the root file system read-only"), NULL},
    {"device", 0, DIST_OPTION_LIST, &dist_run_given.devices, N_("Allow a device of the host"),
     N_("NODE[:PATH[:rwm]]")},
    {"gpus", 0, DIST_OPTION_LIST, &dist_run_texts.gpus,
     N_("Allow GPUs, as CDI describes them: all, device=NAME,…"), N_("GPUS")},
    DIST_OPTION_TITLE(N_("Network:")),
    DIST_OPTION_INCLUDE(dist_network_options),
    {"publish", 'p', DIST_OPTION_LIST, &dist_run_texts.ports,
     N_("Publish a port, or a range of ports"), N_("[[IP:][HOST]:]CONTAINER[/PROTOCOL]")},
    {"pod", 0, DIST_OPTION_TEXT, &dist_run_given.pod,
     N_("Run it in this pod, which is started; new:NAME creates it with the network options"),
     N_("NAME")},
    {"hostname", 'h', DIST_OPTION_TEXT, &dist_run_given.hostname, N_("Set the host name"),
     N_("NAME")},
    DIST_OPTION_TITLE(N_("Resources:")),
    DIST_OPTION_INCLUDE(dist_limit_options),
    DIST_OPTION_INCLUDE(dist_run_limit_options),
    {"slice", 0, DIST_OPTION_TEXT, &dist_run_given.slice, N_("Set the slice of its scope"),
     N_("UNIT")},
    {"cgroup", 0, DIST_OPTION_TEXT, &dist_run_texts.cgroup,
     N_("Place it in a scope (default), or with caller in the unit that dist runs in"),
     N_("PLACE")},
    {"unit-bound", 0, DIST_OPTION_FLAG, &dist_run_given.unit_bound,
     N_("Stop it when the unit that dist runs in stops"), NULL},
    {"cgroup-parent", 0, DIST_OPTION_TEXT, &dist_run_given.slice, N_("The same"), N_("UNIT")},
    DIST_OPTION_TITLE(N_("Security:")),
    {"cap-add", 0, DIST_OPTION_LIST, &dist_run_given.add, N_("Add a capability"), N_("NAME")},
    {"cap-drop", 0, DIST_OPTION_LIST, &dist_run_given.drop, N_("Drop a capability, or ALL"),
     N_("NAME")},
    {"seccomp", 0, DIST_OPTION_TEXT, &dist_run_texts.seccomp,
     N_("System call filter: default, unconfined, or a file"), N_("PROFILE")},
    {"security-opt", 0, DIST_OPTION_LIST, &dist_run_texts.security,
     N_("seccomp=PROFILE, apparmor=PROFILE, mask=PATH:…, unmask=ALL, unmask=PATH:…, "
        "no-new-privileges, label=disable"),
     N_("OPTION")},
    {"userns", 0, DIST_OPTION_TEXT, &dist_run_given.user_namespace,
     N_("User namespace: auto, host, keep-id"), N_("MODE")},
    {"pid", 0, DIST_OPTION_TEXT, &dist_run_given.pid_namespace, N_("PID namespace: private, host"),
     N_("MODE"), .choices = namespace_modes},
    {"ipc", 0, DIST_OPTION_TEXT, &dist_run_given.ipc_namespace, N_("IPC namespace: private, host"),
     N_("MODE"), .choices = namespace_modes},
    {"uts", 0, DIST_OPTION_TEXT, &dist_run_given.uts_namespace, N_("UTS namespace: private, host"),
     N_("MODE"), .choices = namespace_modes},
    {"privileged", 0, DIST_OPTION_FLAG, &dist_run_given.privileged,
     N_("Grant all capabilities, without system call filter and user namespace"), NULL},
    DIST_OPTION_TITLE(N_("Health:")),
    {"health-cmd", 0, DIST_OPTION_TEXT, &dist_run_texts.health_command,
     N_("Check the health with a shell command, or none"), N_("COMMAND")},
    {"health-interval", 0, DIST_OPTION_TEXT, &dist_run_texts.health_interval,
     N_("Set the time between two checks; 30s if not given"), N_("TIME")},
    {"health-timeout", 0, DIST_OPTION_TEXT, &dist_run_texts.health_timeout,
     N_("Limit the time of a check; 30s if not given"), N_("TIME")},
    {"health-start-period", 0, DIST_OPTION_TEXT, &dist_run_texts.health_start,
     N_("Ignore failures for this long after the start"), N_("TIME")},
    {"health-start-interval", 0, DIST_OPTION_TEXT, &dist_run_texts.health_start_interval,
     N_("Set the time between two checks in the start period; 5s if not given"), N_("TIME")},
    {"health-on-failure", 0, DIST_OPTION_TEXT, &dist_run_given.health_action,
     N_("Set the action when it becomes unhealthy: none, kill, stop"), N_("ACTION"),
     .choices = health_actions},
    {"health-retries", 0, DIST_OPTION_NUMBER, &dist_run_texts.health_retries,
     N_("Number of failures that make it unhealthy; 3 if not given"), N_("NUMBER")},
    DIST_OPTION_INCLUDE(dist_run_startup_options),
    {"no-healthcheck", 0, DIST_OPTION_FLAG, &dist_run_texts.no_health,
     N_("Do not check the health"), NULL},
    DIST_OPTION_TITLE(N_("Lifecycle:")),
    {"restart", 0, DIST_OPTION_TEXT, &dist_run_texts.restart,
     N_("Restart it when it exits: no, on-failure[:N], always, unless-stopped"), N_("WHEN")},
    {"autostart", 0, DIST_OPTION_FLAG, &dist_run_given.autostart,
     N_("Start it at boot; implied by --restart=always"), NULL},
    {"rm", 0, DIST_OPTION_FLAG, &dist_run_given.remove, N_("Delete it when it has exited"), NULL},
    {"rmi", 0, DIST_OPTION_FLAG, &dist_run_given.remove_image, N_("The same, and then the image"),
     NULL},
    {"interactive", 'i', DIST_OPTION_FLAG, NULL,
     N_("Without effect: standard input is always "
        "passed"),
     NULL},
    /* Options of podman's for which Berth has only one behaviour: just the value that names it is
     * accepted. */
    {"cgroupns", 0, DIST_OPTION_ONLY, NULL, N_("each container has its own cgroup namespace"),
     N_("MODE"), .choices = only_private},
    {"image-volume", 0, DIST_OPTION_ONLY, NULL,
     N_("the image's volumes are directories of the container"), N_("MODE"),
     .choices = image_volumes},
    {"cgroups", 0, DIST_OPTION_ONLY, NULL, N_("each container is a systemd scope"), N_("MODE"),
     .choices = only_enabled},
    {"log-driver", 0, DIST_OPTION_ONLY, NULL, N_("output goes to the journal"), N_("DRIVER"),
     .choices = only_journald},
    {"read-only-tmpfs", 0, DIST_OPTION_ONLY, NULL,
     N_("with --read-only, /tmp and /run are always writable"), N_("BOOL"), .choices = only_true},
    {"sdnotify", 0, DIST_OPTION_ONLY, NULL,
     N_("dist itself sends READY=1 when the container "
        "runs"),
     N_("MODE"), .choices = sdnotify_modes},
    {"sig-proxy", 0, DIST_OPTION_ONLY, NULL, N_("it is only an option of run"), N_("BOOL"),
     .choices = only_true},
    {"systemd", 0, DIST_OPTION_ONLY, NULL,
     N_("a container is prepared for an init if its command is named init or systemd"), N_("MODE"),
     .choices = only_true},
    {"passwd", 0, DIST_OPTION_ONLY, NULL, N_("the service does not write /etc/passwd"), N_("BOOL"),
     .choices = only_false},
    {"seccomp-policy", 0, DIST_OPTION_ONLY, NULL, N_("see --seccomp"), N_("POLICY"),
     .choices = only_default},
    /* Berth has no content trust of docker's, as podman has not. */
    {"disable-content-trust", 0, DIST_OPTION_FLAG, NULL, NULL, NULL},
    {"expose", 0, DIST_OPTION_LIST, NULL, NULL, N_("PORT")},
    {"attach", 'a', DIST_OPTION_LIST, NULL, NULL, N_("STREAM")},
    DIST_OPTION_INCLUDE(dist_run_refused_options),
    DIST_OPTION_END,
};

/* podman's words for --notify, whose value this replaces. */
static bool take_sdnotify(const char *value, GError **error) {
    static const char *const words[][2] = {{"container", "container"},
                                           {"healthy", "healthy"},
                                           {"conmon", "started"},
                                           {"ignore", "started"}};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(words[i][0], value)) {
            dist_run_texts.notify = (char *)words[i][1];
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid value \"%s\" of %s"),
                           value, "--sdnotify");
}

const DistOption dist_run_options[] = {
    DIST_OPTION_TITLE(N_("Run:")),
    {"detach", 'd', DIST_OPTION_FLAG, &dist_run_given.detach,
     N_("Do not wait; output goes to the journal"), NULL},
    {"log-driver", 0, DIST_OPTION_TEXT, &dist_run_texts.log_driver,
     N_("With -d: journald (default), or none to discard the output"), N_("DRIVER")},
    {"detach-keys", 0, DIST_OPTION_TEXT, &dist_run_given.detach_keys,
     N_("Set the keys that detach from the terminal; ctrl-p,ctrl-q if not given"), N_("KEYS")},
    {"pid-file", 0, DIST_OPTION_TEXT, &dist_run_given.pid_file,
     N_("Write its PID to a file once it runs"), N_("FILE")},
    {"notify", 0, DIST_OPTION_TEXT, &dist_run_texts.notify,
     N_("Report a Type=notify unit as ready when: started (default), healthy, container, no"),
     N_("WHEN")},
    {"sdnotify", 0, DIST_OPTION_CALL, NULL, NULL, N_("MODE"), .take = take_sdnotify},
    {"pidfile", 0, DIST_OPTION_TEXT, &dist_run_given.pid_file, NULL, N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &dist_run_given.preserved,
     N_("Pass N extra descriptors, starting at 3"), N_("N")},
    {"preserve-fd", 0, DIST_OPTION_LIST, &dist_run_given.preserved_lists,
     N_("Pass these descriptors, with their numbers"), N_("FD,…")},
    {"requires", 0, DIST_OPTION_LIST, &dist_run_given.required,
     N_("Start these containers first, if they do not run"), N_("ID,…")},
    {"sig-proxy", 0, DIST_OPTION_FLAG, &dist_run_given.passes_signals,
     N_("=false: signals end dist, and the container keeps running"), NULL},
    DIST_OPTION_INCLUDE(dist_create_options),
    DIST_OPTION_END,
};
