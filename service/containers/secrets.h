/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the secrets of a container that is being created. */

#pragma once

#include "containers/spec/options.h"

#include <systemd/sd-event.h>

/* The callee takes over fd, a file in memory; it is -1 if there is an error. */
typedef void (*BerthSecretsRead)(int fd, const GError *error, void *userdata);

/* Reads the secrets in a worker, which ends if it takes too long or options->client disconnects.
 * read is called once, after this has returned. The descriptors are not used after that. */
void berth_secrets_read(sd_event *event, const BerthCreateOptions *options, BerthSecretsRead read,
                        void *userdata);
