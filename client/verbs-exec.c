/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist exec: starts a process in a running container and exits with its status, or with
 * DIST_EXIT_BERTH if that is unknown; foreground.c waits for it.
 */

#include "client/verbs-exec.h"

#include "base/fd.h"
#include "client/bundle.h"
#include "client/bus.h"
#include "client/container-choice.h"
#include "client/containers.h"
#include "client/descriptor-limit.h"
#include "client/descriptors.h"
#include "client/foreground.h"
#include "client/run-values.h"
#include "client/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CID_FILE = 4096 };

typedef struct {
    char *working_directory, *user, *detach_keys, *process, *spec, *pid_file, *cid_file;
    char **environment, **environment_files, **add, **preserved_lists;
    gboolean terminal, interactive, detach, no_new_privileges, latest;
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

/* With a terminal or detached, the process does not get dist's streams. */
static bool has_streams(const ExecOptions *options) {
    return !options->terminal && !options->detach;
}

static int append_exec(sd_bus_message *call, const ExecOptions *options, const char *spec) {
    uint32_t rows, columns;
    int r;

    if ((r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_strings(call, "Env", options->environment)) < 0 ||
        (r = dist_append_strings(call, "CapabilitiesAdd", options->add)) < 0 ||
        (options->user &&
         (r = sd_bus_message_append(call, "{sv}", "User", "s", options->user)) < 0) ||
        (options->working_directory && options->working_directory[0] &&
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
    if ((has_streams(options) && (r = dist_append_streams(call)) < 0) ||
        (r = dist_append_descriptors(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* Reads --spec first, since it may set options->terminal, which decides what append_exec() adds. */
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
    if (!dist_check_descriptors(dist_count_descriptors(has_streams(options)), error))
        call = sd_bus_message_unref(call);
    return call;
}

static ExecOptions exec_given;

const DistOption dist_exec_options[] = {
    {"interactive", 'i', DIST_OPTION_FLAG, &exec_given.interactive,
     N_("Without effect: standard input is always passed"), NULL},
    {"tty", 't', DIST_OPTION_FLAG, &exec_given.terminal, N_("Allocate a terminal"), NULL},
    {"detach", 'd', DIST_OPTION_FLAG, &exec_given.detach,
     N_("Do not wait; output goes to the journal"), NULL},
    {"process", 0, DIST_OPTION_TEXT, &exec_given.process,
     N_("Set the ID of the process; random if not given"), "ID"},
    {"env", 'e', DIST_OPTION_LIST, &exec_given.environment, N_("Set an environment variable"),
     N_("NAME=VALUE")},
    {"env-file", 0, DIST_OPTION_LIST, &exec_given.environment_files,
     N_("Set the variables in a file, one a line"), N_("FILE")},
    {"workdir", 'w', DIST_OPTION_TEXT, &exec_given.working_directory,
     N_("Set the working directory"), N_("PATH")},
    {"user", 'u', DIST_OPTION_TEXT, &exec_given.user, N_("Set the user, and the group"),
     N_("USER[:GROUP]")},
    {"cap-add", 0, DIST_OPTION_LIST, &exec_given.add, N_("Add a capability"), N_("NAME")},
    {"no-new-privileges", 0, DIST_OPTION_FLAG, &exec_given.no_new_privileges,
     N_("Prevent it from gaining privileges"), NULL},
    {"spec", 0, DIST_OPTION_TEXT, &exec_given.spec,
     N_("Use a process object of the OCI runtime specification instead of the container's"),
     N_("FILE")},
    {"pid-file", 0, DIST_OPTION_TEXT, &exec_given.pid_file,
     N_("Write its PID to a file once it runs"), N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &exec_given.preserved,
     N_("Pass N extra descriptors, starting at 3"), N_("N")},
    {"preserve-fd", 0, DIST_OPTION_LIST, &exec_given.preserved_lists,
     N_("Pass these descriptors, with their numbers"), N_("FD,…")},
    {"detach-keys", 0, DIST_OPTION_TEXT, &exec_given.detach_keys,
     N_("Set the keys that detach from the terminal; ctrl-p,ctrl-q if not given"), N_("KEYS")},
    {"cidfile", 0, DIST_OPTION_TEXT, &exec_given.cid_file,
     N_("Read the ID from a file that --cidfile of run has written, instead of ID"), N_("FILE")},
    {"latest", 'l', DIST_OPTION_FLAG, &exec_given.latest,
     N_("Use the caller's container that was created last, instead of ID"), NULL},
    /* podman's, which then does not record the process in its database. */
    {"no-session", 0, DIST_OPTION_FLAG, NULL, NULL, NULL},
    {"privileged", 0, DIST_OPTION_REFUSED, NULL,
     N_("no process has more devices than its container; see --cap-add"), NULL},
    DIST_OPTION_END,
};

/* Everything after the first line break is ignored. The caller frees the id. */
static char *exec_read_cid_file(const char *file, GError **error) {
    berth_autofd int fd = open(file, O_RDONLY | O_CLOEXEC);
    size_t size;

    if (fd < 0)
        return berth_error_set_errno(error, errno, "%s", file), NULL;
    g_autofree char *text = berth_fd_read_stream(fd, MAX_CID_FILE, &size, error);
    if (!text) {
        g_prefix_error(error, "%s: ", file);
        return NULL;
    }
    text[strcspn(text, "\n")] = '\0';
    return g_steal_pointer(&text);
}

/* The container is the first argument, unless an option says which one it is. The caller frees the
 * id. */
static char *exec_choose_container(const ExecOptions *options, char ***arguments, GError **error) {
    if (options->latest && options->cid_file) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("--latest and --cidfile exclude each other"));
        return NULL;
    }
    if (options->latest)
        return dist_choice_find_latest(error);
    if (options->cid_file)
        return exec_read_cid_file(options->cid_file, error);
    if (!**arguments) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("%s: an argument is missing: %s"),
                        "exec", _("ID COMMAND…"));
        return NULL;
    }
    return g_strdup(*(*arguments)++);
}

int dist_verb_exec(char **argv, GError **error) {
    char **arguments = argv + 1;
    ExecOptions *options = &exec_given;
    g_autofree char *id = exec_choose_container(options, &arguments, error);

    if (!id)
        return DIST_EXIT_BERTH;
    if (!arguments[0] && !options->spec) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("exec: an argument is missing: COMMAND"));
        return DIST_EXIT_BERTH;
    }
    if ((options->detach_keys && !dist_terminal_check_keys(options->detach_keys, error)) ||
        !dist_preserve_descriptors(options->preserved, options->preserved_lists, error))
        return DIST_EXIT_BERTH;
    /* dist chooses the id, since Wait, Attach and Kill need it. */
    if (!options->process)
        options->process = g_strdup_printf("exec-%08x%08x", g_random_int(), g_random_int());
    g_auto(GStrv) environment = exec_read_environment(options, error);
    if (!environment)
        return DIST_EXIT_BERTH;
    /* Only the list is freed: its elements belong to the command line. */
    g_free(options->environment);
    options->environment = environment;
    g_autoptr(sd_bus_message) call = new_exec(id, arguments, options, error);
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
        .id = id,
        .process = options->process,
        .start = call,
        /* Before Exec there is no process to wait for. */
        .wait_after_start = true,
        .view = options->terminal ? DIST_SHOWS_TERMINAL : DIST_SHOWS_NOTHING,
        .detach_keys = options->detach_keys ? options->detach_keys : DIST_DETACH_KEYS,
        .pid_file = options->pid_file,
    };
    return dist_foreground_run(&foreground, error);
}
