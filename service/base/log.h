/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The journal. Every entry names what it is about in fields (BERTH_CONTAINER=, BERTH_IMAGE=,
 * BERTH_TRANSFER=), so that "journalctl BERTH_CONTAINER=web" finds it.
 */

#pragma once

#include <glib.h>
#include <syslog.h>

/* MESSAGE_ID= of what an administrator acts on. */
#define BERTH_MESSAGE_CONTAINER_STARTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a101"
#define BERTH_MESSAGE_CONTAINER_EXITED "0f7c1d6a6a1e4a0bb2c64de1f1f0a102"
#define BERTH_MESSAGE_CONTAINER_CHECKPOINTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a107"
#define BERTH_MESSAGE_CONTAINER_RESTORED "0f7c1d6a6a1e4a0bb2c64de1f1f0a108"
#define BERTH_MESSAGE_IMAGE_CHANGED "0f7c1d6a6a1e4a0bb2c64de1f1f0a103"
#define BERTH_MESSAGE_CONTENT_PRUNED "0f7c1d6a6a1e4a0bb2c64de1f1f0a105"
#define BERTH_MESSAGE_CONTENT_DAMAGED "0f7c1d6a6a1e4a0bb2c64de1f1f0a106"
#define BERTH_MESSAGE_STATE_REPAIRED "0f7c1d6a6a1e4a0bb2c64de1f1f0a104"

/* Logs one line. field and value name the subject and may be NULL, message_id too. */
void berth_log(int priority, const char *message_id, const char *field, const char *value,
               const char *format, ...) G_GNUC_PRINTF(5, 6);

#define berth_log_warning(field, value, ...) berth_log(LOG_WARNING, NULL, field, value, __VA_ARGS__)
#define berth_log_debug(field, value, ...) berth_log(LOG_DEBUG, NULL, field, value, __VA_ARGS__)
