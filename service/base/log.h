/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Logging to the journal. Every entry names its subject in fields (BERTH_CONTAINER=, BERTH_IMAGE=,
 * BERTH_TRANSFER=), so that "journalctl BERTH_CONTAINER=web" finds it. Nothing here ever waits for
 * journald: see log.c.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <syslog.h>
#include <systemd/sd-event.h>

/* The MESSAGE_ID= of entries that an administrator acts on. */
#define BERTH_MESSAGE_CONTAINER_STARTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a101"
#define BERTH_MESSAGE_CONTAINER_EXITED "0f7c1d6a6a1e4a0bb2c64de1f1f0a102"
#define BERTH_MESSAGE_CONTAINER_CHECKPOINTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a107"
#define BERTH_MESSAGE_CONTAINER_RESTORED "0f7c1d6a6a1e4a0bb2c64de1f1f0a108"
#define BERTH_MESSAGE_IMAGE_CHANGED "0f7c1d6a6a1e4a0bb2c64de1f1f0a103"
#define BERTH_MESSAGE_CONTENT_PRUNED "0f7c1d6a6a1e4a0bb2c64de1f1f0a105"
#define BERTH_MESSAGE_CONTENT_DAMAGED "0f7c1d6a6a1e4a0bb2c64de1f1f0a106"
#define BERTH_MESSAGE_STATE_REPAIRED "0f7c1d6a6a1e4a0bb2c64de1f1f0a104"

/* The audit: a right that was granted or refused, a change with its result, and records that were
 * left out. Each has an entry in systemd/berth.catalog. */
#define BERTH_MESSAGE_AUDIT_GRANTED "0f7c1d6a6a1e4a0bb2c64de1f1f0a110"
#define BERTH_MESSAGE_AUDIT_REFUSED "0f7c1d6a6a1e4a0bb2c64de1f1f0a111"
#define BERTH_MESSAGE_AUDIT_CHANGE "0f7c1d6a6a1e4a0bb2c64de1f1f0a112"
#define BERTH_MESSAGE_AUDIT_SUPPRESSED "0f7c1d6a6a1e4a0bb2c64de1f1f0a113"
/* Entries lost because the journal did not accept them in time. */
#define BERTH_MESSAGE_ENTRIES_LOST "0f7c1d6a6a1e4a0bb2c64de1f1f0a114"

/*
 * The level and target of berth_log(), set by "systemctl service-log-level" and
 * "service-log-target". Levels have their syslog names (initially "info"); targets are "journal" or
 * "console", which is standard error. Return false if the name is unknown. Entries built with
 * berth_log_entry_new() are not affected.
 */
bool berth_log_set_level(const char *name);
bool berth_log_set_target(const char *name);
const char *berth_log_get_level_name(void);
const char *berth_log_get_target_name(void);
const char *berth_log_get_identifier(void);

/* Queues entries that journald does not accept immediately, and sends them from the loop. Detaching
 * sends as many of them as journald then accepts. */
void berth_log_attach(sd_event *event);
void berth_log_detach(void);

/* An entry with fields chosen by the caller. A field may occur several times; a value may contain
 * any bytes. */
typedef struct BerthLogEntry BerthLogEntry;
/* priority is a syslog priority. The message is also used on a machine without a journal. */
BerthLogEntry *berth_log_entry_new(int priority, const char *message_id, const char *message);
/* Adds a field. A value is truncated so that the entry fits into a datagram. */
void berth_log_entry_add(BerthLogEntry *entry, const char *field, const char *value);
/* Sends and frees the entry: immediately, or when the loop is idle. */
void berth_log_entry_send(BerthLogEntry *entry);
void berth_log_entry_send_later(BerthLogEntry *entry);

/* Logs one line. field and value name the subject; they and message_id may be NULL. */
void berth_log(int priority, const char *message_id, const char *field, const char *value,
               const char *format, ...) G_GNUC_PRINTF(5, 6);

#define berth_log_warning(field, value, ...) berth_log(LOG_WARNING, NULL, field, value, __VA_ARGS__)
#define berth_log_debug(field, value, ...) berth_log(LOG_DEBUG, NULL, field, value, __VA_ARGS__)
