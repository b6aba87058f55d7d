/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the secrets of a container that is being created. */

#pragma once

#include "containers/spec/options.h"

#include <systemd/sd-event.h>

/* The file in memory, which the callee takes over; -1 with error. */
typedef void (*BerthSecretsRead)(int fd, const GError *error, void *userdata);

/* Reads them in a worker, which ends when it takes too long or options->client leaves the bus; read
 * is called once, later. The descriptors are not used after this has returned. */
void berth_secrets_read(sd_event *event, const BerthCreateOptions *options, BerthSecretsRead read,
                        void *userdata);
