/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/execute.h"

#include "base/fd.h"
#include "launch/hooks.h"
#include "launch/label.h"
#include "launch/peer.h"
#include "launch/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

BerthProgram *berth_execution_build_filter(const BerthPlan *plan) {
    g_autoptr(GError) error = NULL;
    BerthFilter filter;

    if (g_strcmp0(plan->seccomp, "unconfined") == 0 || (!plan->seccomp && !plan->seccomp_profile))
        return NULL;
    bool built =
        g_strcmp0(plan->seccomp, "default") == 0
            ? berth_filter_build_default(plan->bounding, &filter, &error)
            : berth_filter_build_object(plan->seccomp_profile, plan->bounding, &filter, &error);
    BerthProgram *program = built ? berth_filter_compile(&filter, &error) : NULL;
    if (!program)
        berth_fail_with("system call filter", error);
    return program;
}

void berth_execution_wait_for_word(void) {
    if (berth_peer_receive(BERTH_SOCKET_FD, NULL, NULL) != BERTH_LAUNCH_GO_AHEAD)
        _exit(BERTH_EXIT_LAUNCH);
}

/* What sd_listen_fds(3) looks for. */
static void add_listen_variables(GPtrArray *environment, const BerthExecution *execution) {
    g_ptr_array_add(environment, g_strdup_printf("LISTEN_PID=%d", (int)getpid()));
    g_ptr_array_add(environment, g_strdup_printf("LISTEN_FDS=%u", execution->descriptor_count));
    g_ptr_array_add(environment, g_strconcat("LISTEN_FDNAMES=", execution->descriptor_names, NULL));
}

/* A variable that is set again has its last value, also in a configuration of the caller's own. An
 * empty HOME is as good as none: the image's passwd says what it is. */
static GPtrArray *take_variables(const BerthExecution *execution) {
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *environment = g_ptr_array_new();
    char **variables = execution->plan->environment;

    for (guint i = g_strv_length(variables); i-- > 0;) {
        char *name = g_strndup(variables[i], strcspn(variables[i], "="));
        bool replaced = g_str_equal(variables[i], "HOME=") ||
                        (execution->descriptor_count > 0 && g_str_has_prefix(name, "LISTEN_"));
        if (g_hash_table_add(names, name) && !replaced)
            g_ptr_array_add(environment, variables[i]);
    }
    for (guint i = 0; i < environment->len / 2; i++) {
        gpointer *ends[] = {&environment->pdata[i], &environment->pdata[environment->len - 1 - i]};
        gpointer first = *ends[0];
        *ends[0] = *ends[1];
        *ends[1] = first;
    }
    return environment;
}

static bool has_variable(GPtrArray *environment, const char *assignment) {
    for (guint i = 0; i < environment->len; i++)
        if (g_str_has_prefix(environment->pdata[i], assignment))
            return true;
    return false;
}

static char **make_environment(const BerthExecution *execution) {
    GPtrArray *environment = take_variables(execution);

    if (execution->descriptor_count > 0)
        add_listen_variables(environment, execution);
    if (!has_variable(environment, "HOME="))
        g_ptr_array_add(environment, g_strconcat("HOME=", execution->identity.home, NULL));
    if (execution->plan->terminal && !has_variable(environment, "TERM="))
        g_ptr_array_add(environment, g_strdup("TERM=xterm"));
    g_ptr_array_add(environment, NULL);
    return (char **)g_ptr_array_free(environment, FALSE);
}

static void make_directory(const char *path, const BerthIdentity *identity) {
    if (g_mkdir_with_parents(path, 0755) < 0 || lchown(path, identity->uid, identity->gid) < 0)
        berth_fail_errno("working directory", path);
}

/* A descriptor that leads out of the container has no place in it, and as a working directory
 * neither: where the kernel cannot name it, it is outside. */
static void enter_directory(const BerthPlan *plan, const BerthIdentity *identity) {
    const char *path = plan->working_directory;
    char name[PATH_MAX];

    if (chdir(path) < 0) {
        if (errno != ENOENT)
            berth_fail_errno("working directory", path);
        make_directory(path, identity);
        if (chdir(path) < 0)
            berth_fail_errno("working directory", path);
    }
    if (!getcwd(name, sizeof name) || name[0] != '/')
        berth_fail("working directory", path, "it is not in the container", BERTH_EXIT_LAUNCH);
}

static void find_identity(const BerthPlan *plan, BerthIdentity *identity) {
    g_autoptr(GError) error = NULL;

    if (!(plan->user ? berth_identity_find(plan->user, identity, &error)
                     : berth_identity_take(plan, identity, &error)))
        berth_fail_with("user", error);
}

void berth_execution_make_directory(const BerthPlan *plan) {
    BerthIdentity identity = {0};

    if (access(plan->working_directory, F_OK) == 0 || errno != ENOENT)
        return;
    find_identity(plan, &identity);
    make_directory(plan->working_directory, &identity);
}

/* A directory of PATH that is none is passed over, as by a shell. */
static bool is_missing(int errnum) {
    return errnum == ENOENT || errnum == ENOTDIR;
}

/* execvpe(3), but it tells a command that is nowhere from one that cannot be executed. */
G_GNUC_NORETURN static void become_command(char **arguments, char **environment) {
    const char *name = arguments[0];
    const char *path = "";
    int errnum = ENOENT;

    for (char **variable = environment; *variable; variable++)
        if (g_str_has_prefix(*variable, "PATH="))
            path = *variable + strlen("PATH=");
    if (strchr(name, '/')) {
        execve(name, arguments, environment);
        errnum = errno;
    } else {
        g_auto(GStrv) directories = g_strsplit(path, ":", -1);
        for (char **directory = directories; *directory; directory++) {
            g_autofree char *file =
                g_strconcat((*directory)[0] ? *directory : ".", "/", name, NULL);
            execve(file, arguments, environment);
            if (!is_missing(errno))
                errnum = errno;
        }
    }
    if (errnum == ENOENT)
        berth_fail("command", name, "not found in the image", BERTH_EXIT_NOT_FOUND);
    berth_fail("command", name, g_strerror(errnum), BERTH_EXIT_NOT_EXECUTABLE);
}

/* Limits, scheduling and the like are set from outside, where the right to raise them is. */
static void ask_for_attributes(const BerthExecution *execution) {
    if (!berth_peer_send(execution->peer, BERTH_LAUNCH_SET_ATTRIBUTES, NULL, -1) ||
        berth_peer_receive(execution->peer, NULL, NULL) != BERTH_LAUNCH_ATTRIBUTES_SET)
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
    if (execution->plan->terminal)
        return;
    if (execution->output_to_journal)
        execution->output = make_stream(execution);
    if (execution->error_to_journal)
        execution->error = make_stream(execution);
}

static void use_streams(const BerthExecution *execution, const BerthIdentity *identity) {
    if (execution->plan->terminal) {
        berth_terminal_open(execution->plan, identity, execution->is_first);
        return;
    }
    if ((execution->output >= 0 && dup2(execution->output, STDOUT_FILENO) < 0) ||
        (execution->error >= 0 && dup2(execution->error, STDERR_FILENO) < 0))
        berth_fail_errno("journal", NULL);
}

/* Only what is standard is left, what the caller gave besides, and the two sockets, which close by
 * themselves and go where nothing is in their way. */
static void arrange_descriptors(BerthExecution *execution) {
    int count = (int)execution->descriptor_count, first = STDERR_FILENO + 1;
    int socket = fcntl(BERTH_SOCKET_FD, F_DUPFD_CLOEXEC, BERTH_FIRST_FREE_FD + count);
    int peer = fcntl(execution->peer, F_DUPFD_CLOEXEC, BERTH_FIRST_FREE_FD + count);

    if (socket < 0 || peer < 0)
        berth_fail_errno("descriptors", NULL);
    /* Each goes down: the next one is not overwritten. */
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

static void load_filter(const BerthExecution *execution) {
    const BerthProgram *program = execution->filter;
    g_autoptr(GError) error = NULL;
    int listener = -1;

    if (!program)
        return;
    if (!berth_program_load(program, &listener, &error))
        berth_fail_with("system call filter", error);
    /* Nothing is waited for: the message has the descriptor, whatever happens to this process. */
    if (listener >= 0 && !berth_peer_send(execution->peer, BERTH_LAUNCH_LISTENER, NULL, listener))
        _exit(BERTH_EXIT_LAUNCH);
}

static void give_up_privileges(const BerthExecution *execution, const BerthIdentity *identity) {
    const BerthPlan *plan = execution->plan;
    g_autoptr(GError) error = NULL;

    /* Without no_new_privs loading a filter takes CAP_SYS_ADMIN, which goes next. */
    if (!plan->no_new_privileges)
        load_filter(execution);
    if (!berth_identity_become(plan, identity, &error))
        berth_fail_with("identity", error);
    if (plan->no_new_privileges) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            berth_fail_errno("no new privileges", NULL);
        load_filter(execution);
    }
}

void berth_execution_prepare(BerthExecution *execution) {
    find_identity(execution->plan, &execution->identity);
    execution->environment = make_environment(execution);
    make_streams(execution);
    if (execution->filter && berth_program_notifies(execution->filter) &&
        !berth_peer_send(execution->peer, BERTH_LAUNCH_NEED_LISTENER, NULL, -1))
        _exit(BERTH_EXIT_LAUNCH);
}

void berth_execution_run(BerthExecution *execution) {
    const BerthPlan *plan = execution->plan;
    g_autoptr(GError) error = NULL;

    use_streams(execution, &execution->identity);
    if (plan->has_personality && personality(plan->personality) < 0)
        berth_fail_errno("personality", NULL);
    if (plan->apparmor && plan->apparmor[0] && !berth_label_set_apparmor(plan->apparmor, &error))
        berth_fail_with("AppArmor", error);
    /* Before a limit of them is set that is too low for it. */
    arrange_descriptors(execution);
    ask_for_attributes(execution);
    enter_directory(plan, &execution->identity);
    umask(plan->umask);
    give_up_privileges(execution, &execution->identity);
    /* What these execute is the image's: they may do what its command may, and no more. */
    if (execution->is_first &&
        !berth_hooks_run(plan, BERTH_HOOK_START_CONTAINER, execution->id, "created", 1, &error))
        berth_fail_with("hooks", error);
    become_command(plan->arguments, execution->environment);
}
