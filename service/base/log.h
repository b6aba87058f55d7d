/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The journal. Every entry names what it is about in fields (BERTH_CONTAINER=, BERTH_IMAGE=,
 * BERTH_TRANSFER=), so that "journalctl BERTH_CONTAINER=web" finds it. Nothing here ever waits for
 * journald: see log.c.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <syslog.h>
#include <systemd/sd-event.h>

/* MESSAGE_ID= of what an administrator acts on. */
#define BERTH_MESSAGE_CONTAINER_STARTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a101"
#define BERTH_MESSAGE_CONTAINER_EXITED "0f7c1d6a6a1e4a0bb2c64de1f1f0a102"
#define BERTH_MESSAGE_CONTAINER_CHECKPOINTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a107"
#define BERTH_MESSAGE_CONTAINER_RESTORED "0f7c1d6a6a1e4a0bb2c64de1f1f0a108"
#define BERTH_MESSAGE_IMAGE_CHANGED "0f7c1d6a6a1e4a0bb2c64de1f1f0a103"
#define BERTH_MESSAGE_CONTENT_PRUNED "0f7c1d6a6a1e4a0bb2c64de1f1f0a105"
#define BERTH_MESSAGE_CONTENT_DAMAGED "0f7c1d6a6a1e4a0bb2c64de1f1f0a106"
#define BERTH_MESSAGE_STATE_REPAIRED "0f7c1d6a6a1e4a0bb2c64de1f1f0a104"

/* Of the audit: a right that was given, or not; a change, by its end; what was left out. Each has
 * an entry in systemd/berth.catalog. */
#define BERTH_MESSAGE_AUDIT_GRANTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a110"
#define BERTH_MESSAGE_AUDIT_REFUSED "0f7c1d6a6a1e4a0bb2c64de1f1f0a111"
#define BERTH_MESSAGE_AUDIT_CHANGE "0f7c1d6a6a1e4a0bb2c64de1f1f0a112"
#define BERTH_MESSAGE_AUDIT_SUPPRESSED "0f7c1d6a6a1e4a0bb2c64de1f1f0a113"
/* Entries that the journal did not take in time. */
#define BERTH_MESSAGE_ENTRIES_LOST "0f7c1d6a6a1e4a0bb2c64de1f1f0a114"

/*
 * What berth_log() lets through, as "systemctl service-log-level" and "service-log-target" set it:
 * levels by their names in syslog ("info" to begin with), and "journal" or "console", which is the
 * standard error. False: unknown. Entries of a caller's own making are not concerned.
 */
bool berth_log_set_level(const char *name);
bool berth_log_set_target(const char *name);
const char *berth_log_get_level_name(void);
const char *berth_log_get_target_name(void);
const char *berth_log_get_identifier(void);

/* Keeps what journald does not take at once, and sends it from the loop. Until detached, which
 * sends what it then takes. */
void berth_log_attach(sd_event *event);
void berth_log_detach(void);

/* An entry of the caller's own making: a field may occur once or several times; any bytes are a
 * value. */
typedef struct BerthLogEntry BerthLogEntry;
BerthLogEntry *berth_log_entry_new(int priority, const char *message_id, const char *message);
void berth_log_entry_add(BerthLogEntry *entry, const char *field, const char *value);
/* Sends and frees it: now, or when the loop has nothing else to do. */
void berth_log_entry_send(BerthLogEntry *entry);
void berth_log_entry_send_later(BerthLogEntry *entry);

/* Logs one line. field and value name the subject and may be NULL, message_id too. */
void berth_log(int priority, const char *message_id, const char *field, const char *value,
               const char *format, ...) G_GNUC_PRINTF(5, 6);

#define berth_log_warning(field, value, ...) berth_log(LOG_WARNING, NULL, field, value, __VA_ARGS__)
#define berth_log_debug(field, value, ...) berth_log(LOG_DEBUG, NULL, field, value, __VA_ARGS__)
