/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a container keeps of its secrets: one sealed file in memory (bare/secrets.h), which systemd
 * keeps, too, so that a later start has them after the service was away. */

#pragma once

#include "containers/core/object.h"

/* In the record's extra, of a container with secrets: the name of the file with systemd. */
#define BERTH_SECRETS_NAME "Secrets"

/* A name for it that no other container has. Caller frees. */
char *berth_secrets_new_name(void);

/* Whether it was created with secrets: its processes have them, also if the service has lost them.
 */
bool berth_secrets_has(const BerthContainer *container);
/* Gives a new container its secrets; fd is taken over. */
bool berth_secrets_give(BerthContainer *container, int fd, GError **error);
/* Finds them again. */
void berth_secrets_recover(BerthContainer *container, const BerthKeptDescriptors *kept);
/* Whether it has those that it was created with; FailedPrecondition. */
bool berth_secrets_check(const BerthContainer *container, GError **error);
/* The container is deleted. */
void berth_secrets_forget(BerthContainer *container);
/* The object goes; systemd keeps its duplicate. */
void berth_secrets_close(BerthContainer *container);
