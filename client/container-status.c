/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints the status page of a container: its properties, its processes and resource usage while it
 * runs, and the last lines of its log. A container may exit while the page is printed, and the
 * caller may not be allowed to see everything: a part that cannot be read is left out without an
 * error.
 */

#include "client/container-status.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/layout.h"
#include "client/listing.h"
#include "client/screen.h"
#include "client/stream.h"
#include "client/translate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINES = 10 };

/* Leaves the row out if it has no value. */
static void status_add(DistLayout *layout, const char *name, const char *value) {
    if (!value || !value[0])
        return;
    g_autofree char *text = dist_format_text(value, "");
    dist_layout_add_cell(layout, name, DIST_COLOR_NONE);
    dist_layout_add_cell(layout, text, DIST_COLOR_NONE);
}

static void status_add_figures(DistLayout *layout, const char *id) {
    g_autoptr(GError) ended = NULL;
    DistContainerUsage figures;

    if (!dist_container_read_usage(id, &figures, &ended))
        return;
    g_autofree char *memory_text = dist_format_size(figures.memory);
    g_autofree char *tasks_text = g_strdup_printf("%" G_GUINT64_FORMAT, figures.tasks);
    g_autofree char *cpu_text = g_strdup_printf("%.3fs", (double)figures.cpu_usec / G_USEC_PER_SEC);
    /* 0: this machine has no memory accounting. */
    status_add(layout, _("Memory:"), figures.memory > 0 ? memory_text : NULL);
    status_add(layout, _("Tasks:"), tasks_text);
    status_add(layout, _("CPU:"), cpu_text);
}

typedef struct {
    DistLayout *layout;
    guint count;
} StatusProcesses;

static int status_read_process(sd_bus_message *reply, char **key, void *userdata) {
    const char *name, *command = "";
    uint32_t pid = 0;
    StatusProcesses *processes = userdata;
    const DistField fields[] = {
        {"Pid", "u", &pid}, {"CommandLine", "s", &command}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    g_autofree char *text = g_strdup_printf("%u %s", pid, command);
    status_add(processes->layout, processes->count++ == 0 ? _("Processes:") : "", text);
    *key = g_strdup(name);
    return 1;
}

typedef struct {
    DistLayout *layout;
    const char *id;
    guint count;
} StatusMounts;

/* Lists mounts of paths, volumes and images. What every container has is left out: the kernel's
 * file systems, the files that the service writes for it, and directories of its own. */
static int status_read_mount(sd_bus_message *message, void *userdata) {
    StatusMounts *mounts = userdata;
    DistContainerMount mount;
    int r = dist_container_read_mount(message, &mount);
    g_auto(GStrv) options = mount.options;

    if (r <= 0)
        return r;
    bool is_own = dist_container_mount_is_own(mounts->id, mount.source, mount.destination, options);
    g_autofree char *text = g_strdup_printf("%s → %s", mount.source, mount.destination);
    if (mount.kind == DIST_MOUNT_OF_IMAGE || (mount.kind == DIST_MOUNT_OF_PATH && !is_own))
        status_add(mounts->layout, mounts->count++ == 0 ? _("Mounts:") : "", text);
    return 1;
}

static int status_read_mounts(sd_bus_message *message, void *mounts) {
    return dist_dictionary_read_items(message, status_read_mount, mounts);
}

/* The container's networks (with addresses while it runs), its mounts and its cgroup. */
static void status_add_places(DistLayout *layout, const char *id) {
    StatusMounts mounts = {layout, id, 0};
    g_auto(GStrv) networks = NULL, addresses = NULL;
    const char *cgroup = "";
    const DistField fields[] = {
        {"Networks", "as", &networks},
        {"Addresses", "as", &addresses},
        {"Cgroup", "s", &cgroup},
        {"Mounts", NULL, &mounts, status_read_mounts},
        {NULL, NULL, NULL},
    };
    g_autoptr(GError) gone = NULL;
    g_autoptr(sd_bus_message) reply = dist_call(&gone, DIST_CONTAINERS, "Get", "sa{sv}", id, 0);

    if (!reply || dist_dictionary_read(reply, fields) < 0)
        return;
    g_autofree char *names = networks ? g_strjoinv(", ", networks) : NULL;
    g_autofree char *numbers = addresses ? g_strjoinv(", ", addresses) : NULL;
    status_add(layout, _("Networks:"), names);
    status_add(layout, _("Addresses:"), numbers);
    status_add(layout, _("Cgroup:"), cgroup);
}

static void status_print_log(const char *id) {
    g_autoptr(GError) refused = NULL;
    if (!dist_bus_passes_descriptors())
        return;
    g_autoptr(sd_bus_message) reply = dist_call(&refused, DIST_CONTAINERS, "Logs", "sa{sv}", id, 1,
                                                "Lines", "t", (uint64_t)LOG_LINES);
    uint64_t copied;
    int pipe;

    if (!reply || sd_bus_message_read(reply, "h", &pipe) < 0)
        return;
    /* The log is written directly to the descriptor, after the buffered page. */
    putchar('\n');
    fflush(stdout);
    dist_copy(pipe, STDOUT_FILENO, UINT64_MAX, &copied, &refused);
}

/* The container may have exited since its properties were read; these parts are then left out. */
static void status_add_running(DistLayout *layout, const DistContainer *container) {
    const DistListing listing = {DIST_CONTAINERS, "Processes", .of = container->id};
    StatusProcesses processes = {layout, 0};
    g_autofree char *pid = g_strdup_printf("%u", container->pid);
    g_autoptr(GError) ended = NULL;

    status_add(layout, _("Main PID:"), pid);
    status_add_figures(layout, container->id);
    dist_list(&listing, status_read_process, &processes, &ended);
}

DistColor dist_container_get_color(const DistContainer *container) {
    static const struct {
        const char *health;
        DistColor color;
    } colors[] = {
        {N_("healthy"), DIST_COLOR_GOOD},
        {N_("starting"), DIST_COLOR_WARNING},
        {N_("unhealthy"), DIST_COLOR_BAD},
    };

    switch (container->state) {
    case DIST_CONTAINER_RUNNING:
        for (size_t i = 0; i < G_N_ELEMENTS(colors); i++)
            if (g_str_equal(colors[i].health, container->health))
                return colors[i].color;
        return DIST_COLOR_GOOD;
    case DIST_CONTAINER_PAUSED:
        return DIST_COLOR_WARNING;
    case DIST_CONTAINER_STOPPED:
        return container->status == 0 ? DIST_COLOR_NONE : DIST_COLOR_BAD;
    case DIST_CONTAINER_CREATED:
    case DIST_CONTAINER_UNKNOWN:
        break;
    }
    return DIST_COLOR_NONE;
}

/* The log comes last, since it is written directly to the descriptor. A part that fails only
 * shortens the page. */
void dist_container_status_print(const DistContainer *container, const char *status) {
    g_autoptr(DistLayout) layout = dist_layout_new(2);
    g_autofree char *command = container->command ? g_strjoinv(" ", container->command) : NULL;
    g_autofree char *ports = container->ports ? g_strjoinv(", ", container->ports) : NULL;
    g_autofree char *started = container->started ? dist_format_time(container->started) : NULL;

    /* polkit must not ask for a password for a part of the page: such a part is left out instead.
     */
    sd_bus_set_allow_interactive_authorization(dist_bus(NULL), false);
    for (int column = 0; column < 2; column++)
        dist_layout_add_header(layout, "");
    puts(container->id);
    dist_layout_add_cell(layout, _("Status:"), DIST_COLOR_NONE);
    dist_layout_add_cell(layout, status, dist_container_get_color(container));
    status_add(layout, _("Since:"), started);
    status_add(layout, _("Image:"), container->image);
    status_add(layout, _("Command:"), command);
    status_add(layout, _("Unit:"), container->scope);
    status_add(layout, _("Ports:"), ports);
    status_add_places(layout, container->id);
    if (dist_container_is_running(container))
        status_add_running(layout, container);
    dist_layout_print(layout, dist_screen_columns(), false);
    status_print_log(container->id);
}
