/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The secrets of a container: one sealed file in memory (bare/secrets.h). systemd keeps a
 * duplicate, so that later starts still have the secrets after a restart of the service.
 */

#pragma once

#include "containers/core/object.h"

/* In the record's extra, for a container with secrets: the name of the file in the descriptor
 * store. */
#define BERTH_SECRETS_NAME "Secrets"

/* A unique name for the file. The caller frees it. */
char *berth_secrets_new_name(void);

/* Returns true if the container was created with secrets, even if the service has lost them
 * since. */
bool berth_secrets_has(const BerthContainer *container);
/* Gives a new container its secrets. Takes over fd. */
bool berth_secrets_give(BerthContainer *container, int fd, GError **error);
/* Finds them again after a restart of the service. */
void berth_secrets_recover(BerthContainer *container, const BerthKeptDescriptors *kept);
/* Checks that the secrets are still available, if it was created with any; FailedPrecondition
 * otherwise. */
bool berth_secrets_check(const BerthContainer *container, GError **error);
/* Called when the container is deleted: drops the secrets here and with systemd. */
void berth_secrets_forget(BerthContainer *container);
/* Called when the object is freed; systemd keeps its duplicate. */
void berth_secrets_close(BerthContainer *container);
