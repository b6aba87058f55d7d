/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-launch: the first process of a container, until it becomes the container's command. berthd
 * cloned it into a pid namespace of its own. It sets up everything while systemd makes its scope,
 * waits for the word that it is there, and executes. A step that fails is reported through the
 * socket, in words; the exit status is 127 for a command that is not found, 126 for one that cannot
 * be executed, 125 for everything else.
 */

#include "base/fd.h"
#include "launch/filter.h"
#include "launch/identity.h"
#include "launch/plan.h"
#include "launch/root.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* As berthd hands them over, containers/start.c. */
enum { SOCKET_FD = 3, CONFIG_FD, DIRECTORY_FD, SNAPSHOTS_FD };

enum { EXIT_LAUNCH = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

#define JOURNAL_SOCKET "/run/systemd/journal/stdout"

G_GNUC_NORETURN static void fail(const char *step, const char *object, const char *reason,
                                 int status) {
    g_autofree char *report =
        g_strdup_printf("%s%s%s: %s", step, object ? " " : "", object ? object : "", reason);

    (void)!send(SOCKET_FD, report, MIN(strlen(report), 1000), MSG_NOSIGNAL);
    _exit(status);
}

G_GNUC_NORETURN static void fail_with(const char *step, const GError *error) {
    fail(step, NULL, error->message, EXIT_LAUNCH);
}

G_GNUC_NORETURN static void fail_errno(const char *step, const char *object) {
    fail(step, object, g_strerror(errno), EXIT_LAUNCH);
}

static void bring_up_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    berth_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        fail_errno("network", "lo");
}

static void enter_namespaces(const BerthPlan *plan) {
    if (unshare(plan->namespaces & ~CLONE_NEWCGROUP) < 0)
        fail_errno("namespaces", NULL);
    if (plan->namespaces & CLONE_NEWNET)
        bring_up_loopback();
    if ((plan->namespaces & CLONE_NEWUTS) &&
        sethostname(plan->hostname, strlen(plan->hostname)) < 0)
        fail_errno("hostname", plan->hostname);
    /* The keyring of the service is not the container's. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        fail_errno("keyring", NULL);
}

/* Until berthd says that this process is in its scope; its silence means that it is gone. */
static void wait_for_scope(void) {
    char word;
    ssize_t size;

    do
        size = recv(SOCKET_FD, &word, 1, 0);
    while (size < 0 && errno == EINTR);
    if (size != 1)
        _exit(EXIT_LAUNCH);
}

/* Only a socket that is open before the root is left can be connected to after. */
static int open_journal(void) {
    return open(JOURNAL_SOCKET, O_PATH | O_CLOEXEC);
}

/* A stream that journald takes lines from, with the header of sd_journal_stream_fd(3). It names the
 * unit, which journald believes root: a command may have ended before it could look. */
static void connect_journal(int journal, int target, const char *id, int priority) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *header =
        g_strdup_printf("%s\nberth-%s.scope\n%d\n1\n0\n0\n0\n", id, id, priority);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", journal);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        shutdown(fd, SHUT_RD) < 0 || !berth_fd_write_all(fd, header, strlen(header)) ||
        dup2(fd, target) < 0)
        fail_errno("journal", JOURNAL_SOCKET);
    close(fd);
}

static void set_limits(const BerthPlan *plan) {
    for (guint i = 0; i < plan->limits->len; i++) {
        const BerthPlanLimit *limit = &g_array_index(plan->limits, BerthPlanLimit, i);
        struct rlimit wanted = {limit->soft, limit->hard}, present;
        int resource = limit->resource;
        if (setrlimit(resource, &wanted) == 0)
            continue;
        /* Some machines let not even root raise what is possible: then it is what there is. */
        if (errno != EPERM || getrlimit(resource, &present) < 0)
            fail_errno("limit", limit->name);
        wanted.rlim_max = MIN(wanted.rlim_max, present.rlim_max);
        wanted.rlim_cur = MIN(wanted.rlim_cur, wanted.rlim_max);
        if (setrlimit(resource, &wanted) < 0)
            fail_errno("limit", limit->name);
    }
    umask(022);
}

static bool has_variable(char *const *environment, const char *name) {
    size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return true;
    return false;
}

static char **make_environment(const BerthPlan *plan, const BerthIdentity *identity) {
    GPtrArray *environment = g_ptr_array_new();

    for (char **variable = plan->environment; *variable; variable++)
        g_ptr_array_add(environment, *variable);
    if (!has_variable(plan->environment, "HOME"))
        g_ptr_array_add(environment, g_strconcat("HOME=", identity->home, NULL));
    g_ptr_array_add(environment, NULL);
    return (char **)g_ptr_array_free(environment, FALSE);
}

static void enter_directory(const BerthPlan *plan, const BerthIdentity *identity) {
    const char *path = plan->working_directory;

    if (chdir(path) == 0)
        return;
    /* Images name directories that nothing in them makes. */
    if (errno != ENOENT || g_mkdir_with_parents(path, 0755) < 0)
        fail_errno("working directory", path);
    if (lchown(path, identity->uid, identity->gid) < 0 || chdir(path) < 0)
        fail_errno("working directory", path);
}

static void close_descriptors(void) {
    if (close_range(SOCKET_FD + 1, ~0u, 0) < 0 || fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC) < 0)
        fail_errno("descriptors", NULL);
}

static bool is_missing(int errnum) {
    return errnum == ENOENT || errnum == ENOTDIR;
}

/* execvpe(3), but it tells a command that is nowhere from one that cannot be executed. */
G_GNUC_NORETURN static void execute(char **arguments, char **environment) {
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
    if (is_missing(errnum))
        fail("command", name, "not found in the image", EXIT_NOT_FOUND);
    fail("command", name, g_strerror(errnum), EXIT_NOT_EXECUTABLE);
}

/* NULL for a container without one. */
static BerthProgram *build_filter(const BerthPlan *plan) {
    g_autoptr(GError) error = NULL;

    if (g_str_equal(plan->seccomp, "unconfined"))
        return NULL;
    scmp_filter_ctx filter = berth_filter_build_default(&error);
    BerthProgram *program = filter ? berth_filter_compile(filter, &error) : NULL;
    if (!program)
        fail_with("system call filter", error);
    return program;
}

static void load_filter(const BerthProgram *program) {
    g_autoptr(GError) error = NULL;

    if (program && !berth_program_load(program, &error))
        fail_with("system call filter", error);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    BerthIdentity identity;

    if (argc != 4 || fcntl(SNAPSHOTS_FD, F_GETFD) < 0)
        return EXIT_LAUNCH;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    BerthPlan *plan = berth_plan_read(CONFIG_FD, &error);
    if (!plan)
        fail_with("configuration", error);
    bool to_journal[2] = {g_str_equal(argv[2], "journal"), g_str_equal(argv[3], "journal")};
    int journal = to_journal[0] || to_journal[1] ? open_journal() : -1;
    BerthProgram *filter = build_filter(plan);
    umask(0);
    int overlay = berth_root_make(plan, DIRECTORY_FD, SNAPSHOTS_FD, &error);
    if (overlay < 0)
        fail_with("root", error);
    enter_namespaces(plan);
    if (!berth_root_enter(plan, overlay, &error) || !berth_root_restrict(plan, &error))
        fail_with("root", error);
    if (!berth_identity_find(plan->user, &identity, &error))
        fail_with("user", error);
    char **environment = make_environment(plan, &identity);

    wait_for_scope();
    if ((plan->namespaces & CLONE_NEWCGROUP) && unshare(CLONE_NEWCGROUP) < 0)
        fail_errno("cgroup namespace", NULL);
    if (!berth_root_mount_cgroup(plan, &error))
        fail_with("root", error);
    if (to_journal[0])
        connect_journal(journal, STDOUT_FILENO, argv[1], 6);
    if (to_journal[1])
        connect_journal(journal, STDERR_FILENO, argv[1], 6);
    set_limits(plan);
    enter_directory(plan, &identity);
    close_descriptors();
    /* Without no_new_privs loading a filter takes CAP_SYS_ADMIN, which goes next. */
    if (!plan->no_new_privileges)
        load_filter(filter);
    if (!berth_identity_become(plan, &identity, &error))
        fail_with("identity", error);
    if (plan->no_new_privileges) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            fail_errno("no new privileges", NULL);
        load_filter(filter);
    }
    execute(plan->arguments, environment);
}
