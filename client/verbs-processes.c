/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about running containers and their processes: exec, attach, checkpoint, update, top, stats
 * and others. exec and attach end with the exit status of the process, with DIST_EXIT_BERTH if it
 * is not known; foreground.c waits for it.
 */

#include "client/verbs.h"

#include "base/cpu-list.h"
#include "base/fd.h"
#include "client/bundle.h"
#include "client/bus.h"
#include "client/containers.h"
#include "client/descriptors.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/foreground.h"
#include "client/listing.h"
#include "client/run-values.h"
#include "client/table.h"
#include "client/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *working_directory, *user, *detach_keys, *process, *spec, *pid_file;
    char **environment, **environment_files, **add;
    gboolean terminal, interactive, detach, no_new_privileges;
    gint64 preserved;
} ExecOptions;

/* Files first, so that --env overrides them. The caller frees the list. */
static char **exec_read_environment(const ExecOptions *options, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

    for (char **file = options->environment_files; file && *file; file++)
        if (!dist_add_variables_of_file(list, *file, error))
            return NULL;
    for (char **variable = options->environment; variable && *variable; variable++)
        dist_add_variable(list, *variable);
    g_ptr_array_add(list, NULL);
    return g_strdupv((char **)list->pdata);
}

static int append_exec(sd_bus_message *call, const ExecOptions *options, const char *spec) {
    uint32_t rows, columns;
    int r;

    if ((r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_strings(call, "Env", options->environment)) < 0 ||
        (r = dist_append_strings(call, "CapabilitiesAdd", options->add)) < 0 ||
        (options->user &&
         (r = sd_bus_message_append(call, "{sv}", "User", "s", options->user)) < 0) ||
        (options->working_directory &&
         (r = sd_bus_message_append(call, "{sv}", "WorkingDirectory", "s",
                                    options->working_directory)) < 0) ||
        (spec && (r = sd_bus_message_append(call, "{sv}", "Spec", "s", spec)) < 0) ||
        (options->no_new_privileges &&
         (r = sd_bus_message_append(call, "{sv}", "NoNewPrivileges", "b", 1)) < 0) ||
        (options->terminal && (r = sd_bus_message_append(call, "{sv}", "Terminal", "b", 1)) < 0))
        return r;
    if (options->terminal && dist_terminal_get_size(&rows, &columns) &&
        (r = sd_bus_message_append(call, "{sv}{sv}", "Rows", "u", rows, "Columns", "u", columns)) <
            0)
        return r;
    /* With a terminal or detached, the process has no streams of dist's. */
    if ((!options->terminal && !options->detach && (r = dist_append_streams(call)) < 0) ||
        (r = dist_append_descriptors(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static sd_bus_message *new_exec(const char *id, char *const *command, ExecOptions *options,
                                GError **error) {
    g_autofree char *spec =
        options->spec ? dist_read_process(options->spec, &options->terminal, error) : NULL;
    sd_bus_message *call =
        options->spec && !spec ? NULL : dist_new_call(error, DIST_CONTAINERS, "Exec");
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "ss", id, options->process)) < 0 ||
        (r = sd_bus_message_append_strv(call, (char **)command)) < 0 ||
        (r = append_exec(call, options, spec)) < 0) {
        sd_bus_message_unref(call);
        dist_bad_reply(r, error);
        return NULL;
    }
    return call;
}

static ExecOptions exec_given;

static const DistOption exec_options[] = {
    {"interactive", 'i', DIST_OPTION_FLAG, &exec_given.interactive,
     N_("Accepted: standard input is always passed"), NULL},
    {"tty", 't', DIST_OPTION_FLAG, &exec_given.terminal, N_("Give it a terminal"), NULL},
    {"detach", 'd', DIST_OPTION_FLAG, &exec_given.detach,
     N_("Do not wait; output goes to the journal"), NULL},
    {"process", 0, DIST_OPTION_TEXT, &exec_given.process,
     N_("ID of the process, random if not given"), "ID"},
    {"env", 'e', DIST_OPTION_LIST, &exec_given.environment, N_("Environment variable"),
     N_("NAME=VALUE")},
    {"env-file", 0, DIST_OPTION_LIST, &exec_given.environment_files,
     N_("Environment variables in a file, one a line"), N_("FILE")},
    {"workdir", 'w', DIST_OPTION_TEXT, &exec_given.working_directory, N_("Working directory"),
     N_("PATH")},
    {"user", 'u', DIST_OPTION_TEXT, &exec_given.user, N_("User, and group"), N_("USER[:GROUP]")},
    {"cap-add", 0, DIST_OPTION_LIST, &exec_given.add, N_("Add a capability"), N_("NAME")},
    {"no-new-privileges", 0, DIST_OPTION_FLAG, &exec_given.no_new_privileges,
     N_("Prevent it from gaining privileges"), NULL},
    {"spec", 0, DIST_OPTION_TEXT, &exec_given.spec,
     N_("A process of the OCI runtime specification, instead of the container's"), N_("FILE")},
    {"pid-file", 0, DIST_OPTION_TEXT, &exec_given.pid_file,
     N_("Write its PID to a file when it runs"), N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &exec_given.preserved,
     N_("Pass N extra descriptors, starting at 3"), N_("N")},
    {"detach-keys", 0, DIST_OPTION_TEXT, &exec_given.detach_keys,
     N_("Keys that leave a terminal, ctrl-p,ctrl-q if not given"), N_("KEYS")},
    {"cidfile", 0, DIST_OPTION_REFUSED, NULL,
     N_("name the container; $(cat FILE) has what run --cidfile wrote"), N_("FILE")},
    {"latest", 'l', DIST_OPTION_REFUSED, NULL, N_("name the container; \"dist ps\" lists them"),
     NULL},
    {"preserve-fd", 0, DIST_OPTION_REFUSED, NULL, N_("see --preserve-fds"), N_("LIST")},
    {"privileged", 0, DIST_OPTION_REFUSED, NULL,
     N_("no process has more devices than its container; see --cap-add"), NULL},
    DIST_OPTION_END,
};

static int verb_exec(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    ExecOptions *options = &exec_given;

    if (argc < 3 && !options->spec) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("exec: an argument is missing: COMMAND"));
        return DIST_EXIT_BERTH;
    }
    if ((options->detach_keys && !dist_terminal_check_keys(options->detach_keys, error)) ||
        !dist_preserve_descriptors(options->preserved, error))
        return DIST_EXIT_BERTH;
    /* The id is chosen here, since Wait, Attach and Kill need it. */
    if (!options->process)
        options->process = g_strdup_printf("exec-%08x%08x", g_random_int(), g_random_int());
    g_auto(GStrv) environment = exec_read_environment(options, error);
    if (!environment)
        return DIST_EXIT_BERTH;
    options->environment = environment;
    g_autoptr(sd_bus_message) call = new_exec(argv[1], argv + 2, options, error);
    if (!call)
        return DIST_EXIT_BERTH;
    if (options->detach) {
        g_autoptr(sd_bus_message) reply = dist_send(sd_bus_message_ref(call), error);
        if (!reply || !dist_write_pid(reply, options->pid_file, error))
            return DIST_EXIT_BERTH;
        puts(options->process);
        return EXIT_SUCCESS;
    }
    const DistForeground foreground = {
        .id = argv[1],
        .process = options->process,
        .start = call,
        /* Before Exec there is no process to wait for. */
        .wait_after_start = true,
        .terminal = options->terminal,
        .detach_keys = options->detach_keys ? options->detach_keys : DIST_DETACH_KEYS,
        .pid_file = options->pid_file,
    };
    return dist_foreground_run(&foreground, error);
}

static struct {
    char *keys;
    char *process;
} attach_given;

static const DistOption attach_options[] = {
    {"detach-keys", 0, DIST_OPTION_TEXT, &attach_given.keys,
     N_("Keys that leave a terminal, ctrl-p,ctrl-q if not given"), N_("KEYS")},
    {"process", 0, DIST_OPTION_TEXT, &attach_given.process,
     N_("Select a process that exec started"), "ID"},
    DIST_OPTION_END,
};

static int verb_attach(char **argv, GError **error) {
    if (attach_given.keys && !dist_terminal_check_keys(attach_given.keys, error))
        return DIST_EXIT_BERTH;
    /* A process of exec is attached to by its terminal only. A container without one is followed in
     * the journal, which is read on this machine. */
    bool terminal = attach_given.process != NULL;
    if (!attach_given.process && !dist_container_find_terminal(argv[1], &terminal, error))
        return DIST_EXIT_BERTH;
    if (!terminal && (dist_settings.host || dist_settings.machine)) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        _("%s has no terminal, and its journal is on another machine"), argv[1]);
        return DIST_EXIT_BERTH;
    }
    const DistForeground foreground = {
        .id = argv[1],
        .process = attach_given.process ? attach_given.process : "",
        .terminal = terminal,
        .journal = !terminal,
        .detach_keys = attach_given.keys ? attach_given.keys : DIST_DETACH_KEYS,
    };
    return dist_foreground_run(&foreground, error);
}

static struct { gboolean leave; } checkpoint_given;

static const DistOption checkpoint_options[] = {
    {"leave-running", 'R', DIST_OPTION_FLAG, &checkpoint_given.leave, N_("Leave it running"), NULL},
    DIST_OPTION_END,
};

static int verb_checkpoint(char **argv, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Checkpoint", "sa{sv}", argv[1], 1, "LeaveRunning", "b",
                  (int)checkpoint_given.leave);
    if (!reply)
        return EXIT_FAILURE;
    puts(argv[1]);
    return EXIT_SUCCESS;
}

static int verb_pause(char **argv, GError **error) {
    (void)error;
    return dist_call_each(DIST_CONTAINERS, "Pause", argv + 1);
}

static int verb_resume(char **argv, GError **error) {
    (void)error;
    return dist_call_each(DIST_CONTAINERS, "Resume", argv + 1);
}

/* Reads a value as systemd's tools take it. The property decides about the unit: K, M, G or T for
 * Memory…, "%" for the CPU quota (1 % is 10000 µs of a second), otherwise none. "infinity" is
 * UINT64_MAX, as in systemd. */
static bool parse_number(const char *name, const char *text, uint64_t *number, GError **error) {
    static const char units[] = "KMGT";
    char *end;
    double value = g_ascii_strtod(text, &end);
    const char *unit =
        *end && g_str_has_prefix(name, "Memory") ? strchr(units, g_ascii_toupper(*end)) : NULL;

    *number = UINT64_MAX;
    if (g_str_equal(text, "infinity"))
        return true;
    for (const char *u = units; unit && u <= unit; u++)
        value *= 1024;
    bool percent = g_str_equal(name, "CPUQuotaPerSecUSec") && *end == '%';
    if (percent)
        value *= 10000;
    end += unit || percent;
    if (end == text || *end != '\0' || !(value >= 0 && value < 1e18))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("\"%s\" is not a value of %s"), text, name);
    *number = (uint64_t)value;
    return true;
}

/* AllowedCPUs and AllowedMemoryNodes are bit masks on the bus, as systemd has them: "ay". */
static int append_list(sd_bus_message *call, const char *name, const char *text, GError **error) {
    uint8_t bits[BERTH_CPU_LIST_BYTES];
    size_t size;
    int r;

    if (!berth_cpu_list_parse(text, bits, &size)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("\"%s\" is not a value of %s"), text,
                        name);
        return -EINVAL;
    }
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", name)) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "ay")) < 0 ||
        (r = sd_bus_message_append_array(call, 'y', bits, size)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int append_property(sd_bus_message *call, const char *assignment, GError **error) {
    g_auto(GStrv) parts = g_strsplit(assignment, "=", 2);
    uint64_t number;

    if (g_strv_length(parts) != 2) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("\"%s\" is not of the form PROPERTY=VALUE"), assignment);
        return -EINVAL;
    }
    /* CPUQuota= is the name in unit files (systemd.resource-control(5)), the other the one on the
     * bus. */
    const char *name = g_str_equal(parts[0], "CPUQuota") ? "CPUQuotaPerSecUSec" : parts[0];
    if (g_str_has_prefix(name, "Allowed"))
        return append_list(call, name, parts[1], error);
    if (g_str_has_prefix(name, "ManagedOOM"))
        return sd_bus_message_append(call, "{sv}", name, "s", parts[1]);
    if (!parse_number(name, parts[1], &number, error))
        return -EINVAL;
    return sd_bus_message_append(call, "{sv}", name, "t", number);
}

static int verb_update(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    int r;

    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, "Update");
    if (!call)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_append(call, "s", argv[1])) >= 0)
        r = sd_bus_message_open_container(call, 'a', "{sv}");
    for (int i = 2; r >= 0 && i < argc; i++)
        r = append_property(call, argv[i], error);
    if (r < 0 || (r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_message_append(call, "a{sv}", 0)) < 0) {
        sd_bus_message_unref(call);
        if (!*error)
            dist_bad_reply(r, error);
        return EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int read_process(sd_bus_message *reply, char **key, void *userdata) {
    const char *name, *process = "", *command = "";
    uint32_t pid = 0, uid = 0;
    const DistField fields[] = {
        {"Pid", "u", &pid}, {"Process", "s", &process},
        {"UID", "u", &uid}, {"CommandLine", "s", &command},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, (int64_t)pid, process[0] ? process : "-", (int64_t)uid, command);
    *key = g_strdup(name);
    return 1;
}

static int verb_top(char **argv, GError **error) {
    DistColumn columns[] = {
        {"pid", _("PID"), DIST_CELL_NUMBER}, {"process", _("PROCESS"), DIST_CELL_TEXT},
        {"uid", _("UID"), DIST_CELL_NUMBER}, {"command", _("COMMAND"), DIST_CELL_TEXT},
        {NULL, NULL, DIST_CELL_TEXT},
    };

    const DistListing processes = {DIST_CONTAINERS, "Processes", .of = argv[1]};
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&processes, read_process, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

typedef struct {
    uint64_t memory, memory_max, cpu, tasks, read, written, received, sent, time;
} Figures;

/* A figure that the service does not have stays 0; one that dist does not know is skipped. */
static bool read_figures(const char *id, Figures *figures, GError **error) {
    const struct {
        const char *name;
        uint64_t *value;
    } known[] = {
        {"MemoryCurrent", &figures->memory},
        {"MemoryMax", &figures->memory_max},
        {"CPUUsageUSec", &figures->cpu},
        {"TasksCurrent", &figures->tasks},
        {"IOReadBytes", &figures->read},
        {"IOWriteBytes", &figures->written},
        {"NetworkReceivedBytes", &figures->received},
        {"NetworkSentBytes", &figures->sent},
        {"Time", &figures->time},
    };
    const char *name;
    uint64_t value;

    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTAINERS, "Stats", "sa{sv}", id, 0);
    if (!reply)
        return false;
    *figures = (Figures){0};
    int r = sd_bus_message_enter_container(reply, 'a', "{st}");
    while (r >= 0 && (r = sd_bus_message_read(reply, "{st}", &name, &value)) > 0)
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            if (g_str_equal(known[i].name, name))
                *known[i].value = value;
    return r >= 0 || dist_bad_reply(r, error);
}

static int verb_stats(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    DistColumn columns[] = {
        {"id", _("ID"), DIST_CELL_TEXT},
        {"cpuUsec", _("CPU µs"), DIST_CELL_NUMBER},
        {"memory", _("MEMORY"), DIST_CELL_SIZE},
        {"tasks", _("TASKS"), DIST_CELL_NUMBER},
        {"read", _("READ"), DIST_CELL_SIZE},
        {"written", _("WRITTEN"), DIST_CELL_SIZE},
        {"received", _("RECEIVED"), DIST_CELL_SIZE},
        {"sent", _("SENT"), DIST_CELL_SIZE},
        {NULL, NULL, DIST_CELL_TEXT},
    };

    g_auto(GStrv) running =
        argc > 1 ? g_strdupv(argv + 1) : dist_containers_list_ids(dist_container_is_running, error);
    if (!running)
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    for (char **id = running; *id; id++) {
        Figures figures;
        if (!read_figures(*id, &figures, error))
            return EXIT_FAILURE;
        dist_table_add(table, *id, (int64_t)figures.cpu, (int64_t)figures.memory,
                       (int64_t)figures.tasks, (int64_t)figures.read, (int64_t)figures.written,
                       (int64_t)figures.received, (int64_t)figures.sent);
    }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* "[IP:]HOST:CONTAINER[/PROTOCOL]" as a row. The last colon separates the container's port, since
 * an IPv6 address has colons, too. */
static void add_port(DistTable *table, const char *text) {
    g_auto(GStrv) halves = g_strsplit(text, "/", 2);
    const char *colon = strrchr(halves[0], ':');
    g_autofree char *container =
        g_strconcat(colon ? colon + 1 : halves[0], "/", halves[1] ? halves[1] : "tcp", NULL);
    g_autofree char *outer = g_strndup(halves[0], colon ? (gsize)(colon - halves[0]) : 0);
    g_autofree char *host =
        strchr(outer, ':') ? g_strdup(outer) : g_strconcat("0.0.0.0:", outer, NULL);

    dist_table_add(table, container, host);
}

static int verb_port(char **argv, GError **error) {
    DistColumn columns[] = {
        {"container", _("CONTAINER"), DIST_CELL_TEXT},
        {"host", _("HOST"), DIST_CELL_TEXT},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    g_auto(GStrv) ports = NULL;
    const DistField fields[] = {{"Ports", "as", &ports}, {NULL, NULL, NULL}};

    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Get", "sa{sv}", argv[1], 0);
    if (!reply)
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    int r = dist_dictionary_read(reply, fields);
    for (char **port = ports; port && *port; port++)
        add_port(table, *port);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int verb_rename(char **argv, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Rename", "ssa{sv}", argv[1], argv[2], 0);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

const DistVerb dist_process_verbs[] = {
    {.name = "exec",
     .arguments = N_("ID COMMAND…"),
     .summary = N_("Run another command in a running container"),
     .options = exec_options,
     .run = verb_exec,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist exec -it web sh"},
    {.name = "attach",
     .arguments = N_("ID"),
     .summary = N_("Attach to the terminal of a container"),
     .options = attach_options,
     .run = verb_attach,
     .min = 1,
     .max = 1,
     .flags = DIST_VERB_RUNS,
     .details = N_("Shows what a container without a terminal writes to the journal."),
     .example = "dist attach web"},
    {.name = "top",
     .arguments = N_("ID"),
     .summary = N_("List the processes of a container"),
     .options = dist_table_options,
     .run = verb_top,
     .min = 1,
     .max = 1},
    {.name = "stats",
     .arguments = N_("[ID…]"),
     .summary = N_("Show the resource usage of containers, by default of all running ones"),
     .options = dist_table_options,
     .run = verb_stats,
     .max = DIST_ANY_NUMBER},
    {.name = "pause",
     .arguments = N_("ID…"),
     .summary = N_("Freeze the processes of containers"),
     .run = verb_pause,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "resume",
     .arguments = N_("ID…"),
     .summary = N_("Let paused containers continue"),
     .run = verb_resume,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "checkpoint",
     .arguments = N_("ID"),
     .summary = N_("Write a running container to disk and stop it"),
     .options = checkpoint_options,
     .run = verb_checkpoint,
     .min = 1,
     .max = 1,
     .details = N_("\"dist restore\" continues it.")},
    {.name = "update",
     .arguments = N_("ID PROPERTY=VALUE…"),
     .summary = N_("Change the resource limits of a container"),
     .run = verb_update,
     .min = 2,
     .max = DIST_ANY_NUMBER,
     .details = N_("Properties have the names of systemd.resource-control(5)."),
     .example = "dist update web MemoryMax=512M CPUQuota=50%"},
    {.name = "port",
     .arguments = N_("ID"),
     .summary = N_("List the published ports of a container"),
     .options = dist_table_options,
     .run = verb_port,
     .min = 1,
     .max = 1},
    {.name = "rename",
     .arguments = N_("ID NEW"),
     .summary = N_("Rename a container that does not run"),
     .run = verb_rename,
     .min = 2,
     .max = 2},
    {.name = NULL},
};
