/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the set-up of a plan: first a BerthSetup with pointers into the plan and a pool, then its
 * image, in which berth_setup_layout says where the pointers are. JSON, text processing and growing
 * lists are handled here, so that a launcher needs none of them. The pool and the image live for
 * one call; the caller owns the sealed file.
 */

#include "plan/compile.h"

#include "base/document-members.h"
#include "base/fd.h"
#include "config.h"
#include "plan/setup-image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define OCI_VERSION "1.0.2"

/* For a hook without a timeout of its own. */
#define DEFAULT_HOOK_TIMEOUT_USEC (60ull * G_USEC_PER_SEC)

typedef struct {
    BerthSetup setup;
    GPtrArray *pool; /* what the set-up refers to and the plan does not contain */
} Compilation;

/* Adds data to the pool, which frees it with g_free() after the image has been made. */
static gpointer keep_string(Compilation *compilation, gpointer data) {
    g_ptr_array_add(compilation->pool, data);
    return data;
}

static BerthTexts make_texts(char *const *texts) {
    return (BerthTexts){(char **)texts, texts ? g_strv_length((char **)texts) : 0};
}

static BerthRanges make_ranges(const GArray *ranges) {
    return ranges ? (BerthRanges){(const BerthRange *)ranges->data, ranges->len}
                  : (BerthRanges){NULL, 0};
}

/* texts is a list of name, value… */
static BerthPairs make_pairs(Compilation *compilation, char *const *texts, guint count) {
    BerthPair *pairs = keep_string(compilation, g_new0(BerthPair, count / 2 + 1));

    for (guint i = 0; i < count / 2; i++)
        pairs[i] = (BerthPair){texts[2 * i], texts[2 * i + 1]};
    return (BerthPairs){pairs, count / 2};
}

/* "KEY" or "KEY=VALUE". */
static BerthPairs split_options(Compilation *compilation, const GPtrArray *options) {
    BerthPair *pairs = keep_string(compilation, g_new0(BerthPair, options->len + 1));

    for (guint i = 0; i < options->len; i++) {
        char *name = keep_string(compilation, g_strdup(options->pdata[i]));
        char *equals = strchr(name, '=');
        if (equals)
            *equals = '\0';
        pairs[i] = (BerthPair){name, equals ? equals + 1 : NULL};
    }
    return (BerthPairs){pairs, options->len};
}

/* A variable that is set repeatedly has its last value, even in a configuration supplied by the
 * caller. An empty HOME is treated as unset: the image's passwd determines it. */
static BerthTexts compile_environment(Compilation *compilation, char *const *variables) {
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint count = g_strv_length((char **)variables), kept = count;
    char **environment = keep_string(compilation, g_new0(char *, count + 1));

    for (guint i = count; i-- > 0;) {
        char *name = g_strndup(variables[i], strcspn(variables[i], "="));
        if (g_hash_table_add(names, name) && !g_str_equal(variables[i], "HOME="))
            environment[--kept] = variables[i];
    }
    memmove(environment, environment + kept, (count - kept + 1) * sizeof *environment);
    return (BerthTexts){environment, count - kept};
}

/* Field by field, because a mount of the plan has GLib's containers, and a mount of the set-up has
 * plain lists. */
static BerthMount compile_mount(Compilation *compilation, const BerthPlanMount *mount) {
    return (BerthMount){
        .destination = mount->destination,
        .type = mount->type,
        .source = mount->source,
        .layers = make_texts(mount->layers ? (char **)mount->layers->pdata : NULL),
        .subpath = mount->subpath,
        .file_name = mount->file_name,
        .data = split_options(compilation, mount->data),
        .kind = mount->kind,
        .recursive = mount->recursive,
        .copies_up = mount->copies_up,
        .has_inode = mount->has_inode,
        .device = mount->device,
        .inode = mount->inode,
        .set = mount->set,
        .clear = mount->clear,
        .set_below = mount->set_below,
        .clear_below = mount->clear_below,
        .propagation = mount->propagation,
        .source_owner = mount->source_owner,
        .source_uid = mount->source_uid,
        .mapped_uid = mount->mapped_uid,
        .mapped_gid = mount->mapped_gid,
        .uid_ranges = make_ranges(mount->uid_ranges),
        .gid_ranges = make_ranges(mount->gid_ranges),
        .idmap = mount->idmap,
    };
}

static void compile_mounts(Compilation *compilation, const BerthPlan *plan) {
    BerthMount *mounts = keep_string(compilation, g_new0(BerthMount, plan->mounts->len + 1));

    for (guint i = 0; i < plan->mounts->len; i++)
        mounts[i] = compile_mount(compilation, plan->mounts->pdata[i]);
    compilation->setup.mounts = mounts;
    compilation->setup.mount_count = plan->mounts->len;
    if (!plan->root_mount)
        return;
    BerthMount *root = keep_string(compilation, g_new0(BerthMount, 1));
    *root = compile_mount(compilation, plan->root_mount);
    compilation->setup.root_mount = root;
    compilation->setup.root_mount_count = 1;
}

static void compile_devices(Compilation *compilation, const BerthPlan *plan) {
    BerthDevice *devices = keep_string(compilation, g_new0(BerthDevice, plan->devices->len + 1));

    for (guint i = 0; i < plan->devices->len; i++)
        devices[i] = *(const BerthDevice *)plan->devices->pdata[i];
    compilation->setup.devices = devices;
    compilation->setup.device_count = plan->devices->len;
}

/* A hook without an environment gets an empty one rather than the launcher's. */
static void compile_hooks(Compilation *compilation, const BerthPlan *plan) {
    static char *const none[] = {NULL};

    for (int stage = 0; stage < BERTH_HOOK_COUNT; stage++) {
        const GPtrArray *from = plan->hooks[stage];
        BerthHook *hooks = keep_string(compilation, g_new0(BerthHook, from->len + 1));
        for (guint i = 0; i < from->len; i++) {
            const BerthPlanHook *hook = from->pdata[i];
            /* execve(2) needs an argv[0] in any case. */
            char **alone = keep_string(compilation, g_new0(char *, 2));
            alone[0] = (char *)hook->path;
            hooks[i] = (BerthHook){
                .path = hook->path,
                .arguments =
                    make_texts(hook->arguments && hook->arguments[0] ? hook->arguments : alone),
                .environment = make_texts(hook->environment ? hook->environment : none),
                .timeout_usec = hook->timeout_usec ? hook->timeout_usec : DEFAULT_HOOK_TIMEOUT_USEC,
            };
        }
        compilation->setup.hooks[stage] = (BerthHooks){hooks, from->len};
    }
}

/* A JSON object without its closing brace, which the launcher writes after its additions. */
static const char *open_end(Compilation *compilation, json_object *object) {
    char *text = keep_string(compilation, berth_document_print(object, false));

    text[strlen(text) - 1] = '\0';
    return text;
}

/* See runtime.md, State. */
static void add_state(Compilation *compilation, const BerthPlan *plan) {
    g_autoptr(json_object) state = json_object_new_object();
    g_autofree char *bundle =
        g_strconcat(BERTH_STATEDIR "/containers/", compilation->setup.id, NULL);

    berth_document_add_string(state, "ociVersion", OCI_VERSION);
    berth_document_add_string(state, "id", compilation->setup.id);
    berth_document_add_string(state, "bundle", bundle);
    berth_document_add_map(state, "annotations", plan->annotations);
    compilation->setup.state = open_end(compilation, state);
}

/* For a profile that asks for a listener, which is known only after compilation. See
 * config-linux.md, The Container Process State. */
static bool add_listener(Compilation *compilation, const BerthPlan *plan, GError **error) {
    g_autoptr(json_object) state = json_object_new_object();
    BerthFilterProgram *filter = &compilation->setup.filter;
    const char *metadata;

    if (!berth_document_get_string(plan->seccomp_profile, "listenerPath", &filter->socket, error) ||
        !berth_document_get_string(plan->seccomp_profile, "listenerMetadata", &metadata, error))
        return false;
    berth_document_add_string(state, "ociVersion", OCI_VERSION);
    berth_document_append_string(berth_document_add_array(state, "fds"), "seccompFd");
    if (metadata)
        berth_document_add_string(state, "metadata", metadata);
    filter->state = open_end(compilation, state);
    return true;
}

/* filter is a program that berthd has already compiled, or NULL. A profile supplied by the caller
 * is included as text, unless an annotation selects one of Berth's. The socket and the state for a
 * listener belong to this container, so only add_listener() sets them. */
static bool add_filter(Compilation *compilation, const BerthPlan *plan,
                       const BerthFilterProgram *filter, GError **error) {
    if (filter)
        compilation->setup.filter = *filter;
    compilation->setup.filter.socket = compilation->setup.filter.state = NULL;
    if (plan->seccomp || !plan->seccomp_profile)
        return true;
    compilation->setup.filter_profile =
        keep_string(compilation, berth_document_print(plan->seccomp_profile, false));
    return add_listener(compilation, plan, error);
}

/* If the name has slashes, dots belong to its components (such as the name of an interface). */
static void add_sysctls(Compilation *compilation, const BerthPlan *plan) {
    guint count = g_strv_length(plan->sysctls);
    char **texts = keep_string(compilation, g_new0(char *, count + 1));

    for (guint i = 0; i + 1 < count; i += 2) {
        texts[i] = keep_string(compilation, g_strdup(plan->sysctls[i]));
        if (!strchr(texts[i], '/'))
            g_strdelimit(texts[i], ".", '/');
        texts[i + 1] = plan->sysctls[i + 1];
    }
    compilation->setup.sysctls = make_pairs(compilation, texts, count);
}

static const char *find_annotation(const BerthPlan *plan, const char *name) {
    for (char **entry = plan->annotations; entry && *entry; entry += 2)
        if (g_str_equal(entry[0], name))
            return entry[1];
    return NULL;
}

/* Only pointers and numbers are copied, so the plan must live until the image has been made. */
static void compile_process(Compilation *compilation, const BerthPlan *plan) {
    BerthSetup *setup = &compilation->setup;

    setup->user = plan->user;
    setup->uid = plan->uid;
    setup->gid = plan->gid;
    setup->groups = (const gid_t *)plan->groups->data;
    setup->group_count = plan->groups->len;
    setup->group_names = make_texts(plan->group_names);
    setup->umask = plan->umask;
    setup->arguments = make_texts(plan->arguments);
    setup->environment = compile_environment(compilation, plan->environment);
    setup->working_directory = plan->working_directory;
    setup->bounding = plan->bounding;
    setup->effective = plan->effective;
    setup->permitted = plan->permitted;
    setup->inheritable = plan->inheritable;
    setup->ambient = plan->ambient;
    setup->no_new_privileges = plan->no_new_privileges;
    setup->terminal = plan->terminal;
    setup->rows = (uint16_t)MIN(plan->rows, UINT16_MAX);
    setup->columns = (uint16_t)MIN(plan->columns, UINT16_MAX);
    setup->apparmor = plan->apparmor && plan->apparmor[0] ? plan->apparmor : NULL;
    setup->limits = (const BerthLimit *)plan->limits->data;
    setup->limit_count = plan->limits->len;
    setup->oom_score = plan->has_oom_score ? plan->oom_score : 0;
    setup->has_io_priority = plan->has_io_priority;
    setup->io_priority = plan->io_priority;
    setup->has_scheduler = plan->has_scheduler;
    setup->scheduler = plan->scheduler;
}

static void compile_root(Compilation *compilation, const BerthPlan *plan) {
    BerthSetup *setup = &compilation->setup;

    setup->read_only = plan->read_only;
    setup->root = plan->root;
    setup->root_has_inode = plan->root_has_inode;
    setup->root_device = plan->root_device;
    setup->root_inode = plan->root_inode;
    setup->layers = make_texts(plan->layers);
    compile_mounts(compilation, plan);
    setup->hostname = plan->hostname;
    setup->domainname = plan->domainname;
    setup->network = plan->network;
    setup->ports = find_annotation(plan, "org.berth1.ports");
    setup->log_tag = find_annotation(plan, "org.berth1.log-tag");
}

/* Offsets of the time namespace are written as text in the form of /proc/PID/timens_offsets
 * (time_namespaces(7)). */
static void compile_linux(Compilation *compilation, const BerthPlan *plan) {
    BerthSetup *setup = &compilation->setup;

    setup->namespaces = (const BerthNamespace *)plan->namespaces->data;
    setup->namespace_count = plan->namespaces->len;
    setup->uid_ranges = make_ranges(plan->uid_ranges);
    setup->gid_ranges = make_ranges(plan->gid_ranges);
    compile_devices(compilation, plan);
    setup->makes_dev = plan->makes_dev;
    add_sysctls(compilation, plan);
    setup->masked_paths = make_texts(plan->masked_paths);
    setup->read_only_paths = make_texts(plan->read_only_paths);
    setup->root_propagation = plan->root_propagation;
    setup->has_personality = plan->has_personality;
    setup->personality = plan->personality;
    if (plan->has_time_offsets)
        setup->time_offsets = keep_string(
            compilation, g_strdup_printf("monotonic %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                                         "\nboottime %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
                                         plan->monotonic_secs, plan->monotonic_nsecs,
                                         plan->boottime_secs, plan->boottime_nsecs));
    setup->cgroup_files =
        make_pairs(compilation, (char *const *)plan->cgroup_files->pdata, plan->cgroup_files->len);
}

/* The caller frees the image. Returns NULL with error, which only the seccomp profile can cause. */
GByteArray *berth_plan_flatten(const BerthPlan *plan, const char *id,
                               const BerthFilterProgram *filter, GError **error) {
    g_autoptr(GPtrArray) pool = g_ptr_array_new_with_free_func(g_free);
    Compilation compilation = {
        .setup =
            {
                .magic = BERTH_SETUP_MAGIC,
                .version = BERTH_SETUP_VERSION,
                .size = sizeof(BerthSetup),
                .id = id,
            },
        .pool = pool,
    };

    compile_process(&compilation, plan);
    compile_root(&compilation, plan);
    compile_linux(&compilation, plan);
    compile_hooks(&compilation, plan);
    add_state(&compilation, plan);
    return add_filter(&compilation, plan, filter, error)
               ? berth_setup_image_make(&compilation.setup)
               : NULL;
}

/* A launcher maps the file and follows the offsets in it. The seals guarantee that it does not
 * change meanwhile (fcntl(2), File Sealing). */
int berth_plan_compile(const BerthPlan *plan, const char *id, const BerthFilterProgram *filter,
                       GError **error) {
    g_autoptr(GByteArray) image = berth_plan_flatten(plan, id, filter, error);
    berth_autofd int file = image ? memfd_create("setup", MFD_CLOEXEC | MFD_ALLOW_SEALING) : -1;

    if (!image)
        return -1;
    if (file < 0 || !berth_fd_write_all(file, image->data, image->len) || !berth_fd_seal(file)) {
        berth_error_set_errno(error, errno, "write the set-up of container %s", id);
        return -1;
    }
    return berth_fd_steal(&file);
}
