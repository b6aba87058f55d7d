/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods about what runs in a container: its processes, their terminals, pausing, limits and
 * figures. The manager and the container's object have the same ones: the id comes first in the
 * call, or is in the object's path. */

#include "base/limits.h"
#include "bus/container-object.h"
#include "bus/creators.h"
#include "bus/options.h"
#include "bus/page.h"
#include "containers/copy.h"
#include "containers/privileges.h"
#include "systemd/cgroup.h"

#include <errno.h>
#include <string.h>

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
        (r = sd_bus_message_read_strv(call, &exec->command)) < 0)
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
    berth_container_exec(container, &request.exec, &request.streams, on_exec,
                         berth_pending_call_new(service, call));
    return 1;
}

/* For methods about a process: reads which, and checks. */
static int find_process(sd_bus_message *call, void *userdata, sd_bus_error *error,
                        const char **process, BerthContainer **container) {
    g_autofree char *id = NULL;
    int r = berth_container_read_id(call, &id);

    if (r < 0 || (r = sd_bus_message_read(call, "s", process)) < 0)
        return r;
    return berth_container_check_process(call, userdata, error, id, *process, container);
}

static void on_opened(const BerthAttachment *attachment, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "h", attachment->master);
}

static void on_attached(const BerthAttachment *attachment, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "hhh", attachment->master, attachment->screen,
                                   attachment->bell);
}

static int attach(sd_bus_message *call, void *userdata, sd_bus_error *ret_error, bool alone) {
    BerthContainer *container;
    const char *process;
    int r = find_process(call, userdata, ret_error, &process, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_container_is_object_call(call) && (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    berth_container_attach(container, process, sd_bus_message_get_sender(call), alone,
                           alone ? on_opened : on_attached, berth_pending_call_new(userdata, call));
    return 1;
}

int berth_container_method_open_terminal(sd_bus_message *call, void *userdata,
                                         sd_bus_error *error) {
    return attach(call, userdata, error, true);
}

int berth_container_method_attach(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return attach(call, userdata, error, false);
}

int berth_container_method_detach(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthContainer *container;
    const char *process;
    int r = find_process(call, userdata, ret_error, &process, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return berth_container_detach(container, process, sd_bus_message_get_sender(call), &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

int berth_container_method_resize(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthContainer *container;
    const char *process;
    uint32_t rows, columns;
    int r = find_process(call, userdata, ret_error, &process, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if ((r = sd_bus_message_read(call, "uu", &rows, &columns)) < 0)
        return r;
    return berth_container_resize(container, process, rows, columns, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

int berth_container_method_close_stdin(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *container;
    const char *process;
    int r = find_process(call, userdata, error, &process, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_close_stdin(container, process, berth_pending_call_finish,
                                berth_pending_call_new(userdata, call));
    return 1;
}

static int reply_paused(sd_bus_message *call, BerthService *service, BerthContainer *container,
                        bool paused) {
    berth_container_set_paused(container, paused, berth_pending_call_finish,
                               berth_pending_call_new(service, call));
    return 1;
}

static int set_paused(sd_bus_message *call, void *userdata, sd_bus_error *error, bool paused) {
    g_autofree char *id = NULL;
    BerthContainer *container;
    int r = berth_container_read_id(call, &id);

    if (r < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    return r != BERTH_ACCESS_GRANTED ? r : reply_paused(call, userdata, container, paused);
}

int berth_container_method_pause(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return set_paused(call, userdata, error, true);
}

int berth_container_method_resume(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return set_paused(call, userdata, error, false);
}

static int read_pairs(sd_bus_message *call, GVariantBuilder *list) {
    const char *path;
    uint64_t value;
    int r = sd_bus_message_enter_container(call, 'a', "(st)");

    while (r >= 0 && (r = sd_bus_message_read(call, "(st)", &path, &value)) > 0)
        g_variant_builder_add(list, "(st)", path, (guint64)value);
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

/* The value of a property, of the type that it has with systemd. */
static int read_property(sd_bus_message *call, const char *type, GVariant **value) {
    const void *bytes;
    const char *text;
    uint64_t number;
    size_t size;
    int r = sd_bus_message_enter_container(call, 'v', type);

    if (r < 0)
        return r;
    if (g_str_equal(type, "t")) {
        if ((r = sd_bus_message_read(call, "t", &number)) >= 0)
            *value = g_variant_new_uint64(number);
    } else if (g_str_equal(type, "s")) {
        if ((r = sd_bus_message_read(call, "s", &text)) >= 0)
            *value = g_variant_new_string(text);
    } else if (g_str_equal(type, "ay")) {
        if ((r = sd_bus_message_read_array(call, 'y', &bytes, &size)) >= 0)
            *value = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1);
    } else {
        g_auto(GVariantBuilder) list = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(st)"));
        if ((r = read_pairs(call, &list)) >= 0)
            *value = g_variant_builder_end(&list);
    }
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

static int read_properties(sd_bus_message *call, GVariant **changed, sd_bus_error *error) {
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(NULL);
    const char *name;
    int r = sd_bus_message_enter_container(call, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
        GVariant *value = NULL;
        if ((r = sd_bus_message_read(call, "s", &name)) < 0)
            return r;
        const char *type = berth_container_property_get_type(name);
        if (!type)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "\"%.100s\" is no property that a running container can "
                                     "change; see systemd.resource-control(5)",
                                     name);
        if (read_property(call, type, &value) < 0)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "the property \"%s\" is not of the type \"%s\"", name, type);
        g_variant_dict_insert_value(&properties, name, value);
        r = sd_bus_message_exit_container(call);
    }
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
        return r;
    *changed = g_variant_ref_sink(g_variant_dict_end(&properties));
    return 1;
}

static gint compare_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Their names, sorted, with blanks between. */
static char *list_properties(GVariant *changed) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GVariantIter iterator;
    char *name;

    g_variant_iter_init(&iterator, changed);
    while (g_variant_iter_next(&iterator, "{sv}", &name, NULL))
        g_ptr_array_add(names, name);
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

/* What keeps something back for the container is a privilege besides. */
static int check_update(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                        const char *id, GVariant *changed, BerthContainer **container) {
    g_autofree char *properties = list_properties(changed);
    g_autofree char *privileges = berth_privileges_of_update(changed);
    int r = berth_container_check_properties(call, service, error, id, properties, container);

    return r != BERTH_ACCESS_GRANTED || !privileges
               ? r
               : berth_access_check(service->access, call, error, "privileged", "container", id,
                                    "image", berth_container_get_record(*container)->image,
                                    "privilege", privileges, NULL);
}

static int reply_update(sd_bus_message *call, BerthService *service, BerthContainer *container,
                        GVariant *changed) {
    berth_container_update(container, changed, berth_pending_call_finish,
                           berth_pending_call_new(service, call));
    return 1;
}

int berth_container_method_update(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_autoptr(GVariant) changed = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = read_properties(call, &changed, error)) < 0)
        return r;
    r = check_update(call, userdata, error, id, changed, &container);
    return r != BERTH_ACCESS_GRANTED ? r : reply_update(call, userdata, container, changed);
}

static int copy(sd_bus_message *call, void *userdata, sd_bus_error *error, bool into) {
    BerthCopyRequest request = {.into = into, .name = "", .kind = "", .tar = -1};
    g_autofree char *id = NULL;
    BerthContainer *container;
    int owners = 0, r;
    const BerthOption options[] = {{"Name", "s", &request.name},
                                   {into ? "KeepOwners" : "Kind", into ? "b" : "s",
                                    into ? (void *)&owners : (void *)&request.kind},
                                   {NULL, NULL, NULL}};

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "sh", &request.path, &request.tar)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthPendingCall *pending =
        berth_pending_call_new_charged(userdata, call, BERTH_RESOURCE_COPIES, error);
    if (!pending)
        return -EBUSY;
    request.keeps_owners = owners;
    berth_container_copy(container, &request, berth_pending_call_finish, pending);
    return 1;
}

int berth_container_method_copy_out(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return copy(call, userdata, error, false);
}

int berth_container_method_changes(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthCopyRequest request = {.changes = true, .path = "-", .name = "", .kind = "", .tar = -1};
    g_autofree char *id = NULL;
    BerthContainer *container;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "h", &request.tar)) < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthPendingCall *pending =
        berth_pending_call_new_charged(userdata, call, BERTH_RESOURCE_COPIES, error);
    if (!pending)
        return -EBUSY;
    berth_container_copy(container, &request, berth_pending_call_finish, pending);
    return 1;
}

int berth_container_method_copy_in(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return copy(call, userdata, error, true);
}

static int see(sd_bus_message *call, void *userdata, sd_bus_error *error,
               BerthContainer **container) {
    g_autofree char *id = NULL;
    int r = berth_container_read_id(call, &id);

    return r < 0 ? r : berth_container_check(call, userdata, error, id, container);
}

static gint compare_pids(gconstpointer a, gconstpointer b) {
    const BerthProcessInfo *first = *(BerthProcessInfo *const *)a;
    const BerthProcessInfo *second = *(BerthProcessInfo *const *)b;

    return first->pid < second->pid ? -1 : first->pid > second->pid;
}

/* The keys of its pages are numbers. */
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
    r = berth_page_open(page, call, "(usus)");
    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthProcessInfo *info = list->pdata[i];
        if (info->pid > after && (r = berth_page_begin(page, &item)) >= 0 &&
            (r = sd_bus_message_append(item, "(usus)", info->pid, info->process, info->uid,
                                       info->command)) >= 0)
            r = berth_page_add(page);
    }
    return berth_page_send(page, r);
}

int berth_container_method_processes(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {NULL, NULL, NULL}};
    BerthContainer *container;
    int r = see(call, userdata, error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if ((r = berth_options_read(call, options, error)) < 0)
        return r;
    return reply_processes(call, container, &page, error);
}

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
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(figures); i++)
        r = sd_bus_message_append(reply, "{st}", figures[i].name, figures[i].value);
    if (r < 0 || (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

int berth_container_method_stats(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *container;
    int r = see(call, userdata, error, &container);

    return r != BERTH_ACCESS_GRANTED ? r : reply_stats(call, container, error);
}

int berth_container_method_inspect(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthContainer *container;
    int r = see(call, userdata, ret_error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autofree char *text = berth_container_inspect(container, &error);
    return text ? berth_bus_reply_text(call, text, BERTH_MAX_INSPECTION_BYTES,
                                       "what is known of the container")
                : berth_bus_error_set(ret_error, error);
}

/* The new name is one that the caller must have the right to, too. */
static int check_new_id(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                        BerthContainer *container, const char *new_id) {
    const BerthContainerRecord *record = berth_container_get_record(container);
    g_autofree char *owner = g_strdup_printf("%u", record->owner);
    uint32_t uid;
    int r = berth_access_get_uid(service->access, call, &uid);

    return r != BERTH_ACCESS_GRANTED
               ? r
               : berth_access_check(service->access, call, error,
                                    record->owner == uid ? "new-own" : "new-others", "container",
                                    new_id, "image", record->image, "owner", owner, NULL);
}

int berth_container_method_rename(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *new_id;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &new_id)) < 0)
        return r;
    r = berth_container_check(call, userdata, ret_error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = check_new_id(call, userdata, ret_error, container, new_id);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* The container that the caller created had another name. */
    berth_creators_forget(userdata, id);
    return berth_container_rename(container, new_id, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}
