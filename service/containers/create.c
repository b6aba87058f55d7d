/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Create: options are checked, the image is read, the directory is made, and last the record that
 * makes it count. */

#include "containers/create.h"

#include "base/fd.h"
#include "base/labels.h"
#include "base/limits.h"
#include "base/names.h"
#include "base/signals.h"
#include "containers/core/part.h"
#include "containers/core/state.h"
#include "containers/ids.h"
#include "containers/parts/disk-limit.h"
#include "containers/parts/provisional.h"
#include "containers/parts/volumes.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/files.h"
#include "containers/spec/health-options.h"
#include "containers/spec/mounts.h"
#include "containers/spec/options-check.h"
#include "containers/spec/slices.h"
#include "containers/spec/spec.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define DEFAULT_STOP_TIMEOUT_USEC (10ull * G_USEC_PER_SEC)

/* Of a container that stands on no image. */
#define NO_CHAIN "-"

typedef struct {
    BerthContainers *containers;
    BerthCreateOptions *options;
    uint32_t ids;
    char *root, *root_inode; /* of a directory instead of an image */
    BerthDeviceEdits *edits; /* what devices change of the configuration */
    BerthCharge *charge;     /* until it is one of its owner's containers */
    BerthContainerCreated done;
    void *userdata;
} Creation;

static void free_creation(Creation *creation) {
    berth_create_options_free(creation->options);
    berth_charge_free(creation->charge);
    g_free(creation->root);
    g_free(creation->root_inode);
    berth_device_edits_free(creation->edits);
    g_free(creation);
}

uint64_t berth_containers_sum_labels(BerthContainers *containers, uint32_t owner) {
    GHashTableIter iterator;
    uint64_t bytes = 0;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        if (record->owner == owner)
            bytes += berth_labels_measure(record->labels);
    }
    return bytes;
}

/* Of those that are being made, the charges count. */
static bool take_quota(Creation *creation, GError **error) {
    BerthContainers *containers = creation->containers;
    uint32_t owner = creation->options->owner;
    GHashTableIter iterator;
    uint64_t count = 0;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        count += ((BerthContainer *)value)->record.owner == owner;
    if (!berth_charge_check(owner, BERTH_RESOURCE_CONTAINERS, count, 1, error))
        return false;
    if (!berth_disk_check(containers, owner, error))
        return false;
    creation->charge = berth_charge_new_forced(owner, BERTH_RESOURCE_CONTAINERS, 1);
    return true;
}

/* How large the configurations of an owner's containers are is what their files say. */
static bool check_bytes(Creation *creation, const char *config, char *const *labels,
                        GError **error) {
    BerthContainers *containers = creation->containers;
    uint32_t owner = creation->options->owner;
    GHashTableIter iterator;
    uint64_t bytes = 0;
    gpointer value;

    if (owner == 0)
        return true;
    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        g_autofree char *path = g_strconcat(record->id, "/config.json", NULL);
        struct stat status;
        if (record->owner == owner && fstatat(containers->directory, path, &status, 0) == 0)
            bytes += (uint64_t)status.st_size;
    }
    return berth_charge_check(owner, BERTH_RESOURCE_CONFIGURATIONS, bytes, strlen(config), error) &&
           berth_charge_check(owner, BERTH_RESOURCE_LABELS,
                              berth_containers_sum_labels(containers, owner),
                              berth_labels_measure(labels), error);
}

static bool check_options(BerthContainers *containers, const BerthCreateOptions *options,
                          GError **error) {
    if (!berth_create_options_check(options, error))
        return false;
    if (g_hash_table_contains(containers->by_id, options->id) ||
        g_hash_table_contains(containers->reserved, options->id))
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

/* The names of its volumes, by which they are known to be in use, its ports, and those that its
 * image says to be of use. */
static GVariant *make_extra(const BerthCreateOptions *options, const BerthImageInfo *image) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_auto(GVariantDict) extra = G_VARIANT_DICT_INIT(NULL);

    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (mount->volume)
            g_ptr_array_add(names, mount->volume);
    }
    g_variant_dict_insert_value(
        &extra, "Volumes",
        g_variant_new_strv((const char *const *)names->pdata, (gssize)names->len));
    g_variant_dict_insert_value(
        &extra, "Ports",
        g_variant_new_strv((const char *const *)options->ports, options->ports ? -1 : 0));
    if (image)
        g_variant_dict_insert_value(&extra, "ExposedPorts",
                                    g_variant_new_strv((const char *const *)image->ports, -1));
    GVariant *health = berth_health_make_options(options, image);
    if (health)
        g_variant_dict_insert_value(&extra, "Health", health);
    berth_provisional_note(&extra, options->creator);
    return g_variant_ref_sink(g_variant_dict_end(&extra));
}

/* The smaller one for a user; 0 is no limit. */
static uint64_t choose_default(const Creation *creation, uint64_t all, uint64_t users) {
    if (creation->options->owner == 0 || users == 0)
        return all;
    return all == 0 ? users : MIN(all, users);
}

/* The limits of berth.conf, of what the caller has said nothing. */
static GVariant *add_defaults(const Creation *creation) {
    const BerthSettings *settings = creation->containers->images->remotes->settings;
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(creation->options->properties);
    const struct {
        const char *name;
        uint64_t value;
    } defaults[] = {{"MemoryMax", choose_default(creation, settings->default_memory_max,
                                                 settings->user_memory_max)},
                    {"TasksMax", choose_default(creation, settings->default_tasks_max,
                                                settings->user_tasks_max)}};

    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++)
        if (defaults[i].value > 0 && !g_variant_dict_contains(&properties, defaults[i].name))
            g_variant_dict_insert(&properties, defaults[i].name, "t", defaults[i].value);
    return g_variant_ref_sink(g_variant_dict_end(&properties));
}

static void fill_record(BerthContainerRecord *record, const Creation *creation,
                        const BerthImageInfo *image) {
    const BerthCreateOptions *options = creation->options;
    bool is_system = image && !options->spec && berth_spec_is_system(options, image);
    const char *of_image = image && image->stop_signal[0] ? image->stop_signal
                           : is_system                    ? "SIGRTMIN+3"
                                                          : "";
    int signal = berth_signal_parse(options->stop_signal ? options->stop_signal : of_image);

    *record = (BerthContainerRecord){
        .id = g_strdup(options->id),
        .image = g_strdup(options->image),
        .owner = options->owner,
        .state = BERTH_CONTAINER_CREATED,
        .created_usec = (uint64_t)g_get_real_time(),
        .first = {.container = g_strdup(options->id),
                  .id = g_strdup(""),
                  .status = BERTH_STATUS_UNKNOWN},
        .labels = berth_labels_merge(image ? image->labels : NULL, options->labels),
        .chain_id = g_strdup(image ? image->chain_id : NO_CHAIN),
        .systemd = is_system,
        .slice = g_strdup(options->slice),
        .stop_signal = signal > 0 ? signal : SIGTERM,
        .stop_timeout_usec = options->stop_timeout_usec == UINT64_MAX ? DEFAULT_STOP_TIMEOUT_USEC
                                                                      : options->stop_timeout_usec,
        .auto_remove = options->auto_remove,
        .terminal = options->terminal,
        .autostart = options->autostart,
        .restart = options->restart,
        .network = g_strdup(options->network ? options->network : "none"),
        .root = g_strdup(creation->root ? creation->root : ""),
        .ids = creation->ids,
        .extra = make_extra(options, image),
        .properties = add_defaults(creation),
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

/* Devices are allowed by name only, whatever a container mounts or makes: among the host's users a
 * capability is enough to make any device, and in a user namespace what is mounted nodev is not so
 * for good. All capabilities come with all devices, and a configuration of the caller's own says
 * itself which. */
static bool closes_devices(const Creation *creation) {
    const BerthCreateOptions *options = creation->options;

    for (char **name = options->capabilities_add; name && *name; name++)
        if (g_ascii_strcasecmp(*name, "ALL") == 0)
            return false;
    return !options->spec;
}

/* What the configuration of a caller's own says beside what is run: limits, slice, terminal. */
static void take_plan(BerthContainerRecord *record, const BerthPlan *plan,
                      const Creation *creation) {
    const BerthDeviceEdits *edits = creation->edits;
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(record->properties);

    record->terminal = plan->terminal;
    record->poststop = plan->hooks[BERTH_HOOK_POSTSTOP]->len > 0;
    if (plan->slice) {
        g_free(record->slice);
        record->slice = g_strdup(plan->slice);
    }
    for (guint i = 0; i < plan->properties->len; i++) {
        const BerthPlanProperty *property = &g_array_index(plan->properties, BerthPlanProperty, i);
        g_variant_dict_insert_value(&properties, property->name, property->value);
    }
    if (plan->device_deny || edits->devices->len > 0 || closes_devices(creation)) {
        g_auto(GVariantBuilder) rules = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ss)"));
        g_variant_dict_insert(&properties, "DevicePolicy", "s", "closed");
        for (guint i = 0; i < plan->device_rules->len; i++) {
            g_auto(GStrv) parts = g_strsplit(plan->device_rules->pdata[i], " ", 2);
            g_variant_builder_add(&rules, "(ss)", parts[0], parts[1]);
        }
        for (guint i = 0; i < edits->devices->len; i++) {
            const BerthDeviceRequest *device = edits->devices->pdata[i];
            g_autofree char *node =
                g_strdup_printf("/dev/%s/%u:%u", S_ISBLK(device->type) ? "block" : "char",
                                device->major, device->minor);
            g_variant_builder_add(&rules, "(ss)", node, device->access);
        }
        g_variant_dict_insert_value(&properties, "DeviceAllow", g_variant_builder_end(&rules));
    }
    if (record->properties)
        g_variant_unref(record->properties);
    record->properties = g_variant_ref_sink(g_variant_dict_end(&properties));
}

G_STATIC_ASSERT(BERTH_MAX_CONFIG_BYTES <= BERTH_DOCUMENT_MAX_BYTES);

static char *format_config(Creation *creation, const BerthImageInfo *image, char *const *chain,
                           GError **error) {
    const BerthCreateOptions *options = creation->options;

    if (options->spec)
        return berth_spec_complete(options->spec, chain, creation->root, creation->root_inode,
                                   error);
    g_autofree char *directory =
        g_build_filename(creation->containers->state_path, "containers", options->id, NULL);
    const BerthSpecContext context = {
        .chain = chain,
        .ids = creation->ids,
        .directory = directory,
        .edits = creation->edits,
    };
    return berth_spec_format(options, image, &context, error);
}

static BerthContainer *write_all(Creation *creation, const BerthImageInfo *image,
                                 const char *config, int root, GError **error) {
    BerthContainers *containers = creation->containers;
    const char *id = creation->options->id;
    BerthContainerRecord record;

    if (strlen(config) > BERTH_MAX_CONFIG_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the configuration of container \"%s\" would have %zu bytes, with what its "
                        "image brings; the limit is %u",
                        id, strlen(config), BERTH_MAX_CONFIG_BYTES);
        return NULL;
    }
    g_auto(GStrv) labels =
        berth_labels_merge(image ? image->labels : NULL, creation->options->labels);
    if (!check_bytes(creation, config, labels, error))
        return NULL;
    /* It is read as berth-launch will: what is wrong with it is told now. */
    g_autoptr(BerthPlan) plan = berth_plan_parse(config, strlen(config), error);
    if (!plan || (plan->slice && !berth_slice_check(plan->slice, error)) ||
        !write_directory(containers, id, config, error) ||
        (!creation->options->spec &&
         !berth_container_files_write(
             containers->directory, id, plan->hostname,
             creation->options->network ? creation->options->network : "none", NULL, error)) ||
        (root >= 0 && !copy_root_attributes(containers, id, root, error)))
        return NULL;
    berth_capabilities_warn(id, plan->unknown_capabilities);
    fill_record(&record, creation, image);
    take_plan(&record, plan, creation);
    BerthContainer *container = berth_container_new(containers, &record);
    if (berth_container_write(container, "create", error)) {
        berth_parts_created(container);
        return container;
    }
    g_hash_table_remove(containers->by_id, id);
    return NULL;
}

static BerthContainer *make_of_image(Creation *creation, const BerthImageInfo *image,
                                     GError **error) {
    BerthSnapshotStore *snapshots = creation->containers->images->snapshots;

    if (image->chain_id[0] == '\0') {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the image \"%s\" has no layers: there is nothing to run in it",
                        creation->options->image);
        return NULL;
    }
    if (!berth_images_check_chain(creation->containers->images, creation->options->image, image,
                                  error))
        return NULL;
    /* No creation comes between this and the record. */
    if (!creation->options->spec &&
        creation->options->user_namespace == BERTH_USER_NAMESPACE_AUTO &&
        (creation->ids = berth_ids_allocate(creation->containers, creation->options->id, error)) ==
            0)
        return NULL;
    g_auto(GStrv) chain = berth_snapshot_store_list_chain(snapshots, image->chain_id, error);
    g_autoptr(GArray) layers =
        chain ? berth_snapshot_store_open_chain(snapshots, image->chain_id, error) : NULL;
    g_autofree char *config = layers ? format_config(creation, image, chain, error) : NULL;
    return config ? write_all(creation, image, config, g_array_index(layers, int, 0), error) : NULL;
}

static BerthContainer *make_of_directory(Creation *creation, GError **error) {
    g_autofree char *config = format_config(creation, NULL, NULL, error);

    return config ? write_all(creation, NULL, config, -1, error) : NULL;
}

static void finish(Creation *creation, BerthContainer *container, const GError *error) {
    BerthContainers *containers = creation->containers;

    g_hash_table_remove(containers->reserved, creation->options->id);
    /* What was made before the failure is no container. */
    if (!container && !g_hash_table_contains(containers->by_id, creation->options->id))
        berth_fd_remove_tree(containers->directory, creation->options->id, NULL);
    creation->done(container, error, creation->userdata);
    free_creation(creation);
}

static void on_image(const BerthImageInfo *image, const GError *image_error, void *userdata) {
    Creation *creation = userdata;
    g_autoptr(GError) error = image_error ? g_error_copy(image_error) : NULL;
    BerthContainer *container = image ? make_of_image(creation, image, &error) : NULL;

    finish(creation, container, error);
}

static bool take_root(Creation *creation, int root, GError **error) {
    if (root < 0)
        return true;
    if (!creation->options->spec || creation->options->image[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "RootDirectory is for a Spec, and instead of an image");
    creation->root = berth_mount_describe(root, &creation->root_inode, error);
    return creation->root != NULL;
}

/* Volumes become bind mounts of their directories. */
static bool open_volumes(Creation *creation, GError **error) {
    BerthCreateOptions *options = creation->options;
    bool idmap = options->user_namespace == BERTH_USER_NAMESPACE_AUTO;

    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        BerthMountRequest *mount = options->mounts->pdata[i];
        if (!mount->volume)
            continue;
        char *path = berth_volume_open(creation->containers, mount->volume, options->owner, error);
        if (!path)
            return false;
        berth_mount_request_set_source(mount, path, idmap);
    }
    return true;
}

static bool prepare_creation(Creation *creation, GError **error) {
    BerthContainers *containers = creation->containers;
    BerthCreateOptions *options = creation->options;
    int root = options->root_directory;

    /* The caller's descriptor is there only now. */
    options->root_directory = -1;
    if (!options->slice)
        options->slice = berth_slice_get_default(options->owner);
    if (options->id[0] == '\0') {
        g_free((char *)options->id);
        options->id = make_id();
    }
    return check_options(containers, options, error) && take_quota(creation, error) &&
           take_root(creation, root, error) &&
           (creation->edits = berth_device_edits_new(options->devices, options->owner, error)) !=
               NULL;
}

void berth_container_create(BerthContainers *containers, BerthCreateOptions *options,
                            BerthContainerCreated done, void *userdata) {
    g_autoptr(GError) error = NULL;
    Creation *creation = g_new0(Creation, 1);
    g_autoptr(BerthImage) image = NULL;

    creation->containers = containers;
    creation->options = options;
    creation->done = done;
    creation->userdata = userdata;
    bool good = prepare_creation(creation, &error);
    if (good && !creation->root)
        good =
            (image = berth_image_store_get(containers->database, options->image, &error)) != NULL;
    /* Last, since a volume that is not there is made by this. */
    good = good && open_volumes(creation, &error);
    if (!good) {
        done(NULL, error, userdata);
        free_creation(creation);
        return;
    }
    g_hash_table_add(containers->reserved, g_strdup(creation->options->id));
    if (image) {
        berth_images_read_info(containers->images, image->name, image->target, NULL, on_image,
                               creation);
        return;
    }
    BerthContainer *container = make_of_directory(creation, &error);
    finish(creation, container, error);
}
