/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods that run a process in a container or show its processes, shared by the manager and the
 * container's object. There is no state but the BerthPendingCall of Exec. The one thing to know: an
 * Exec that weakens the container's confinement needs a second right, "privileged".
 */

#include "base/fd.h"
#include "base/limits.h"
#include "bus/container-object.h"
#include "bus/options.h"
#include "bus/page.h"
#include "containers/spec/privileges.h"
#include "systemd/cgroup.h"

/* Reads the ID and the process from the call again, since only the message was kept. If the process
 * has already ended and been removed, the PID in the reply is 0. */
static void on_exec(const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    g_autofree char *id = NULL;
    const char *process;
    uint32_t pid = 0;

    if (error) {
        berth_bus_reply_error(pending->call, error);
        return;
    }
    sd_bus_message_rewind(pending->call, 1);
    if (berth_container_read_id(pending->call, &id) >= 0 &&
        sd_bus_message_read(pending->call, "s", &process) > 0)
        pid = berth_containers_get_pid(pending->service->containers, id, process);
    sd_bus_reply_method_return(pending->call, "u", pid);
}

typedef struct {
    BerthExecOptions exec;
    BerthContainerStreams streams;
} ExecRequest;

/* All other strings and the descriptors belong to the message. */
static void clear_exec(ExecRequest *request) {
    g_strfreev(request->exec.command);
    g_strfreev(request->exec.environment);
    g_strfreev(request->exec.capabilities_add);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExecRequest, clear_exec)

static int read_exec(sd_bus_message *call, char **id, ExecRequest *request, sd_bus_error *error) {
    BerthExecOptions *exec = &request->exec;
    const BerthOption options[] = {
        {"Env", "as", &exec->environment},
        {"WorkingDirectory", "s", &exec->working_directory},
        {"User", "s", &exec->user},
        {"Terminal", "b", &exec->terminal},
        {"Rows", "u", &exec->rows},
        {"Columns", "u", &exec->columns},
        {"CapabilitiesAdd", "as", &exec->capabilities_add},
        {"NoNewPrivileges", "b", &exec->no_new_privileges},
        {"Spec", "s", &exec->spec},
        {"Stdin", "h", &request->streams.input},
        {"Stdout", "h", &request->streams.output},
        {"Stderr", "h", &request->streams.error},
        {"Descriptors", NULL, &request->streams, berth_container_read_descriptors},
        {NULL, NULL, NULL},
    };
    int r;

    if ((r = berth_container_read_id(call, id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &exec->process)) < 0 ||
        (r = berth_options_read_strings(call, &exec->command)) < 0)
        return r;
    return berth_options_read(call, options, error);
}

int berth_container_method_exec(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    g_auto(ExecRequest) request = {.streams = BERTH_CONTAINER_NO_STREAMS};
    g_autofree char *id = NULL;
    BerthContainer *container;
    int r = read_exec(call, &id, &request, error);

    if (r < 0)
        return r;
    r = berth_container_check(call, service, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autofree char *privileges = berth_privileges_of_exec(&request.exec);
    if (privileges) {
        r = berth_access_check(service->access, call, error, "privileged", "container", id, "image",
                               berth_container_get_record(container)->image, "privilege",
                               privileges, NULL);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    uint32_t uid;
    request.exec.by_root =
        berth_access_find_uid(service->access, sd_bus_message_get_sender(call), &uid) && uid == 0;
    /* on_exec() sends the reply, even if this fails immediately. */
    berth_container_exec(container, &request.exec, &request.streams, on_exec,
                         berth_pending_call_new(service, call));
    return 1;
}

int berth_container_method_open_process(sd_bus_message *call, void *userdata,
                                        sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *process;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &process)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_container_check_process(call, userdata, ret_error, id, process, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* The message duplicates the descriptor. */
    berth_autofd int pidfd = berth_container_open_process(container, process, &error);
    return pidfd < 0 ? berth_bus_error_set(ret_error, error)
                     : sd_bus_reply_method_return(call, "h", pidfd);
}

static gint compare_pids(gconstpointer a, gconstpointer b) {
    const BerthProcessInfo *first = *(BerthProcessInfo *const *)a;
    const BerthProcessInfo *second = *(BerthProcessInfo *const *)b;

    return first->pid < second->pid ? -1 : first->pid > second->pid;
}

static int append_process(sd_bus_message *item, const BerthProcessInfo *info) {
    const BerthProcessStatus *status = &info->status;
    g_autofree char *terminal =
        status->terminal == UINT32_MAX ? g_strdup("") : g_strdup_printf("pts/%u", status->terminal);
    int r;

    if ((r = sd_bus_message_append(item, "{sv}{sv}{sv}{sv}{sv}", "Pid", "u", info->pid, "Process",
                                   "s", info->process, "UID", "u", info->uid, "CommandLine", "s",
                                   info->command, "Name", "s", status->name)) < 0 ||
        (r = sd_bus_message_append(item, "{sv}{sv}{sv}{sv}{sv}", "InnerPid", "u", status->inner_pid,
                                   "InnerUID", "u", status->inner_uid, "ParentPid", "u",
                                   status->parent, "State", "s", status->state, "Nice", "i",
                                   status->nice)) < 0)
        return r;
    return sd_bus_message_append(item, "{sv}{sv}{sv}{sv}{sv}", "Terminal", "s", terminal, "Started",
                                 "t", status->started_usec, "CPUUsageUSec", "t", status->cpu_usec,
                                 "ResidentMemory", "t", status->resident_bytes, "VirtualMemory",
                                 "t", status->virtual_bytes);
}

static int append_process_item(sd_bus_message *item, const char *key,
                               const BerthProcessInfo *info) {
    int r;

    if ((r = sd_bus_message_open_container(item, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(item, "s", key)) < 0 ||
        (r = sd_bus_message_open_container(item, 'a', "{sv}")) < 0 ||
        (r = append_process(item, info)) < 0 || (r = sd_bus_message_close_container(item)) < 0)
        return r;
    return sd_bus_message_close_container(item);
}

/* Sorted by PID. The keys of the pages are numbers, which berth_page_wants() would compare as text;
 * hence the comparison here. */
static int reply_processes(sd_bus_message *call, BerthContainer *container, BerthPage *page,
                           sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = berth_container_list_processes(container, &error);
    guint64 after = g_ascii_strtoull(page->after, NULL, 10);
    sd_bus_message *item;
    int r;

    if (!list)
        return berth_bus_error_set(ret_error, error);
    g_ptr_array_sort(list, compare_pids);
    r = berth_page_open(page, call, "(sa{sv})");
    for (guint i = 0; r > 0 && i < list->len; i++) {
        BerthProcessInfo *info = list->pdata[i];
        g_autofree char *key = g_strdup_printf("%u", info->pid);
        if (info->pid > after && berth_process_info_read_status(info) &&
            (r = berth_page_begin(page, &item)) >= 0 &&
            (r = append_process_item(item, key, info)) >= 0)
            r = berth_page_add(page);
    }
    return berth_page_send(page, r);
}

int berth_container_method_processes(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {NULL, NULL, NULL}};
    BerthContainer *container;
    int r = berth_container_read_and_check(call, userdata, options, error, &container);

    return r != BERTH_ACCESS_GRANTED ? r : reply_processes(call, container, &page, error);
}

/* The time is among the values, so that a client can compute rates from two replies. */
static int reply_stats(sd_bus_message *call, BerthContainer *container, sd_bus_error *ret_error) {
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    BerthCgroupStats stats;
    int r;

    if (!berth_container_read_stats(container, &stats, &error))
        return berth_bus_error_set(ret_error, error);
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"MemoryCurrent", stats.memory_bytes},
        {"MemoryPeak", stats.memory_peak_bytes},
        {"MemoryMax", stats.memory_max_bytes},
        {"CPUUsageUSec", stats.cpu_usec},
        {"CPUUserUSec", stats.cpu_user_usec},
        {"CPUSystemUSec", stats.cpu_system_usec},
        {"TasksCurrent", stats.tasks},
        {"TasksMax", stats.tasks_max},
        {"IOReadBytes", stats.read_bytes},
        {"IOWriteBytes", stats.written_bytes},
        {"NetworkReceivedBytes", stats.received_bytes},
        {"NetworkSentBytes", stats.sent_bytes},
        {"OOMKills", stats.oom_kills},
        {"Time", (uint64_t)g_get_real_time()},
    };
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "{st}")) < 0)
        return r;
    /* Unlike memory and tasks, a container may really have read and written nothing. */
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(figures); i++)
        if (figures[i].value != UINT64_MAX || !g_str_has_prefix(figures[i].name, "IO"))
            r = sd_bus_message_append(reply, "{st}", figures[i].name, figures[i].value);
    if (r < 0 || (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

int berth_container_method_stats(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *container;
    int r = berth_container_read_and_check(call, userdata, BERTH_NO_OPTIONS, error, &container);

    return r != BERTH_ACCESS_GRANTED ? r : reply_stats(call, container, error);
}

int berth_container_method_inspect(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthContainer *container;
    int r = berth_container_read_and_check(call, userdata, BERTH_NO_OPTIONS, ret_error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autofree char *text = berth_container_inspect(container, &error);
    return text ? berth_bus_reply_text(call, text, BERTH_MAX_INSPECTION_BYTES,
                                       "what is known of the container")
                : berth_bus_error_set(ret_error, error);
}
