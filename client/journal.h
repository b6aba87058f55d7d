/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lines that a container writes to the journal, as they arrive. */

#pragma once

#include "client/bus.h"

typedef struct DistJournal DistJournal;

/* Prints its last lines, and then new ones as they arrive, until it is freed. */
DistJournal *dist_journal_follow(sd_event *event, const char *id, GError **error);

/* Prints the entries that have arrived since, and frees it. */
void dist_journal_free(DistJournal *journal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistJournal, dist_journal_free)

/* Receives the fields of an entry, whose values have a NUL after size bytes, and the end of the
 * entry; the end is also reported once for an empty stream. */
typedef struct {
    void (*take_field)(const char *name, const char *value, size_t size, void *userdata);
    void (*end_entry)(void *userdata);
    void *userdata;
} DistJournalReader;

/* Runs journalctl with these arguments, which must include --output=export, and reads its output.
 */
bool dist_journal_read(char *const *arguments, const DistJournalReader *reader, GError **error);

/* Reads entries in the export format until the end of fd, which it takes ownership of. */
bool dist_journal_read_fd(int fd, const DistJournalReader *reader, GError **error);

/* Whether the journal has entries of a container with this id that the caller can read. */
bool dist_journal_knows(const char *id);
