/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creating a container: its options are checked, the image is read, the directory is created, and
 * last the record, without which the directory is trash. A Creation lives from the request to the
 * reply, then frees itself; its id is reserved meanwhile.
 */

#include "containers/create.h"

#include "base/fd.h"
#include "base/labels.h"
#include "base/limits.h"
#include "containers/core/part.h"
#include "containers/core/secrets.h"
#include "containers/core/state.h"
#include "containers/create-record.h"
#include "containers/ids.h"
#include "containers/mounted-images.h"
#include "containers/parts/disk-limit.h"
#include "containers/parts/joined-network.h"
#include "containers/parts/made-networks.h"
#include "containers/parts/pods.h"
#include "containers/parts/ports.h"
#include "containers/parts/volumes.h"
#include "containers/quota.h"
#include "containers/secrets.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/devices.h"
#include "containers/spec/files.h"
#include "containers/spec/health-options.h"
#include "containers/spec/mounts.h"
#include "containers/spec/options-check.h"
#include "containers/spec/slices.h"
#include "containers/spec/spec-binds.h"
#include "containers/spec/spec-privileges.h"
#include "containers/spec/spec.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

typedef struct {
    BerthContainers *containers;
    BerthCreateOptions *options;
    uint32_t ids;
    bool spec_needs_ids, spec_is_plain;
    char *root, *root_inode; /* if it is made from a directory instead of an image */
    BerthDeviceEdits *edits; /* the changes that devices make to the configuration */
    BerthImage *image;       /* set until it has been read; NULL for a directory */
    int secrets;             /* a file in memory; -1 for none */
    bool has_directory;      /* which a failed creation removes */
    BerthPins *pins;         /* keep what mounts need of other images; or NULL */
    BerthCharge *charge;     /* held until the container counts for its owner */
    BerthContainerCreated done;
    void *userdata;
} Creation;

/* The charge ends here: an existing container is counted by itself. */
static void free_creation(Creation *creation) {
    berth_create_options_free(creation->options);
    berth_charge_free(creation->charge);
    berth_pins_free(creation->pins);
    berth_fd_clear(&creation->secrets);
    g_clear_pointer(&creation->image, berth_image_free);
    g_free(creation->root);
    g_free(creation->root_inode);
    berth_device_edits_free(creation->edits);
    g_free(creation);
}

/* An id is taken if a container or a pending creation has it. */
static bool check_create_options(BerthContainers *containers, const BerthCreateOptions *options,
                                 GError **error) {
    if (!berth_create_options_check(options, error) ||
        !berth_device_check_limits(options->properties, error))
        return false;
    if (g_hash_table_contains(containers->by_id, options->id) ||
        g_hash_table_contains(containers->reserved, options->id))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "there is a container \"%s\" already", options->id);
    return true;
}

/* Twelve random hexadecimal digits. */
static char *make_container_id(void) {
    uint8_t random[6];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return g_strdup("");
    return g_strdup_printf("%02x%02x%02x%02x%02x%02x", random[0], random[1], random[2], random[3],
                           random[4], random[5]);
}

/* "empty" is the lowest layer of images that are mounted (launch/image-tree.c). */
static bool write_directory(Creation *creation, const char *config, GError **error) {
    const BerthContainers *containers = creation->containers;
    const BerthCreateOptions *options = creation->options;
    const char *id = options->id;

    if (mkdirat(containers->directory, id, 0700) < 0)
        return berth_error_set_errno(error, errno, "make the directory of container %s", id);
    creation->has_directory = true;
    berth_autofd int directory =
        openat(containers->directory, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* Done while the directory is empty: everything created in it inherits the project. */
    if (directory >= 0)
        berth_disk_bound(directory, options->owner);
    if (directory < 0 || mkdirat(directory, "upper", 0755) < 0 ||
        mkdirat(directory, "work", 0700) < 0 ||
        (options->pinned && mkdirat(directory, "empty", 0555) < 0))
        return berth_error_set_errno(error, errno, "make the directories of container %s", id);
    berth_autofd int file =
        openat(directory, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || !berth_fd_write_all(file, config, strlen(config)))
        return berth_error_set_errno(error, errno, "write the configuration of container %s", id);
    return true;
}

/* The upper directory becomes the container's root, so it gets the attributes of the image's
 * root. */
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

/* Completes a caller's own configuration, or else makes one from the options and the image. */
static char *format_config(Creation *creation, const BerthImageInfo *image, char *const *chain,
                           GError **error) {
    const BerthCreateOptions *options = creation->options;

    if (options->spec) {
        const BerthSpecCompletion completion = {
            .chain = chain,
            .root = creation->root,
            .inode = creation->root_inode,
            .ids = creation->ids,
            .plain = creation->spec_is_plain,
            .binds = options->mounts,
        };
        return berth_spec_complete(options->spec, &completion, error);
    }
    g_autofree char *directory =
        g_build_filename(creation->containers->state_path, "containers", options->id, NULL);
    /* In a pod, these are the pod's files. */
    g_autofree char *files = g_build_filename(creation->containers->state_path, "containers",
                                              options->pod ? options->pod : options->id, NULL);
    const BerthSpecContext context = {
        .chain = chain,
        .ids = creation->ids,
        .directory = directory,
        .files = files,
        .root = creation->root,
        .edits = creation->edits,
    };
    return berth_spec_format(options, image, &context, error);
}

/* A pod has no image: its root is the empty upper directory, in which only mount points are
 * created. Since the directory has host ids, it must belong to the root of the pod's user
 * namespace. */
static bool own_root(const Creation *creation, GError **error) {
    g_autofree char *path = g_strconcat(creation->options->id, "/upper", NULL);

    return creation->options->pod_exit == BERTH_POD_NOT ||
           fchownat(creation->containers->directory, path, creation->ids, creation->ids, 0) == 0 ||
           berth_error_set_errno(error, errno, "give the root of a pod to its root user");
}

/* A volume may have been deleted while the secrets or the image were read, since no container used
 * it yet, and its name may even belong to another user by now. It is created again, or refused. */
static bool check_volumes(const Creation *creation, GError **error) {
    const BerthCreateOptions *options = creation->options;

    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        g_autofree char *path =
            mount->volume
                ? berth_volume_open(creation->containers, mount->volume, options->owner, error)
                : NULL;
        if (mount->volume && !path)
            return false;
    }
    return true;
}

/* The directory is created before the record. A crash in between leaves a directory without a
 * record, which the next start removes as trash. */
static BerthContainer *creation_write(Creation *creation, const BerthImageInfo *image,
                                      const char *config, int root, GError **error) {
    BerthContainers *containers = creation->containers;
    const char *id = creation->options->id;
    BerthContainerRecord record;

    /* Checked again, because a network may have been deleted while the image or the secrets were
     * read. */
    if (!berth_network_check_options(containers, creation->options, error) ||
        !check_volumes(creation, error))
        return NULL;
    if (strlen(config) > BERTH_MAX_CONFIG_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the configuration of container \"%s\", including that of its image, "
                        "would have %zu bytes; the limit is %u",
                        id, strlen(config), BERTH_MAX_CONFIG_BYTES);
        return NULL;
    }
    g_auto(GStrv) labels =
        berth_labels_merge(image ? image->labels : NULL, creation->options->labels);
    if (!berth_containers_check_bytes(containers, creation->options->owner, config, labels, error))
        return NULL;
    /* Parsed as berth-launch will see it, so that an error in it is reported now. */
    g_autoptr(BerthPlan) plan = berth_plan_parse(config, strlen(config), error);
    const char *hostname = plan && plan->hostname ? plan->hostname : g_get_host_name();
    if (!plan || (plan->slice && !berth_slice_check(plan->slice, error)) ||
        !write_directory(creation, config, error) ||
        (!creation->options->spec && !creation->options->pod &&
         !berth_container_files_create(containers->directory, id, hostname, error)) ||
        (root >= 0 && !copy_root_attributes(containers, id, root, error)) ||
        !own_root(creation, error))
        return NULL;
    berth_capabilities_warn(id, plan->unknown_capabilities);
    if (!berth_health_check_options(creation->options, image, error))
        return NULL;
    const BerthNewContainer new_container = {
        .options = creation->options,
        .image = image,
        .root = creation->root,
        .plan = plan,
        .edits = creation->edits,
        .settings = containers->images->remotes->settings,
        .ids = creation->ids,
    };
    berth_container_record_init(&record, &new_container);
    /* Added to the table before its row is written, because the event of the row is passed on
     * together with the container. Removed again if that fails. */
    BerthContainer *container = berth_container_new(containers, &record);
    /* systemd has the secrets before the record refers to them. */
    if ((creation->secrets < 0 ||
         berth_secrets_give(container, berth_fd_steal(&creation->secrets), error)) &&
        berth_container_write(container, "create", error)) {
        berth_parts_created(container);
        return container;
    }
    berth_secrets_forget(container);
    g_hash_table_remove(containers->by_id, id);
    return NULL;
}

/* A container in a pod uses the pod's ids, and one that joins another's network those of that one.
 */
static bool needs_ids(const Creation *creation) {
    if (creation->options->pod || creation->options->network_mode == BERTH_NETWORK_JOINED)
        return false;
    return creation->options->spec ? creation->spec_needs_ids
                                   : creation->options->user_namespace == BERTH_USER_NAMESPACE_AUTO;
}

/* Nothing asynchronous happens between this and the record, so no other creation can choose the
 * same ids. */
static bool choose_ids(Creation *creation, GError **error) {
    if (!berth_pod_check_joined(creation->containers, creation->options, error) ||
        !berth_network_check_joined(creation->containers, creation->options, error))
        return false;
    creation->ids = creation->options->pod_ids;
    return !needs_ids(creation) || (creation->ids = berth_ids_allocate(
                                        creation->containers, creation->options->id, error)) > 0;
}

/* Nothing asynchronous happens from here to the record, so the snapshots cannot be collected in
 * between. */
static BerthContainer *make_of_image(Creation *creation, const BerthImageInfo *image,
                                     GError **error) {
    BerthSnapshotStore *snapshots = creation->containers->images->snapshots;

    if (image->chain_id[0] == '\0') {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the image \"%s\" has no layers, so nothing can run in it",
                        creation->options->image);
        return NULL;
    }
    if (!berth_images_check_chain(creation->containers->images, creation->options->image, image,
                                  error))
        return NULL;
    if (creation->options->publish_all &&
        !berth_ports_add_exposed(creation->containers, creation->options, image->ports, error))
        return NULL;
    if (!choose_ids(creation, error))
        return NULL;
    g_auto(GStrv) chain = berth_snapshot_store_list_chain(snapshots, image->chain_id, error);
    g_autoptr(GArray) layers =
        chain ? berth_snapshot_store_open_chain(snapshots, image->chain_id, error) : NULL;
    g_autofree char *config = layers ? format_config(creation, image, chain, error) : NULL;
    return config ? creation_write(creation, image, config, g_array_index(layers, int, 0), error)
                  : NULL;
}

/* Stands for the configuration of an image where there is none: in a pod, and for a directory. */
static BerthImageInfo make_no_image(char **none) {
    return (BerthImageInfo){
        .entrypoint = none,
        .command = none,
        .environment = none,
        .volumes = none,
        .ports = none,
        .labels = none,
        .user = (char *)"",
        .working_directory = (char *)"",
        .stop_signal = (char *)"",
    };
}

/* Without an image. A Spec is complete by itself. */
static BerthContainer *make_without_image(Creation *creation, GError **error) {
    char *none[] = {NULL};
    const BerthImageInfo image = make_no_image(none);
    g_autofree char *config = creation->options->spec || choose_ids(creation, error)
                                  ? format_config(creation, &image, NULL, error)
                                  : NULL;

    return config ? creation_write(creation, NULL, config, -1, error) : NULL;
}

static void creation_finish(Creation *creation, BerthContainer *container, const GError *error) {
    BerthContainers *containers = creation->containers;

    g_hash_table_remove(containers->reserved, creation->options->id);
    /* A directory that was there before may belong to a container whose rename has failed. */
    if (!container && creation->has_directory &&
        !g_hash_table_contains(containers->by_id, creation->options->id))
        berth_fd_remove_tree(containers->directory, creation->options->id, NULL);
    creation->done(container, error, creation->userdata);
    free_creation(creation);
}

static void creation_on_image(const BerthImageInfo *image, const GError *image_error,
                              void *userdata) {
    Creation *creation = userdata;
    g_autoptr(GError) error = image_error ? g_error_copy(image_error) : NULL;
    BerthContainer *container = image ? make_of_image(creation, image, &error) : NULL;

    creation_finish(creation, container, error);
}

/* RootDirectory: the container's root is a directory of the host, identified by its path and
 * inode. */
static bool take_root(Creation *creation, int root, GError **error) {
    if (creation->options->pod_exit != BERTH_POD_NOT)
        creation->root = g_build_filename(creation->containers->state_path, "containers",
                                          creation->options->id, "upper", NULL);
    if (root < 0)
        return true;
    if (creation->options->image[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "RootDirectory replaces the image; give one of them");
    if (creation->options->root_mount) {
        const BerthMountRequest *mount = creation->options->root_mount->pdata[0];
        creation->root = g_strdup(mount->source);
        return true;
    }
    creation->root = berth_mount_describe(root, &creation->root_inode, error);
    /* Without a Spec, it had no path when it was described for the authorization. */
    return creation->root &&
           (creation->options->spec ||
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            "the file of a descriptor has no path by which it could be opened "
                            "again"));
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

/* In the same way as berth_privileges_of_container(): a configuration without any privilege name is
 * plain here. */
static bool read_spec(Creation *creation, GError **error) {
    BerthCreateOptions *options = creation->options;

    if (!options->spec)
        return true;
    /* If it could not be parsed, the reason is reported now. */
    if (!options->plan && !berth_create_options_parse_spec(options, error))
        return false;
    const BerthPlan *plan = options->plan;
    /* Nothing is decided by the paths of root. */
    if (!berth_spec_check_binds(plan, options->mounts, error) ||
        (options->owner != 0 && !berth_spec_check_paths(plan, options->mounts, error)))
        return false;
    creation->spec_needs_ids = plan->needs_ids;
    creation->spec_is_plain = berth_spec_is_plain(plan, options);
    /* The files of a directory have host ids, so berthd cannot choose other ids. */
    return !plan->needs_ids || !creation->root ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "a user namespace needs uidMappings and gidMappings");
}

static bool prepare_creation(Creation *creation, GError **error) {
    BerthContainers *containers = creation->containers;
    BerthCreateOptions *options = creation->options;
    int root = options->root_directory;

    /* The pod's process does nothing that needs a capability. */
    if (options->pod_exit != BERTH_POD_NOT)
        options->capabilities_drop = g_strsplit("ALL", " ", -1);
    /* The descriptor belongs to the call, and is closed with it. */
    options->root_directory = -1;
    if (options->id[0] == '\0') {
        g_free((char *)options->id);
        options->id = make_container_id();
    }
    /* The charge is taken before anything asynchronous, so that two simultaneous creations cannot
     * both take the last place. */
    if (!check_create_options(containers, options, error) ||
        !berth_network_check_options(containers, options, error) ||
        !berth_ports_choose(containers, options, error))
        return false;
    if (!options->slice)
        options->slice = berth_slice_get_default(options->owner);
    return (creation->charge = berth_containers_take_quota(containers, options->owner, error)) !=
               NULL &&
           take_root(creation, root, error) && read_spec(creation, error) &&
           (creation->edits = berth_device_edits_new(options->devices, options->owner, error)) !=
               NULL;
}

/* The last part, once secrets and mounted images have been read. */
static void creation_make(Creation *creation) {
    BerthContainers *containers = creation->containers;
    g_autoptr(GError) error = NULL;

    if (creation->image) {
        berth_images_read_info(containers->images, creation->image->name, creation->image->target,
                               NULL, creation_on_image, creation);
        return;
    }
    BerthContainer *container = make_without_image(creation, &error);
    creation_finish(creation, container, error);
}

static void creation_on_mounts(BerthPins *pins, const GError *error, void *userdata) {
    Creation *creation = userdata;

    creation->pins = pins;
    if (error)
        creation_finish(creation, NULL, error);
    else
        creation_make(creation);
}

static void creation_read_mounts(Creation *creation) {
    if (berth_mounted_images_given(creation->options))
        berth_mounted_images_read(creation->containers, creation->options, creation_on_mounts,
                                  creation);
    else
        creation_make(creation);
}

static void creation_on_secrets(int fd, const GError *error, void *userdata) {
    Creation *creation = userdata;

    creation->secrets = fd;
    if (error)
        creation_finish(creation, NULL, error);
    else
        creation_read_mounts(creation);
}

void berth_container_create(BerthContainers *containers, BerthCreateOptions *options,
                            BerthContainerCreated done, void *userdata) {
    g_autoptr(GError) error = NULL;
    Creation *creation = g_new0(Creation, 1);

    creation->containers = containers;
    creation->options = options;
    creation->done = done;
    creation->userdata = userdata;
    creation->secrets = -1;
    bool good = prepare_creation(creation, &error);
    if (good && !creation->root)
        good = (creation->image =
                    berth_image_store_get(containers->database, options->image, &error)) != NULL;
    /* Last, because this creates volumes that do not exist yet. */
    good = good && open_volumes(creation, &error);
    if (!good) {
        done(NULL, error, userdata);
        free_creation(creation);
        return;
    }
    /* While secrets and the image are read, no other creation and no rename may take the id. */
    g_hash_table_insert(containers->reserved, g_strdup(creation->options->id),
                        berth_hold_new(BERTH_HOLD_CREATION));
    if (options->secrets)
        berth_secrets_read(containers->event, options, creation_on_secrets, creation);
    else
        creation_read_mounts(creation);
}
