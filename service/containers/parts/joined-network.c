/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Joining the network of another container. There is no state except in the record of the container
 * that joins, which names the other and the time of its creation: one that has been created anew
 * under the name may have other users and networks, for which nobody was asked.
 */

#include "containers/parts/joined-network.h"

#include "base/error.h"
#include "containers/core/pod.h"
#include "containers/core/table.h"
#include "containers/spec/files.h"
#include "containers/spec/network-mode.h"

#include <fcntl.h>
#include <unistd.h>

/* A container of another user is treated like one that does not exist. */
static const BerthContainer *find_other(BerthContainers *containers,
                                        const BerthCreateOptions *options, GError **error) {
    const char *name = berth_network_get_joined(options->network);
    const BerthContainer *other = berth_containers_find(containers, name, NULL);

    if (other && other->record.owner == options->owner && !berth_container_is_pod(other))
        return other;
    berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no container \"%.100s\" of user %u",
                    name, options->owner);
    return NULL;
}

/* A network namespace belongs to a user namespace, which is joined with it. A caller's own
 * configuration may have other ids than those of the record, or another's network; its container
 * has none of the files of spec/files.h. */
static bool check_no_spec(const BerthContainer *other, GError **error) {
    g_autofree char *path = g_strconcat(other->record.id, "/etc/hostname", NULL);

    return faccessat(other->containers->directory, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
           berth_error_set(
               error, BERTH_ERROR_INVALID_ARGUMENT,
               "the network of container \"%s\" cannot be joined: it was created with a "
               "Spec",
               other->record.id);
}

/* Joining is not transitive: with containers that are removed and created anew, there might be a
 * circle. */
static bool check_network(const BerthContainer *other, const BerthContainer *holder,
                          GError **error) {
    const char *network = holder->record.network;

    if (berth_network_parse_mode(other->record.network) == BERTH_NETWORK_JOINED)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "container \"%s\" has no network of its own; use \"%s\"",
                               other->record.id, other->record.network);
    if (berth_network_parse_mode(network) == BERTH_NETWORK_HOST)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "container \"%s\" has the host's network; use \"host\"",
                               other->record.id);
    return holder != other || check_no_spec(other, error);
}

bool berth_network_join(BerthContainers *containers, BerthCreateOptions *options, GError **error) {
    if (options->network_mode != BERTH_NETWORK_JOINED)
        return true;
    const BerthContainer *other = find_other(containers, options, error);
    const BerthContainer *holder = other ? berth_container_get_network_holder(other) : NULL;
    if (!other || !check_network(other, holder, error))
        return false;
    /* keep-id is no other namespace, but concerns the container's own user and mounts. */
    if (options->user_namespace == BERTH_USER_NAMESPACE_HOST && other->record.ids > 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "UserNamespace and the network of another container exclude each "
                               "other: set it for container \"%s\"",
                               other->record.id);
    berth_container_share(other, options);
    return true;
}

bool berth_network_check_joined(BerthContainers *containers, const BerthCreateOptions *options,
                                GError **error) {
    if (options->network_mode != BERTH_NETWORK_JOINED)
        return true;
    const BerthContainer *other = find_other(containers, options, error);
    return other &&
           (other->record.created_usec == options->pod_created ||
            berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                            "the container \"%s\" was deleted before container \"%s\" was created",
                            other->record.id, options->id));
}

/* The other's network does not change its files while it runs, so a copy is as good as the file. */
bool berth_network_copy_files(const BerthContainer *container, GError **error) {
    const BerthContainer *holder = berth_container_get_network_holder(container);

    return berth_container_files_copy(container->containers->directory, holder->record.id,
                                      container->record.id, error);
}

/* The others know it by its name. */
bool berth_network_permits(const BerthContainer *container, BerthAction action, GError **error) {
    GHashTableIter iterator;
    gpointer value;

    if (action != BERTH_ACTION_RENAME)
        return true;
    g_hash_table_iter_init(&iterator, container->containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainer *other = value;
        if (berth_container_find_joined(other) == container)
            return berth_error_set(error, BERTH_ERROR_IN_USE,
                                   "the container \"%s\" joins the network of container \"%s\"; "
                                   "delete it first",
                                   other->record.id, container->record.id);
    }
    return true;
}
