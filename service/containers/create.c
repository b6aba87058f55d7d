/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Create: options are checked, the image is read, the directory is made, and last the record that
 * makes it count. */

#include "base/fd.h"
#include "base/names.h"
#include "base/signals.h"
#include "containers/container-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/random.h>
#include <sys/stat.h>

#define DEFAULT_STOP_TIMEOUT_USEC (10ull * G_USEC_PER_SEC)

enum { MAX_CONTAINERS_PER_OWNER = 4096, MAX_HOST_NAME = 64 };

typedef struct {
    BerthContainers *containers;
    BerthContainerOptions options; /* its strings and vectors are the creation's */
    BerthContainerCreated done;
    void *userdata;
} Creation;

static void free_creation(Creation *creation) {
    BerthContainerOptions *options = &creation->options;
    const char *strings[] = {options->id,      options->image,    options->working_directory,
                             options->user,    options->hostname, options->network,
                             options->seccomp, options->slice,    options->stop_signal};
    char **vectors[] = {options->command, options->environment, options->capabilities_add,
                        options->capabilities_drop, options->labels};

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        g_free((char *)strings[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++)
        g_strfreev(vectors[i]);
    g_free(creation);
}

static Creation *new_creation(BerthContainers *containers, const BerthContainerOptions *from) {
    Creation *creation = g_new0(Creation, 1);
    BerthContainerOptions *options = &creation->options;

    creation->containers = containers;
    *options = *from;
    options->id = g_strdup(from->id);
    options->image = g_strdup(from->image);
    options->working_directory = g_strdup(from->working_directory);
    options->user = g_strdup(from->user);
    options->hostname = g_strdup(from->hostname);
    options->network = g_strdup(from->network);
    options->seccomp = g_strdup(from->seccomp);
    options->slice = g_strdup(from->slice ? from->slice : "berth.slice");
    options->stop_signal = g_strdup(from->stop_signal);
    options->command = g_strdupv(from->command);
    options->environment = g_strdupv(from->environment);
    options->capabilities_add = g_strdupv(from->capabilities_add);
    options->capabilities_drop = g_strdupv(from->capabilities_drop);
    options->labels = g_strdupv(from->labels);
    return creation;
}

char *berth_container_options_weaken(const BerthContainerOptions *options) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    if (g_strcmp0(options->network, "host") == 0)
        g_ptr_array_add(words, g_strdup("the host's network"));
    if (options->capabilities_add && options->capabilities_add[0]) {
        g_autofree char *names = g_strjoinv(" ", options->capabilities_add);
        g_ptr_array_add(words, g_strconcat("capabilities ", names, NULL));
    }
    if (options->seccomp && !g_str_equal(options->seccomp, "default"))
        g_ptr_array_add(words, g_strdup("no system call filter"));
    if (options->slice && !g_str_equal(options->slice, "berth.slice") &&
        !g_str_has_prefix(options->slice, "berth-"))
        g_ptr_array_add(words, g_strconcat("the slice ", options->slice, NULL));
    if (words->len == 0)
        return NULL;
    g_ptr_array_add(words, NULL);
    return g_strjoinv(", ", (char **)words->pdata);
}

static bool check_host_name(const char *name, GError **error) {
    size_t length = strlen(name);
    bool good = length > 0 && length <= MAX_HOST_NAME;

    for (const char *c = name; good && *c; c++)
        good = g_ascii_isalnum(*c) || (strchr("-._", *c) && c != name);
    return good || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.100s\" is no valid host name", name);
}

static bool check_environment(char *const *environment, GError **error) {
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || equals == *environment)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.100s\" is no NAME=VALUE", *environment);
    }
    return true;
}

static bool check_capabilities(char *const *names, GError **error) {
    for (; names && *names; names++) {
        cap_value_t value;
        g_autofree char *lower = g_ascii_strdown(*names, -1);
        g_autofree char *name =
            g_str_has_prefix(lower, "cap_") ? g_strdup(lower) : g_strconcat("cap_", lower, NULL);
        if (!g_str_equal(name, "cap_all") && cap_from_name(name, &value) < 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.100s\" is no capability", *names);
    }
    return true;
}

static bool check_choices(const BerthContainerOptions *options, GError **error) {
    if (options->network && !g_str_equal(options->network, "none") &&
        !g_str_equal(options->network, "host"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "the network \"%.100s\" is not known; there are none and host",
                               options->network);
    if (options->seccomp && !g_str_equal(options->seccomp, "default") &&
        !g_str_equal(options->seccomp, "unconfined"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "seccomp profiles of one's own are not supported yet; there are "
                               "default and unconfined");
    if (!g_str_has_suffix(options->slice, ".slice") || strchr(options->slice, '/'))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%.100s\" is no slice",
                               options->slice);
    return !options->stop_signal || berth_signal_parse(options->stop_signal) > 0 ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%.100s\" is no signal",
                           options->stop_signal);
}

static bool check_quota(BerthContainers *containers, uint32_t owner, GError **error) {
    GHashTableIter iterator;
    unsigned count = 0;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        count += ((BerthContainer *)value)->record.owner == owner;
    return count < MAX_CONTAINERS_PER_OWNER ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "user %u has %d containers already; delete some", owner,
                           MAX_CONTAINERS_PER_OWNER);
}

static bool check_options(BerthContainers *containers, const BerthContainerOptions *options,
                          GError **error) {
    if (!berth_name_check_container(options->id, error) ||
        (options->hostname && !check_host_name(options->hostname, error)) ||
        !check_environment(options->environment, error) ||
        !check_capabilities(options->capabilities_add, error) ||
        !check_capabilities(options->capabilities_drop, error) || !check_choices(options, error) ||
        !check_quota(containers, options->owner, error))
        return false;
    if (g_hash_table_contains(containers->by_id, options->id) ||
        g_hash_table_contains(containers->taken, options->id))
        return berth_error_set(
            error, BERTH_ERROR_ALREADY_EXISTS,
            "there is a container \"%s\" already; choose another id or delete it", options->id);
    return true;
}

/* Twelve hexadecimal digits, which say nothing. */
static char *make_id(void) {
    uint8_t random[6];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return g_strdup("");
    return g_strdup_printf("%02x%02x%02x%02x%02x%02x", random[0], random[1], random[2], random[3],
                           random[4], random[5]);
}

static bool write_directory(BerthContainers *containers, const char *id, const char *config,
                            GError **error) {
    if (mkdirat(containers->directory, id, 0700) < 0)
        return berth_error_set_errno(error, errno, "make the directory of container %s", id);
    berth_autofd int directory =
        openat(containers->directory, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 || mkdirat(directory, "upper", 0755) < 0 ||
        mkdirat(directory, "work", 0700) < 0)
        return berth_error_set_errno(error, errno, "make the directories of container %s", id);
    berth_autofd int file =
        openat(directory, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || !berth_fd_write_all(file, config, strlen(config)))
        return berth_error_set_errno(error, errno, "write the configuration of container %s", id);
    return true;
}

static void fill_record(BerthContainerRecord *record, const BerthContainerOptions *options,
                        const BerthImageInfo *image) {
    const char *stop_signal = options->stop_signal ? options->stop_signal : image->stop_signal;
    int signal = berth_signal_parse(stop_signal);

    *record = (BerthContainerRecord){
        .id = g_strdup(options->id),
        .image = g_strdup(options->image),
        .owner = options->owner,
        .state = BERTH_CONTAINER_CREATED,
        .created_usec = (uint64_t)g_get_real_time(),
        .status = BERTH_STATUS_UNKNOWN,
        .labels = g_strdupv(options->labels),
        .chain_id = g_strdup(image->chain_id),
        .slice = g_strdup(options->slice),
        .stop_signal = signal > 0 ? signal : SIGTERM,
        .stop_timeout_usec =
            options->stop_timeout_usec ? options->stop_timeout_usec : DEFAULT_STOP_TIMEOUT_USEC,
        .auto_remove = options->auto_remove,
        .memory_max = options->memory_max,
        .tasks_max = options->tasks_max,
        .cpu_quota_usec = options->cpu_quota_usec,
        .cpu_weight = options->cpu_weight,
    };
}

/* The upper directory shows as the container's root: it takes the attributes of the image's. */
static bool copy_root_attributes(BerthContainers *containers, const char *id, int root,
                                 GError **error) {
    g_autofree char *path = g_strconcat(id, "/upper", NULL);
    struct stat status;

    if (fstat(root, &status) < 0 ||
        fchownat(containers->directory, path, status.st_uid, status.st_gid, 0) < 0 ||
        fchmodat(containers->directory, path, status.st_mode & 07777, 0) < 0)
        return berth_error_set_errno(error, errno, "set the attributes of the container's root");
    return true;
}

static BerthContainer *make(Creation *creation, const BerthImageInfo *image, GError **error) {
    BerthContainers *containers = creation->containers;
    const BerthContainerOptions *options = &creation->options;
    BerthContainerRecord record;

    if (image->chain_id[0] == '\0') {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the image \"%s\" has no layers: there is nothing to run in it",
                        options->image);
        return NULL;
    }
    g_auto(GStrv) chain =
        berth_snapshot_store_list_chain(containers->images->snapshots, image->chain_id, error);
    g_autoptr(GArray) layers =
        chain
            ? berth_snapshot_store_open_chain(containers->images->snapshots, image->chain_id, error)
            : NULL;
    g_autofree char *config = layers ? berth_spec_format(options, image, chain, error) : NULL;
    if (!config || !write_directory(containers, options->id, config, error) ||
        !copy_root_attributes(containers, options->id, g_array_index(layers, int, 0), error))
        return NULL;
    fill_record(&record, options, image);
    BerthContainer *container = berth_container_new(containers, &record);
    if (berth_container_change(container, "create", error))
        return container;
    g_hash_table_remove(containers->by_id, options->id);
    return NULL;
}

static void on_image(const BerthImageInfo *image, const GError *image_error, void *userdata) {
    Creation *creation = userdata;
    BerthContainers *containers = creation->containers;
    g_autoptr(GError) error = image_error ? g_error_copy(image_error) : NULL;
    BerthContainer *container = image ? make(creation, image, &error) : NULL;

    g_hash_table_remove(containers->taken, creation->options.id);
    /* What was made before the failure is no container. */
    if (!container && !g_hash_table_contains(containers->by_id, creation->options.id))
        berth_fd_remove_tree(containers->directory, creation->options.id, NULL);
    creation->done(container, error, creation->userdata);
    free_creation(creation);
}

void berth_container_create(BerthContainers *containers, const BerthContainerOptions *options,
                            BerthContainerCreated done, void *userdata) {
    g_autoptr(GError) error = NULL;
    Creation *creation = new_creation(containers, options);
    g_autoptr(BerthImage) image = NULL;

    creation->done = done;
    creation->userdata = userdata;
    if (creation->options.id[0] == '\0') {
        g_free((char *)creation->options.id);
        creation->options.id = make_id();
    }
    if (check_options(containers, &creation->options, &error))
        image = berth_image_store_get(containers->database, options->image, &error);
    if (!image) {
        done(NULL, error, userdata);
        free_creation(creation);
        return;
    }
    g_hash_table_add(containers->taken, g_strdup(creation->options.id));
    berth_images_read_info(containers->images, image->target, NULL, on_image, creation);
}
