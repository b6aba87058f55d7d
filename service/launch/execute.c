/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The last steps of the inner process, from entering the root to execve(2). berth_execution_run
 * follows the order in which privileges are given up. The terminal needs privileges in the
 * container's namespaces; the label and the descriptors come before limits that might be too low
 * for them; limits are set from outside; and the filter is loaded as late as possible, by a process
 * that has nothing left but what the command will have. The BerthExecution belongs to the process,
 * and is never freed.
 */

#include "launch/execute.h"

#include "bare/fd.h"
#include "launch/filter.h"
#include "launch/hooks.h"
#include "launch/label.h"
#include "launch/mounts.h"
#include "launch/peer.h"
#include "launch/terminal.h"
#include "launch/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

void berth_execution_wait_for_go_ahead(const BerthExecution *execution) {
    if (berth_peer_receive(BERTH_SOCKET_FD, NULL) == BERTH_LAUNCH_GO_AHEAD)
        return;
    /* The outer process closes its socket once it has written the file. Until then this process
     * must exist: a restarted berthd looks for the file as soon as the process has ended. */
    if (berth_peer_send(execution->peer, BERTH_LAUNCH_UNRELEASED, NULL, -1))
        (void)berth_peer_receive(execution->peer, NULL);
    _exit(BERTH_EXIT_LAUNCH);
}

static char *format_variable(const char *name, const char *value) {
    char *text;

    if (asprintf(&text, "%s=%s", name, value) < 0)
        berth_fail("environment", name, berth_fault_describe(ENOMEM), BERTH_EXIT_LAUNCH);
    return text;
}

static char *format_number(const char *name, unsigned value) {
    char text[16];

    snprintf(text, sizeof text, "%u", value);
    return format_variable(name, text);
}

static bool has_variable(char *const *environment, const char *assignment) {
    for (; *environment; environment++)
        if (berth_text_begins(*environment, assignment))
            return true;
    return false;
}

/* berthd has already removed duplicates. If the launch passes descriptors, the variables of
 * sd_listen_fds(3) are set here, and those in the configuration are dropped. */
static char **execution_make_environment(const BerthExecution *execution) {
    enum { MAX_ADDED = 6 };
    char hostname[HOST_NAME_MAX + 1];
    const BerthTexts *variables = &execution->setup->environment;
    char **environment = calloc(variables->count + MAX_ADDED + 1, sizeof *environment);
    size_t count = 0;

    if (!environment)
        berth_fail_errno("environment", NULL);
    for (uint32_t i = 0; i < variables->count; i++)
        if (execution->descriptor_count == 0 || !berth_text_begins(variables->texts[i], "LISTEN_"))
            environment[count++] = variables->texts[i];
    if (execution->descriptor_count > 0) {
        environment[count++] = format_number("LISTEN_PID", (unsigned)getpid());
        environment[count++] = format_number("LISTEN_FDS", execution->descriptor_count);
        environment[count++] = format_variable("LISTEN_FDNAMES", execution->descriptor_names);
    }
    if (!has_variable(environment, "HOME="))
        environment[count++] = format_variable("HOME", execution->identity.home);
    /* Entry points of images expect it. Another engine's configuration is complete. */
    if (execution->setup->user && !has_variable(environment, "HOSTNAME=") &&
        gethostname(hostname, sizeof hostname) == 0)
        environment[count++] = format_variable("HOSTNAME", hostname);
    if (execution->setup->terminal && !has_variable(environment, "TERM="))
        environment[count++] = (char *)"TERM=xterm";
    return environment;
}

/* EOVERFLOW: the mount does not have this user's id on disk (entries.c), so the directory keeps the
 * owner that it has. */
static void make_working_directory(const char *path, const BerthIdentity *identity) {
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int directory = root < 0 ? -1 : berth_mounts_make_directory(root, path);

    if (directory < 0 ||
        (fchownat(directory, "", identity->uid, identity->gid, AT_EMPTY_PATH) < 0 &&
         errno != EOVERFLOW))
        berth_fail_errno("working directory", path);
}

/* A magic link of /proc may lead out of the container, and the working directory with it
 * (CVE-2024-21626). The kernel has no path for such a directory: it reports none, or one that
 * begins with "(unreachable)". getcwd(3) would then look for one itself, and find it if the root is
 * a directory that is also visible outside. */
static void enter_working_directory(const BerthSetup *setup) {
    const char *path = setup->working_directory;
    char name[PATH_MAX];

    if (chdir(path) < 0)
        berth_fail_errno("working directory", path);
    if (syscall(SYS_getcwd, name, sizeof name) < 0 || name[0] != '/')
        berth_fail("working directory", path, "it is not in the container", BERTH_EXIT_LAUNCH);
}

static void find_identity(const BerthSetup *setup, BerthIdentity *identity) {
    BerthFault fault;

    if (!(setup->user ? berth_identity_find(setup->user, identity, &fault)
                      : berth_identity_take(setup, identity, &fault)) ||
        !berth_identity_add_groups(setup, identity, &fault))
        berth_fail_with("user", &fault);
}

void berth_execution_make_directory(const BerthSetup *setup) {
    BerthIdentity identity;

    if (access(setup->working_directory, F_OK) == 0 || errno != ENOENT)
        return;
    find_identity(setup, &identity);
    make_working_directory(setup->working_directory, &identity);
}

/* A component of PATH that does not exist or is not a directory is skipped, as in a shell. */
static bool is_missing(int errnum) {
    return errnum == ENOENT || errnum == ENOTDIR;
}

/* Whether execve(2) did not find the interpreter of a file, rather than the file. */
static bool lacks_interpreter(const char *file) {
    berth_autofd int fd = errno == ENOENT ? open(file, O_PATH | O_CLOEXEC) : -1;

    return fd >= 0;
}

/* An error other than a missing file is remembered: it is more useful than that of a later
 * directory without the command. */
static void try_command(const char *file, char *const *arguments, char *const *environment,
                        int *errnum) {
    execve(file, arguments, environment);
    if (!is_missing(errno))
        *errnum = errno;
    else if (*errnum == ENOENT && lacks_interpreter(file))
        *errnum = ELIBACC;
}

/* Tries each directory in PATH; an empty one is the working directory. */
static void search_command(const char *path, char *const *arguments, char *const *environment,
                           int *errnum) {
    char file[PATH_MAX];

    for (const char *directory = path, *end;; directory = end + 1) {
        end = directory + strcspn(directory, ":");
        int length =
            snprintf(file, sizeof file, "%.*s/%s", end > directory ? (int)(end - directory) : 1,
                     end > directory ? directory : ".", arguments[0]);
        if (length < (int)sizeof file)
            try_command(file, arguments, environment, errnum);
        else if (*errnum == ENOENT)
            *errnum = ENAMETOOLONG;
        if (!*end)
            break;
    }
}

/* Like execvpe(3), but with different exit statuses for a command that cannot be found and for one
 * that cannot be executed. */
_Noreturn static void become_command(char *const *arguments, char *const *environment) {
    static const char empty[] = "\"\"";
    const char *name = arguments[0], *path = "";
    int errnum = ENOENT;

    for (char *const *variable = environment; *variable; variable++)
        if (berth_text_begins(*variable, "PATH="))
            path = *variable + strlen("PATH=");
    /* In each directory of PATH, this name would be the directory. */
    if (!name[0])
        berth_fail("command", empty, "not found in the image", BERTH_EXIT_NOT_FOUND);
    if (strchr(name, '/')) {
        execve(name, arguments, environment);
        errnum = lacks_interpreter(name) ? ELIBACC : errno;
    } else if (path[0]) {
        search_command(path, arguments, environment, &errnum);
    }
    if (errnum == ENOENT)
        berth_fail("command", name, "not found in the image", BERTH_EXIT_NOT_FOUND);
    if (errnum == ELIBACC)
        berth_fail("command", name, "its interpreter is not in the image", BERTH_EXIT_NOT_FOUND);
    berth_fail("command", name, berth_fault_describe(errnum), BERTH_EXIT_NOT_EXECUTABLE);
}

/* The outer process sets limits, scheduling and so on, because only it may raise them. */
static void ask_for_attributes(const BerthExecution *execution) {
    if (!berth_peer_send(execution->peer, BERTH_LAUNCH_SET_ATTRIBUTES, NULL, -1) ||
        berth_peer_receive(execution->peer, NULL) != BERTH_LAUNCH_ATTRIBUTES_SET)
        _exit(BERTH_EXIT_LAUNCH);
}

static int make_stream(const BerthExecution *execution) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        berth_fail_errno("journal", NULL);
    if (!berth_peer_send(execution->peer, BERTH_LAUNCH_STREAM, NULL, fd))
        _exit(BERTH_EXIT_LAUNCH);
    return fd;
}

static void make_streams(BerthExecution *execution) {
    if (execution->setup->terminal)
        return;
    if (execution->output_to_journal)
        execution->output = make_stream(execution);
    if (execution->error_to_journal)
        execution->error = make_stream(execution);
}

static void use_streams(const BerthExecution *execution, const BerthIdentity *identity) {
    if (execution->setup->terminal) {
        berth_terminal_open(execution->setup, identity, execution->is_first);
        return;
    }
    if ((execution->output >= 0 && dup2(execution->output, STDOUT_FILENO) < 0) ||
        (execution->error >= 0 && dup2(execution->error, STDERR_FILENO) < 0))
        berth_fail_errno("journal", NULL);
}

/* Leaves open the standard descriptors, the caller's additional ones from 3 on, and after those the
 * two sockets, which execve(2) closes. The sockets are moved out of the way first. */
static void arrange_descriptors(BerthExecution *execution) {
    int count = (int)execution->descriptor_count, first = STDERR_FILENO + 1;
    int socket = fcntl(BERTH_SOCKET_FD, F_DUPFD_CLOEXEC, BERTH_FIRST_FREE_FD + count);
    int peer = fcntl(execution->peer, F_DUPFD_CLOEXEC, BERTH_FIRST_FREE_FD + count);

    if (socket < 0 || peer < 0)
        berth_fail_errno("descriptors", NULL);
    /* Each one moves to a lower number, so none overwrites one that has not been moved yet. */
    for (int i = 0; i < count; i++)
        if (dup2(BERTH_FIRST_FREE_FD + i, first + i) < 0)
            berth_fail_errno("descriptors", NULL);
    if (dup3(socket, first + count, O_CLOEXEC) < 0 ||
        dup3(peer, first + count + 1, O_CLOEXEC) < 0 ||
        close_range((unsigned)(first + count + 2), ~0u, 0) < 0)
        berth_fail_errno("descriptors", NULL);
    execution->peer = first + count + 1;
    berth_fail_set_service(first + count);
    berth_fail_set_peer(execution->peer);
}

static void execution_load_filter(const BerthExecution *execution) {
    if (!execution->filter->instructions)
        return;
    int listener = berth_launch_filter_load(execution->filter);
    /* There is no need to wait for a reply: the message keeps the descriptor alive, whatever
     * happens to this process. */
    if (listener >= 0 && !berth_peer_send(execution->peer, BERTH_LAUNCH_LISTENER, NULL, listener))
        _exit(BERTH_EXIT_LAUNCH);
}

static void execution_drop_privileges(const BerthExecution *execution,
                                      const BerthIdentity *identity) {
    const BerthSetup *setup = execution->setup;
    BerthFault fault;

    /* Without no_new_privs, loading a filter needs CAP_SYS_ADMIN, which is dropped next. */
    if (!setup->no_new_privileges)
        execution_load_filter(execution);
    if (!berth_identity_become(setup, identity, &fault))
        berth_fail_with("identity", &fault);
    if (setup->no_new_privileges) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            berth_fail_errno("no new privileges", NULL);
        execution_load_filter(execution);
    }
}

void berth_execution_prepare(BerthExecution *execution) {
    find_identity(execution->setup, &execution->identity);
    execution->environment = execution_make_environment(execution);
    make_streams(execution);
    if (execution->filter->notifies &&
        !berth_peer_send(execution->peer, BERTH_LAUNCH_NEED_LISTENER, NULL, -1))
        _exit(BERTH_EXIT_LAUNCH);
}

void berth_execution_run(BerthExecution *execution) {
    const BerthSetup *setup = execution->setup;
    BerthFault fault;

    use_streams(execution, &execution->identity);
    if (setup->has_personality && personality(setup->personality) < 0)
        berth_fail_errno("personality", NULL);
    if (setup->apparmor && !berth_label_set_apparmor(setup->apparmor, &fault))
        berth_fail_with("AppArmor", &fault);
    /* Before RLIMIT_NOFILE is set, which might be too low for the duplicates. */
    arrange_descriptors(execution);
    ask_for_attributes(execution);
    enter_working_directory(setup);
    umask(setup->umask);
    execution_drop_privileges(execution, &execution->identity);
    /* The hooks of this stage are programs of the image. They run with the privileges of its
     * command and no more. */
    if (execution->is_first &&
        !berth_hooks_run(setup, BERTH_HOOK_START_CONTAINER, "created", 1, &fault))
        berth_fail_with("hooks", &fault);
    become_command(setup->arguments.texts, execution->environment);
}
