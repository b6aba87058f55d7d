/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-generator (systemd.generator(7)): converts unit files to units, at boot and at each
 * daemon-reload, while systemd waits. It communicates with no other process, and never fails: an
 * error in one file is logged, and the units of all others are written.
 */

#include "generator/convert.h"
#include "generator/install.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The journal's socket is never waited for: journald may be waiting for systemd, which waits for
 * this process. -1 if there is none: at boot, generators first run before journald. */
static int connect_journal(void) {
    const struct sockaddr_un address = {.sun_family = AF_UNIX,
                                        .sun_path = "/run/systemd/journal/socket"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Where problems are reported, best first. If run by hand or with other directories, they are
 * printed on standard error. */
typedef struct {
    int journal, kernel;
} Log;

static Log open_log(void) {
    bool by_hand = isatty(STDERR_FILENO) || g_getenv("BERTH_UNIT_DIRS");
    Log log = {-1, -1};

    if (!by_hand && (log.journal = connect_journal()) < 0)
        log.kernel = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return log;
}

/* The unit that the file of a problem makes; NULL if there is none. */
static const char *find_unit(const BerthUnitSet *set, const BerthProblem *problem) {
    for (unsigned i = 0; i < set->sources->len; i++) {
        const BerthUnitSource *source = set->sources->pdata[i];
        if (g_strcmp0(source->path, problem->file) == 0)
            return source->service;
    }
    return NULL;
}

/* The fields of an entry. Those of root about a unit are part of that unit's log, in systemctl
 * status and journalctl -u (journalctl(1), -u): a file with an error makes no unit,
 * of which systemd only says that it is not found. */
static char *make_entry(const BerthUnitSet *set, const BerthProblem *problem, int priority,
                        const char *text) {
    const char *unit = find_unit(set, problem);
    const char *field =
        set->scope == BERTH_UNITS_USER ? "OBJECT_SYSTEMD_USER_UNIT" : "OBJECT_SYSTEMD_UNIT";
    g_autofree char *about = unit ? g_strdup_printf("%s=%s\n", field, unit) : g_strdup("");

    return g_strdup_printf("SYSLOG_IDENTIFIER=berth-generator\nPRIORITY=%d\n%sMESSAGE=%s\n",
                           priority, about, text);
}

static void log_problem(const Log *log, const BerthUnitSet *set, const BerthProblem *problem) {
    int priority = problem->kind == BERTH_PROBLEM_ERROR ? 3 : 4;
    g_autofree char *text = g_strdelimit(g_strdup(problem->text), "\n", ' ');
    g_autofree char *entry = make_entry(set, problem, priority, text);
    /* The kernel accepts lines of about 1000 bytes. */
    g_autofree char *line =
        g_strdup_printf("<%d>berth-generator[%d]: %.900s\n", priority, (int)getpid(), text);

    if (log->journal >= 0 && send(log->journal, entry, strlen(entry), MSG_NOSIGNAL) >= 0)
        return;
    if (log->kernel < 0 || write(log->kernel, line, strlen(line)) < 0)
        fprintf(stderr, "%s\n", text);
}

static void report_write(BerthUnitSet *set, const char *path) {
    berth_problem_add(set->problems, BERTH_PROBLEM_ERROR, path, 0, "%s", g_strerror(errno));
}

/* Not synced: the directory is in memory, and is written again at each reload
 * (systemd.generator(7)). If run by hand, there may be an older file, which GLib 2.74 does not
 * truncate. */
static bool write_unit(BerthUnitSet *set, const char *directory, const BerthService *service) {
    g_autofree char *path = g_build_filename(directory, service->name, NULL);
    g_autofree char *text = berth_service_print(service);
    g_autoptr(GError) error = NULL;

    (void)unlink(path);
    return g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error) ||
           berth_problem_add(set->problems, BERTH_PROBLEM_ERROR, path, 0, "%s", error->message);
}

/* EEXIST: two lines of [Install] may request the same link. */
static void write_links(BerthUnitSet *set, const char *directory, const BerthUnitSource *source) {
    g_autoptr(GPtrArray) links = berth_unit_list_links(set, source);

    for (unsigned i = 0; i < links->len; i++) {
        const BerthUnitLink *link = links->pdata[i];
        g_autofree char *path = g_build_filename(directory, link->path, NULL);
        g_autofree char *parent = g_path_get_dirname(path);
        if (g_mkdir_with_parents(parent, 0755) < 0 ||
            (symlink(link->target, path) < 0 && errno != EEXIST))
            report_write(set, path);
    }
}

static BerthUnitScope find_scope(const char *program) {
    const char *scope = g_getenv("SYSTEMD_SCOPE");

    /* Before systemd 251, only the generator's directory tells the scope. */
    if (scope ? g_str_equal(scope, "user") : strstr(program, "/user-generators/") != NULL)
        return BERTH_UNITS_USER;
    return BERTH_UNITS_SYSTEM;
}

/* The exit status is 0 even if there were problems: valid units are to be used, and systemd would
 * only log the failure. */
int main(int argc, char **argv) {
    BerthUnitScope scope = find_scope(argv[0]);

    if (argc < 2) {
        fputs("berth-generator is run by systemd, see systemd.generator(7); "
              "\"dist unit check\" checks files\n",
              stderr);
        return EXIT_FAILURE;
    }
    g_autoptr(BerthUnitSet) set = berth_unit_set_new(scope);
    berth_unit_set_finish(set);
    for (unsigned i = 0; i < set->sources->len; i++) {
        BerthUnitSource *source = set->sources->pdata[i];
        set->problems->file = source->path;
        g_autoptr(BerthService) service = berth_unit_convert(set, source);
        if (service && write_unit(set, argv[1], service) &&
            (!service->other || write_unit(set, argv[1], service->other)))
            write_links(set, argv[1], source);
    }
    if (set->problems->list->len == 0)
        return EXIT_SUCCESS;
    Log log = open_log();
    for (unsigned i = 0; i < set->problems->list->len; i++)
        log_problem(&log, set, set->problems->list->pdata[i]);
    return EXIT_SUCCESS;
}
