/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses the values of berth.conf, for remotes/settings.c. */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The file and section that are being read, for messages. */
typedef struct {
    const char *path;
    char **lines;
    const char *group;
} BerthSettingsPlace;

/* Logs a mistake with its file and line: that of the key or, if key is NULL, of the section. */
void berth_settings_warn(const BerthSettingsPlace *place, const char *key, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Whether the text is HOST[:PORT][/PREFIX]. */
bool berth_settings_is_place(const char *text);

/* These log an invalid value. All of them return true, on behalf of their callers: the key is
 * known. */
bool berth_settings_take_bool(const BerthSettingsPlace *place, const char *key, const char *text,
                              bool *value);
bool berth_settings_take_number(const BerthSettingsPlace *place, const char *key, const char *text,
                                unsigned max, unsigned *value);
/* Bytes, with systemd's suffixes K, M, G and T for powers of 1024. */
bool berth_settings_take_size(const BerthSettingsPlace *place, const char *key, const char *text,
                              uint64_t *value);
/* A size or a number; "infinity" means no limit, as in systemd. */
bool berth_settings_take_amount(const BerthSettingsPlace *place, const char *key, const char *text,
                                bool bytes, uint64_t *value);
bool berth_settings_take_place(const BerthSettingsPlace *place, const char *key, const char *text,
                               char **value);
bool berth_settings_take_places(const BerthSettingsPlace *place, const char *key, char **list,
                                char ***value);
