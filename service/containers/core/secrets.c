/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The secrets of one container, which owns the descriptor. The file is never read or written here,
 * and is never on disk. systemd's descriptor store loses it when the service is stopped or the
 * machine reboots; the container then cannot be started any more. Its name in the store does not
 * depend on anything that changes.
 */

#include "containers/core/secrets.h"

#include "base/fd.h"
#include "base/limits.h"
#include "containers/core/process.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

char *berth_secrets_new_name(void) {
    uint64_t random[2] = {0};

    while (getrandom(random, sizeof random, 0) != sizeof random)
        ;
    return g_strdup_printf("secrets-%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x",
                           random[0], random[1]);
}

static char *secrets_get_name(const BerthContainer *container) {
    g_autoptr(GVariant) name = berth_container_record_get_extra(
        &container->record, BERTH_SECRETS_NAME, G_VARIANT_TYPE_STRING);

    return name ? g_variant_dup_string(name, NULL) : NULL;
}

bool berth_secrets_has(const BerthContainer *container) {
    g_autofree char *name = secrets_get_name(container);

    return name != NULL;
}

static void secrets_take(BerthContainer *container, int fd) {
    uint32_t owner = container->record.owner;
    struct stat status;

    container->secrets = fd;
    container->secrets_descriptor = berth_charge_new_forced(owner, BERTH_RESOURCE_DESCRIPTORS, 1);
    container->secrets_bytes = berth_charge_new_forced(
        owner, BERTH_RESOURCE_SECRETS, fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0);
}

bool berth_secrets_give(BerthContainer *container, int fd, GError **error) {
    g_autofree char *name = secrets_get_name(container);
    struct stat status;

    secrets_take(container, fd);
    if (!berth_fd_seal(fd) || fstat(fd, &status) < 0)
        return berth_error_set_errno(error, errno, "seal the secrets");
    /* This size was charged. The worker has respected it unless it was taken over. */
    if ((uint64_t)status.st_size > BERTH_MAX_SECRETS_BYTES)
        return berth_error_set(error, BERTH_ERROR_INTERNAL,
                               "berth-ingest wrote more bytes of secrets than allowed");
    return berth_fd_store_put(name, fd, error);
}

void berth_secrets_recover(BerthContainer *container, const BerthKeptDescriptors *kept) {
    g_autofree char *name = secrets_get_name(container);
    int fd = name ? berth_kept_descriptors_take(kept, name) : -1;

    if (fd >= 0)
        secrets_take(container, fd);
}

bool berth_secrets_check(const BerthContainer *container, GError **error) {
    g_autofree char *name = secrets_get_name(container);

    return !name || container->secrets >= 0 ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the secrets of container \"%s\" were lost when the service was "
                           "stopped; create it again",
                           container->record.id);
}

void berth_secrets_forget(BerthContainer *container) {
    g_autofree char *name = secrets_get_name(container);

    if (name)
        berth_fd_store_remove(name);
    berth_secrets_close(container);
}

void berth_secrets_close(BerthContainer *container) {
    berth_fd_clear(&container->secrets);
    g_clear_pointer(&container->secrets_descriptor, berth_charge_free);
    g_clear_pointer(&container->secrets_bytes, berth_charge_free);
}
