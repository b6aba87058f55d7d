/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* create, start and run. The container gets dist's own standard descriptors; what is typed and what
 * is written passes neither through dist nor through the service. */

#include "client/verbs.h"

#include "base/document.h"
#include "base/fd.h"
#include "client/bundle.h"
#include "client/bus.h"
#include "client/containers.h"
#include "client/descriptors.h"
#include "client/each.h"
#include "client/foreground.h"
#include "client/format.h"
#include "client/mounts.h"
#include "client/terminal.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *id, *working_directory, *user, *hostname, *memory, *cpus, *network, *stop_signal, *slice;
    char *seccomp;
    char **environment, **labels, **add, **drop;
    char *restart, *user_namespace, *detach_keys, *bundle, *spec, *pid_file;
    char **volumes, **tmpfs, **devices, **ports;
    char *health_command;
    gint64 health_interval, health_timeout, health_start, health_retries;
    gboolean read_only, remove, detach, interactive, terminal, privileged, autostart;
    gint64 pids, stop_timeout, preserved;
} Options;

/* A timeout of 0 is one, unlike the other numbers. */
static Options options = {.stop_timeout = -1};

static const DistOption create_options[] = {
    {"id", 0, DIST_OPTION_TEXT, &options.id, N_("Id, made up if not given"), "ID"},
    {"env", 'e', DIST_OPTION_LIST, &options.environment,
     N_("Environment variable; the caller's value without =VALUE"), N_("NAME[=VALUE]")},
    {"workdir", 'w', DIST_OPTION_TEXT, &options.working_directory, N_("Working directory"),
     N_("PATH")},
    {"user", 'u', DIST_OPTION_TEXT, &options.user, N_("User, and group"), N_("USER[:GROUP]")},
    {"hostname", 0, DIST_OPTION_TEXT, &options.hostname, N_("Host name"), N_("NAME")},
    {"read-only", 0, DIST_OPTION_FLAG, &options.read_only, N_("Read-only root file system"), NULL},
    {"memory", 0, DIST_OPTION_TEXT, &options.memory, N_("Memory limit; K, M, G are known"),
     N_("BYTES")},
    {"pids", 0, DIST_OPTION_NUMBER, &options.pids, N_("Limit of tasks"), N_("NUMBER")},
    {"cpus", 0, DIST_OPTION_TEXT, &options.cpus, N_("CPU time limit, in processors"), N_("NUMBER")},
    {"network", 0, DIST_OPTION_TEXT, &options.network, N_("Network: none, host, or one of CNI"),
     N_("NAME")},
    {"label", 'l', DIST_OPTION_LIST, &options.labels, N_("Label"), N_("KEY=VALUE")},
    {"cap-add", 0, DIST_OPTION_LIST, &options.add, N_("Add a capability"), N_("NAME")},
    {"cap-drop", 0, DIST_OPTION_LIST, &options.drop, N_("Drop a capability, or ALL"), N_("NAME")},
    {"seccomp", 0, DIST_OPTION_TEXT, &options.seccomp,
     N_("System call filter: default, unconfined, or a file"), N_("PROFILE")},
    {"stop-signal", 0, DIST_OPTION_TEXT, &options.stop_signal, N_("Signal that stops it"),
     N_("SIGNAL")},
    {"stop-timeout", 0, DIST_OPTION_NUMBER, &options.stop_timeout, N_("Then wait so long"),
     N_("SECONDS")},
    {"slice", 0, DIST_OPTION_TEXT, &options.slice, N_("Slice of its scope"), N_("UNIT")},
    {"rm", 0, DIST_OPTION_FLAG, &options.remove, N_("Delete it when it has ended"), NULL},
    {"tty", 't', DIST_OPTION_FLAG, &options.terminal, N_("With a terminal of its own"), NULL},
    {"volume", 'v', DIST_OPTION_LIST, &options.volumes,
     N_("Mount a path of the host, or a volume; options as ro,noidmap"),
     N_("SOURCE:PATH[:OPTIONS]")},
    {"tmpfs", 0, DIST_OPTION_LIST, &options.tmpfs, N_("Mount an empty temporary file system"),
     N_("PATH[:OPTIONS]")},
    {"publish", 'p', DIST_OPTION_LIST, &options.ports,
     N_("Pass a port of the host on, in a named network"), N_("[IP:]HOST:CONTAINER[/PROTOCOL]")},
    {"device", 0, DIST_OPTION_LIST, &options.devices, N_("Give a device of the host"),
     N_("NODE[:PATH[:rwm]]")},
    {"userns", 0, DIST_OPTION_TEXT, &options.user_namespace, N_("User namespace: auto, host"),
     N_("NAME")},
    {"privileged", 0, DIST_OPTION_FLAG, &options.privileged,
     N_("All capabilities, no system call filter, the host's users"), NULL},
    {"bundle", 0, DIST_OPTION_TEXT, &options.bundle,
     N_("Instead of an image: an OCI bundle, config.json and its root"), N_("DIRECTORY")},
    {"spec", 0, DIST_OPTION_TEXT, &options.spec, N_("An OCI runtime configuration, for the image"),
     N_("FILE")},
    {"health-cmd", 0, DIST_OPTION_TEXT, &options.health_command,
     N_("Command for the shell that says whether it is well, or none"), N_("COMMAND")},
    {"health-interval", 0, DIST_OPTION_NUMBER, &options.health_interval,
     N_("Between two of them, 30 if not given"), N_("SECONDS")},
    {"health-timeout", 0, DIST_OPTION_NUMBER, &options.health_timeout,
     N_("For one of them, 30 if not given"), N_("SECONDS")},
    {"health-start-period", 0, DIST_OPTION_NUMBER, &options.health_start,
     N_("Failures do not count so long after the start"), N_("SECONDS")},
    {"health-retries", 0, DIST_OPTION_NUMBER, &options.health_retries,
     N_("Failures that count, 3 if not given"), N_("NUMBER")},
    {"restart", 0, DIST_OPTION_TEXT, &options.restart,
     N_("Start it again when it ends: no, on-failure, always"), N_("WHEN")},
    {"autostart", 0, DIST_OPTION_FLAG, &options.autostart, N_("Start it when the system starts"),
     NULL},
    DIST_OPTION_END,
};

static const DistOption run_options[] = {
    DIST_OPTION_INCLUDE(create_options),
    {"detach", 'd', DIST_OPTION_FLAG, &options.detach,
     N_("Do not wait; output goes to the journal"), NULL},
    {"interactive", 'i', DIST_OPTION_FLAG, &options.interactive,
     N_("Accepted: standard input is always passed"), NULL},
    {"detach-keys", 0, DIST_OPTION_TEXT, &options.detach_keys,
     N_("Keys that leave a terminal, ctrl-p,ctrl-q if not given"), N_("KEYS")},
    {"pid-file", 0, DIST_OPTION_TEXT, &options.pid_file, N_("Write its pid there when it runs"),
     N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &options.preserved,
     N_("Hand so many descriptors on, from 3 on"), N_("NUMBER")},
    DIST_OPTION_END,
};

static bool parse_memory(const char *text, uint64_t *bytes, GError **error) {
    static const char units[] = "KMGT";
    char *end;
    double value = g_ascii_strtod(text, &end);
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;

    if (unit) {
        for (const char *u = units; u <= unit; u++)
            value *= 1024;
        end++;
        if (g_ascii_toupper(*end) == 'B')
            end++;
    }
    if (end == text || *end != '\0' || !(value >= 1 && value < 1e18))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("\"%s\" is no amount of memory; write it as 512M"), text);
    *bytes = (uint64_t)value;
    return true;
}

static bool parse_cpus(const char *text, uint64_t *usec, GError **error) {
    char *end;
    double value = g_ascii_strtod(text, &end);

    if (end == text || *end != '\0' || !(value > 0.0001 && value < 100000))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("\"%s\" is no number of processors"), text);
    *usec = (uint64_t)(value * G_USEC_PER_SEC);
    return true;
}

/* A variable without a value has the caller's, as env and docker have it. */
static char **complete_environment(void) {
    GPtrArray *complete = g_ptr_array_new();

    for (char **variable = options.environment; variable && *variable; variable++) {
        const char *value = strchr(*variable, '=') ? NULL : g_getenv(*variable);
        if (strchr(*variable, '='))
            g_ptr_array_add(complete, g_strdup(*variable));
        else if (value)
            g_ptr_array_add(complete, g_strconcat(*variable, "=", value, NULL));
    }
    g_ptr_array_add(complete, NULL);
    return (char **)g_ptr_array_free(complete, FALSE);
}

static int append_texts(sd_bus_message *call) {
    const struct {
        const char *key, *value;
    } texts[] = {
        {"WorkingDirectory", options.working_directory},
        {"User", options.user},
        {"Hostname", options.hostname},
        {"Network", options.network},
        {"StopSignal", options.stop_signal},
        {"Slice", options.slice},
        {"Seccomp", options.privileged && !options.seccomp ? "unconfined" : options.seccomp},
        {"UserNamespace",
         options.privileged && !options.user_namespace ? "host" : options.user_namespace},
        {"Restart", options.restart},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value)
            r = sd_bus_message_append(call, "{sv}", texts[i].key, "s", texts[i].value);
    return r;
}

static int append_numbers(sd_bus_message *call, uint64_t memory, uint64_t cpus) {
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"MemoryMax", memory},
        {"CPUQuotaPerSecUSec", cpus},
        {"TasksMax", (uint64_t)options.pids},
        {"HealthIntervalUSec", (uint64_t)options.health_interval * G_USEC_PER_SEC},
        {"HealthTimeoutUSec", (uint64_t)options.health_timeout * G_USEC_PER_SEC},
        {"HealthStartPeriodUSec", (uint64_t)options.health_start * G_USEC_PER_SEC},
        {"HealthRetries", (uint64_t)options.health_retries},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value > 0)
            r = sd_bus_message_append(call, "{sv}", numbers[i].key, "t", numbers[i].value);
    if (r >= 0 && options.stop_timeout >= 0)
        r = sd_bus_message_append(call, "{sv}", "StopTimeoutUSec", "t",
                                  (uint64_t)options.stop_timeout * G_USEC_PER_SEC);
    return r;
}

static int append_health(sd_bus_message *call) {
    bool none = g_strcmp0(options.health_command, "none") == 0;
    char *command[] = {(char *)(none ? "NONE" : "CMD-SHELL"), none ? NULL : options.health_command,
                       NULL};

    return options.health_command ? dist_append_strings(call, "HealthCommand", command) : 0;
}

static int append_flags(sd_bus_message *call) {
    const struct {
        const char *key;
        gboolean value;
    } flags[] = {
        {"ReadOnly", options.read_only},
        {"AutoRemove", options.remove},
        {"Terminal", options.terminal},
        {"Autostart", options.autostart},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(flags); i++)
        if (flags[i].value)
            r = sd_bus_message_append(call, "{sv}", flags[i].key, "b", 1);
    return r;
}

static int append_options(sd_bus_message *call, bool runs, char *const *command, uint64_t memory,
                          uint64_t cpus, GError **error) {
    g_auto(GStrv) environment = complete_environment();
    char *all[] = {(char *)"ALL", NULL};
    int r;

    if ((r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_strings(call, "Command", command)) < 0 ||
        (r = dist_append_strings(call, "Env", environment)) < 0 ||
        (r = dist_append_strings(call, "CapabilitiesAdd", options.privileged ? all : options.add)) <
            0 ||
        (r = dist_append_strings(call, "CapabilitiesDrop", options.drop)) < 0 ||
        (r = dist_append_labels(call, "Labels", options.labels)) < 0 ||
        (r = append_texts(call)) < 0 || (r = append_numbers(call, memory, cpus)) < 0 ||
        (r = dist_append_strings(call, "Devices", options.devices)) < 0 ||
        (r = dist_append_strings(call, "Ports", options.ports)) < 0 ||
        (r = append_health(call)) < 0 || (r = append_flags(call)) < 0 ||
        /* Killed before the start, dist leaves nothing. */
        (runs && (r = sd_bus_message_append(call, "{sv}", "Provisional", "b", 1)) < 0) ||
        (options.bundle && (r = dist_append_bundle(call, options.bundle, error)) < 0) ||
        (options.spec && (r = dist_append_spec(call, options.spec, error)) < 0) ||
        (r = dist_append_mounts(call, options.volumes, options.tmpfs, error)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* A profile is a file, as other runtimes have it, or its text. */
static bool read_seccomp(GError **error) {
    static const char *const names[] = {"default", "unconfined", NULL};
    char *text;

    if (!options.seccomp || options.seccomp[0] == '{' || g_strv_contains(names, options.seccomp) ||
        (!strchr(options.seccomp, '/') && access(options.seccomp, F_OK) < 0))
        return true;
    berth_autofd int file = open(options.seccomp, O_RDONLY | O_CLOEXEC);
    size_t size;
    if (file < 0)
        return berth_error_set_errno(error, errno, "%s", options.seccomp);
    if (!(text = berth_fd_read_stream(file, BERTH_DOCUMENT_MAX_BYTES, &size, error)))
        return false;
    options.seccomp = g_strchug(text);
    return true;
}

/* Makes the container; its id, or NULL. */
static char *create_container(bool runs, char *const *arguments, GError **error) {
    g_autofree char *name = options.bundle ? g_strdup("") : dist_complete_reference(arguments[0]);
    char *const *command = options.bundle ? arguments : arguments + 1;
    uint64_t memory = 0, cpus = 0;
    char *id = NULL;
    const char *path;
    int r;

    if ((options.memory && !parse_memory(options.memory, &memory, error)) ||
        (options.cpus && !parse_cpus(options.cpus, &cpus, error)) || !read_seccomp(error))
        return NULL;
    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, "Create");
    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "ss", options.id ? options.id : "", name)) < 0 ||
        (r = append_options(call, runs, command, memory, cpus, error)) < 0) {
        sd_bus_message_unref(call);
        if (!*error)
            dist_bad_reply(r, error);
        return NULL;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    if (!reply)
        return NULL;
    if ((r = sd_bus_message_read(reply, "o", &path)) < 0 ||
        (r = sd_bus_path_decode(path, "/org/berth1/containers", &id)) <= 0)
        dist_bad_reply(r, error);
    return id;
}

static sd_bus_message *new_start(const char *member, const char *id, bool with_streams,
                                 GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, member);
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "s", id)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (with_streams && (r = dist_append_streams(call)) < 0) ||
        (g_str_equal(member, "Start") && (r = dist_append_descriptors(call)) < 0) ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), NULL;
    }
    return call;
}

static int run_in_foreground(const char *member, const char *id, bool terminal, bool was_stopped,
                             GError **error) {
    g_autoptr(sd_bus_message) start = new_start(member, id, !terminal, error);
    const DistForeground foreground = {
        .id = id,
        .process = "",
        .start = start,
        .wait_after_start = was_stopped,
        .terminal = terminal,
        .detach_keys = options.detach_keys ? options.detach_keys : DIST_DETACH_KEYS,
        .pid_file = options.pid_file,
    };

    return start ? dist_foreground_run(&foreground, error) : DIST_EXIT_BERTH;
}

static bool start_detached(const char *member, const char *id, GError **error) {
    sd_bus_message *call = new_start(member, id, false, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(call, error) : NULL;

    if (!reply || !dist_write_pid(reply, options.pid_file, error))
        return false;
    puts(id);
    return true;
}

/* What a number may not be: nothing is made of it silently. */
static bool check_numbers(GError **error) {
    const struct {
        const char *option;
        gint64 value, least;
    } numbers[] = {
        {"--pids", options.pids, 0},
        {"--stop-timeout", options.stop_timeout, -1},
        {"--health-interval", options.health_interval, 0},
        {"--health-timeout", options.health_timeout, 0},
        {"--health-start-period", options.health_start, 0},
        {"--health-retries", options.health_retries, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value < numbers[i].least) {
            g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, numbers[i].value);
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("%s %s: the number must not be negative"), numbers[i].option,
                                   text);
        }
    return true;
}

static bool check_run_arguments(int argc, GError **error) {
    if (argc < 2 && !options.bundle)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("an argument is missing: IMAGE"));
    return check_numbers(error) &&
           (!options.detach_keys || dist_terminal_check_keys(options.detach_keys, error)) &&
           dist_preserve_descriptors(options.preserved, error);
}

static int verb_create(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    if (!check_run_arguments(argc, error))
        return DIST_EXIT_BERTH;
    g_autofree char *id = create_container(false, argv + 1, error);
    if (!id)
        return DIST_EXIT_BERTH;
    puts(id);
    return EXIT_SUCCESS;
}

/* A container that was only made for this run is of no use when it cannot be started. */
static void remove_unstarted(const char *id) {
    g_autoptr(GError) ignored = NULL;
    g_autoptr(sd_bus_message) reply =
        dist_call(&ignored, DIST_CONTAINERS, "Delete", "sa{sv}", id, 0);
}

static int verb_run(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    if (!check_run_arguments(argc, error))
        return DIST_EXIT_BERTH;
    g_autofree char *id = create_container(true, argv + 1, error);
    if (!id)
        return DIST_EXIT_BERTH;
    if (!options.detach) {
        bool terminal = options.terminal;
        /* A configuration of its own says so itself. */
        if (options.bundle || options.spec)
            dist_container_find_terminal(id, &terminal, NULL);
        int status = run_in_foreground("Start", id, terminal, false, error);
        if (*error && (*error)->code != BERTH_ERROR_LAUNCH_FAILED && options.remove)
            remove_unstarted(id);
        return status;
    }
    return start_detached("Start", id, error) ? EXIT_SUCCESS : DIST_EXIT_BERTH;
}

static bool start_by_id(const char *id, const void *userdata, GError **error) {
    (void)userdata;
    if (start_detached("Start", id, error))
        return true;
    g_prefix_error(error, "%s: ", id);
    return false;
}

static int start_autostarted(GError **error) {
    g_auto(GStrv) ids = dist_containers_list_ids(dist_container_awaits_autostart, error);

    return ids ? dist_for_each(ids, start_by_id, NULL) : EXIT_FAILURE;
}

static struct {
    gboolean attach;
    gboolean autostart;
} start_given;

static const DistOption start_options[] = {
    {"attach", 'a', DIST_OPTION_FLAG, &start_given.attach,
     N_("With these standard descriptors, and wait for its end"), NULL},
    {"autostart", 0, DIST_OPTION_FLAG, &start_given.autostart,
     N_("All that were created with --autostart and do not run"), NULL},
    {"pid-file", 0, DIST_OPTION_TEXT, &options.pid_file, N_("Write its pid there when it runs"),
     N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &options.preserved,
     N_("Hand so many descriptors on, from 3 on"), N_("NUMBER")},
    DIST_OPTION_END,
};

static int verb_start(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);

    if (start_given.autostart == (argc > 1)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("start takes an ID or --autostart"));
        return EXIT_FAILURE;
    }
    if (!dist_preserve_descriptors(options.preserved, error))
        return EXIT_FAILURE;
    if (start_given.autostart)
        return start_autostarted(error);
    if (start_given.attach) {
        g_autoptr(DistContainer) container = dist_container_get(argv[1], error);
        return container ? run_in_foreground("Start", argv[1], container->terminal,
                                             container->state == DIST_CONTAINER_STOPPED, error)
                         : DIST_EXIT_BERTH;
    }
    return start_detached("Start", argv[1], error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct { gboolean attach; } restore_given;

static const DistOption restore_options[] = {
    {"attach", 'a', DIST_OPTION_FLAG, &restore_given.attach,
     N_("With these standard descriptors, and wait for its end"), NULL},
    DIST_OPTION_END,
};

static int verb_restore(char **argv, GError **error) {
    if (restore_given.attach)
        return run_in_foreground("Restore", argv[1], false, true, error);
    return start_detached("Restore", argv[1], error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

const DistVerb dist_run_verbs[] = {
    {.name = "run",
     .arguments = N_("IMAGE [COMMAND…]"),
     .summary = N_("Create a container and run a command in it"),
     .options = run_options,
     .run = verb_run,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist run -it --rm alpine sh"},
    {.name = "create",
     .arguments = N_("IMAGE [COMMAND…]"),
     .summary = N_("Create a container"),
     .options = create_options,
     .run = verb_create,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist create --name=web -p 8080:80 nginx"},
    {.name = "start",
     .arguments = N_("ID"),
     .summary = N_("Start a container"),
     .options = start_options,
     .run = verb_start,
     .max = 1,
     .example = "dist start web"},
    {.name = "restore",
     .arguments = N_("ID"),
     .summary = N_("Start a container where its checkpoint left it"),
     .options = restore_options,
     .run = verb_restore,
     .min = 1,
     .max = 1},
    {.name = NULL},
};
